package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** What {@link X86Xen#setHvmConfig} leaves to whom; {@link io.github.kvm4j.Capability#XEN_HVM} has these bits and more. */
public enum XenConfigFlag {

    /** KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL: the guest's hypercalls are {@link io.github.kvm4j.exit.X86Exit.Xen}. */
    INTERCEPT_HCALL(kvm_x86_h.KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL()),
    /** KVM_XEN_HVM_CONFIG_EVTCHN_SEND: event channels go through the kernel, and timers with them. */
    EVTCHN_SEND(kvm_x86_h.KVM_XEN_HVM_CONFIG_EVTCHN_SEND()),
    /** KVM_XEN_HVM_CONFIG_PVCLOCK_TSC_UNSTABLE: the guest is told that its time stamp counters are not in step. */
    PVCLOCK_TSC_UNSTABLE(kvm_x86_h.KVM_XEN_HVM_CONFIG_PVCLOCK_TSC_UNSTABLE());

    private final int bit;

    XenConfigFlag(int bit) {
        this.bit = bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a KVM_XEN_HVM_CONFIG_ number
     */
    public int bit() {
        return bit;
    }
}
