package io.github.kvm4j.internal.sys;

import java.util.concurrent.locks.LockSupport;

/** Waits for another thread's short piece of work, at first by spinning, then by sleeping. An interrupt does not disturb it, and is kept. */
public final class Backoff {

    private static final int SPINS = 100;
    private static final int YIELDS = 200;
    private static final long SLEEP_NANOS = 50_000;

    private int round;

    /** Waits a little, longer with every call. */
    public void pause() {
        round = pause(round);
    }

    /** The same without an object: begins with 0, and returns what the next call is to be given. */
    @SuppressWarnings("ThreadPriorityCheck") // a hint is all that is wanted
    public static int pause(int round) {
        if (round < SPINS) {
            Thread.onSpinWait();
        } else if (round < YIELDS) {
            Thread.yield();
        } else {
            sleep();
            return round;
        }
        return round + 1;
    }

    /** An interrupted thread would not be parked at all, and turn. */
    private static void sleep() {
        boolean interrupted = Thread.interrupted();
        LockSupport.parkNanos(SLEEP_NANOS);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
