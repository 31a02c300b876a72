package io.github.kvm4j;

import io.github.kvm4j.bindings.kvm_h;

/** What a vCPU is doing, as {@link Vcpu#getMpState()} tells: KVM_MP_STATE_ of {@code linux/kvm.h}. */
public enum MpState {

    /** KVM_MP_STATE_RUNNABLE: it runs when it is run. */
    RUNNABLE(kvm_h.KVM_MP_STATE_RUNNABLE()),
    /** KVM_MP_STATE_UNINITIALIZED: an x86 application processor that has not received an INIT. */
    UNINITIALIZED(kvm_h.KVM_MP_STATE_UNINITIALIZED()),
    /** KVM_MP_STATE_INIT_RECEIVED: an x86 vCPU that has received an INIT and waits for its start-up interrupt. */
    INIT_RECEIVED(kvm_h.KVM_MP_STATE_INIT_RECEIVED()),
    /** KVM_MP_STATE_HALTED: an x86 vCPU that has executed HLT and waits for an interrupt. */
    HALTED(kvm_h.KVM_MP_STATE_HALTED()),
    /** KVM_MP_STATE_SIPI_RECEIVED: an x86 vCPU that has just received its start-up interrupt. */
    SIPI_RECEIVED(kvm_h.KVM_MP_STATE_SIPI_RECEIVED()),
    /** KVM_MP_STATE_STOPPED: stopped, on arm64, riscv and s390. */
    STOPPED(kvm_h.KVM_MP_STATE_STOPPED()),
    /** KVM_MP_STATE_CHECK_STOP: an s390 vCPU in a special error state. */
    CHECK_STOP(kvm_h.KVM_MP_STATE_CHECK_STOP()),
    /** KVM_MP_STATE_OPERATING: an s390 vCPU that runs or halts. */
    OPERATING(kvm_h.KVM_MP_STATE_OPERATING()),
    /** KVM_MP_STATE_LOAD: an s390 vCPU in a special start-up state. */
    LOAD(kvm_h.KVM_MP_STATE_LOAD()),
    /** KVM_MP_STATE_AP_RESET_HOLD: an application processor of SEV-ES that waits for its reset. */
    AP_RESET_HOLD(kvm_h.KVM_MP_STATE_AP_RESET_HOLD()),
    /** KVM_MP_STATE_SUSPENDED: an arm64 vCPU that waits for a wake-up. */
    SUSPENDED(kvm_h.KVM_MP_STATE_SUSPENDED()),
    /** A state that a newer kernel has. */
    UNKNOWN(-1);

    private final int number;

    MpState(int number) {
        this.number = number;
    }

    /**
     * Returns the kernel's number.
     *
     * @return a KVM_MP_STATE_ number, or -1 for {@link #UNKNOWN}
     */
    public int number() {
        return number;
    }

    static MpState of(int number) {
        for (MpState state : values()) {
            if (state.number == number) {
                return state;
            }
        }
        return UNKNOWN;
    }
}
