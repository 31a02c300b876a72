package io.github.kvm4j.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

import io.github.kvm4j.bindings.kvm_h;

/**
 * The ioctl for which the kernel does least, KVM_GET_API_VERSION. In kvm4j the descriptor is held open meanwhile.
 */
public class BareCall extends KvmBenchmark {

    /** A system, and a guest that does not run. */
    public static class Kvm4j extends Kvm4jGuest {
        /** For JMH. */
        public Kvm4j() {
            super(GuestCode.HALT);
        }
    }

    /** The same. */
    public static class ByHand extends FfmGuest {
        /** For JMH. */
        public ByHand() {
            super(GuestCode.HALT);
        }
    }

    /**
     * Through {@link io.github.kvm4j.Kvm#getApiVersion()}.
     *
     * @param guest
     *            the guest
     * @return 12
     */
    @Benchmark
    public int kvm4j(Kvm4j guest) {
        return guest.kvm.getApiVersion();
    }

    /**
     * Through a handle, with memory for the errno that is there already.
     *
     * @param guest
     *            the guest
     * @return 12
     */
    @Benchmark
    public int ffm(ByHand guest) {
        return Ffm.check("KVM_GET_API_VERSION", guest.errno,
                Ffm.ioctl(guest.errno, guest.system, kvm_h.KVM_GET_API_VERSION(), 0));
    }

    /**
     * In C: a batch of calls in one.
     *
     * @param guest
     *            the guest
     * @return 12 times their number
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long c(ByHand guest) {
        return Baselines.bareCall(guest.system, BATCH);
    }

    /**
     * Through JNI, and a function in C that returns the errno as a negative number.
     *
     * @param guest
     *            the guest
     * @return 12
     */
    @Benchmark
    public int jni(ByHand guest) {
        int result = Jni.ioctl(guest.system, kvm_h.KVM_GET_API_VERSION(), 0);
        if (result < 0) {
            throw new IllegalStateException("KVM_GET_API_VERSION failed with errno " + -result);
        }
        return result;
    }

    /**
     * Through JNA.
     *
     * @param guest
     *            the guest
     * @return 12
     */
    @Benchmark
    public int jna(ByHand guest) {
        return JnaLibc.ioctl(guest.system, kvm_h.KVM_GET_API_VERSION(), 0);
    }
}
