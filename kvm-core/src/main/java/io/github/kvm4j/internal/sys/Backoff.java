package io.github.kvm4j.internal.sys;

import java.util.concurrent.locks.LockSupport;

/** Waits for another thread's short piece of work, at first by spinning, then by sleeping. Interrupts are left alone. */
public final class Backoff {

    private static final int SPINS = 100;
    private static final int YIELDS = 200;
    private static final long SLEEP_NANOS = 50_000;

    private int round;

    /** Waits a little, longer with every call. */
    @SuppressWarnings("ThreadPriorityCheck") // a hint is all that is wanted
    public void pause() {
        if (round < SPINS) {
            round++;
            Thread.onSpinWait();
        } else if (round < YIELDS) {
            round++;
            Thread.yield();
        } else {
            LockSupport.parkNanos(SLEEP_NANOS);
        }
    }
}
