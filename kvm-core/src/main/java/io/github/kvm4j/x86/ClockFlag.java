package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.kvm_h;

/** What {@link VmClock} has beside the time. */
public enum ClockFlag {

    /** KVM_CLOCK_TSC_STABLE: all vCPUs see the clock alike, by one time stamp counter. */
    TSC_STABLE(kvm_h.KVM_CLOCK_TSC_STABLE()),
    /** KVM_CLOCK_REALTIME: {@link VmClock#realtime()} counts. */
    REALTIME(kvm_h.KVM_CLOCK_REALTIME()),
    /** KVM_CLOCK_HOST_TSC: {@link VmClock#hostTsc()} counts. */
    HOST_TSC(kvm_h.KVM_CLOCK_HOST_TSC());

    private final int bit;

    ClockFlag(int bit) {
        this.bit = bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a KVM_CLOCK_ number
     */
    public int bit() {
        return bit;
    }
}
