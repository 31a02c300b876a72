package io.github.kvm4j.x86;

import static io.github.kvm4j.x86.CpuidRegister.EAX;
import static io.github.kvm4j.x86.CpuidRegister.EBX;
import static io.github.kvm4j.x86.CpuidRegister.ECX;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The shape of a machine: how its logical processors, the vCPUs, are put together. An immutable value.
 * <p>
 * It gives each vCPU its APIC id: from the lowest bits up the numbers of its thread, core, die and package, each in as
 * many bits as that needs. With numbers that are no powers of two ids are left out: 2 packages of 3 cores have 0, 1, 2, 4,
 * 5, 6. KVM makes a vCPU's id its APIC id, so vCPUs are to be created with these: {@link #apicIds()}.
 *
 * @param packages
 *            packages in the machine, each in a socket of its own
 * @param dies
 *            dies in a package
 * @param cores
 *            cores on a die
 * @param threads
 *            threads of a core
 */
public record CpuTopology(int packages, int dies, int cores, int threads) {

    // Levels as leaves 0xb and 0x1f number them.
    private static final int SMT = 1;
    private static final int CORE = 2;
    private static final int DIE = 5;

    /** Far more than any KVM takes, and a number of processors fits into an int. */
    private static final int MOST_BITS = 30;

    private static final int AMD_EXTENDED_TOPOLOGY = 0x8000_0026;

    /**
     * Makes one.
     *
     * @throws IllegalArgumentException
     *             when a number is below 1, or all together give APIC ids of more than 30 bits
     */
    public CpuTopology {
        if (packages < 1 || dies < 1 || cores < 1 || threads < 1) {
            throw new IllegalArgumentException("a machine has at least one package, die, core and thread, not "
                    + packages + ", " + dies + ", " + cores + ", " + threads);
        }
        if (bits(packages) + bits(dies) + bits(cores) + bits(threads) > MOST_BITS) {
            throw new IllegalArgumentException("an APIC id of more than " + MOST_BITS + " bits");
        }
    }

    /**
     * Makes the shape of a machine with one package, one die and one thread per core.
     *
     * @param cores
     *            how many cores
     * @return the shape
     * @throws IllegalArgumentException
     *             when the number is below 1
     */
    public static CpuTopology ofCores(int cores) {
        return new CpuTopology(1, 1, cores, 1);
    }

    /** How many bits tell so many things apart. */
    private static int bits(int count) {
        return Integer.SIZE - Integer.numberOfLeadingZeros(count - 1);
    }

    /** Where in an APIC id the die begins, and so on. */
    private int coreShift() {
        return bits(threads);
    }

    private int dieShift() {
        return coreShift() + bits(cores);
    }

    private int packageShift() {
        return dieShift() + bits(dies);
    }

    /**
     * Returns how many logical processors the machine has.
     *
     * @return the number of vCPUs
     */
    public int count() {
        return packages * threadsOfPackage();
    }

    private int threadsOfDie() {
        return cores * threads;
    }

    private int threadsOfPackage() {
        return dies * threadsOfDie();
    }

    /**
     * Returns the APIC id of a logical processor.
     *
     * @param number
     *            its number, from 0 to {@link #count()} − 1, threads of a core next to each other
     * @return the id to create the vCPU with
     * @throws IndexOutOfBoundsException
     *             when there is none with this number
     */
    public int apicId(int number) {
        if (number < 0 || number >= count()) {
            throw new IndexOutOfBoundsException("logical processor " + number + " of " + count());
        }
        int thread = number % threads;
        int core = number / threads % cores;
        int die = number / threadsOfDie() % dies;
        return (number / threadsOfPackage()) << packageShift() | die << dieShift() | core << coreShift() | thread;
    }

    /**
     * Returns the APIC ids of all logical processors, ascending.
     *
     * @return as many as {@link #count()} says
     */
    public List<Integer> apicIds() {
        return IntStream.range(0, count()).map(this::apicId).boxed().toList();
    }

    private static int field(int id, int shift, int next) {
        return (int) ((id & (1L << next) - 1) >>> shift);
    }

    private int core(int apicId) {
        return field(apicId, coreShift(), dieShift());
    }

    private int die(int apicId) {
        return field(apicId, dieShift(), packageShift());
    }

    private void check(int apicId) {
        if (apicId < 0 || apicId >>> packageShift() >= packages || die(apicId) >= dies || core(apicId) >= cores
                || field(apicId, 0, coreShift()) >= threads) {
            throw new IllegalArgumentException("no logical processor of " + this + " has APIC id " + apicId
                    + "; apicIds() has those that there are, and vCPUs are to be created with them");
        }
    }

