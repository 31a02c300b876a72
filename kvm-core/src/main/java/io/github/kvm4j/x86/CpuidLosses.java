package io.github.kvm4j.x86;

import static io.github.kvm4j.x86.CpuidRegister.EAX;
import static io.github.kvm4j.x86.CpuidRegister.EBX;
import static io.github.kvm4j.x86.CpuidRegister.EDX;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a guest that has one CPUID table would lose on a host that has another: {@link Cpuid#missingOn}. An immutable
 * value.
 * <p>
 * Leaves that say what a processor is and how it is built, and not what it can do (its model, caches, topology, times),
 * are in {@link #changed()} when the host has others: a guest that has been told something else keeps its own table, and
 * KVM does not mind.
 *
 * @param features
 *            the features with a name that the host lacks, but for those that no host gives: the machine's shape
 *            ({@link CpuidFeature#HTT}), the hypervisor's own bit, and what follows CR4; unmodifiable
 * @param bits
 *            other bits, in registers whose bits are features or parts of XSAVE's area
 * @param numbers
 *            what the host has less of than the guest: bits of an address, performance counters
 * @param leaves
 *            the guest's entries that the host has none for and that say more than what is in the lists before; a
 *            hypervisor's are not among them
 * @param changed
 *            the guest's entries that say something else than the host's, in what is not in the lists before
 */
public record CpuidLosses(Set<CpuidFeature> features, List<Bit> bits, List<Less> numbers, List<CpuidEntry> leaves,
        List<CpuidEntry> changed) {

    /** What the VMM gives, by the machine's shape or at all, and what the guest's own registers give. */
    private static final Set<CpuidFeature> NOT_THE_HOSTS = EnumSet.of(CpuidFeature.HYPERVISOR, CpuidFeature.HTT,
            CpuidFeature.CMP_LEGACY, CpuidFeature.OSXSAVE, CpuidFeature.OSPKE);

    /** Leaves that have the machine's shape. */
    private static final Set<Integer> SHAPE = Set.of(4, 0xb, 0x1f, 0x8000_001d, 0x8000_001e, 0x8000_0026);

    /** Fields that are numbers, of which less is a loss. */
    private enum Field {
        PHYSICAL_ADDRESS("bits of a physical address", 0x8000_0008, EAX, 0, 8), VIRTUAL_ADDRESS(
                "bits of a virtual address", 0x8000_0008, EAX, 8,
                8), PMU_VERSION("version of the performance monitoring", 0xa, EAX, 0, 8), PMU_COUNTERS(
                        "performance counters", 0xa, EAX, 8, 8), PMU_WIDTH("bits of a performance counter", 0xa, EAX,
                                16, 8), PMU_FIXED("fixed performance counters", 0xa, EDX, 0,
                                        5), AMD_PMU_COUNTERS("performance counters", 0x8000_0022, EBX, 0, 4);

        private final String what;
        private final int leaf;
        private final CpuidRegister register;
        private final int shift;
        private final int mask;

        Field(String what, int leaf, CpuidRegister register, int shift, int width) {
            this.what = what;
            this.leaf = leaf;
            this.register = register;
            this.shift = shift;
            this.mask = (1 << width) - 1;
        }

        int in(Cpuid cpuid) {
            return cpuid.get(leaf, 0, register) >>> shift & mask;
        }
    }

    /**
     * A bit without a name.
     *
     * @param leaf
     *            the leaf
     * @param subleaf
     *            the subleaf
     * @param register
     *            the register
     * @param bit
     *            the bit, 0 to 31
     */
    public record Bit(int leaf, int subleaf, CpuidRegister register, int bit) {

        @Override
        public String toString() {
            return CpuidText.place(leaf, subleaf, register, bit);
        }
    }

    /**
     * Something that is counted.
     *
     * @param what
     *            what is counted
     * @param guest
     *            how many the guest has
     * @param host
     *            how many the host has: fewer
     */
    public record Less(String what, int guest, int host) {

        @Override
        public String toString() {
            return host + " " + what + " for " + guest;
        }
    }

    /**
     * Copies what it is given.
     */
    public CpuidLosses {
        features = Collections.unmodifiableSet(
                features.isEmpty() ? EnumSet.noneOf(CpuidFeature.class) : EnumSet.copyOf(features));
        bits = List.copyOf(bits);
        numbers = List.copyOf(numbers);
        leaves = List.copyOf(leaves);
        changed = List.copyOf(changed);
    }

    static CpuidLosses between(Cpuid guest, Cpuid host) {
        Set<CpuidFeature> features = EnumSet.noneOf(CpuidFeature.class);
        List<Bit> bits = new ArrayList<>();
        for (CpuidWord word : CpuidWord.values()) {
            int lost = word.in(guest) & ~word.in(host);
            for (int bit = 0; bit < Integer.SIZE; bit++) {
                if ((lost >> bit & 1) != 0) {
                    Optional<CpuidFeature> feature = CpuidFeature.of(word, bit);
                    if (feature.isPresent()) {
                        features.add(feature.get());
                    } else {
                        bits.add(new Bit(word.leaf(), word.subleaf(), word.register(), bit));
                    }
                }
            }
        }
        features.removeAll(NOT_THE_HOSTS);
        List<Less> numbers = new ArrayList<>();
        for (Field field : Field.values()) {
            if (field.in(host) < field.in(guest)) {
                numbers.add(new Less(field.what, field.in(guest), field.in(host)));
            }
        }
        List<CpuidEntry> leaves = new ArrayList<>();
        List<CpuidEntry> changed = new ArrayList<>();
        for (CpuidEntry entry : guest.entries()) {
            Optional<CpuidEntry> other = host.find(entry.function(), entry.index());
            if (other.isPresent()) {
                if (!rest(entry).equals(rest(other.get()))) {
                    changed.add(entry);
                }
            } else if (!isEmpty(rest(entry)) && !isHypervisors(entry)) {
                (SHAPE.contains(entry.function()) ? changed : leaves).add(entry);
            }
        }
        return new CpuidLosses(features, bits, numbers, leaves, changed);
    }

    /** What is in an entry beside features and numbers. */
    private static CpuidEntry rest(CpuidEntry entry) {
        CpuidEntry rest = new CpuidEntry(entry.function(), entry.index(), 0, entry.eax(), entry.ebx(), entry.ecx(),
                entry.edx());
        for (CpuidWord word : CpuidWord.values()) {
            if (entry.answers(word.leaf(), word.subleaf())) {
                rest = rest.with(word.register(), 0);
            }
        }
        for (Field field : Field.values()) {
            if (entry.answers(field.leaf, 0)) {
                rest = rest.with(field.register, rest.get(field.register) & ~(field.mask << field.shift));
            }
        }
        return rest;
    }

    private static boolean isEmpty(CpuidEntry entry) {
        return (entry.eax() | entry.ebx() | entry.ecx() | entry.edx()) == 0;
    }

    /** Whether it is a VMM's own to give: KVM's leaves at another place, for one, which are not of the host. */
    private static boolean isHypervisors(CpuidEntry entry) {
        return entry.function() >>> 28 == 4;
    }

    /**
     * Tells whether the guest would lose nothing.
     *
     * @return true when all is empty but {@link #changed()}
     */
    public boolean isEmpty() {
        return features.isEmpty() && bits.isEmpty() && numbers.isEmpty() && leaves.isEmpty();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        append(text, "features: ", " ", features);
        append(text, "bits: ", " ", bits);
        append(text, "less: ", ", ", numbers);
        append(text, "leaves:\n", "\n", leaves);
        append(text, "not the same:\n", "\n", changed);
        return text.isEmpty() ? "nothing" : text.toString();
    }

    private static void append(StringBuilder text, String heading, String separator,
            Collection<?> items) {
        if (!items.isEmpty()) {
            text.append(text.isEmpty() ? "" : "\n").append(heading)
                    .append(items.stream().map(Object::toString).collect(Collectors.joining(separator)));
        }
    }
}
