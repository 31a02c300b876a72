package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.x86.kvm_regs;
import io.github.kvm4j.bindings.x86.kvm_sregs;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vcpu.VcpuFd;

/**
 * What only x86 has of a vCPU's ioctls. As with {@link io.github.kvm4j.Vcpu}, a call from a second thread while one is in
 * progress is refused.
 */
public final class X86Vcpu {

    private final VcpuFd fd;

    /** One structure per kind of state, used between enter and leave. */
    private final MemorySegment regs;
    private final MemorySegment sregs;

    /**
     * For {@link io.github.kvm4j.Vcpu} alone.
     *
     * @param fd
     *            the vCPU
     * @hidden
     */
    @SuppressWarnings("exports")
    public X86Vcpu(VcpuFd fd) {
        this.fd = fd;
        this.regs = fd.scratch().allocate(kvm_regs.layout());
        this.sregs = fd.scratch().allocate(kvm_sregs.layout());
    }

    /**
     * Reads the general registers. KVM_GET_REGS, section 4.11. It allocates nothing.
     *
     * @param into
     *            where to
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_REGS)
    public void getRegs(Regs into) {
        fd.enter();
        try {
            fd.call(Ioctl.KVM_GET_REGS, regs);
            into.readFrom(regs);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the general registers. KVM_GET_REGS, section 4.11.
     *
     * @return a new set
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_REGS)
    public Regs getRegs() {
        Regs into = new Regs();
        getRegs(into);
        return into;
    }

    /**
     * Writes the general registers. KVM_SET_REGS, section 4.12. It allocates nothing.
     *
     * @param from
     *            what to write
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_REGS)
    public void setRegs(Regs from) {
        fd.enter();
        try {
            from.writeTo(regs);
            fd.call(Ioctl.KVM_SET_REGS, regs);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the special registers. KVM_GET_SREGS, section 4.13. It allocates nothing.
     *
     * @param into
     *            where to
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_SREGS)
    public void getSregs(Sregs into) {
        fd.enter();
        try {
            fd.call(Ioctl.KVM_GET_SREGS, sregs);
            into.readFrom(sregs);
        } finally {
            fd.leave();
        }
    }

    /**
     * Reads the special registers. KVM_GET_SREGS, section 4.13.
     *
     * @return a new set
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_SREGS)
    public Sregs getSregs() {
        Sregs into = new Sregs();
        getSregs(into);
        return into;
    }

    /**
     * Writes the special registers. KVM_SET_SREGS, section 4.14. It allocates nothing.
     *
     * @param from
     *            what to write
     * @throws KvmException
     *             when the kernel refuses: EINVAL (a value that the processor would not take, or that the vCPU's CPUID does
     *             not announce: long mode needs its bit there)
     * @throws IllegalArgumentException
     *             when a field of a segment or descriptor table is out of its range
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_SREGS)
    public void setSregs(Sregs from) {
        fd.enter();
        try {
            from.writeTo(sregs);
            fd.call(Ioctl.KVM_SET_SREGS, sregs);
            // Without an in-kernel local APIC KVM_RUN takes CR8 from the run page, and would undo this one.
            fd.runPage().setCr8(from.cr8);
        } finally {
            fd.leave();
        }
    }

    /**
     * Sets what the guest's CPUID instruction returns, before the first run. KVM_SET_CPUID2, with section 4.20
     * (KVM_SET_CPUID), {@link io.github.kvm4j.Capability#EXT_CPUID}.
     *
     * @param cpuid
     *            the table
     * @throws KvmException
     *             when the kernel refuses: E2BIG (more than 256 entries), EINVAL (after the first run, a table that differs
     *             from the one that the vCPU has; an impossible address width), EPERM (AMX without permission)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_CPUID2)
    public void setCpuid2(Cpuid cpuid) {
        fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            fd.call(Ioctl.KVM_SET_CPUID2, cpuid.write(arena));
        } finally {
            fd.leave();
        }
    }
}
