package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** A flag of {@link NestedState#flags}. */
public enum NestedStateFlag {

    /** KVM_STATE_NESTED_GUEST_MODE: the vCPU runs a guest of its own. */
    GUEST_MODE(kvm_x86_h.KVM_STATE_NESTED_GUEST_MODE()),
    /** KVM_STATE_NESTED_RUN_PENDING: it has been told to enter one, and has not yet. */
    RUN_PENDING(kvm_x86_h.KVM_STATE_NESTED_RUN_PENDING()),
    /** KVM_STATE_NESTED_EVMCS: Hyper-V's enlightened VMCS is in use. */
    EVMCS(kvm_x86_h.KVM_STATE_NESTED_EVMCS()),
    /** KVM_STATE_NESTED_MTF_PENDING: a monitor trap exit waits. */
    MTF_PENDING(kvm_x86_h.KVM_STATE_NESTED_MTF_PENDING()),
    /** KVM_STATE_NESTED_GIF_SET: SVM's global interrupt flag is set. */
    GIF_SET(kvm_x86_h.KVM_STATE_NESTED_GIF_SET());

    private final int bit;

    NestedStateFlag(int bit) {
        this.bit = bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a KVM_STATE_NESTED_ number
     */
    public int bit() {
        return bit;
    }
}
