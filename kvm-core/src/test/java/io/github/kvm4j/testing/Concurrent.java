package io.github.kvm4j.testing;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** What tests with several threads need. All waiting has an end. */
public final class Concurrent {

    private static final long LIMIT_SECONDS = Rounds.seconds(30);

    /** How long something is watched that must not happen. */
    private static final int WATCH_MILLIS = 100;

    private Concurrent() {
    }

    /** Runs something on a platform thread of its own. */
    public static CompletableFuture<Void> start(Runnable task) {
        return CompletableFuture.runAsync(task, Thread.ofPlatform().daemon().name("runner")::start);
    }

    /** Runs something that has a result on a platform thread of its own. */
    public static <T> CompletableFuture<T> call(Supplier<T> task) {
        return CompletableFuture.supplyAsync(task, Thread.ofPlatform().daemon().name("runner")::start);
    }

    /** Runs something on a virtual thread of its own. */
    public static CompletableFuture<Void> startVirtual(Runnable task) {
        return CompletableFuture.runAsync(task, Thread.ofVirtual().name("runner")::start);
    }

    /** Waits for a latch. */
    public static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(LIMIT_SECONDS, TimeUnit.SECONDS), "waited too long");
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Waits for a condition. */
    public static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, "waited too long");
            pause(1);
        }
    }

    /** Checks that a task is not over, nor will be in a while. */
    public static void assertWaits(CompletableFuture<?> task) {
        pause(WATCH_MILLIS);
        assertFalse(task.isDone(), "it should wait");
    }

    /** Waits for a task, whose failure is the test's. */
    public static <T> T finish(CompletableFuture<T> task) {
        return task.orTimeout(LIMIT_SECONDS, TimeUnit.SECONDS).join();
    }

    /** Sleeps. */
    public static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
