package io.github.kvm4j.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;

/** The whole life of a VM: created, given memory and a vCPU, run until it halts, and closed. */
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class LifeCycle extends KvmBenchmark {

    private static final int LIVES = 10;

    /** The system. */
    @State(Scope.Thread)
    public static class Kvm4j {

        private Kvm kvm;

        /** Opens it. */
        @Setup
        public void open() {
            kvm = Kvm.open();
        }

        /** Closes it. */
        @TearDown
        public void close() {
            kvm.close();
        }
    }

    /** The system, and the guest's code where C finds it. */
    public static class ByHand extends FfmGuest {

        private final MemorySegment code = Arena.ofAuto().allocateFrom(JAVA_BYTE, GuestCode.HALT);

        /** For JMH. */
        public ByHand() {
            super(GuestCode.HALT);
        }
    }

    /**
     * Through {@link Kvm#createVm()} and what follows.
     *
     * @param system
     *            the system
     * @return the exit
     */
    @Benchmark
    public Exit kvm4j(Kvm4j system) {
        try (Vm vm = system.kvm.createVm()) {
            return switch (Kvm4jGuest.boot(vm, GuestCode.HALT).run()) {
                case Exit.Hlt halt -> halt;
                case Exit other -> throw new IllegalStateException("unexpected exit: " + other);
            };
        }
    }

    /**
     * In C.
     *
     * @param guest
     *            the guest
     * @return 0
     */
    @Benchmark
    @OperationsPerInvocation(LIVES)
    public long c(ByHand guest) {
        return Baselines.life(guest.system, guest.code, LIVES);
    }
}
