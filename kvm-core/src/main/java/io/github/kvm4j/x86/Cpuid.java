package io.github.kvm4j.x86;

import static io.github.kvm4j.x86.CpuidRegister.EAX;
import static io.github.kvm4j.x86.CpuidRegister.EBX;
import static io.github.kvm4j.x86.CpuidRegister.ECX;
import static io.github.kvm4j.x86.CpuidRegister.EDX;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A CPUID table: what the CPUID instruction returns to a guest, leaf by leaf. An immutable value; what changes one
 * makes a new one, so that a vCPU's table is made and set in a line:
 * <pre>{@code vcpu.x86().setCpuid2(kvm.x86().getSupportedCpuid().forVcpu(topology, vcpu.id()).without(CpuidFeature.X2APIC));}</pre>
 * <p>
 * Leaves, subleaves and values are unsigned 32-bit numbers.
 *
 * @param entries
 *            its entries
 */
public record Cpuid(List<CpuidEntry> entries) {

    /** Leaves from here on are a hypervisor's, up to {@link #LAST_HYPERVISOR_LEAF}. */
    private static final int FIRST_HYPERVISOR_LEAF = 0x4000_0000;
    private static final int LAST_HYPERVISOR_LEAF = 0x4fff_ffff;

    private static final int EXTENDED = 0x8000_0000;
    private static final int BRAND = 0x8000_0002;
    private static final int BRAND_LEAVES = 3;

    /**
     * Makes a table.
     *
     * @param entries
     *            its entries, which are copied
     */
    public Cpuid {
        entries = List.copyOf(entries);
    }

    /**
     * Looks a leaf up, its first subleaf if it has several.
     *
     * @param function
     *            the leaf
     * @return the entry, if there is one
     */
    public Optional<CpuidEntry> find(int function) {
        return find(function, 0);
    }

    /**
     * Looks a leaf and subleaf up.
     *
     * @param function
     *            the leaf
     * @param index
     *            the subleaf; ignored where the leaf has none
     * @return the entry, if there is one
     */
    public Optional<CpuidEntry> find(int function, int index) {
        return entries.stream().filter(entry -> entry.answers(function, index)).findFirst();
    }

    /**
     * Returns one register of a leaf.
     *
     * @param leaf
     *            the leaf
     * @param subleaf
     *            the subleaf; ignored where the leaf has none
     * @param register
     *            the register
     * @return its 32 bits; 0 where the table has no such leaf
     */
    public int get(int leaf, int subleaf, CpuidRegister register) {
        return find(leaf, subleaf).map(entry -> entry.get(register)).orElse(0);
    }

    /**
     * Tells whether a guest would find a feature; one of KVM's own, behind the first of KVM's signatures.
     *
     * @param feature
     *            which
     * @return false also where the table has no such leaf
     */
    public boolean has(CpuidFeature feature) {
        return (feature.word().in(this) >> feature.bit() & 1) != 0;
    }

    /**
     * Tells whether a bit is set, whether it has a name or not.
     *
     * @param leaf
     *            the leaf
     * @param subleaf
     *            the subleaf, 0 where there is none
     * @param register
     *            the register
     * @param bit
     *            the bit, 0 to 31
     * @return false also where the table has no such leaf
     * @throws IllegalArgumentException
     *             when the bit is out of range
     */
    public boolean has(int leaf, int subleaf, CpuidRegister register, int bit) {
        checkBit(bit);
        return (get(leaf, subleaf, register) >> bit & 1) != 0;
    }

    /**
     * Returns the features that a guest would find.
     *
     * @return those with a name; the caller's own set
     */
    public Set<CpuidFeature> features() {
        Set<CpuidFeature> found = EnumSet.noneOf(CpuidFeature.class);
        for (CpuidFeature feature : CpuidFeature.values()) {
            if (has(feature)) {
                found.add(feature);
            }
        }
        return found;
    }

