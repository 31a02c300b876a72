package io.github.kvm4j.x86;

import static io.github.kvm4j.x86.CpuidRegister.EAX;
import static io.github.kvm4j.x86.CpuidRegister.EBX;
import static io.github.kvm4j.x86.CpuidRegister.ECX;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;

/** What a vCPU's CPUID says of the machine, against what the manuals want there. */
class CpuTopologyTest {

    private static final Cpuid INTEL = new Cpuid(List.of(
            CpuidEntry.leaf(0, 4, 0x756e6547, 0x6c65746e, 0x49656e69),
            CpuidEntry.leaf(1, 0x000906ea, 0x07100800, 0, 0),
            CpuidEntry.subleaf(4, 0, 0x1c004121, 0x01c0003f, 0x3f, 0),
            CpuidEntry.subleaf(4, 1, 0x1c03c163, 0x03c0003f, 0xfff, 6),
            CpuidEntry.subleaf(4, 2, 0, 0, 0, 0),
            CpuidEntry.leaf(0x8000_0000, 0x8000_0008, 0, 0, 0),
            CpuidEntry.leaf(0x8000_0008, 0x3027, 0, 0, 0)));

    private static final Cpuid AMD = CpuidTest.AMD.with(CpuidEntry.subleaf(0x8000_001d, 0, 0x4121, 0, 0, 0))
            .with(CpuidEntry.subleaf(0x8000_001d, 1, 0xd400_4163, 0, 0, 0))
            .with(CpuidEntry.leaf(0x8000_001e, 0x33, 0x111, 0x222, 0))
            .with(CpuidEntry.subleaf(0x8000_0026, 0, 1, 2, 3, 4));

    @Test
    void anApicIdHasTheNumbersOfThreadCoreDieAndPackage() {
        // 2 packages of 3 dies, 5 cores, 2 threads: 1 bit, 3 bits, 2 bits, and the package's
        CpuTopology topology = new CpuTopology(2, 3, 5, 2);
        assertEquals(60, topology.count());
        assertEquals(0, topology.apicId(0));
        assertEquals(0b0_00_000_1, topology.apicId(1));
        assertEquals(0b0_00_001_0, topology.apicId(2));
        assertEquals(0b0_00_100_1, topology.apicId(9));
        assertEquals(0b0_01_000_0, topology.apicId(10));
        assertEquals(0b1_00_000_0, topology.apicId(30));
        assertEquals(0b1_10_100_1, topology.apicId(59));
        assertEquals(60, new HashSet<>(topology.apicIds()).size());
        assertEquals(topology.apicIds().stream().sorted().toList(), topology.apicIds());
        assertThrows(IndexOutOfBoundsException.class, () -> topology.apicId(60));
        assertThrows(IndexOutOfBoundsException.class, () -> topology.apicId(-1));
        assertEquals(List.of(0, 1, 2, 4, 5, 6), new CpuTopology(2, 1, 3, 1).apicIds());
        assertEquals(List.of(0, 1, 2, 3), CpuTopology.ofCores(4).apicIds());
    }

