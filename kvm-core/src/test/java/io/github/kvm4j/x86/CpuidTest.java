package io.github.kvm4j.x86;

import static io.github.kvm4j.x86.CpuidRegister.EAX;
import static io.github.kvm4j.x86.CpuidRegister.EBX;
import static io.github.kvm4j.x86.CpuidRegister.ECX;
import static io.github.kvm4j.x86.CpuidRegister.EDX;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** CPUID tables, without a KVM. */
class CpuidTest {

    private static final int SUBLEAVES = kvm_x86_h.KVM_CPUID_FLAG_SIGNIFCANT_INDEX();

    /** A few leaves of an AMD processor, as the kernel gives them. */
    static final Cpuid AMD = new Cpuid(List.of(CpuidEntry.leaf(0, 0x10, 0x68747541, 0x444d4163, 0x69746e65),
            CpuidEntry.leaf(1, 0x00b00f21, 0x05100800, 0x7ed83203, 0x178bfbff),
            CpuidEntry.subleaf(7, 0, 1, 0xf1bf97a9, 0x00415fd6, 0x10000010),
            CpuidEntry.subleaf(7, 1, 0x30, 0, 0, 0),
            CpuidEntry.subleaf(0xd, 0, 0xe7, 0x988, 0x988, 0),
            CpuidEntry.leaf(0x8000_0000, 0x80000022, 0x68747541, 0x444d4163, 0x69746e65),
            CpuidEntry.leaf(0x8000_0001, 0x00b00f21, 0, 0x004003f3, 0x2fd3fbff),
            CpuidEntry.leaf(0x8000_0002, 0x20444d41, 0x43595045, 0x00000000, 0),
            CpuidEntry.leaf(0x8000_0008, 0x00003030, 0x1b0e5207, 0x4007, 0)));

    /** As struct kvm_cpuid2 has it: two words, then ten for each entry, the last three of them padding. */
    @Test
    void everyNumberGoesToItsPlaceAndComesBack() {
        List<CpuidEntry> entries = new ArrayList<>();
        for (int n = 100; n < 130; n += 10) {
            entries.add(new CpuidEntry(n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6));
        }
        Cpuid cpuid = new Cpuid(entries);
        MemorySegment table = CpuidTables.write(cpuid, Arena.ofAuto());
        assertEquals(8 + 3 * 40, table.byteSize());
        assertEquals(3, table.getAtIndex(ValueLayout.JAVA_INT, 0));
        for (int i = 0; i < 30; i++) {
            assertEquals(i % 10 < 7 ? 100 + i : 0, table.getAtIndex(ValueLayout.JAVA_INT, 2 + i), "word " + i);
        }
        assertEquals(cpuid, CpuidTables.read(table));
    }

    /** The kernel's count is checked against the room that there is. */
    @Test
    void aCountThatCannotBeIsRefused() {
        MemorySegment table = CpuidTables.write(AMD, Arena.ofAuto());
        table.setAtIndex(ValueLayout.JAVA_INT, 0, AMD.entries().size() + 1);
        assertThrows(IndexOutOfBoundsException.class, () -> CpuidTables.read(table));
    }

    @Test
    void aSubleafIsFoundByItsIndex() {
        CpuidEntry first = new CpuidEntry(7, 0, SUBLEAVES, 1, 0, 0, 0);
        CpuidEntry second = new CpuidEntry(7, 1, SUBLEAVES, 2, 0, 0, 0);
        CpuidEntry single = new CpuidEntry(8, 5, 0, 3, 0, 0, 0);
        Cpuid cpuid = new Cpuid(List.of(first, second, single));
        assertEquals(Optional.of(first), cpuid.find(7));
        assertEquals(Optional.of(second), cpuid.find(7, 1));
        assertEquals(Optional.empty(), cpuid.find(7, 2));
        assertEquals(Optional.of(single), cpuid.find(8, 9), "a leaf without subleaves");
        assertEquals(2, cpuid.get(7, 1, EAX));
        assertEquals(0, cpuid.get(7, 2, EAX));
    }

