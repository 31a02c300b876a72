package io.github.kvm4j.bench;

import java.util.function.Consumer;

import org.openjdk.jmh.annotations.Benchmark;

import io.github.kvm4j.exit.Exit;

/**
 * A KVM_RUN that does not enter the guest, without a kick: what C does in {@link ImmediateExit}, and so the sharpest view
 * of what kvm4j puts around the ioctl.
 */
public class CompletePending extends KvmBenchmark {

    private static final Consumer<Exit> NONE = exit -> {
        throw new IllegalStateException("unexpected exit: " + exit);
    };

    /**
     * Through {@link io.github.kvm4j.Vcpu#completePending(Consumer)}, with nothing that is pending.
     *
     * @param guest
     *            the guest
     */
    @Benchmark
    public void kvm4j(ImmediateExit.Kvm4j guest) {
        guest.vcpu.completePending(NONE);
    }
}