    /**
     * Gives the guest features. That the processor and KVM have them is not looked at: {@link #missingOn} tells.
     *
     * @param features
     *            which
     * @return a table with them
     * @throws IllegalArgumentException
     *             when the table lacks the leaf of one, which {@link #with(CpuidEntry)}, or for KVM's own {@link #withKvm},
     *             would add
     */
    public Cpuid with(CpuidFeature... features) {
        Cpuid cpuid = this;
        for (CpuidFeature feature : features) {
            int leaf = feature.word().leafIn(cpuid).orElseThrow(() -> new IllegalArgumentException(
                    "the table has no leaf with KVM's signature for " + feature + "; add it first, by withKvm"));
            cpuid = cpuid.with(leaf, feature.subleaf(), feature.register(), feature.bit());
        }
        return cpuid;
    }

    /**
     * Takes features away from the guest. KVM follows for most, and lets the guest neither use them nor enable them; what an
     * instruction does that KVM cannot intercept stays usable.
     *
     * @param features
     *            which
     * @return a table without them
     */
    public Cpuid without(CpuidFeature... features) {
        Cpuid cpuid = this;
        for (CpuidFeature feature : features) {
            OptionalInt leaf = feature.word().leafIn(cpuid);
            if (leaf.isPresent()) {
                cpuid = cpuid.without(leaf.getAsInt(), feature.subleaf(), feature.register(), feature.bit());
            }
        }
        return cpuid;
    }

    /**
     * Sets a bit.
     *
     * @param leaf
     *            the leaf
     * @param subleaf
     *            the subleaf, 0 where there is none
     * @param register
     *            the register
     * @param bit
     *            the bit, 0 to 31
     * @return a table with it
     * @throws IllegalArgumentException
     *             when the bit is out of range, or the table lacks the leaf
     */
    public Cpuid with(int leaf, int subleaf, CpuidRegister register, int bit) {
        checkBit(bit);
        return withValue(leaf, subleaf, register, get(leaf, subleaf, register) | 1 << bit);
    }

    /**
     * Clears a bit.
     *
     * @param leaf
     *            the leaf
     * @param subleaf
     *            the subleaf, 0 where there is none
     * @param register
     *            the register
     * @param bit
     *            the bit, 0 to 31
     * @return a table without it; the same where it is not set
     * @throws IllegalArgumentException
     *             when the bit is out of range
     */
    public Cpuid without(int leaf, int subleaf, CpuidRegister register, int bit) {
        return has(leaf, subleaf, register, bit)
                ? withValue(leaf, subleaf, register, get(leaf, subleaf, register) & ~(1 << bit))
                : this;
    }

    /**
     * Sets one register of a leaf.
     *
     * @param leaf
     *            the leaf
     * @param subleaf
     *            the subleaf; ignored where the leaf has none
     * @param register
     *            the register
     * @param value
     *            its 32 bits
     * @return a table with it
     * @throws IllegalArgumentException
     *             when the table lacks the leaf, which {@link #with(CpuidEntry)} would add
     */
    public Cpuid withValue(int leaf, int subleaf, CpuidRegister register, int value) {
        CpuidEntry entry = find(leaf, subleaf).orElseThrow(() -> new IllegalArgumentException(String.format(
                "the table has no leaf 0x%x, subleaf %d; add it first, as an entry", leaf, subleaf)));
        return with(entry.with(register, value));
    }

    /**
     * Replaces the entry of a leaf and subleaf, or adds it at the end. A leaf beyond the last one that leaves 0 and 0x80000000
     * announce in EAX is not looked for by guests: {@link #withValue} raises that.
     *
     * @param entry
     *            the entry
     * @return a table with it
     */
    public Cpuid with(CpuidEntry entry) {
        List<CpuidEntry> changed = new ArrayList<>(entries);
        for (int i = 0; i < changed.size(); i++) {
            if (changed.get(i).isAt(entry)) {
                changed.set(i, entry);
                return new Cpuid(changed);
            }
        }
        changed.add(entry);
        return new Cpuid(changed);
    }

    /**
     * Takes a leaf away, with all its subleaves.
     *
     * @param leaf
     *            the leaf
     * @return a table without it
     */
    public Cpuid withoutLeaf(int leaf) {
        return filter(entry -> entry.function() != leaf);
    }