    /** Places that everybody knows, out of each register that has names. */
    @ParameterizedTest
    @CsvSource({"1, 0, EDX, 0, FPU", "1, 0, EDX, 9, APIC", "1, 0, EDX, 26, SSE2", "1, 0, EDX, 28, HTT",
            "1, 0, ECX, 0, SSE3", "1, 0, ECX, 5, VMX", "1, 0, ECX, 17, PCID", "1, 0, ECX, 21, X2APIC",
            "1, 0, ECX, 24, TSC_DEADLINE", "1, 0, ECX, 27, OSXSAVE", "1, 0, ECX, 31, HYPERVISOR", "6, 0, EAX, 2, ARAT",
            "6, 0, ECX, 0, APERFMPERF", "7, 0, EBX, 5, AVX2", "7, 0, EBX, 16, AVX512F", "7, 0, EBX, 20, SMAP",
            "7, 0, EBX, 29, SHA", "7, 0, ECX, 3, PKU", "7, 0, ECX, 16, LA57", "7, 0, ECX, 28, MOVDIR64B",
            "7, 0, EDX, 4, FSRM", "7, 0, EDX, 24, AMX_TILE", "7, 0, EDX, 29, ARCH_CAPABILITIES", "7, 0, EDX, 31, SSBD",
            "7, 1, EAX, 4, AVX_VNNI", "7, 1, EAX, 17, FRED", "7, 1, ECX, 5, MSR_IMM", "7, 1, EDX, 19, AVX10",
            "7, 2, EDX, 4, BHI_CTRL", "13, 1, EAX, 3, XSAVES", "13, 1, EAX, 4, XFD"})
    void basicFeaturesAreWhereTheManualHasThem(int leaf, int subleaf, CpuidRegister register, int bit,
            CpuidFeature feature) {
        assertEquals(Optional.of(feature), CpuidFeature.of(leaf, subleaf, register, bit));
        assertEquals(List.of(leaf, subleaf, register, bit),
                List.of(feature.leaf(), feature.subleaf(), feature.register(), feature.bit()));
    }

    @ParameterizedTest
    @CsvSource({"1, ECX, 2, SVM", "1, ECX, 22, TOPOLOGY_EXTENSIONS", "1, ECX, 29, MONITORX", "1, EDX, 11, SYSCALL",
            "1, EDX, 20, NX", "1, EDX, 26, PAGE_1GB", "1, EDX, 27, RDTSCP", "1, EDX, 29, LM",
            "7, EBX, 1, SUCCOR", "7, EDX, 8, INVARIANT_TSC", "8, EBX, 0, CLZERO", "8, EBX, 12, AMD_IBPB",
            "8, EBX, 24, AMD_SSBD", "10, EDX, 0, SVM_NP", "10, EDX, 13, SVM_AVIC", "31, EAX, 4, SEV_SNP",
            "33, EAX, 2, LFENCE_ALWAYS_SERIALIZING", "33, EAX, 8, AUTOMATIC_IBRS", "33, ECX, 1, TSA_SQ_NO",
            "34, EAX, 0, PERFMON_V2"})
    void extendedFeaturesAreWhereTheManualHasThem(int leaf, CpuidRegister register, int bit, CpuidFeature feature) {
        assertEquals(Optional.of(feature), CpuidFeature.of(0x8000_0000 + leaf, 0, register, bit));
    }

    @Test
    void kvmsFeaturesHaveTheNamesOfTheHeader() throws ReflectiveOperationException {
        Set<String> names = new HashSet<>();
        for (Method constant : kvm_x86_h.class.getMethods()) {
            if (constant.getName().startsWith("KVM_FEATURE_")) {
                String name = "KVM_" + constant.getName().substring("KVM_FEATURE_".length());
                names.add(name);
                CpuidFeature feature = CpuidFeature.valueOf(name);
                assertEquals(constant.invoke(null), feature.bit(), name);
                assertEquals(EAX, feature.register());
                assertEquals(kvm_x86_h.KVM_CPUID_FEATURES(), feature.leaf());
            }
        }
        assertTrue(names.size() > 15, names::toString);
        assertEquals(EDX, CpuidFeature.KVM_HINTS_REALTIME.register());
    }

