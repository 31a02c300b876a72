package io.github.kvm4j.x86;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;

/**
 * The model-specific registers of an x86 vCPU. Which of them a KVM saves and restores is
 * {@link X86Kvm#getMsrIndexList()}, without the MTRRs, the machine-check banks and Hyper-V's SynIC. Many are there only if
 * the vCPU's CPUID says so: set that first.
 * <p>
 * Every method throws {@link KvmException} when the kernel refuses, {@link PartialMsrException} when it stops at a register,
 * {@link IllegalStateException} when another thread uses the vCPU, and {@link ClosedException} when it is closed.
 */
public final class X86Msrs {

    private final VcpuCalls calls;

    X86Msrs(VcpuCalls calls) {
        this.calls = calls;
    }

    /**
     * Reads a register. KVM_GET_MSRS, section 4.18.
     *
     * @param msr
     *            the register
     * @return its value
     */
    @Issues(Ioctl.KVM_GET_MSRS)
    public long getMsr(Msr msr) {
        return getMsr(msr.index());
    }

    /**
     * Reads a register. KVM_GET_MSRS, section 4.18.
     *
     * @param index
     *            its number
     * @return its value
     */
    @Issues(Ioctl.KVM_GET_MSRS)
    public long getMsr(int index) {
        return getMsrs(index).get(index).orElseThrow();
    }

    /**
     * Reads registers. KVM_GET_MSRS, section 4.18; by calls of 255 each, the most that the kernel takes.
     *
     * @param indices
     *            their numbers
     * @return their values, in this order
     * @throws PartialMsrException
     *             when the kernel stops at one; it has those before it
     */
    @Issues(Ioctl.KVM_GET_MSRS)
    public Msrs getMsrs(int... indices) {
        calls.fd.enter();
        try {
            Msrs into = new Msrs();
            MsrTransfer.read(indices, into, calls.buffer, room -> calls.fd.entered(Ioctl.KVM_GET_MSRS, room));
            return into;
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * Writes a register. KVM_SET_MSRS, section 4.19.
     *
     * @param msr
     *            the register
     * @param value
     *            its value
     */
    @Issues(Ioctl.KVM_SET_MSRS)
    public void setMsr(Msr msr, long value) {
        setMsr(msr.index(), value);
    }

    /**
     * Writes a register. KVM_SET_MSRS, section 4.19.
     *
     * @param index
     *            its number
     * @param value
     *            its value
     */
    @Issues(Ioctl.KVM_SET_MSRS)
    public void setMsr(int index, long value) {
        setMsrs(new Msrs().put(index, value));
    }

    /**
     * Writes registers in their order. KVM_SET_MSRS, section 4.19; by calls of 255 each, the most that the kernel takes. When a state is restored,
     * {@link Msr#IA32_TSC_DEADLINE} comes last, behind {@link Msr#IA32_TSC}.
     *
     * @param from
     *            what to write
     * @throws PartialMsrException
     *             when the kernel stops at one; those before it have been written
     */
    @Issues(Ioctl.KVM_SET_MSRS)
    public void setMsrs(Msrs from) {
        calls.fd.enter();
        try {
            MsrTransfer.write(from, calls.buffer, room -> calls.fd.entered(Ioctl.KVM_SET_MSRS, room));
        } finally {
            calls.fd.leave();
        }
    }
}
