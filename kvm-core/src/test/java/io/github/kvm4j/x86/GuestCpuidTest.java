package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.bindings.x86.kvm_cpuid2;
import io.github.kvm4j.bindings.x86.kvm_cpuid_entry2;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.KvmKind;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;

/** What the host's KVM supports of CPUID, what a vCPU is given, and what its guest finds. */
@RequiresKvm(arch = Architecture.X86)
class GuestCpuidTest {

    /** Each entry 16 bytes: leaf and subleaf for the guest, the four registers from it. */
    private static final int TABLE = 0x2000;

    // 1: mov eax, [si]; mov ecx, [si+4]; cpuid; mov [si], eax; mov [si+4], ebx; mov [si+8], ecx; mov [si+12], edx
    // add si, 16; dec bp; jnz 1b; 2: hlt; jmp 2b
    private static final String ASK = "668b04 668b4c04 0fa2 668904 66895c04 66894c08 6689540c 83c610 4d 75e2 f4 ebfd";

    private static final int OSXSAVE_ECX = 1 << 27;
    private static final long OSXSAVE_CR4 = Cr4.OSXSAVE.bit();

    /** Lets the guest's CPUID instruction answer. */
    private static List<CpuidEntry> ask(RealModeGuest guest, Vcpu vcpu, List<CpuidEntry> questions) {
        ByteBuffer table = ByteBuffer.allocate(questions.size() * 16).order(ByteOrder.LITTLE_ENDIAN);
        for (CpuidEntry question : questions) {
            table.putInt(question.function()).putInt(question.index()).putLong(0);
        }
        guest.vm.memory().write(TABLE, table.array());
        RealModeGuest.load(guest.vm, vcpu, ASK);
        Regs regs = vcpu.x86().getRegs();
        regs.rsi = TABLE;
        regs.rbp = questions.size();
        vcpu.x86().setRegs(regs);
        assertInstanceOf(Exit.Hlt.class, vcpu.run());
        ByteBuffer answers = ByteBuffer.wrap(guest.vm.memory().read(TABLE, questions.size() * 16))
                .order(ByteOrder.LITTLE_ENDIAN);
        return questions.stream().map(question -> new CpuidEntry(question.function(), question.index(),
                question.flags(), answers.getInt(), answers.getInt(), answers.getInt(), answers.getInt())).toList();
    }

    @Test
    void theSupportedCpuidIsThatOfAProcessor() {
        try (Kvm kvm = Kvm.open()) {
            Cpuid cpuid = kvm.x86().getSupportedCpuid();
            assertTrue(cpuid.entries().size() > 10, cpuid::toString);
            assertTrue(List.of("GenuineIntel", "AuthenticAMD", "HygonGenuine").contains(cpuid.vendor()),
                    cpuid.vendor());
            assertTrue(cpuid.find(7, 0).isPresent());
            assertTrue(cpuid.find(kvm_x86_h.KVM_CPUID_SIGNATURE()).isPresent(), "KVM's own leaf");
            assertTrue(cpuid.find(0x7777_7777).isEmpty());
            assertTrue(cpuid.features().containsAll(Set.of(CpuidFeature.FPU, CpuidFeature.SSE2, CpuidFeature.LM)));
            assertEquals(cpuid.find(0x4000_0000), new Cpuid(cpuid.entries()).withKvm(KvmLeaves.of(cpuid))
                    .find(0x4000_0000), "KVM's leaves as the library makes them are those that KVM makes");
        }
    }