    @Test
    void noTwoFeaturesShareABit() {
        Set<List<Object>> places = new HashSet<>();
        for (CpuidFeature feature : CpuidFeature.values()) {
            assertTrue(places.add(List.of(feature.leaf(), feature.subleaf(), feature.register(), feature.bit())),
                    feature::name);
            assertEquals(Optional.of(feature),
                    CpuidFeature.of(feature.leaf(), feature.subleaf(), feature.register(), feature.bit()));
        }
        assertEquals(Optional.empty(), CpuidFeature.of(1, 0, EDX, 10));
        assertEquals(Optional.empty(), CpuidFeature.of(5, 0, EDX, 10));
        assertThrows(IllegalArgumentException.class, () -> CpuidFeature.of(1, 0, EDX, 32));
    }

    @Test
    void aFeatureIsSetAndClearedByItsName() {
        assertTrue(AMD.has(CpuidFeature.AVX2));
        Cpuid without = AMD.without(CpuidFeature.AVX2, CpuidFeature.XSAVE);
        assertFalse(without.has(CpuidFeature.AVX2) || without.has(CpuidFeature.XSAVE));
        assertEquals(0xf1bf97a9 & ~(1 << 5), without.get(7, 0, EBX));
        assertEquals(0x7ed83203 & ~(1 << 26), without.get(1, 0, ECX));
        assertEquals(AMD, without.with(CpuidFeature.AVX2, CpuidFeature.XSAVE));
        assertTrue(AMD.has(CpuidFeature.AVX2), "the table itself stays as it was");
        Set<CpuidFeature> gone = AMD.features();
        gone.removeAll(without.features());
        assertEquals(Set.of(CpuidFeature.AVX2, CpuidFeature.XSAVE), gone);
        assertFalse(AMD.has(CpuidFeature.BHI_CTRL));
        assertEquals(AMD, AMD.without(CpuidFeature.BHI_CTRL), "a leaf that is not there has nothing to clear");
    }

    @Test
    void anyOtherBitIsSetAndClearedByItsPlace() {
        Cpuid with = AMD.with(7, 1, EDX, 31);
        assertTrue(with.has(7, 1, EDX, 31));
        assertEquals(Integer.MIN_VALUE, with.get(7, 1, EDX));
        assertEquals(AMD, with.without(7, 1, EDX, 31));
        assertThrows(IllegalArgumentException.class, () -> AMD.with(7, 1, EDX, 32));
        assertThrows(IllegalArgumentException.class, () -> AMD.without(7, 1, EDX, -1));
        assertThrows(IllegalArgumentException.class, () -> AMD.has(7, 1, EDX, 32));
    }

