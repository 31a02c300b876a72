package io.github.kvm4j.riscv;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.riscv.kvm_guest_debug;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.vcpu.OneReg;
import io.github.kvm4j.internal.vcpu.VcpuFd;
import io.github.kvm4j.internal.vm.VmState;

/**
 * What only riscv has of a vCPU: its registers, and EBREAK as an exit. As with {@link io.github.kvm4j.Vcpu}, a call from a second thread while one
 * is in progress is refused.
 * <p>
 * The vCPU that is created first can run, whatever its number; the others wait until the guest starts them by the SBI, with
 * {@link SbiExtension#HSM}, or the VMM by KVM_SET_MP_STATE.
 */
public final class RiscvVcpu {

    private final VmState vm;
    private final VcpuFd fd;
    private final OneReg registers;

    /**
     * For {@link io.github.kvm4j.Vcpu} alone.
     *
     * @param vm
     *            the VM
     * @param fd
     *            the vCPU
     * @param registers
     *            its registers by id
     * @hidden
     */
    @SuppressWarnings("exports")
    public RiscvVcpu(VmState vm, VcpuFd fd, OneReg registers) {
        this.vm = vm;
        this.fd = fd;
        this.registers = registers;
    }

    /**
     * Reads a register of at most 64 bits. KVM_GET_ONE_REG, section 4.69, as
     * {@link io.github.kvm4j.Vcpu#getOneReg(long)}.
     *
     * @param register
     *            the register
     * @return the value, zero-extended
     * @throws IllegalArgumentException
     *             when the register has more than 64 bits
     * @throws KvmException
     *             when the kernel refuses: ENOENT (the vCPU has no such register)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_ONE_REG)
    public long getOneReg(RiscvRegister register) {
        return registers.get(register.id());
    }

    /**
     * Writes a register of at most 64 bits. KVM_SET_ONE_REG, section 4.68, as
     * {@link io.github.kvm4j.Vcpu#setOneReg(long, long)}.
     *
     * @param register
     *            the register
     * @param value
     *            the value; bits beyond the register's size are ignored
     * @throws IllegalArgumentException
     *             when the register has more than 64 bits
     * @throws KvmException
     *             when the kernel refuses: ENOENT (the vCPU has no such register), EINVAL (a value that it cannot have, or a
     *             register that cannot be changed), EBUSY (too late: the vCPU has run)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_ONE_REG)
    public void setOneReg(RiscvRegister register, long value) {
        registers.set(register.id(), value);
    }

    /**
     * Reads a register of any size. KVM_GET_ONE_REG, section 4.69, as
     * {@link io.github.kvm4j.Vcpu#getOneRegBytes(long)}.
     *
     * @param register
     *            the register
     * @return {@link RiscvRegister#size()} bytes, the lowest first
     * @throws KvmException
     *             when the kernel refuses, as {@link #getOneReg}
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_ONE_REG)
    public byte[] getOneRegBytes(RiscvRegister register) {
        return registers.getBytes(register.id());
    }

    /**
     * Writes a register of any size. KVM_SET_ONE_REG, section 4.68, as
     * {@link io.github.kvm4j.Vcpu#setOneRegBytes(long, byte[])}.
     *
     * @param register
     *            the register
     * @param bytes
     *            {@link RiscvRegister#size()} bytes, the lowest first
     * @throws IllegalArgumentException
     *             when there are more bytes, or fewer
     * @throws KvmException
     *             when the kernel refuses, as {@link #setOneReg}
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_ONE_REG)
    public void setOneRegBytes(RiscvRegister register, byte[] bytes) {
        registers.setBytes(register.id(), bytes);
    }

    /**
     * Lists the registers that this vCPU has, those of extensions that are switched off left out. KVM_GET_REG_LIST, section
     * 4.84, since Linux 6.6, as {@link io.github.kvm4j.Vcpu#getRegList()}.
     *
     * @return the registers, in the kernel's order
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_REG_LIST)
    public List<RiscvRegister> getRegList() {
        return Arrays.stream(registers.list()).mapToObj(RiscvRegister::of).toList();
    }

    /**
     * Tells whether the vCPU has an extension of the instruction set. KVM_GET_ONE_REG, section 4.69.
     *
     * @param extension
     *            the extension
     * @return false also when the host does not have it, or this KVM does not know it
     * @throws KvmException
     *             when the kernel fails otherwise than by saying no
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_ONE_REG)
    public boolean hasIsaExtension(IsaExtension extension) {
        return isOn(extension);
    }

    /**
     * Gives the vCPU an extension of the instruction set, or takes it away, before the first run. KVM_SET_ONE_REG, section
     * 4.68. A new vCPU has what the host has, but for {@link IsaExtension#H}, which no vCPU can have, and others under
     * conditions: {@link IsaExtension#V} only where the process may use it (prctl PR_RISCV_V_SET_CONTROL, sysctl
     * abi.riscv_v_default_allow), {@link IsaExtension#SSCOFPMF} only with {@link IsaExtension#SSAIA} on the host, and
     * {@link IsaExtension#SVADU} only where the host's kernel itself uses it.
     *
     * @param extension
     *            the extension
     * @param on
     *            whether the vCPU is to have it
     * @throws KvmException
     *             when the kernel refuses: ENOENT (the host does not have it), EINVAL (the vCPU cannot be without it,
     *             because nothing could enforce that, or cannot have it), EBUSY (the vCPU has run)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_ONE_REG)
    public void setIsaExtension(IsaExtension extension, boolean on) {
        registers.set(extension.id(), on ? 1 : 0);
    }

    /**
     * Tells whether the guest is offered an extension of the SBI. KVM_GET_ONE_REG, section 4.69, since Linux 6.4.
     *
     * @param extension
     *            the extension
     * @return false also when this KVM does not know it
     * @throws KvmException
     *             when the kernel fails otherwise than by saying no
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_GET_ONE_REG)
    public boolean hasSbiExtension(SbiExtension extension) {
        return isOn(extension);
    }

    /**
     * Offers the guest an extension of the SBI, or takes it away, before the first run. A call of one that it is not offered
     * is no exit: the guest gets SBI_ERR_NOT_SUPPORTED (−2). KVM_SET_ONE_REG, section 4.68, since Linux 6.4.
     *
     * @param extension
     *            the extension
     * @param on
     *            whether it is offered
     * @throws KvmException
     *             when the kernel refuses: ENOENT (this KVM does not have it), EINVAL, EBUSY (the vCPU has run)
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_ONE_REG)
    public void setSbiExtension(SbiExtension extension, boolean on) {
        registers.set(extension.id(), on ? 1 : 0);
    }

    /**
     * Debugs the guest from outside: its EBREAK instructions come as {@link io.github.kvm4j.exit.RiscvExit.Debug} instead
     * of being its own exceptions. There is nothing more on RISC-V: no single step, no hardware breakpoints.
     * KVM_SET_GUEST_DEBUG, section 4.87, {@link Capability#SET_GUEST_DEBUG}, since Linux 6.10.
     *
     * @param on
     *            whether they come
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws IllegalStateException
     *             when another thread uses the vCPU
     * @throws ClosedException
     *             when the vCPU is closed
     */
    @Issues(Ioctl.KVM_SET_GUEST_DEBUG)
    public void setGuestDebug(boolean on) {
        fd.enter();
        try (Arena arena = Arena.ofConfined()) {
            vm.require(Ioctl.KVM_SET_GUEST_DEBUG, FdKind.VCPU);
            MemorySegment debug = kvm_guest_debug.allocate(arena);
            kvm_guest_debug.control(debug, on ? kvm_h.KVM_GUESTDBG_ENABLE() : 0);
            fd.call(Ioctl.KVM_SET_GUEST_DEBUG, debug);
        } finally {
            fd.leave();
        }
    }

    /** The kernel says ENOENT, or EINVAL before 6.6, of what it does not know. */
    private boolean isOn(RiscvRegister extension) {
        try {
            return registers.get(extension.id()) != 0;
        } catch (KvmException e) {
            if (e.errno() == Errno.ENOENT.number() || e.errno() == Errno.EINVAL.number()) {
                return false;
            }
            throw e;
        }
    }
}
