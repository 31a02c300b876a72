package io.github.kvm4j.bench;

import java.util.concurrent.TimeUnit;

import org.openjdk.jmh.annotations.Benchmark;
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
}
