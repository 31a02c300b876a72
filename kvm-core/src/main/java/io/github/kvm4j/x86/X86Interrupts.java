package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_interrupt;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.vcpu.VcpuFd;
import io.github.kvm4j.internal.vm.VmState;

/**
 * The pins and the state by which interrupt controllers of the caller's own drive an x86 vCPU: interrupts, NMIs, and what
 * the run page has for them. As with {@link X86Vcpu}, a call from a second thread while one is in progress is refused.
 */
public final class X86Interrupts {

    private static final int MAX_CR8 = 15;

    private final VmState vm;
    private final VcpuFd fd;
    private final MemorySegment interrupt;

    X86Interrupts(VmState vm, VcpuFd fd) {
        this.vm = vm;
        this.fd = fd;
        this.interrupt = fd.scratch().allocate(kvm_interrupt.layout());
    }

    /**
     * Sends a non-maskable interrupt, as a local APIC of the caller's does. KVM_NMI, section 4.64,
     * {@link io.github.kvm4j.Capability#USER_NMI}. It allocates nothing.
     *
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_NMI)
    public void nmi() {
        long result = fd.attempt(Ioctl.KVM_NMI, 0);
        if (result < 0) {
            vm.require(Ioctl.KVM_NMI, FdKind.VCPU);
        }
        KvmFd.check(Ioctl.KVM_NMI, result);
    }

    /**
     * Sends a system management interrupt. KVM_SMI, section 4.96, {@link io.github.kvm4j.Capability#X86_SMM}. System management
     * mode sees memory of its own, address space 1 ({@link io.github.kvm4j.memory.RegionOptions#withAddressSpace}): without a
     * region there for the 64 KiB at its base, 0x30000 at first, the next run kills the VM.
     *
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SMI)
    public void smi() {
        long result = fd.attempt(Ioctl.KVM_SMI, 0);
        if (result < 0) {
            vm.require(Ioctl.KVM_SMI, FdKind.VCPU);
        }
        KvmFd.check(Ioctl.KVM_SMI, result);
    }

    /**
     * Sends an interrupt, as a PIC or local APIC of the caller's does, when {@link #isReadyForInjection()} says
     * that the guest takes it. KVM_INTERRUPT, section 4.16. Without an in-kernel local APIC it is the guest's next event,
     * and a second call before it is taken replaces it; with {@link X86Vm#enableSplitIrqchip} it is an interrupt of the
     * caller's PIC. It allocates nothing.
     *
     * @param vector
     *            which, 0 to 255
     * @throws IllegalArgumentException
     *             when the vector is out of range
     * @throws KvmException
     *             when the kernel refuses: ENXIO (the PIC is in the kernel), EEXIST (with a local APIC in the kernel: the one
     *             before has not been taken)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_INTERRUPT)
    public void inject(int vector) {
        fd.enter();
        try {
            Fields.check("the vector", vector, kvm_x86_h.KVM_NR_INTERRUPTS() - 1);
            kvm_interrupt.irq(interrupt, vector);
            fd.call(Ioctl.KVM_INTERRUPT, interrupt);
        } finally {
            fd.leave();
        }
    }

    /**
     * Asks for {@link io.github.kvm4j.exit.X86Exit.IrqWindowOpen} as soon as the guest can take an interrupt, from the next
     * run on and until it is taken back: as long as it is asked for and the window is open, every run ends so. The run page's
     * request_interrupt_window, where the PIC is not the kernel's.
     *
     * @param wanted
     *            whether to exit
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    public void requestWindow(boolean wanted) {
        fd.enter();
        try {
            fd.runPage().requestInterruptWindow(wanted);
        } finally {
            fd.leave();
        }
    }

    /**
     * Tells whether the guest took an {@link #inject} at once when its last run ended. The run page's
     * ready_for_interrupt_injection; always true where the PIC is the kernel's. It allocates nothing.
     *
     * @return what the last run left; false before the first
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    public boolean isReadyForInjection() {
        fd.enter();
        try {
            return fd.runPage().isReadyForInterruptInjection();
        } finally {
            fd.leave();
        }
    }

    /**
     * Tells whether the guest had interrupts enabled, bit 9 of its flags, when its last run ended. The run page's if_flag.
     * It allocates nothing.
     *
     * @return what the last run left; false before the first
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    public boolean isInterruptFlagSet() {
        fd.enter();
        try {
            return fd.runPage().isInterruptFlagSet();
        } finally {
            fd.leave();
        }
    }

    /**
     * Returns the guest's task priority: what its last run left, or {@link #setCr8} or {@link X86Vcpu#setSregs} has set since. The
     * run page's cr8. It allocates nothing.
     *
     * @return CR8, 0 to 15
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    public long cr8() {
        fd.enter();
        try {
            return fd.runPage().cr8();
        } finally {
            fd.leave();
        }
    }

    /**
     * Sets the guest's task priority from the next run on, where the local APIC is not the kernel's; where it is, KVM ignores
     * this. The run page's cr8. It allocates nothing.
     *
     * @param cr8
     *            the priority, 0 to 15
     * @throws IllegalArgumentException
     *             when it is out of range: the next run would fail
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    public void setCr8(long cr8) {
        fd.enter();
        try {
            checkCr8(cr8);
            fd.runPage().setCr8(cr8);
        } finally {
            fd.leave();
        }
    }

    /** Refuses what would make the next run fail. */
    static void checkCr8(long cr8) {
        if (cr8 < 0 || cr8 > MAX_CR8) {
            throw new IllegalArgumentException("CR8 is " + cr8 + "; it goes from 0 to " + MAX_CR8);
        }
    }

    /**
     * Returns the MSR IA32_APIC_BASE: what the last run left. The run page's apic_base, which the kernel writes and, whatever
     * its documentation says, does not read; {@link X86Vcpu#setSregs} sets it. It allocates nothing.
     *
     * @return the register; 0 before the first run
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    public long apicBase() {
        fd.enter();
        try {
            return fd.runPage().apicBase();
        } finally {
            fd.leave();
        }
    }
}
