package io.github.kvm4j.internal.sys;

/**
 * Waits for another thread's short piece of work, at first by spinning, then by sleeping. An interrupt does not disturb it,
 * and is kept.
 */
public final class Backoff {

    private static final int SPINS = 100;
    private static final int YIELDS = 200;
    private static final int SLEEP_NANOS = 50_000;

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

    /** An interrupted thread would not sleep at all, and turn. Nor would it be parked: an interrupt leaves a permit behind. */
    private static void sleep() {
        boolean interrupted = Thread.interrupted();
        try {
            Thread.sleep(0, SLEEP_NANOS);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