    /**
     * Writes it into a table, for one logical processor: leaf 1 (EBX 31:16 and HTT), leaf 4 (EAX 31:14), leaf 0xb, leaf 0x1f
     * where the table has it or there are several dies, and on AMD's processors CMP_LEGACY, leaves 0x80000008 (ECX), 0x8000001d
     * (EAX 25:14), 0x8000001e, and none at 0x80000026, which would contradict.
     */
    Cpuid applyTo(Cpuid cpuid, int apicId) {
        check(apicId);
        boolean amd = cpuid.isAmd();
        Cpuid changed = leaf1(cpuid, apicId, amd);
        changed = caches(changed, amd ? 0x8000_001d : 4, !amd);
        changed = levels(changed, 0xb, apicId, false);
        if (cpuid.entries().stream().anyMatch(entry -> entry.function() == 0x1f) || (dies > 1 && !amd)) {
            changed = levels(changed, 0x1f, apicId, true);
        }
        return amd ? amd(changed, apicId) : changed;
    }

    private Cpuid leaf1(Cpuid cpuid, int apicId, boolean amd) {
        // Intel's is a number of ids, a power of two; AMD's a number of threads. 8 bits hold what they can.
        int count = amd ? threadsOfPackage() : 1 << packageShift();
        int ebx = (cpuid.get(1, 0, EBX) & 0xffff) | Math.min(count, 0xff) << 16 | apicId << 24;
        Cpuid changed = cpuid.withValue(1, 0, EBX, ebx);
        return threadsOfPackage() > 1 ? changed.with(CpuidFeature.HTT) : changed.without(CpuidFeature.HTT);
    }

    /** Who shares the caches: level 3 belongs to a die, the others to a core. */
    private Cpuid caches(Cpuid cpuid, int leaf, boolean withCores) {
        Cpuid changed = cpuid;
        for (CpuidEntry entry : cpuid.entries()) {
            int type = entry.eax() & 0x1f;
            if (entry.function() == leaf && type != 0) {
                int level = entry.eax() >> 5 & 7;
                int sharing = withCores
                        ? 1 << (level >= 3 ? dieShift() : coreShift())
                        : level >= 3 ? threadsOfDie() : threads;
                int eax = (entry.eax() & 0x3fff) | Math.min(sharing - 1, 0xfff) << 14;
                if (withCores) {
                    eax |= Math.min((1 << (packageShift() - coreShift())) - 1, 0x3f) << 26;
                } else {
                    eax |= entry.eax() & 0xfc00_0000;
                }
                changed = changed.with(entry.with(EAX, eax));
            }
        }
        return changed;
    }

    /** A leaf with one subleaf for each level, and an empty one at the end. */
    private Cpuid levels(Cpuid cpuid, int leaf, int apicId, boolean withDies) {
        Cpuid changed = cpuid.withoutLeaf(leaf).with(level(leaf, 0, coreShift(), threads, SMT, apicId));
        if (withDies) {
            changed = changed.with(level(leaf, 1, dieShift(), threadsOfDie(), CORE, apicId))
                    .with(level(leaf, 2, packageShift(), threadsOfPackage(), DIE, apicId))
                    .with(level(leaf, 3, 0, 0, 0, apicId));
        } else {
            changed = changed.with(level(leaf, 1, packageShift(), threadsOfPackage(), CORE, apicId))
                    .with(level(leaf, 2, 0, 0, 0, apicId));
        }
        int last = changed.get(0, 0, EAX);
        return changed.find(0).isPresent() && last < leaf ? changed.withValue(0, 0, EAX, leaf) : changed;
    }

    private static CpuidEntry level(int leaf, int number, int shift, int processors, int type, int apicId) {
        return CpuidEntry.subleaf(leaf, number, shift, processors & 0xffff, number | type << 8, apicId);
    }

    private Cpuid amd(Cpuid cpuid, int apicId) {
        Cpuid changed = cpuid.withoutLeaf(AMD_EXTENDED_TOPOLOGY);
        if (changed.find(0x8000_0001).isPresent()) {
            changed = threadsOfPackage() > 1
                    ? changed.with(CpuidFeature.CMP_LEGACY)
                    : changed.without(CpuidFeature.CMP_LEGACY);
        }
        if (changed.find(0x8000_0008).isPresent()) {
            int ecx = changed.get(0x8000_0008, 0, ECX) & ~0xf0ff;
            changed = changed.withValue(0x8000_0008, 0, ECX,
                    ecx | Math.min(threadsOfPackage() - 1, 0xff) | Math.min(packageShift(), 0xf) << 12);
        }
        if (changed.find(0x8000_001e).isPresent()) {
            int node = (apicId >>> packageShift()) * dies + die(apicId);
            int core = die(apicId) * cores + core(apicId);
            changed = changed.with(CpuidEntry.leaf(0x8000_001e, apicId, (core & 0xff) | (threads - 1) << 8,
                    (node & 0xff) | Math.min(dies - 1, 7) << 8, 0));
        }
        return changed;
    }
}
