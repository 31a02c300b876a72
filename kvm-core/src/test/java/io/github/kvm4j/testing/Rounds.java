package io.github.kvm4j.testing;

/** How often something is repeated: as often as the test says, or a fraction of that on an emulated machine. */
public final class Rounds {

    /** What numbers of rounds are divided by: {@code -Dkvm.tests.divisor}, or 1. */
    static final int DIVISOR = Integer.getInteger("kvm.tests.divisor", 1);

    private Rounds() {
    }

    /** Whether this is an emulated machine: its processor's debugging and virtualization are not whole. */
    public static boolean onEmulatedMachine() {
        return DIVISOR > 1;
    }

    /** A limit of time, for one that is so many seconds on a real machine; below what an emulated machine is given. */
    public static long seconds(int full) {
        return (long) full * Math.min(DIVISOR, 5);
    }

    /** So many on a real machine, and one at least elsewhere. */
    public static int of(int full) {
        return Math.max(1, full / DIVISOR);
    }
}
