package io.github.kvm4j.x86;

import java.util.Set;

/**
 * The paravirtual clock of a VM, kvmclock, at one moment ({@code struct kvm_clock_data}).
 *
 * @param clock
 *            nanoseconds
 * @param flags
 *            what else counts
 * @param realtime
 *            the host's CLOCK_REALTIME at that moment in nanoseconds, with {@link ClockFlag#REALTIME}
 * @param hostTsc
 *            the host's time stamp counter at that moment, with {@link ClockFlag#HOST_TSC}
 */
public record VmClock(long clock, Set<ClockFlag> flags, long realtime, long hostTsc) {

    /**
     * Makes one.
     *
     * @param flags
     *            what else counts; copied
     */
    public VmClock {
        flags = Set.copyOf(flags);
    }

    /**
     * Makes a time alone.
     *
     * @param clock
     *            nanoseconds
     * @return the clock at it
     */
    public static VmClock of(long clock) {
        return new VmClock(clock, Set.of(), 0, 0);
    }
}
