package io.github.kvm4j.bench;

/**
 * One way to do what a {@link Pair} compares.
 *
 * @param name
 *            the way's
 * @param before
 *            what there is to be done before, which is not measured
 * @param loop
 *            does it, as often as it is told to
 */
record Side(String name, Runnable before, Loop loop) {

    Side(String name, Loop loop) {
        this(name, () -> {
        }, loop);
    }

    /** Each has a loop of its own, so that each is compiled for itself. */
    @FunctionalInterface
    interface Loop {

        /** Returns what depends on all that was done. */
        long run(int operations);
    }
}