    /** Features that Linux names alike, and that KVM gives to guests as the processor has them. */
    @Test
    void featuresAreThoseThatLinuxNamesToo() throws IOException {
        Map<String, CpuidFeature> same = new TreeMap<>(Map.of("pni", CpuidFeature.SSE3, "aes", CpuidFeature.AESNI,
                "cx16", CpuidFeature.CMPXCHG16B, "sha_ni", CpuidFeature.SHA, "misalignsse", CpuidFeature.MISALIGN_SSE,
                "mmxext", CpuidFeature.MMX_EXT, "avx512ifma",
                CpuidFeature.AVX512_IFMA, "avx512vbmi", CpuidFeature.AVX512_VBMI, "xgetbv1",
                CpuidFeature.XGETBV_ECX1));
        for (String name : List.of("fpu", "mmx", "sse", "sse2", "ssse3", "sse4_1", "sse4_2", "pclmulqdq", "fma",
                "movbe", "popcnt", "avx", "avx2", "f16c", "bmi1", "bmi2", "adx", "clflushopt", "clwb", "avx512f",
                "avx512bw", "avx512vl", "gfni", "vaes", "vpclmulqdq", "avx512_vnni", "avx512_bitalg", "movdiri",
                "movdir64b", "avx_vnni", "avx512_bf16", "xsaveopt", "xsavec", "abm", "sse4a", "nx", "lm", "clzero")) {
            same.put(name, CpuidFeature.valueOf(name.toUpperCase(Locale.ROOT)));
        }
        Set<String> flags = Set.of(Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                .filter(line -> line.startsWith("flags")).findFirst().orElseThrow().split(":")[1].strip().split(" +"));
        try (Kvm kvm = Kvm.open()) {
            Cpuid cpuid = kvm.x86().getSupportedCpuid();
            Map<String, Boolean> linux = new TreeMap<>();
            Map<String, Boolean> ours = new TreeMap<>();
            same.forEach((name, feature) -> {
                linux.put(name, flags.contains(name));
                ours.put(name, cpuid.has(feature));
            });
            assertEquals(linux, ours);
        }
    }

    @Test
    @RequiresKvm(capability = Capability.EXT_EMUL_CPUID)
    void theEmulatedFeaturesAreAFew() {
        try (Kvm kvm = Kvm.open()) {
            Cpuid cpuid = kvm.x86().getEmulatedCpuid();
            assertTrue(cpuid.has(CpuidFeature.MOVBE), cpuid::toString);
            assertFalse(cpuid.has(CpuidFeature.FPU), cpuid::toString);
        }
    }