    /**
     * Keeps some of the entries.
     *
     * @param kept
     *            tells which
     * @return a table with those alone
     */
    public Cpuid filter(Predicate<? super CpuidEntry> kept) {
        return new Cpuid(entries.stream().filter(kept).toList());
    }

    /**
     * Makes one vCPU's table: its place in the machine, and the machine's shape. What the table has of cores, threads, caches'
     * sharing and APIC ids, the host's as a rule, is replaced; {@link CpuTopology} says in which leaves.
     *
     * @param topology
     *            the machine's shape
     * @param apicId
     *            the vCPU's APIC id, which KVM makes the vCPU's own id: {@link io.github.kvm4j.Vcpu#id()}
     * @return the vCPU's table
     * @throws IllegalArgumentException
     *             when the machine has no processor with this id ({@link CpuTopology#apicIds} has those that there are)
     */
    public Cpuid forVcpu(CpuTopology topology, int apicId) {
        return topology.applyTo(this, apicId);
    }

    /**
     * Lets the guest know that it runs on KVM, and what of that it may use: sets {@link CpuidFeature#HYPERVISOR} and KVM's own
     * leaves. KVM's that the table has elsewhere, the host's for one, are taken away.
     *
     * @param leaves
     *            which of KVM's features
     * @return a table with them
     * @throws IllegalArgumentException
     *             when the table lacks leaf 1
     */
    public Cpuid withKvm(KvmLeaves leaves) {
        return leaves.applyTo(with(CpuidFeature.HYPERVISOR));
    }

    /**
     * Hides from the guest that there is a hypervisor: clears {@link CpuidFeature#HYPERVISOR} and takes all leaves from
     * 0x40000000 to 0x4fffffff away.
     *
     * @return a table without them
     */
    public Cpuid withoutHypervisor() {
        return without(CpuidFeature.HYPERVISOR)
                .filter(entry -> Integer.compareUnsigned(entry.function(), FIRST_HYPERVISOR_LEAF) < 0
                        || Integer.compareUnsigned(entry.function(), LAST_HYPERVISOR_LEAF) > 0);
    }

    /**
     * Tells what a guest that has this table would lose on another host.
     *
     * @param host
     *            what that host's {@link X86Kvm#getSupportedCpuid()} gives
     * @return what it lacks
     */
    public CpuidLosses missingOn(Cpuid host) {
        return CpuidLosses.between(this, host);
    }

    /**
     * Returns the processor's vendor, out of leaf 0.
     *
     * @return twelve characters such as {@code GenuineIntel}; empty without leaf 0
     */
    public String vendor() {
        return find(0).map(leaf -> CpuidText.decode(leaf.ebx(), leaf.edx(), leaf.ecx())).orElse("");
    }

    /**
     * Sets the processor's vendor, in leaf 0 and, where the table has it, in leaf 0x80000000, which AMD's processors have too.
     *
     * @param vendor
     *            twelve characters of ASCII
     * @return a table with it
     * @throws IllegalArgumentException
     *             when they are not twelve, or the table lacks leaf 0
     */
    public Cpuid withVendor(String vendor) {
        if (vendor.length() != 3 * Integer.BYTES) {
            throw new IllegalArgumentException("a vendor has 12 characters: \"" + vendor + '"');
        }
        int[] words = CpuidText.encode(vendor, 3);
        Cpuid cpuid = this;
        for (int leaf : find(EXTENDED).isPresent() && get(EXTENDED, 0, EBX) != 0
                ? new int[]{0, EXTENDED}
                : new int[]{0}) {
            cpuid = cpuid.withValue(leaf, 0, EBX, words[0]).withValue(leaf, 0, EDX, words[1])
                    .withValue(leaf, 0, ECX, words[2]);
        }
        return cpuid;
    }

    /** Whether the processor is AMD's, or of their design. */
    boolean isAmd() {
        return vendor().equals("AuthenticAMD") || vendor().equals("HygonGenuine");
    }

