package io.github.kvm4j.x86;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * KVM's own CPUID leaves, by which a guest finds out that it runs on KVM, and what KVM offers it beyond a processor's own:
 * a signature, and features and hints. An immutable value:
 * <pre>{@code KvmLeaves.of(KVM_CLOCKSOURCE2, KVM_CLOCKSOURCE_STABLE_BIT, KVM_STEAL_TIME)}</pre>
 * <p>
 * KVM documentation, "KVM CPUID bits". KVM offers a feature whether it is announced or not, unless
 * {@link io.github.kvm4j.Capability#ENFORCE_PV_FEATURE_CPUID} is enabled.
 *
 * @param base
 *            the first of the two leaves
 * @param features
 *            the features and hints, those of {@link CpuidFeature} that begin with {@code KVM_}; unmodifiable
 */
public record KvmLeaves(int base, Set<CpuidFeature> features) {

    /** What the header has too, with zeros in it that jextract does not get past. */
    private static final String SIGNATURE = "KVMKVMKVM\0\0\0";

    private static final int[] SIGNATURE_WORDS = CpuidText.encode(SIGNATURE, 3);

    private static final int STEP = 0x100;
    private static final int LAST = 0x4001_0000;

    /**
     * Makes them.
     *
     * @throws IllegalArgumentException
     *             when the base is not a multiple of 0x100 from 0x40000000 to below 0x40010000, where guests look, or a feature
     *             is not KVM's
     */
    public KvmLeaves {
        if (!isBase(base)) {
            throw new IllegalArgumentException(String.format(
                    "guests do not look for KVM at leaf 0x%x, but from 0x40000000 on in steps of 0x100", base));
        }
        for (CpuidFeature feature : features) {
            if (feature.leaf() != kvm_x86_h.KVM_CPUID_FEATURES()) {
                throw new IllegalArgumentException(feature + " is a processor's feature, not KVM's");
            }
        }
        features = Collections.unmodifiableSet(
                features.isEmpty() ? EnumSet.noneOf(CpuidFeature.class) : EnumSet.copyOf(features));
    }

    /**
     * Makes them, where guests look first, at 0x40000000.
     *
     * @param features
     *            the features and hints
     * @return the leaves
     * @throws IllegalArgumentException
     *             when a feature is not KVM's
     */
    public static KvmLeaves of(CpuidFeature... features) {
        return new KvmLeaves(kvm_x86_h.KVM_CPUID_SIGNATURE(), Set.copyOf(List.of(features)));
    }

    /**
     * Takes the leaves that a table has: what a guest finds that looks for KVM's signature from 0x40000000 on, in steps of
     * 0x100.
     *
     * @param cpuid
     *            the table: {@link X86Kvm#getSupportedCpuid()} gives all that the host's KVM has
     * @return the leaves, where the table has them; without features at 0x40000000 when it has none
     */
    public static KvmLeaves of(Cpuid cpuid) {
        Set<CpuidFeature> features = cpuid.features();
        features.removeIf(feature -> feature.leaf() != kvm_x86_h.KVM_CPUID_FEATURES());
        return new KvmLeaves(basesIn(cpuid).min().orElse(kvm_x86_h.KVM_CPUID_SIGNATURE()), features);
    }

    /** The leaf behind the first of KVM's signatures that a table has: the features, for a guest and for KVM. */
    static OptionalInt featuresIn(Cpuid cpuid) {
        OptionalInt first = basesIn(cpuid).min();
        return first.isPresent() ? OptionalInt.of(first.getAsInt() + 1) : first;
    }

    /** Whether a hypervisor's leaves can begin there. */
    static boolean isBase(int leaf) {
        return leaf >= kvm_x86_h.KVM_CPUID_SIGNATURE() && leaf < LAST && leaf % STEP == 0;
    }

    /** Where a table has KVM's signature. */
    private static IntStream basesIn(Cpuid cpuid) {
        return cpuid.entries().stream()
                .filter(entry -> isBase(entry.function()) && entry.ebx() == SIGNATURE_WORDS[0]
                        && entry.ecx() == SIGNATURE_WORDS[1] && entry.edx() == SIGNATURE_WORDS[2])
                .mapToInt(CpuidEntry::function);
    }

    /**
     * Puts them elsewhere: a guest that is also to find Hyper-V's leaves needs those at 0x40000000, and KVM's at 0x40000100.
     *
     * @param leaf
     *            the first leaf
     * @return the same features there
     * @throws IllegalArgumentException
     *             when it is not a multiple of 0x100 from 0x40000000 to below 0x40010000
     */
    public KvmLeaves at(int leaf) {
        return new KvmLeaves(leaf, features);
    }

    /** What the table has of KVM at other places is taken away: the guest would find that first, or both. */
    Cpuid applyTo(Cpuid cpuid) {
        int[] others = basesIn(cpuid).filter(other -> other != base).toArray();
        int eax = 0;
        int edx = 0;
        for (CpuidFeature feature : features) {
            if (feature.register() == CpuidRegister.EAX) {
                eax |= 1 << feature.bit();
            } else {
                edx |= 1 << feature.bit();
            }
        }
        return cpuid
                .filter(entry -> IntStream.of(others)
                        .noneMatch(other -> entry.function() == other || entry.function() == other + 1))
                .with(CpuidEntry.leaf(base, base + 1, SIGNATURE_WORDS[0], SIGNATURE_WORDS[1], SIGNATURE_WORDS[2]))
                .with(CpuidEntry.leaf(base + 1, eax, 0, 0, edx));
    }
}
