package io.github.kvm4j.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;

/** The run loop of a guest that writes a byte to a port: one operation is one exit and its dispatch. */
public class PortIoExit extends KvmBenchmark {

    /** A guest that writes to a port. */
    public static class Kvm4j extends Kvm4jGuest {
        /** For JMH. */
        public Kvm4j() {
            super(GuestCode.WRITE_PORT);
        }
    }

    /** The same guest. */
    public static class ByHand extends FfmGuest {
        /** For JMH. */
        public ByHand() {
            super(GuestCode.WRITE_PORT);
        }
    }

    /**
     * Through {@link io.github.kvm4j.Vcpu#run()}.
     *
     * @param guest
     *            the guest
     * @return the byte
     */
    @Benchmark
    public long kvm4j(Kvm4j guest) {
        return loop(guest, 1);
    }

    /** The loop as a program has it. */
    static long loop(Kvm4j guest, int exits) {
        long sum = 0;
        for (int i = 0; i < exits; i++) {
            sum += switch (guest.vcpu.run()) {
                case Exit.Io io when io.isOut() && io.port() == GuestCode.PORT -> io.value();
                case Exit.Mmio mmio when mmio.isWrite() -> mmio.value();
                case Exit other -> throw new IllegalStateException("unexpected exit: " + other);
            };
        }
        return sum;
    }

    /**
     * Through a handle.
     *
     * @param guest
     *            the guest
     * @return the byte
     */
    @Benchmark
    public long ffm(ByHand guest) {
        Ffm.check("KVM_RUN", guest.errno, Ffm.ioctl(guest.errno, guest.vcpu, kvm_h.KVM_RUN(), 0));
        if (kvm_run.exit_reason(guest.run) != kvm_h.KVM_EXIT_IO()) {
            throw new IllegalStateException("unexpected exit: " + kvm_run.exit_reason(guest.run));
        }
        var io = kvm_run.io(guest.run);
        if (kvm_run.io.direction(io) != kvm_h.KVM_EXIT_IO_OUT() || kvm_run.io.port(io) != GuestCode.PORT) {
            throw new IllegalStateException("unexpected port: " + kvm_run.io.port(io));
        }
        return guest.run.get(JAVA_BYTE, kvm_run.io.data_offset(io));
    }

    /**
     * In C: a batch of exits in one call.
     *
     * @param guest
     *            the guest
     * @return the sum of the bytes
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long c(ByHand guest) {
        return Baselines.runLoop(guest.vcpu, guest.run, BATCH);
    }
}