    @Test
    void aFeatureWhoseLeafIsMissingIsRefused() {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> AMD.with(CpuidFeature.BHI_CTRL));
        assertEquals("the table has no leaf 0x7, subleaf 2; add it first, as an entry", e.getMessage());
        assertTrue(AMD.with(CpuidEntry.subleaf(7, 2, 0, 0, 0, 0)).with(CpuidFeature.BHI_CTRL)
                .has(CpuidFeature.BHI_CTRL));
    }

    @Test
    void anEntryIsReplacedWhereItIsAndOtherwiseAdded() {
        CpuidEntry other = CpuidEntry.subleaf(7, 1, 1, 2, 3, 4);
        Cpuid changed = AMD.with(other);
        assertEquals(AMD.entries().size(), changed.entries().size());
        assertEquals(other, changed.entries().get(3));
        CpuidEntry third = CpuidEntry.subleaf(7, 2, 1, 2, 3, 4);
        assertEquals(third, AMD.with(third).entries().getLast());
        assertEquals(AMD.entries().size() + 1, AMD.with(CpuidEntry.leaf(7, 1, 2, 3, 4)).entries().size(),
                "a leaf without subleaves takes no subleaf's place");
        assertEquals(AMD.find(7, 0), AMD.withoutLeaf(1).find(7, 0));
        assertEquals(Optional.empty(), AMD.withoutLeaf(7).find(7, 1));
        assertEquals(AMD.entries().size() - 2, AMD.withoutLeaf(7).entries().size());
        assertEquals(List.of(0x8000_0001), AMD.filter(entry -> entry.function() == 0x8000_0001).entries().stream()
                .map(CpuidEntry::function).toList());
        for (CpuidRegister register : CpuidRegister.values()) {
            assertEquals(9, other.with(register, 9).get(register));
            assertNotEquals(other, other.with(register, 9));
        }
        assertThrows(UnsupportedOperationException.class, () -> AMD.entries().clear());
    }

    @ParameterizedTest
    @CsvSource({"000906ea, 6, 158, 10", "00800f12, 23, 1, 2", "00b00f21, 26, 2, 1", "00000f48, 15, 4, 8",
            "00000543, 5, 4, 3"})
    void aSignatureIsReadAndWritten(String signature, int family, int model, int stepping) {
        Cpuid cpuid = AMD.withValue(1, 0, EAX, Integer.parseUnsignedInt(signature, 16));
        assertEquals(List.of(family, model, stepping), List.of(cpuid.family(), cpuid.model(), cpuid.stepping()));
        Cpuid written = AMD.withSignature(family, model, stepping);
        assertEquals(cpuid.get(1, 0, EAX), written.get(1, 0, EAX));
        assertEquals(cpuid.get(1, 0, EAX), written.get(0x8000_0001, 0, EAX));
        assertThrows(IllegalArgumentException.class, () -> AMD.withSignature(5, 16, 0));
        assertThrows(IllegalArgumentException.class, () -> AMD.withSignature(271, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> AMD.withSignature(6, 0, 16));
    }

    @Test
    void theVendorAndTheProcessorsNameAreReadAndWritten() {
        assertEquals("AuthenticAMD", AMD.vendor());
        Cpuid intel = AMD.withVendor("GenuineIntel");
        assertEquals("GenuineIntel", intel.vendor());
        assertEquals(0x756e6547, intel.get(0x8000_0000, 0, EBX));
        assertEquals(0x10, intel.get(0, 0, EAX));
        assertThrows(IllegalArgumentException.class, () -> AMD.withVendor("Intel"));
        assertEquals("AMD EPYC", AMD.brand());
        String longest = "A processor with the longest name that there is";
        assertEquals(47, longest.length());
        assertEquals(longest, AMD.withBrand(longest).brand());
        assertEquals(0x72702041, AMD.withBrand(longest).get(0x8000_0002, 0, EAX));
        assertThrows(IllegalArgumentException.class, () -> AMD.withBrand(longest + "!"));
        assertEquals("", new Cpuid(List.of()).vendor());
    }

    @Test
    void kvmsLeavesAreSetWithTheHypervisorsBit() {
        Cpuid cpuid = AMD.without(CpuidFeature.HYPERVISOR).withKvm(
                KvmLeaves.of(CpuidFeature.KVM_CLOCKSOURCE2, CpuidFeature.KVM_STEAL_TIME,
                        CpuidFeature.KVM_HINTS_REALTIME));
        assertTrue(cpuid.has(CpuidFeature.HYPERVISOR));
        assertEquals(Optional.of(CpuidEntry.leaf(0x4000_0000, 0x4000_0001, 0x4b4d564b, 0x564b4d56, 0x4d)),
                cpuid.find(0x4000_0000));
        assertEquals(Optional.of(CpuidEntry.leaf(0x4000_0001, 0x28, 0, 0, 1)), cpuid.find(0x4000_0001));
        assertEquals(KvmLeaves.of(cpuid), KvmLeaves.of(CpuidFeature.KVM_CLOCKSOURCE2, CpuidFeature.KVM_STEAL_TIME,
                CpuidFeature.KVM_HINTS_REALTIME));
        Cpuid moved = AMD.withKvm(KvmLeaves.of().at(0x4000_0100));
        assertEquals(0x4000_0101, moved.get(0x4000_0100, 0, EAX));
        assertTrue(moved.find(0x4000_0000).isEmpty() && moved.find(0x4000_0101).isPresent());
        assertEquals(AMD.without(CpuidFeature.HYPERVISOR), cpuid.withoutHypervisor());
        assertThrows(IllegalArgumentException.class, () -> KvmLeaves.of(CpuidFeature.AVX));
        assertThrows(IllegalArgumentException.class, () -> KvmLeaves.of().at(0x4000_0080));
        assertThrows(IllegalArgumentException.class, () -> KvmLeaves.of().at(0x4001_0000));
        assertThrows(IllegalArgumentException.class, () -> KvmLeaves.of().at(0x3fff_ff00));
    }

    /** A machine with Hyper-V's leaves in front, and KVM's where the documentation puts them then. */
    private static Cpuid behindHyperv(KvmLeaves leaves) {
        return AMD.withKvm(leaves.at(0x4000_0100))
                .with(CpuidEntry.leaf(0x4000_0000, 0x4000_0001, 0x756e694c, 0x564b2078, 0x7648204d))
                .with(CpuidEntry.leaf(0x4000_0001, 0x31237648, 0, 0, 0));
    }

    @Test
    void kvmsFeaturesAreFoundBehindItsSignature() {
        CpuidFeature[] some = {CpuidFeature.KVM_CLOCKSOURCE2, CpuidFeature.KVM_PV_EOI};
        Cpuid host = AMD.withKvm(KvmLeaves.of(some));
        Cpuid guest = behindHyperv(KvmLeaves.of(host));
        assertEquals(new KvmLeaves(0x4000_0100, Set.of(some)), KvmLeaves.of(guest));
        assertEquals(KvmLeaves.of(), KvmLeaves.of(AMD));
        assertTrue(guest.has(CpuidFeature.KVM_PV_EOI));
        assertFalse(guest.has(CpuidFeature.KVM_ASYNC_PF_VMEXIT), "a bit of Hyper-V's");
        assertEquals("nothing", guest.missingOn(host).toString());
        assertEquals(Set.of(CpuidFeature.KVM_PV_EOI),
                guest.missingOn(host.without(CpuidFeature.KVM_PV_EOI)).features());
        assertEquals(List.of(new CpuidLosses.Bit(0x4000_0101, 0, EAX, 31)),
                guest.with(0x4000_0101, 0, EAX, 31).missingOn(host).bits());
        assertTrue(guest.toString().contains("\"Linux KVM Hv\"") && guest.toString().contains("\"KVMKVMKVM\""),
                guest::toString);
        assertEquals(List.of("        KVM_CLOCKSOURCE2 KVM_PV_EOI"),
                guest.toString().lines().filter(line -> line.contains("KVM_")).map(line -> line.replaceFirst(" ", ""))
                        .toList());

        Cpuid more = guest.with(CpuidFeature.KVM_STEAL_TIME).without(CpuidFeature.KVM_PV_EOI);
        assertEquals(1 << 3 | 1 << 5, more.get(0x4000_0101, 0, EAX));
        assertEquals(guest.find(0x4000_0001), more.find(0x4000_0001));
        Cpuid without = AMD.with(CpuidEntry.leaf(0x4000_0001, -1, 0, 0, 0));
        assertFalse(without.has(CpuidFeature.KVM_PV_EOI), "without a signature");
        assertEquals(without, without.without(CpuidFeature.KVM_PV_EOI));
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> without.with(CpuidFeature.KVM_PV_EOI));
        assertTrue(e.getMessage().contains("KVM_PV_EOI") && e.getMessage().contains("withKvm"), e.getMessage());
    }

    /** Else the guest finds all that the host has, at 0x40000000, and not what it is given. */
    @Test
    void kvmsLeavesElsewhereAreTakenAway() {
        Cpuid host = AMD.withKvm(KvmLeaves.of(CpuidFeature.KVM_CLOCKSOURCE2, CpuidFeature.KVM_PV_EOI));
        Cpuid guest = host.withKvm(KvmLeaves.of(CpuidFeature.KVM_CLOCKSOURCE2).at(0x4000_0100));
        assertTrue(guest.find(0x4000_0000).isEmpty() && guest.find(0x4000_0001).isEmpty(), guest::toString);
        assertEquals(AMD.withKvm(KvmLeaves.of(CpuidFeature.KVM_CLOCKSOURCE2).at(0x4000_0100)), guest);
        assertEquals(AMD.withKvm(KvmLeaves.of()), guest.withKvm(KvmLeaves.of()));
        Cpuid hyperv = behindHyperv(KvmLeaves.of());
        assertEquals(hyperv, hyperv.withKvm(KvmLeaves.of(hyperv)), "Hyper-V's stay, and so do those that are there");
    }

    @Test
    void whatNoHostsTableTellsIsNoLoss() {
        Cpuid host = AMD.withKvm(KvmLeaves.of(CpuidFeature.KVM_CLOCKSOURCE2));
        Cpuid guest = host.withKvm(KvmLeaves.of(CpuidFeature.KVM_CLOCKSOURCE2, CpuidFeature.KVM_HINTS_REALTIME,
                CpuidFeature.KVM_MSI_EXT_DEST_ID, CpuidFeature.KVM_HC_MAP_GPA_RANGE,
                CpuidFeature.KVM_MIGRATION_CONTROL)).with(CpuidFeature.TSC_DEADLINE, CpuidFeature.MONITOR);
        assertEquals("nothing", guest.missingOn(host).toString());
        assertEquals(Set.of(CpuidFeature.KVM_CLOCKSOURCE2), guest.missingOn(AMD.withKvm(KvmLeaves.of())).features());
    }

    /** Numbers that are what a processor can do, where nobody would look for them. */
    @ParameterizedTest
    @CsvSource({"24, 0, 00000000, 00010002, 00000000, 00000000, ebx, 00010001, 1 version of AVX10 for 2",
            "24, 0, 00000000, 00070001, 00000000, 00000000, ebx, 00030001, 00000024/0.ebx.18",
            "1d, 0, 00000001, 00000000, 00000000, 00000000, eax, 00000000, 0 AMX palettes for 1",
            "1d, 1, 04002000, 00080040, 00000010, 00000000, eax, 04001000, 4096 bytes of all AMX tiles for 8192",
            "1d, 1, 04002000, 00080040, 00000010, 00000000, eax, 02002000, 512 bytes of an AMX tile for 1024",
            "1d, 1, 04002000, 00080040, 00000010, 00000000, ebx, 00080020, 32 bytes of an AMX tile's row for 64",
            "1d, 1, 04002000, 00080040, 00000010, 00000000, ebx, 00040040, 4 AMX tiles for 8",
            "1d, 1, 04002000, 00080040, 00000010, 00000000, ecx, 00000008, 8 rows of an AMX tile for 16",
            "1e, 0, 00000001, 00004010, 00000000, 00000000, ebx, 00004008, 8 rows or columns of an AMX multiplication for 16",
            "1e, 0, 00000001, 00004010, 00000000, 00000000, ebx, 00002010, 32 column bytes of an AMX multiplication for 64",
            "1e, 1, 0000000f, 00000000, 00000000, 00000000, eax, 00000007, 0000001e/1.eax.3",
            "14, 0, 00000001, 000000ff, 80000007, 00000000, ebx, 0000007f, 00000014/0.ebx.7",
            "14, 0, 00000001, 000000ff, 80000007, 00000000, ecx, 80000003, 00000014/0.ecx.2",
            "14, 1, 02490002, 003f3fff, 00000000, 00000000, eax, 02490001, 1 address ranges of Intel PT for 2",
            "14, 1, 02490002, 003f3fff, 00000000, 00000000, eax, 00490002, 00000014/1.eax.25",
            "14, 1, 02490002, 003f3fff, 00000000, 00000000, ebx, 001f3fff, 00000014/1.ebx.21",
            "12, 0, 00000403, 00000001, 00000000, 0000381f, eax, 00000401, 00000012/0.eax.1",
            "12, 0, 00000403, 00000001, 00000000, 0000381f, edx, 0000241f, 36 bits of an SGX enclave's size for 56",
            "12, 1, 000000b6, 00000000, 000002e7, 00000000, ecx, 000000e7, 00000012/1.ecx.9",
            "a, 0, 07300805, 00000000, 00000000, 00000603, ebx, 00000040, 0000000a/0.ebx.6",
            "a, 0, 08300805, 00000080, 00000000, 00000603, ebx, 00000081, 0000000a/0.ebx.0",
            "a, 0, 07300805, 00000000, 0000000f, 00000603, ecx, 00000007, 0000000a/0.ecx.3",
            "a, 0, 07300805, 00000000, 00000000, 00000603, edx, 00000403, 32 bits of a fixed performance counter for 48",
            "d, 9, 00000008, 00000a80, 00000000, 00000000, ebx, 00000980, 0000000d/9 flags 1: eax 00000008 ebx 00000a80"})
    void whatAProcessorHasLessOfIsALoss(String leaf, String subleaf, String eax, String ebx, String ecx, String edx,
            String register, String less, String text) {
        CpuidEntry entry = CpuidEntry.subleaf(hex(leaf), hex(subleaf), hex(eax), hex(ebx), hex(ecx), hex(edx));
        Cpuid guest = AMD.with(entry);
        Cpuid host = AMD.with(entry.with(CpuidRegister.valueOf(register.toUpperCase(Locale.ROOT)), hex(less)));
        CpuidLosses losses = guest.missingOn(host);
        assertFalse(losses.isEmpty());
        assertTrue(losses.toString().contains(text), losses::toString);
        assertEquals(List.of(), losses.changed());
        assertEquals(1, losses.bits().size() + losses.numbers().size() + losses.leaves().size(), losses::toString);
        if (!losses.leaves().isEmpty()) {
            return;
        }
        assertTrue(host.missingOn(guest).isEmpty(), "the host may have more");
    }

    private static int hex(String number) {
        return Integer.parseUnsignedInt(number, 16);
    }

    @Test
    void whereSgxsMemoryIsIsNoLoss() {
        Cpuid guest = AMD.with(CpuidEntry.subleaf(0x12, 2, 0x70000001, 0, 0x01000001, 0));
        assertTrue(guest.missingOn(AMD).isEmpty());
        assertEquals(1, guest.missingOn(AMD).changed().size());
    }

    @Test
    void onItsOwnHostAGuestLosesNothing() {
        assertTrue(AMD.missingOn(AMD).isEmpty());
        assertEquals("nothing", AMD.missingOn(AMD).toString());
        assertTrue(AMD.without(CpuidFeature.AVX2).missingOn(AMD).isEmpty(), "the host may have more");
        Cpuid kvm = AMD.withKvm(KvmLeaves.of().at(0x4000_0100));
        assertTrue(kvm.missingOn(AMD).isEmpty(), "a hypervisor's leaves are the VMM's to give");
        Cpuid shaped = AMD.forVcpu(new CpuTopology(1, 1, 2, 2), 3);
        assertTrue(shaped.missingOn(AMD).isEmpty(), "so is the machine's shape");
        assertEquals(List.of(1, 0x8000_0008, 0xb, 0xb, 0xb),
                shaped.missingOn(AMD).changed().stream().map(CpuidEntry::function).toList());
    }

    @Test
    void whatAGuestWouldLoseIsToldByFeatureAndByLeaf() {
        Cpuid host = AMD.without(CpuidFeature.AVX2, CpuidFeature.CLZERO).without(0xd, 0, EAX, 7)
                .withValue(0x8000_0008, 0, EAX, 0x302b).withoutLeaf(0x8000_0002)
                .withSignature(23, 1, 2).filter(entry -> entry.function() != 7 || entry.index() != 1);
        CpuidLosses losses = AMD.with(CpuidEntry.subleaf(0xd, 9, 0, 0, 0, 0)).missingOn(host);
        assertFalse(losses.isEmpty());
        assertEquals(Set.of(CpuidFeature.AVX2, CpuidFeature.CLZERO, CpuidFeature.AVX_VNNI, CpuidFeature.AVX512_BF16),
                losses.features());
        assertEquals(List.of(new CpuidLosses.Bit(0xd, 0, EAX, 7)), losses.bits());
        assertEquals(List.of(new CpuidLosses.Less("bits of a physical address", 48, 43)), losses.numbers());
        assertEquals(AMD.filter(entry -> entry.function() == 0x8000_0002).entries(), losses.leaves());
        assertEquals(List.of(1, 0x8000_0001), losses.changed().stream().map(CpuidEntry::function).toList());
        assertEquals("""
                features: AVX2 AVX_VNNI AVX512_BF16 CLZERO
                bits: 0000000d/0.eax.7
                less: 43 bits of a physical address for 48
                leaves:
                80000002/0 flags 0: eax 20444d41 ebx 43595045 ecx 00000000 edx 00000000
                not the same:
                00000001/0 flags 0: eax 00b00f21 ebx 05100800 ecx 7ed83203 edx 178bfbff
                80000001/0 flags 0: eax 00b00f21 ebx 00000000 ecx 004003f3 edx 2fd3fbff""", losses.toString());
        CpuidLosses another = AMD.missingOn(AMD.withSignature(6, 1, 0));
        assertTrue(another.isEmpty() && another.changed().size() == 2, "another model is no loss");
    }

    /** Those of XCR0 and of IA32_XSS have no names here. */
    @Test
    void componentsOfTheExtendedStateAreLostBitByBit() {
        Cpuid guest = new Cpuid(
                List.of(CpuidEntry.subleaf(0xd, 0, 7, 0, 0, 1), CpuidEntry.subleaf(0xd, 1, 0, 0, 0x800, 2)));
        Cpuid host = new Cpuid(
                List.of(CpuidEntry.subleaf(0xd, 0, 3, 0, 0, 0), CpuidEntry.subleaf(0xd, 1, 0, 0, 0, 0)));
        CpuidLosses losses = guest.missingOn(host);
        assertEquals(List.of(new CpuidLosses.Bit(0xd, 0, EAX, 2), new CpuidLosses.Bit(0xd, 0, EDX, 0),
                new CpuidLosses.Bit(0xd, 1, ECX, 11), new CpuidLosses.Bit(0xd, 1, EDX, 1)), losses.bits());
        assertEquals(List.of(), losses.changed());
    }

    @Test
    void aTableIsPrintedWithTheNamesOfWhatIsSet() {
        String text = AMD.filter(entry -> entry.function() != 7 && entry.function() != 0xd
                && entry.function() < 0x1000).toString();
        assertEquals(
                """
                        00000000/0  eax 00000010  ebx 68747541  ecx 444d4163  edx 69746e65  "AuthenticAMD"
                        00000001/0  eax 00b00f21  ebx 05100800  ecx 7ed83203  edx 178bfbff  family 0x1a, model 0x2, stepping 1
                                 FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE_36 CLFSH MMX FXSR SSE SSE2 HTT SSE3
                                 PCLMULQDQ SSSE3 FMA CMPXCHG16B SSE4_1 SSE4_2 MOVBE POPCNT AESNI XSAVE OSXSAVE AVX F16C RDRAND""",
                text.lines().limit(4).reduce((a, b) -> a + "\n" + b).orElseThrow());
        assertEquals("", new Cpuid(List.of()).toString());
        CpuidEntry zero = CpuidEntry.leaf(2, 0, 0, 0, 0);
        assertEquals("""
                00000002/0  eax 00000000  ebx 00000000  ecx 00000000  edx 00000000
                00000009/0  eax 00000001  ebx 00000000  ecx 00000000  edx 00000000
                00000002/0  to 00000004/3: zeros""", new Cpuid(List.of(zero, CpuidEntry.leaf(9, 1, 0, 0, 0), zero, zero,
                CpuidEntry.subleaf(4, 3, 0, 0, 0, 0))).toString());
        assertTrue(AMD.toString().contains("\"AMD EPYC\""), AMD::toString);
        assertTrue(AMD.toString().endsWith("AMD_PSFD"), AMD::toString);
        assertTrue(AMD.toString().contains("addresses: 48 bits physical, 48 virtual"), AMD::toString);
    }
}
