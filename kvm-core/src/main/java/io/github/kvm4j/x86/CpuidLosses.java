package io.github.kvm4j.x86;

import static io.github.kvm4j.x86.CpuidRegister.EAX;
import static io.github.kvm4j.x86.CpuidRegister.EBX;
import static io.github.kvm4j.x86.CpuidRegister.ECX;
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
 * KVM does not mind. A hypervisor's leaves, from 0x40000000 on, are the VMM's to give: of those KVM's features alone are
 * compared, wherever the two tables have them.
 *
 * @param features
 *            the features with a name that the host lacks, but for those that its table does not tell: the machine's shape
 *            ({@link CpuidFeature#HTT}), the hypervisor's own bit, and what follows CR4; what the VMM gives and has to look
 *            after itself ({@link CpuidFeature#KVM_MSI_EXT_DEST_ID}, {@link CpuidFeature#KVM_HC_MAP_GPA_RANGE},
 *            {@link CpuidFeature#KVM_MIGRATION_CONTROL}, {@link CpuidFeature#KVM_HINTS_REALTIME}); and what capabilities tell,
 *            {@link io.github.kvm4j.Capability#X86_DISABLE_EXITS} of {@link CpuidFeature#MONITOR},
 *            {@link io.github.kvm4j.Capability#TSC_DEADLINE_TIMER} of {@link CpuidFeature#TSC_DEADLINE}; unmodifiable
 * @param bits
 *            other bits, in registers whose bits are features or parts of XSAVE's area
 * @param numbers
 *            what the host has less of than the guest: bits of an address, performance counters, AMX's tiles, the version of
 *            AVX10
 * @param leaves
 *            the guest's entries that the host has none for and that say more than what is in the lists before, and parts of
 *            XSAVE's area that the host has elsewhere in it, or of another size
 * @param changed
 *            the guest's entries that say something else than the host's, in what is not in the lists before
 */
public record CpuidLosses(Set<CpuidFeature> features, List<Bit> bits, List<Less> numbers, List<CpuidEntry> leaves,
        List<CpuidEntry> changed) {

    /**
     * What the VMM gives, by the machine's shape, by what it does itself or by what capabilities tell, and what the guest's own
     * registers give: no host's table has it, or (TSC_DEADLINE) only those of newer kernels.
     */
    private static final Set<CpuidFeature> NOT_THE_HOSTS = EnumSet.of(CpuidFeature.HYPERVISOR, CpuidFeature.HTT,
            CpuidFeature.CMP_LEGACY, CpuidFeature.OSXSAVE, CpuidFeature.OSPKE, CpuidFeature.MONITOR,
            CpuidFeature.TSC_DEADLINE, CpuidFeature.KVM_MSI_EXT_DEST_ID, CpuidFeature.KVM_HC_MAP_GPA_RANGE,
            CpuidFeature.KVM_MIGRATION_CONTROL, CpuidFeature.KVM_HINTS_REALTIME);

    /** Leaves that have the machine's shape. */
    private static final Set<Integer> SHAPE = Set.of(4, 0xb, 0x1f, 0x8000_001d, 0x8000_001e, 0x8000_0026);

    private static final int XSAVE = 0xd;
    private static final int SGX = 0x12;

    /** Fields that are numbers, of which less is a loss. */
    private enum Field {

        // @formatter:off
        PHYSICAL_ADDRESS("bits of a physical address", 0x8000_0008, 0, EAX, 0, 8),
        VIRTUAL_ADDRESS("bits of a virtual address", 0x8000_0008, 0, EAX, 8, 8),
        PMU_VERSION("version of the performance monitoring", 0xa, 0, EAX, 0, 8),
        PMU_COUNTERS("performance counters", 0xa, 0, EAX, 8, 8),
        PMU_WIDTH("bits of a performance counter", 0xa, 0, EAX, 16, 8),
        PMU_FIXED("fixed performance counters", 0xa, 0, EDX, 0, 5),
        PMU_FIXED_WIDTH("bits of a fixed performance counter", 0xa, 0, EDX, 5, 8),
        AMD_PMU_COUNTERS("performance counters", 0x8000_0022, 0, EBX, 0, 4),
        ENCLAVE("bits of an SGX enclave's size outside of 64-bit mode", SGX, 0, EDX, 0, 8),
        ENCLAVE_64("bits of an SGX enclave's size", SGX, 0, EDX, 8, 8),
        PT_RANGES("address ranges of Intel PT", 0x14, 1, EAX, 0, 3),
        PALETTES("AMX palettes", 0x1d, 0, EAX, 0, 8),
        TILES_SIZE("bytes of all AMX tiles", 0x1d, 1, EAX, 0, 16),
        TILE_SIZE("bytes of an AMX tile", 0x1d, 1, EAX, 16, 16),
        TILE_ROW("bytes of an AMX tile's row", 0x1d, 1, EBX, 0, 16),
        TILES("AMX tiles", 0x1d, 1, EBX, 16, 16),
        TILE_ROWS("rows of an AMX tile", 0x1d, 1, ECX, 0, 16),
        TMUL_K("rows or columns of an AMX multiplication", 0x1e, 0, EBX, 0, 8),
        TMUL_N("column bytes of an AMX multiplication", 0x1e, 0, EBX, 8, 16),
        AVX10_VERSION("version of AVX10", 0x24, 0, EBX, 0, 8);
        // @formatter:on

        private final String what;
        private final int leaf;
        private final int subleaf;
        private final CpuidRegister register;
        private final int shift;
        private final int mask;

        Field(String what, int leaf, int subleaf, CpuidRegister register, int shift, int width) {
            this.what = what;
            this.leaf = leaf;
            this.subleaf = subleaf;
            this.register = register;
            this.shift = shift;
            this.mask = (1 << width) - 1;
        }

        int in(Cpuid cpuid) {
            return cpuid.get(leaf, subleaf, register) >>> shift & mask;
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
                        bits.add(new Bit(word.leafIn(guest).orElseThrow(), word.subleaf(), word.register(), bit));
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
        for (CpuidEntry entry : guest.filter(entry -> !isHypervisors(entry)).entries()) {
            Optional<CpuidEntry> other = host.find(entry.function(), entry.index());
            if (other.isPresent()) {
                if (!rest(entry).equals(rest(other.get()))) {
                    (isElsewhere(entry, other.get()) ? leaves : changed).add(entry);
                }
            } else if (!isEmpty(rest(entry))) {
                (isShape(entry) ? changed : leaves).add(entry);
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
                rest = word.without(rest);
            }
        }
        for (Field field : Field.values()) {
            if (entry.answers(field.leaf, field.subleaf)) {
                rest = rest.with(field.register, rest.get(field.register) & ~(field.mask << field.shift));
            }
        }
        return rest;
    }

    private static boolean isEmpty(CpuidEntry entry) {
        return (entry.eax() | entry.ebx() | entry.ecx() | entry.edx()) == 0;
    }

    /** Whether it is a part of XSAVE's area that the processor saves at another place, or of another size. */
    private static boolean isElsewhere(CpuidEntry entry, CpuidEntry other) {
        return entry.function() == XSAVE && entry.index() > 1
                && (entry.eax() != other.eax() || entry.ebx() != other.ebx());
    }

    /** Whether it has the machine's shape: processors and caches, or where SGX's memory is. */
    private static boolean isShape(CpuidEntry entry) {
        return SHAPE.contains(entry.function()) || (entry.function() == SGX && entry.index() > 1);
    }

    /** Whether it is a VMM's own to give: Hyper-V's leaves, or KVM's at another place, whose features are compared by words. */
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