    /**
     * Returns the processor's name, out of leaves 0x80000002 to 0x80000004.
     *
     * @return up to 48 characters; empty without those leaves
     */
    public String brand() {
        int[] words = new int[BRAND_LEAVES * 4];
        for (int i = 0; i < BRAND_LEAVES; i++) {
            words[4 * i] = get(BRAND + i, 0, EAX);
            words[4 * i + 1] = get(BRAND + i, 0, EBX);
            words[4 * i + 2] = get(BRAND + i, 0, ECX);
            words[4 * i + 3] = get(BRAND + i, 0, EDX);
        }
        return CpuidText.decode(words).replace("\0", "").strip();
    }

    /**
     * Sets the processor's name, in leaves 0x80000002 to 0x80000004.
     *
     * @param brand
     *            up to 47 characters of ASCII
     * @return a table with it
     * @throws IllegalArgumentException
     *             when they are more
     */
    public Cpuid withBrand(String brand) {
        if (brand.length() >= BRAND_LEAVES * 4 * Integer.BYTES) {
            throw new IllegalArgumentException("a processor's name has up to 47 characters: \"" + brand + '"');
        }
        int[] words = CpuidText.encode(brand, BRAND_LEAVES * 4);
        Cpuid cpuid = this;
        for (int i = 0; i < words.length; i += 4) {
            cpuid = cpuid
                    .with(CpuidEntry.leaf(BRAND + i / 4, words[i], words[i + 1], words[i + 2], words[i + 3]));
        }
        return cpuid;
    }

    /**
     * Returns the processor's family, with the extended one added where it counts, out of leaf 1.
     *
     * @return the family, 0 without leaf 1
     */
    public int family() {
        int signature = get(1, 0, EAX);
        int family = signature >> 8 & 0xf;
        return family == 0xf ? family + (signature >> 20 & 0xff) : family;
    }

    /**
     * Returns the processor's model, with the extended one in front where it counts, out of leaf 1.
     *
     * @return the model, 0 without leaf 1
     */
    public int model() {
        int signature = get(1, 0, EAX);
        int family = family();
        return (signature >> 4 & 0xf) | (family == 6 || family >= 0xf ? signature >> 12 & 0xf0 : 0);
    }

    /**
     * Returns the processor's stepping, out of leaf 1.
     *
     * @return 0 to 15, 0 without leaf 1
     */
    public int stepping() {
        return get(1, 0, EAX) & 0xf;
    }

    /**
     * Sets the processor's family, model and stepping, in leaf 1 and, where the table has it with a signature, in leaf
     * 0x80000001, which AMD's processors have too.
     *
     * @param family
     *            0 to 270
     * @param model
     *            0 to 255; above 15 with families 6 and 15 onwards alone
     * @param stepping
     *            0 to 15
     * @return a table with them
     * @throws IllegalArgumentException
     *             when one is out of range, or the table lacks leaf 1
     */
    public Cpuid withSignature(int family, int model, int stepping) {
        Fields.check("family", family, 0xf + 0xff);
        Fields.check("model", model, family == 6 || family >= 0xf ? 0xff : 0xf);
        Fields.check("stepping", stepping, 0xf);
        int base = Math.min(family, 0xf);
        int signature = (family - base) << 20 | model >> 4 << 16 | base << 8 | (model & 0xf) << 4 | stepping;
        // What is between them are the processor's type and reserved bits.
        Cpuid cpuid = withValue(1, 0, EAX, (get(1, 0, EAX) & ~0xfff0fff) | signature);
        int extended = get(EXTENDED + 1, 0, EAX);
        return extended == 0 ? cpuid : cpuid.withValue(EXTENDED + 1, 0, EAX, (extended & ~0xfff0fff) | signature);
    }

    static void checkBit(int bit) {
        Fields.check("bit", bit, Integer.SIZE - 1);
    }

    /**
     * Returns the table as a text: a line for each entry, in hexadecimal, and behind it what is known of its meaning, features
     * by their names. Of several entries in a row that are all zeros the first and the last are named.
     *
     * @return the text
     */
    @Override
    public String toString() {
        return CpuidText.of(this);
    }
}