    @Test
    void machinesThatCannotBeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new CpuTopology(0, 1, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> new CpuTopology(1, 1, -1, 1));
        assertThrows(IllegalArgumentException.class, () -> new CpuTopology(1 << 20, 1, 1 << 10, 2));
        assertEquals(1 << 30, new CpuTopology(1 << 20, 1, 1 << 10, 1).count());
        CpuTopology three = new CpuTopology(2, 1, 3, 1);
        for (int id : new int[]{3, 7, 8, -1}) {
            String message = assertThrows(IllegalArgumentException.class, () -> INTEL.forVcpu(three, id)).getMessage();
            assertTrue(message.contains("APIC id " + id + ";"), message);
        }
    }

    private static CpuidEntry level(int leaf, int index, int shift, int count, int type, int id) {
        return CpuidEntry.subleaf(leaf, index, shift, count, index | type << 8, id);
    }

    @Test
    void intelsLeavesHaveTheTopology() {
        CpuTopology topology = new CpuTopology(2, 1, 3, 2);
        Cpuid cpuid = INTEL.forVcpu(topology, 0b1_10_1);
        assertEquals(0x0d080800, cpuid.get(1, 0, EBX));
        assertTrue(cpuid.has(CpuidFeature.HTT));
        // Level 1 is a core's: 2 ids; level 3 the die's: 8. 4 ids of cores in the package.
        assertEquals(0x0c004121, cpuid.get(4, 0, EAX));
        assertEquals(0x0c01c163, cpuid.get(4, 1, EAX));
        assertEquals(INTEL.find(4, 2), cpuid.find(4, 2));
        assertEquals(Optional.of(level(0xb, 0, 1, 2, 1, 13)), cpuid.find(0xb, 0));
        assertEquals(Optional.of(level(0xb, 1, 3, 6, 2, 13)), cpuid.find(0xb, 1));
        assertEquals(Optional.of(level(0xb, 2, 0, 0, 0, 13)), cpuid.find(0xb, 2));
        assertEquals(Optional.empty(), cpuid.find(0x1f, 0), "0xb says it all");
        assertEquals(0xb, cpuid.get(0, 0, EAX), "guests must be told that there is a leaf 0xb");
        assertEquals(INTEL.find(0x8000_0008), cpuid.find(0x8000_0008), "AMD's alone");
    }

    @Test
    void withSeveralDiesThereIsLeaf1f() {
        Cpuid cpuid = INTEL.forVcpu(new CpuTopology(1, 2, 3, 2), 0b1_10_1);
        assertEquals(Optional.of(level(0x1f, 0, 1, 2, 1, 13)), cpuid.find(0x1f, 0));
        assertEquals(Optional.of(level(0x1f, 1, 3, 6, 2, 13)), cpuid.find(0x1f, 1));
        assertEquals(Optional.of(level(0x1f, 2, 4, 12, 5, 13)), cpuid.find(0x1f, 2));
        assertEquals(Optional.of(level(0x1f, 3, 0, 0, 0, 13)), cpuid.find(0x1f, 3));
        assertEquals(Optional.of(level(0xb, 1, 4, 12, 2, 13)), cpuid.find(0xb, 1));
        assertEquals(0x1f, cpuid.get(0, 0, EAX));
        assertEquals(0x0d100800, cpuid.get(1, 0, EBX));
        Cpuid old = INTEL.with(CpuidEntry.subleaf(0x1f, 5, 1, 2, 3, 4)).forVcpu(CpuTopology.ofCores(2), 1);
        assertEquals(4, old.filter(entry -> entry.function() == 0x1f).entries().size(), "the host's is replaced");
    }

    @Test
    void amdsLeavesHaveTheTopology() {
        Cpuid cpuid = AMD.forVcpu(new CpuTopology(2, 2, 3, 2), 0b1_1_10_1);
        assertEquals(0x1d0c0800, cpuid.get(1, 0, EBX));
        assertTrue(cpuid.has(CpuidFeature.CMP_LEGACY));
        assertEquals(0x400b, cpuid.get(0x8000_0008, 0, ECX));
        assertEquals(AMD.get(0x8000_0008, 0, EBX), cpuid.get(0x8000_0008, 0, EBX));
        assertEquals(0x4121 & 0x3fff | 1 << 14, cpuid.get(0x8000_001d, 0, EAX));
        assertEquals(0xd400_0000 | 0x4163 & 0x3fff | 5 << 14, cpuid.get(0x8000_001d, 1, EAX), "the reserved bits stay");
        assertEquals(Optional.of(CpuidEntry.leaf(0x8000_001e, 0x1d, 0x105, 0x103, 0)), cpuid.find(0x8000_001e));
        assertEquals(Optional.of(level(0xb, 1, 4, 12, 2, 0x1d)), cpuid.find(0xb, 1));
        assertEquals(Optional.empty(), cpuid.find(0x1f));
        assertEquals(Optional.empty(), cpuid.find(0x8000_0026));
        assertEquals(0x10, cpuid.get(0, 0, EAX));
    }

    @Test
    void aSingleProcessorIsNotSaidToHaveThreads() {
        Cpuid cpuid = AMD.with(CpuidFeature.HTT, CpuidFeature.CMP_LEGACY).forVcpu(CpuTopology.ofCores(1), 0);
        assertFalse(cpuid.has(CpuidFeature.HTT) || cpuid.has(CpuidFeature.CMP_LEGACY));
        assertEquals(0x00010800, cpuid.get(1, 0, EBX));
        assertEquals(0, cpuid.get(0x8000_0008, 0, ECX));
    }

    /** What does not fit is as large as it can be said, and the whole id is in leaf 0xb. */
    @Test
    void manyProcessorsOverflowTheOldFieldsAlone() {
        CpuTopology topology = new CpuTopology(2, 1, 256, 2);
        Cpuid cpuid = INTEL.forVcpu(topology, 1023);
        assertEquals(0xffff0800, cpuid.get(1, 0, EBX));
        assertEquals(0x3f, cpuid.get(4, 0, EAX) >>> 26);
        assertEquals(511, cpuid.get(4, 1, EAX) >>> 14 & 0xfff);
        assertEquals(Optional.of(level(0xb, 1, 9, 512, 2, 1023)), cpuid.find(0xb, 1));
    }
}
