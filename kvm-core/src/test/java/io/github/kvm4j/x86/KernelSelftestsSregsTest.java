package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;

/** What the kernel's selftests x86/set_sregs_test, x86/cr4_cpuid_sync_test and x86/xcr0_cpuid_test are about. */
@RequiresKvm(arch = Architecture.X86)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KernelSelftestsSregsTest extends OneVcpu {

    private static final long X87 = XsaveComponent.X87.bit();
    private static final long SSE = XsaveComponent.SSE.bit();
    private static final long AVX = XsaveComponent.AVX.bit();
    private static final long AVX512 = XsaveComponent.OPMASK.bit() | XsaveComponent.ZMM_HI256.bit()
            | XsaveComponent.HI16_ZMM.bit();
    private static final long MPX = XsaveComponent.BNDREGS.bit() | XsaveComponent.BNDCSR.bit();
    private static final long AMX = XsaveComponent.XTILECFG.bit() | XsaveComponent.XTILEDATA.bit();

    @BeforeEach
    void start() {
        x86.setCpuid2(kvm.x86().getSupportedCpuid());
    }

    private void assertRefused(Consumer<SpecialRegisters> mistake, String given) {
        Sregs before = x86.getSregs();
        Sregs sregs = before.copy();
        mistake.accept(sregs);
        KvmException e = assertThrows(KvmException.class, () -> x86.setSregs(sregs), given);
        assertEquals("KVM_SET_SREGS", e.call());
        assertEquals("EINVAL", e.errnoName());
        assertTrue(e.getMessage().contains(given), () -> given + " in: " + e.getMessage());
        assertEquals(before, x86.getSregs(), "nothing has been set");
    }

    /** set_sregs_test: combinations that no processor takes, and bits of CR0 above the 32nd. */
    @Test
    void setSregsInvalidCr0IsRefused() {
        assertRefused(sregs -> sregs.cr0 |= 1L << 32, "(ET ");
        assertRefused(sregs -> sregs.cr0 = Cr0.bits(Cr0.ET, Cr0.NW), "(ET NW)");
        assertRefused(sregs -> sregs.cr0 |= Cr0.PG.bit(), "PG)");
    }

    /** set_sregs_test: each bit that the vCPU's CPUID does not announce, and reserved ones. */
    @Test
    void setSregsInvalidCr4IsRefused() {
        for (int bit : new int[]{15, 26, 29, 63}) {
            assertRefused(sregs -> sregs.cr4 |= 1L << bit, Long.toHexString(1L << bit));
        }
    }

    /** set_sregs_test: the features that are behind bits of CR4, taken out of CPUID one by one. */
    @Test
    void setSregsCr4WithoutItsFeatureIsRefused() {
        record Feature(Cr4 flag, int leaf, int register, int bit) {
        }
        int ebx = 1;
        int ecx = 2;
        List<Feature> features = List.of(new Feature(Cr4.FSGSBASE, 7, ebx, 0), new Feature(Cr4.SMEP, 7, ebx, 7),
                new Feature(Cr4.SMAP, 7, ebx, 20), new Feature(Cr4.UMIP, 7, ecx, 2), new Feature(Cr4.PKE, 7, ecx, 3),
                new Feature(Cr4.LA57, 7, ecx, 16), new Feature(Cr4.PCIDE, 1, ecx, 17),
                new Feature(Cr4.OSXSAVE, 1, ecx, 26));
        List<CpuidEntry> all = kvm.x86().getSupportedCpuid().entries();
        int tried = 0;
        for (Feature feature : features) {
            List<CpuidEntry> without = new ArrayList<>(all);
            without.replaceAll(entry -> entry.function() != feature.leaf || entry.index() != 0
                    ? entry
                    : new CpuidEntry(entry.function(), entry.index(), entry.flags(), entry.eax(),
                            feature.register == ebx ? entry.ebx() & ~(1 << feature.bit) : entry.ebx(),
                            feature.register == ecx ? entry.ecx() & ~(1 << feature.bit) : entry.ecx(),
                            entry.edx()));
            x86.setCpuid2(new Cpuid(without));
            assertRefused(sregs -> sregs.cr4 |= feature.flag.bit(), feature.flag.name());
            if (!without.equals(all) && feature.flag != Cr4.PCIDE) {
                x86.setCpuid2(new Cpuid(all));
                Sregs sregs = x86.getSregs();
                sregs.cr4 |= feature.flag.bit();
                x86.setSregs(sregs);
                assertEquals(sregs, x86.getSregs());
                sregs.cr4 = 0;
                x86.setSregs(sregs);
                tried++;
            }
        }
        assertTrue(tried > 0, "none of the features is there");
    }

    /** set_sregs_test: EFER's long mode and CR0's paging go together. */
    @Test
    void setSregsInvalidEferIsRefused() {
        // Long mode active, but not enabled, or without paging.
        assertRefused(sregs -> {
            sregs.cr0 |= Cr0.bits(Cr0.PE, Cr0.PG);
            sregs.cr4 |= Cr4.PAE.bit();
            sregs.efer = Efer.LME.bit();
        }, "efer 100 (LME)");
        assertRefused(sregs -> {
            sregs.cr0 |= Cr0.bits(Cr0.PE, Cr0.PG);
            sregs.cr4 &= ~Cr4.PAE.bit();
            sregs.efer = Efer.bits(Efer.LME, Efer.LMA);
        }, "efer 500 (LME LMA)");
        assertRefused(sregs -> sregs.efer = Efer.LMA.bit(), "efer 400 (LMA)");
    }

    /** The kernel took any bit before. */
    @Test
    @RequiresKvm(kernel = "7.2")
    void setSregsUnknownEferBitIsRefused() {
        assertRefused(sregs -> sregs.efer = 1L << 1, "efer 2 (2)");
    }

    /** set_sregs_test: IA32_APIC_BASE in a mode that does not follow from the one before, or with reserved bits. */
    @Test
    void setSregsInvalidApicBaseIsRefused() {
        Sregs sregs = x86.getSregs();
        sregs.apicBase |= 1L << 1;
        assertEquals("EINVAL", assertThrows(KvmException.class, () -> x86.setSregs(sregs)).errnoName());
    }

    /**
     * cr4_cpuid_sync_test: what CPUID says of OSXSAVE follows CR4, which the guest sets: it halts with the bit that it saw
     * before in bl and the one after in cl.
     */
    @Test
    void cr4CpuidSyncOsxsaveFollowsCr4() {
        RealModeGuest.load(vm, vcpu, """
                66 b8 01 00 00 00
                0f a2
                66 c1 e9 1b
                66 83 e1 01
                66 89 ce
                0f 20 e0
                66 0d 00 00 04 00
                0f 22 e0
                66 b8 01 00 00 00
                0f a2
                66 c1 e9 1b
                66 83 e1 01
                f4""".replace("\n", " "));
        assertTrue(vcpu.run() instanceof Exit.Hlt);
        Regs regs = x86.getRegs();
        assertEquals(0, regs.rsi & 0xffff_ffffL, "before CR4.OSXSAVE");
        assertEquals(1, regs.rcx & 0xffff_ffffL, "after CR4.OSXSAVE");
    }

    /** xcr0_cpuid_test: XCR0 takes components with what they need alone, and none that CPUID does not announce. */
    @Test
    @RequiresKvm(capability = Capability.XCRS)
    void xcr0CpuidInvalidXcr0IsRefused() {
        long announced = announced();
        assertEquals(XsaveComponent.X87.bit(), x86.fpu().getXcrs().xcr0(), "as after a reset");
        assertTrue(isTaken(announced), "all that is announced");
        for (int bit = 0; bit < Long.SIZE; bit++) {
            long with = announced | 1L << bit;
            assertEquals(with == announced, isTaken(with), Long.toHexString(with));
            long without = announced & ~(1L << bit);
            assertEquals(isComplete(without), isTaken(without), Long.toHexString(without));
        }
        for (long part : List.of(0L, SSE, X87 | AVX, X87 | AVX512, X87 | SSE | AVX512,
                X87 | XsaveComponent.OPMASK.bit(),
                X87 | XsaveComponent.BNDREGS.bit())) {
            assertFalse(isTaken(part), Long.toHexString(part));
        }
    }

    /** Leaf 0xD. Linux before 6.4 has half of AMX there for a process without the permission for the other. */
    private long announced() {
        Cpuid cpuid = kvm.x86().getSupportedCpuid();
        long all = Integer.toUnsignedLong(cpuid.get(0xd, 0, CpuidRegister.EAX))
                | (long) cpuid.get(0xd, 0, CpuidRegister.EDX) << Integer.SIZE;
        return (all & AMX) == AMX ? all : all & ~AMX;
    }

    /** By the processor's manual. */
    private static boolean isComplete(long xcr0) {
        boolean wide = (xcr0 & AVX512) != 0;
        return (xcr0 & X87) != 0 && ((xcr0 & AVX) == 0 || (xcr0 & SSE) != 0)
                && (!wide || (xcr0 & (AVX512 | AVX)) == (AVX512 | AVX))
                && ((xcr0 & MPX) == 0 || (xcr0 & MPX) == MPX) && ((xcr0 & AMX) == 0 || (xcr0 & AMX) == AMX);
    }

    private boolean isTaken(long xcr0) {
        Xcrs before = x86.fpu().getXcrs();
        try {
            x86.fpu().setXcrs(Xcrs.ofXcr0(xcr0));
            assertEquals(xcr0, x86.fpu().getXcrs().xcr0());
            return true;
        } catch (KvmException e) {
            assertEquals("EINVAL", e.errnoName());
            assertEquals(before, x86.fpu().getXcrs(), "nothing has been set");
            return false;
        }
    }
}
