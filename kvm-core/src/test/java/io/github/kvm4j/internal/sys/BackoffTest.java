package io.github.kvm4j.internal.sys;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Waiting for another thread. */
class BackoffTest {

    @Test
    void anInterruptedThreadSleepsAllTheSameAndStaysInterrupted() {
        Backoff backoff = new Backoff();
        Thread.currentThread().interrupt();
        for (int i = 0; i < 200; i++) {
            backoff.pause();
        }
        long start = System.nanoTime();
        for (int i = 0; i < 100; i++) {
            backoff.pause();
        }
        long nanos = System.nanoTime() - start;
        assertTrue(Thread.interrupted());
        assertTrue(nanos > 4_000_000, () -> nanos + " ns for 100 times 50 µs");
    }
}