    @Test
    @RequiresKvm(capability = Capability.SYS_HYPERV_CPUID)
    void hyperVsLeavesAreGiven() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            for (Cpuid cpuid : List.of(kvm.x86().getSupportedHvCpuid(),
                    vm.createVcpu(0).x86().getSupportedHvCpuid())) {
                CpuidEntry first = cpuid.find(0x4000_0000).orElseThrow();
                assertTrue(first.eax() >= 0x4000_0005, cpuid::toString);
                assertEquals("Linux KVM Hv", CpuidText.decode(first.ebx(), first.ecx(), first.edx()));
                assertEquals("Hv#1", CpuidText.decode(cpuid.get(0x4000_0001, 0, CpuidRegister.EAX)));
                assertTrue(cpuid.find(1).isEmpty());
            }
        }
    }

    @Test
    void theGuestSeesTheCpuidThatItIsGiven() {
        // xor eax, eax; cpuid; hlt
        try (RealModeGuest guest = new RealModeGuest("66 31 c0 0f a2 f4")) {
            Cpuid cpuid = guest.kvm.x86().getSupportedCpuid();
            guest.vcpu.x86().setCpuid2(cpuid.withVendor("kvm4j-kvm4j-"));
            assertInstanceOf(Exit.Hlt.class, guest.vcpu.run());
            Regs regs = guest.vcpu.x86().getRegs();
            assertEquals("kvm4j-kvm4j-", CpuidText.decode((int) regs.rbx, (int) regs.rdx, (int) regs.rcx));
        }
    }

    /** The kernel's selftest "cpuid": the guest finds what KVM_GET_CPUID2 tells, in every leaf and subleaf. */
    @Test
    void theGuestFindsItsTableLeafByLeaf() {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            guest.vcpu.x86().setCpuid2(guest.kvm.x86().getSupportedCpuid());
            Cpuid given = guest.vcpu.x86().getCpuid2();
            assertEquals(given.entries(), ask(guest, guest.vcpu, given.entries()));
        }
    }

    /** The kernel's selftest "cpuid": after a run the same table is taken again, and no other. */
    @Test
    void afterARunAnotherTableIsRefused() {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            Cpuid cpuid = guest.kvm.x86().getSupportedCpuid();
            guest.vcpu.x86().setCpuid2(cpuid);
            assertInstanceOf(Exit.Hlt.class, guest.vcpu.run());
            guest.vcpu.x86().setCpuid2(cpuid);
            guest.vcpu.x86().setCpuid2(guest.vcpu.x86().getCpuid2());
            for (Cpuid other : List.of(cpuid.with(CpuidEntry.leaf(0x7777_7777, 0, 0, 0, 0)),
                    cpuid.without(CpuidFeature.SSE2),
                    cpuid.withValue(0x8000_0008, 0, CpuidRegister.EAX, 0x3024))) {
                KvmException e = assertThrows(KvmException.class, () -> guest.vcpu.x86().setCpuid2(other));
                assertEquals("EINVAL", e.errnoName());
                assertTrue(e.getMessage().contains("differs from the one that the vCPU has run with"), e::getMessage);
            }
        }
    }

    /** The kernel's selftest "cpuid": KVM_GET_CPUID2 with exactly enough room, more than that, and too little. */
    @Test
    @RequiresKvm(kernel = "6.5")
    void theKernelCountsTheEntriesThatItHasRoomFor() {
        try (RealModeGuest guest = new RealModeGuest("f4"); Arena arena = Arena.ofConfined()) {
            Cpuid cpuid = guest.kvm.x86().getSupportedCpuid();
            guest.vcpu.x86().setCpuid2(cpuid);
            assertEquals(cpuid.entries().size(), guest.vcpu.x86().getCpuid2().entries().size());
            for (int room : new int[]{0, 1, cpuid.entries().size() - 1}) {
                MemorySegment table = table(arena, room);
                KvmException e = assertThrows(KvmException.class,
                        () -> guest.vcpu.unsafe().ioctl("KVM_GET_CPUID2", table));
                assertEquals("E2BIG", e.errnoName());
            }
            for (int room : new int[]{cpuid.entries().size(), 256}) {
                MemorySegment table = table(arena, room);
                guest.vcpu.unsafe().ioctl("KVM_GET_CPUID2", table);
                assertEquals(cpuid.entries().size(), kvm_cpuid2.nent(table));
                assertEquals(guest.vcpu.x86().getCpuid2(), CpuidTables.read(table));
            }
        }
    }

    /** What {@link CpuidTables} goes by. */
    @Test
    @RequiresKvm(capability = Capability.EXT_EMUL_CPUID)
    void theSystemsTablesDoNotFitIntoTooLittle() {
        try (Kvm kvm = Kvm.open(); Arena arena = Arena.ofConfined()) {
            for (String ioctl : List.of("KVM_GET_SUPPORTED_CPUID", "KVM_GET_EMULATED_CPUID")) {
                MemorySegment none = table(arena, 0);
                assertEquals("E2BIG",
                        assertThrows(KvmException.class, () -> kvm.unsafe().ioctl(ioctl, none)).errnoName(), ioctl);
            }
            int count = kvm.x86().getSupportedCpuid().entries().size();
            MemorySegment little = table(arena, count - 1);
            assertEquals("E2BIG", assertThrows(KvmException.class,
                    () -> kvm.unsafe().ioctl("KVM_GET_SUPPORTED_CPUID", little)).errnoName());
            MemorySegment enough = table(arena, count);
            kvm.unsafe().ioctl("KVM_GET_SUPPORTED_CPUID", enough);
            assertEquals(kvm.x86().getSupportedCpuid(), CpuidTables.read(enough));
        }
    }

    private static MemorySegment table(Arena arena, int entries) {
        MemorySegment table = arena.allocate(kvm_cpuid2.sizeof() + entries * kvm_cpuid_entry2.sizeof(), 8);
        table.set(ValueLayout.JAVA_INT, kvm_cpuid2.nent$offset(), entries);
        return table;
    }

    @Test
    void aNewVcpuHasNoTable() {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            assertEquals(List.of(), guest.vcpu.x86().getCpuid2().entries());
        }
    }

    @Test
    void asManyEntriesAsThereMayBeAreTakenAndReadBack() {
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            List<CpuidEntry> entries = new ArrayList<>();
            for (int i = 0; i < 256; i++) {
                entries.add(CpuidEntry.subleaf(0x8000_0100, i, i, ~i, i * 3, i * 5));
            }
            guest.vcpu.x86().setCpuid2(new Cpuid(entries));
            assertEquals(entries, guest.vcpu.x86().getCpuid2().entries());
            entries.add(CpuidEntry.leaf(0x8000_0200, 0, 0, 0, 0));
            KvmException e = assertThrows(KvmException.class, () -> guest.vcpu.x86().setCpuid2(new Cpuid(entries)));
            assertEquals("KVM_SET_CPUID2", e.call());
            assertEquals("E2BIG", e.errnoName());
            assertTrue(e.getMessage().contains("KVM takes 256"), e::getMessage);
        }
    }

    /** Each vCPU finds its own place: leaves 1 and 0xb, and AMD's 0x8000001e. */
    @Test
    void everyVcpuFindsItsPlaceInTheMachine() {
        CpuTopology topology = new CpuTopology(2, 1, 3, 2);
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13), topology.apicIds());
        try (RealModeGuest guest = new RealModeGuest("f4")) {
            Cpuid supported = guest.kvm.x86().getSupportedCpuid();
            for (int id : new int[]{0, 5, 13}) {
                Vcpu vcpu = id == 0 ? guest.vcpu : guest.vm.createVcpu(id);
                vcpu.x86().setCpuid2(supported.forVcpu(topology, vcpu.id()).without(CpuidFeature.X2APIC));
                List<CpuidEntry> found = ask(guest, vcpu, List.of(CpuidEntry.leaf(1, 0, 0, 0, 0),
                        CpuidEntry.subleaf(0xb, 0, 0, 0, 0, 0), CpuidEntry.subleaf(0xb, 1, 0, 0, 0, 0)));
                assertEquals(id, found.get(0).ebx() >>> 24);
                assertFalse(new Cpuid(found).has(CpuidFeature.X2APIC));
                assertTrue(new Cpuid(found).has(CpuidFeature.HTT));
                assertEquals(CpuidEntry.subleaf(0xb, 0, 1, 2, 0x100, id), found.get(1));
                assertEquals(CpuidEntry.subleaf(0xb, 1, 3, 6, 0x201, id), found.get(2));
            }
        }
    }

    @Test
    void aGuestOfThisHostLosesNothingHere() {
        try (Kvm kvm = Kvm.open()) {
            Cpuid host = kvm.x86().getSupportedCpuid();
            Cpuid guest = host.forVcpu(new CpuTopology(1, 1, 2, 1), 1).withKvm(KvmLeaves.of(host));
            assertTrue(guest.missingOn(host).isEmpty(), () -> guest.missingOn(host).toString());
            CpuidFeature[] lost = {CpuidFeature.SSE2, CpuidFeature.NX};
            assertEquals(Set.copyOf(Arrays.asList(lost)), guest.missingOn(host.without(lost)).features());
        }
    }

    /** The kernel's selftest "cr4_cpuid_sync": OSXSAVE in leaf 1 follows CR4, whoever changes that. */
    @Test
    void osxsaveFollowsCr4() {
        // mov eax, cr4; or eax, 1 << 18; mov cr4, eax; twice: mov eax, 1; cpuid; mov eax, ecx; out 0x10, eax; hlt
        String tell = "66b801000000 0fa2 6689c8 66e710";
        try (RealModeGuest guest = new RealModeGuest("0f20e0 660d00000400 0f22e0" + tell + tell + "f4")) {
            X86Vcpu vcpu = guest.vcpu.x86();
            vcpu.setCpuid2(guest.kvm.x86().getSupportedCpuid());
            assertFalse(vcpu.getCpuid2().has(CpuidFeature.OSXSAVE));
            assertEquals(OSXSAVE_ECX, toldBy(guest) & OSXSAVE_ECX);
            assertTrue(vcpu.getCpuid2().has(CpuidFeature.OSXSAVE), "KVM_GET_CPUID2 tells it too");
            Sregs sregs = vcpu.getSregs();
            assertEquals(OSXSAVE_CR4, sregs.cr4 & OSXSAVE_CR4);
            sregs.cr4 &= ~OSXSAVE_CR4;
            vcpu.setSregs(sregs);
            assertEquals(0, toldBy(guest) & OSXSAVE_ECX);
            assertFalse(vcpu.getCpuid2().has(CpuidFeature.OSXSAVE));
        }
    }

    private static int toldBy(RealModeGuest guest) {
        return assertInstanceOf(Exit.Io.class, guest.vcpu.run()).value();
    }

    /** The kernel's selftest "xcr0_cpuid": leaf 0xd tells which bits XCR0 takes; each of the others is a #GP. Before Linux
     * 6.4 it had half of AMX for a process without the permission for the other. */
    @Test
    @RequiresKvm(kernel = "6.4", notOn = KvmKind.EMULATED_SVM)
    void xcr0TakesWhatCpuidTells() {
        // xsetbv; mov bx, 2; hlt
        try (RealModeGuest guest = new RealModeGuest("0f01d1 bb0200 f4")) {
            // mov bx, 1; hlt
            RealModeGuest.handle(guest.vm, 13, 0x3000, "bb0100 f4");
            X86Vcpu vcpu = guest.vcpu.x86();
            Cpuid cpuid = guest.kvm.x86().getSupportedCpuid();
            vcpu.setCpuid2(cpuid);
            Sregs sregs = vcpu.getSregs();
            sregs.cr4 |= OSXSAVE_CR4;
            vcpu.setSregs(sregs);
            assertEquals(1, vcpu.fpu().getXcrs().xcr0(), "x87 alone, as after a reset");

            long supported = Integer.toUnsignedLong(cpuid.get(0xd, 0, CpuidRegister.EAX))
                    | (long) cpuid.get(0xd, 0, CpuidRegister.EDX) << 32;
            assertEquals(1, supported & 1, "x87");
            assertAllNeed(supported, 1 << 2, 1 << 1, "AVX needs SSE");
            assertAllNeed(supported, 7 << 5, 7 << 5 | 1 << 2, "the parts of AVX-512 come together, and need AVX");
            assertAllNeed(supported, 3 << 17, 3 << 17, "AMX has two parts");
            assertTrue(isTaken(guest, supported), "0x" + Long.toHexString(supported));
            assertEquals(supported, vcpu.fpu().getXcrs().xcr0());
            assertFalse(isTaken(guest, supported & ~1), "x87 is always on");
            for (int bit = 0; bit < Long.SIZE; bit++) {
                boolean known = (supported >> bit & 1) != 0;
                assertEquals(known, isTaken(guest, supported | 1L << bit), "bit " + bit);
            }
        }
    }

    private static void assertAllNeed(long supported, long any, long all, String what) {
        assertTrue((supported & any) == 0 || (supported & all) == all, what);
    }

    /** Lets the guest write XCR0, from the start. */
    private static boolean isTaken(RealModeGuest guest, long xcr0) {
        Regs regs = new Regs();
        regs.rip = RealModeGuest.ENTRY;
        regs.rsp = RealModeGuest.STACK;
        regs.rax = xcr0 & 0xffff_ffffL;
        regs.rdx = xcr0 >>> 32;
        guest.vcpu.x86().setRegs(regs);
        assertInstanceOf(Exit.Hlt.class, guest.vcpu.run());
        return guest.vcpu.x86().getRegs().rbx == 2;
    }
}
