package io.github.kvm4j.programs;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.testing.Rounds;
import io.github.kvm4j.testing.TestGuest;

/**
 * Kicks a vCPU at random moments, and sees that each kick is answered by one Interrupted, none is lost and none comes
 * twice; beside it a thread makes garbage and collects it. Every thousand kicks, or more often, another thread runs the
 * vCPU, which the kicks meet too. Prints the latency from the kick to its answer.
 * <p>
 * {@code -Dstorm}: a {@link TestGuest.Program}, a blank, and how many kicks.
 */
public final class KickStorm {

    private static final int FEWEST_RUNNERS = 20;
    private static final int KICKS_PER_RUNNER = 1_000;
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(Rounds.seconds(10));

    private final TestGuest guest;
    private final SplittableRandom random = new SplittableRandom(42);
    private volatile int answered;
    private volatile boolean over;

    private KickStorm(TestGuest.Program program) {
        guest = new TestGuest(program, true);
    }

    public static void main(String[] args) {
        String[] storm = System.getProperty("storm").split(" ");
        TestGuest.Program program = TestGuest.Program.valueOf(storm[0]);
        int kicks = Integer.parseInt(storm[1]);
        long[] latencies = new long[0];
        try {
            latencies = new KickStorm(program).run(kicks);
        } catch (Throwable t) {
            // The guest that no kick reaches could not be closed either.
            t.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
        Arrays.sort(latencies);
        System.out.printf(
                "%s: %d kicks, each answered once; ns from kick to answer: p50 %d, p99 %d, p99.9 %d, max %d%n",
                program, kicks, latencies[kicks / 2], latencies[(int) (kicks * 0.99)],
                latencies[(int) (kicks * 0.999)], latencies[kicks - 1]);
    }

    private long[] run(int kicks) {
        Thread garbage = Thread.ofPlatform().daemon().start(this::makeGarbage);
        long[] latencies = new long[kicks];
        int runners = Math.max(FEWEST_RUNNERS, kicks / KICKS_PER_RUNNER);
        for (int number = 0; number < runners; number++) {
            int first = (int) ((long) kicks * number / runners);
            int last = (int) ((long) kicks * (number + 1) / runners);
            CompletableFuture<Void> runner = CompletableFuture.runAsync(() -> runUntil(last),
                    Thread.ofPlatform().name("runner")::start);
            for (int i = first; i < last; i++) {
                latencies[i] = kick(i);
            }
            runner.join();
        }
        guest.close();
        over = true;
        try {
            garbage.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return latencies;
    }

    private void runUntil(int last) {
        int seen = answered;
        while (seen < last) {
            if (guest.vcpu.run() instanceof Exit.Interrupted) {
                seen++;
                answered = seen;
            }
        }
    }

    /** Waits at random, kicks, and waits for the answer, which must be one. */
    private long kick(int before) {
        int wait = random.nextInt(2_000);
        for (int i = 0; i < wait; i++) {
            Thread.onSpinWait();
        }
        if (answered != before) {
            throw new AssertionError("an Interrupted without a kick: " + answered + " after " + before + " kicks");
        }
        long start = System.nanoTime();
        guest.vcpu.kick();
        while (answered == before) {
            if (System.nanoTime() - start > LIMIT_NANOS) {
                throw new AssertionError("kick " + before + " was lost");
            }
            Thread.yield();
        }
        return System.nanoTime() - start;
    }

    private void makeGarbage() {
        byte[][] some = new byte[64][];
        for (int i = 0; !over; i++) {
            some[i % some.length] = new byte[10_000];
            if (i % 5_000 == 0) {
                System.gc();
            }
            if (i % 50 == 0) {
                Thread.yield();
            }
        }
    }
}
