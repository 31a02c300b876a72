package io.github.kvm4j.x86;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_tpr_access_ctl;
import io.github.kvm4j.bindings.kvm_vapic_addr;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;

/**
 * The in-kernel local APIC of an x86 vCPU.
 * <p>
 * Every method throws {@link KvmException} when the kernel refuses, EINVAL for one without a local APIC in the kernel
 * ({@link X86Vm#createIrqchip()}, {@link X86Vm#enableSplitIrqchip}), {@link UnsupportedCapabilityException} when this is
 * for lack of the capability, {@link IllegalStateException} when another thread uses the vCPU, and {@link ClosedException}
 * when it is closed.
 */
public final class X86Apic {

    private final VcpuCalls calls;

    X86Apic(VcpuCalls calls) {
        this.calls = calls;
    }

    /**
     * Reads the local APIC's registers. KVM_GET_LAPIC, section 4.57, {@link Capability#IRQCHIP}. The number in
     * {@link LapicRegister#ID} has 8 bits, in bits 24 to 31, unless KVM_CAP_X2APIC_API says that it has 32.
     *
     * @param into
     *            where to
     */
    @Issues(Ioctl.KVM_GET_LAPIC)
    public void getLapic(Lapic into) {
        calls.fd.enter();
        try {
            calls.issue(Ioctl.KVM_GET_LAPIC);
            into.readFrom(calls.buffer);
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * Reads the local APIC's registers. KVM_GET_LAPIC, section 4.57, {@link Capability#IRQCHIP}.
     *
     * @return a new set
     */
    @Issues(Ioctl.KVM_GET_LAPIC)
    public Lapic getLapic() {
        Lapic into = new Lapic();
        getLapic(into);
        return into;
    }

    /**
     * Writes the local APIC's registers; the timer starts anew with its current count. KVM_SET_LAPIC, section 4.58,
     * {@link Capability#IRQCHIP}. IA32_APIC_BASE, by {@link X86Vcpu#setSregs}, comes before it, since it says what the
     * registers mean.
     *
     * @param from
     *            what to write
     * @throws KvmException
     *             when the kernel refuses: EINVAL (no local APIC in the kernel, or in x2APIC mode an ID that is not the
     *             vCPU's number)
     */
    @Issues(Ioctl.KVM_SET_LAPIC)
    public void setLapic(Lapic from) {
        calls.fd.enter();
        try {
            from.writeTo(calls.buffer);
            calls.issue(Ioctl.KVM_SET_LAPIC);
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * Makes the guest's accesses to its task priority exits, {@link io.github.kvm4j.exit.X86Exit.TprAccess}, so that the
     * caller can patch the instructions of a guest that is slow by them. KVM_TPR_ACCESS_REPORTING,
     * {@link Capability#VAPIC}.
     *
     * @param enabled
     *            whether to exit
     */
    @Issues(Ioctl.KVM_TPR_ACCESS_REPORTING)
    public void setTprAccessReporting(boolean enabled) {
        calls.fd.enter();
        try {
            calls.clear(kvm_tpr_access_ctl.sizeof());
            kvm_tpr_access_ctl.enabled(calls.buffer, enabled ? 1 : 0);
            calls.issue(Ioctl.KVM_TPR_ACCESS_REPORTING);
        } finally {
            calls.fd.leave();
        }
    }

    /**
     * Says where the guest has a copy of its task priority, which KVM keeps up to date for patched instructions.
     * KVM_SET_VAPIC_ADDR, {@link Capability#VAPIC}.
     *
     * @param guestAddress
     *            guest-physical, of 4 bytes within a page of a memory slot; 0 for none
     * @throws KvmException
     *             when the kernel refuses: EINVAL (no local APIC in the kernel, no memory there)
     */
    @Issues(Ioctl.KVM_SET_VAPIC_ADDR)
    public void setVapicAddress(long guestAddress) {
        calls.fd.enter();
        try {
            kvm_vapic_addr.vapic_addr(calls.buffer, guestAddress);
            calls.issue(Ioctl.KVM_SET_VAPIC_ADDR);
        } finally {
            calls.fd.leave();
        }
    }
}
