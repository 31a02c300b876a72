package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.kvm_h;

/** What a guest may do without an exit, after {@link X86VmOptions#disableExits}. */
public enum DisabledExit {

    /** KVM_X86_DISABLE_EXITS_MWAIT: MONITOR and MWAIT. */
    MWAIT(kvm_h.KVM_X86_DISABLE_EXITS_MWAIT()),
    /** KVM_X86_DISABLE_EXITS_HLT: HLT, which then keeps the host's processor. */
    HLT(kvm_h.KVM_X86_DISABLE_EXITS_HLT()),
    /** KVM_X86_DISABLE_EXITS_PAUSE: PAUSE, in loops that spin. */
    PAUSE(kvm_h.KVM_X86_DISABLE_EXITS_PAUSE()),
    /** KVM_X86_DISABLE_EXITS_CSTATE: reads of the residency counters of C-states. */
    CSTATE(kvm_h.KVM_X86_DISABLE_EXITS_CSTATE()),
    /** KVM_X86_DISABLE_EXITS_APERFMPERF: reads of IA32_APERF and IA32_MPERF. */
    APERFMPERF(kvm_h.KVM_X86_DISABLE_EXITS_APERFMPERF());

    private final long bit;

    DisabledExit(long bit) {
        this.bit = bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a KVM_X86_DISABLE_EXITS_ number
     */
    public long bit() {
        return bit;
    }
}
