package io.github.kvm4j.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;

/**
 * A kick, and the run that it ends before the guest is entered: the shortest KVM_RUN there is, and so the one that shows
 * best what stands around it.
 */
public class ImmediateExit extends KvmBenchmark {

    /** A guest that does not get to run. */
    public static class Kvm4j extends Kvm4jGuest {
        /** For JMH. */
        public Kvm4j() {
            super(GuestCode.COUNT);
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
     * Through {@link io.github.kvm4j.Vcpu#kick()} and {@link io.github.kvm4j.Vcpu#run()}.
     *
     * @param guest
     *            the guest
     * @return the exit
     */
    @Benchmark
    public Exit kvm4j(Kvm4j guest) {
        guest.vcpu.kick();
        return switch (guest.vcpu.run()) {
            case Exit.Interrupted interrupted -> interrupted;
            case Exit other -> throw new IllegalStateException("unexpected exit: " + other);
        };
    }

    /**
     * Through a handle, without a protocol for other threads.
     *
     * @param guest
     *            the guest
     * @return what KVM_RUN returned
     */
    @Benchmark
    public int ffm(ByHand guest) {
        kvm_run.immediate_exit(guest.run, (byte) 1);
        int result = Ffm.ioctl(guest.errno, guest.vcpu, kvm_h.KVM_RUN(), 0);
        if (result != -1 || Ffm.errno(guest.errno) != libc_h.EINTR()) {
            throw new IllegalStateException("KVM_RUN returned " + result);
        }
        kvm_run.immediate_exit(guest.run, (byte) 0);
        return result;
    }

    /**
     * In C, without a protocol for other threads: a batch in one call.
     *
     * @param guest
     *            the guest
     * @return 0
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long c(ByHand guest) {
        return Baselines.immediateExit(guest.vcpu, guest.run, BATCH);
    }
}
