package io.github.kvm4j.arm64;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

import io.github.kvm4j.bindings.arm64.kvm_vcpu_init;

/**
 * What kind of vCPU {@link Arm64Vcpu#init} makes: {@code struct kvm_vcpu_init}.
 *
 * @param target
 *            the processor that it is like, a KVM_ARM_TARGET_ number; {@link Arm64Vm#getPreferredTarget()} has the host's
 * @param features
 *            a bit for each feature: bit n for the feature with the number n. The first 64 of the structure's 224; no
 *            kernel knows more than a few
 */
public record VcpuInit(int target, long features) {

    /** The structure has words of 32 bits. */
    private static final int WORD = 32;

    /**
     * Makes one without features.
     *
     * @param target
     *            a KVM_ARM_TARGET_ number
     */
    public VcpuInit(int target) {
        this(target, 0);
    }

    /**
     * Adds features.
     *
     * @param more
     *            the features
     * @return the same target, with these features too
     */
    public VcpuInit with(VcpuFeature... more) {
        long bits = features;
        for (VcpuFeature feature : more) {
            bits |= 1L << feature.number();
        }
        return new VcpuInit(target, bits);
    }

    /**
     * Returns the features that this version of the library knows.
     *
     * @return a new set
     */
    public Set<VcpuFeature> featureSet() {
        Set<VcpuFeature> known = EnumSet.noneOf(VcpuFeature.class);
        for (VcpuFeature feature : VcpuFeature.values()) {
            if ((features & (1L << feature.number())) != 0) {
                known.add(feature);
            }
        }
        return known;
    }

    static VcpuInit readFrom(MemorySegment init) {
        return new VcpuInit(kvm_vcpu_init.target(init), (kvm_vcpu_init.features(init, 0) & 0xffff_ffffL)
                | ((long) kvm_vcpu_init.features(init, 1) << WORD));
    }

    MemorySegment write(Arena arena) {
        MemorySegment init = kvm_vcpu_init.allocate(arena);
        kvm_vcpu_init.target(init, target);
        kvm_vcpu_init.features(init, 0, (int) features);
        kvm_vcpu_init.features(init, 1, (int) (features >>> WORD));
        return init;
    }
}
