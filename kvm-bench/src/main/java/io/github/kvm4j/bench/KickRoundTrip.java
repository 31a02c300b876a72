package io.github.kvm4j.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.exit.Exit;

/**
 * A kick of a guest that runs on another thread, from the kick until that thread has {@link Exit.Interrupted}; before it
 * the way back into the guest, which is kicked only when it is seen to work. It needs two CPUs that are free.
 */
public class KickRoundTrip extends KvmBenchmark {

    private static final VarHandle BYTE = JAVA_BYTE.varHandle();

    /** A guest that counts in its memory, on a thread of its own. */
    public static class Kvm4j extends Kvm4jGuest {

        private MemorySegment counter;
        private Thread runner;

        /** Changed by the runner alone. */
        private volatile long interruptions;

        /** For JMH. */
        public Kvm4j() {
            super(GuestCode.COUNT);
        }

        @Override
        void opened() {
            counter = vcpu.vm().memory().segment(GuestCode.COUNTER, 1);
            runner = Thread.ofPlatform().daemon().name("runner").start(this::runUntilClosed);
        }

        private void runUntilClosed() {
            try {
                while (true) {
                    switch (vcpu.run()) {
                        case Exit.Interrupted _ -> interruptions = interruptions + 1;
                        case Exit other -> throw new IllegalStateException("unexpected exit: " + other);
                    }
                }
            } catch (ClosedException end) {
                // By the tear-down.
            }
        }

        private byte counter() {
            return (byte) BYTE.getVolatile(counter, 0L);
        }

        private void pause() {
            if (!runner.isAlive()) {
                throw new IllegalStateException("the guest's thread has ended");
            }
            Thread.onSpinWait();
        }
    }

    /** The same guest. */
    public static class ByHand extends FfmGuest {
        /** For JMH. */
        public ByHand() {
            super(GuestCode.COUNT);
        }
    }

    /**
     * Through {@link io.github.kvm4j.Vcpu#kick()}.
     *
     * @param guest
     *            the guest
     * @return how many interruptions there were so far
     */
    @Benchmark
    public long kvm4j(Kvm4j guest) {
        byte counted = guest.counter();
        while (guest.counter() == counted) {
            guest.pause();
        }
        long before = guest.interruptions;
        guest.vcpu.kick();
        while (guest.interruptions == before) {
            guest.pause();
        }
        return before;
    }

    /**
     * In C, with the same protocol, and a thread that C starts for a batch.
     *
     * @param guest
     *            the guest
     * @return 0
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long c(ByHand guest) {
        return Baselines.kick(guest.vcpu, guest.run, guest.memory(GuestCode.COUNTER), BATCH);
    }
}
