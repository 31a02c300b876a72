package io.github.kvm4j.internal.sys;

import org.jspecify.annotations.Nullable;

/** Steps that must all be tried, whichever of them fails. */
public final class Cleanup {

    private @Nullable Throwable failure;

    /** Runs one step. Its exception is kept for {@link #finish()}; later ones are added to the first as suppressed. */
    @SuppressWarnings("ReferenceEquality") // an exception that is thrown again cannot be its own suppressed one
    public void step(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error e) {
            if (failure == null) {
                failure = e;
            } else if (failure != e) {
                failure.addSuppressed(e);
            }
        }
    }

    /** Throws what has failed, if anything has. */
    public void finish() {
        switch (failure) {
            case null -> {
            }
            case Error e -> throw e;
            case RuntimeException e -> throw e;
            default -> throw new AssertionError(failure);
        }
    }

    /** Undoes something because of {@code cause}, which stays the exception that the caller sees. */
    public static void after(Throwable cause, Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error e) {
            cause.addSuppressed(e);
        }
    }
}
