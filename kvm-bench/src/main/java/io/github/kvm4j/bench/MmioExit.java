package io.github.kvm4j.bench;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;

/** The run loop of a guest that writes a byte to a memory-mapped device: one operation is one exit and its dispatch. */
public class MmioExit extends KvmBenchmark {

    /** A guest that writes to a device. */
    public static class Kvm4j extends Kvm4jGuest {
        /** For JMH. */
        public Kvm4j() {
            super(GuestCode.WRITE_DEVICE);
        }
    }

    /** The same guest. */
    public static class ByHand extends FfmGuest {
        /** For JMH. */
        public ByHand() {
            super(GuestCode.WRITE_DEVICE);
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
                case Exit.Io io when io.isOut() -> io.value();
                case Exit.Mmio mmio when mmio.isWrite() && mmio.address() == GuestCode.DEVICE -> mmio.value();
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
        if (kvm_run.exit_reason(guest.run) != kvm_h.KVM_EXIT_MMIO()) {
            throw new IllegalStateException("unexpected exit: " + kvm_run.exit_reason(guest.run));
        }
        var mmio = kvm_run.mmio(guest.run);
        if (kvm_run.mmio.is_write(mmio) == 0 || kvm_run.mmio.phys_addr(mmio) != GuestCode.DEVICE) {
            throw new IllegalStateException("unexpected address: " + kvm_run.mmio.phys_addr(mmio));
        }
        return kvm_run.mmio.data(mmio).get(JAVA_LONG, 0) & (-1L >>> (64 - 8 * kvm_run.mmio.len(mmio)));
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
