package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;

/** The values of x86's state, without a kernel. */
class X86ValuesTest {

    /** A processor of AMD's, by its leaf 0xD: PKRU is not where Intel's has it. */
    private static final XsaveLayout LAYOUT = XsaveLayout.of(new Cpuid(List.of(
            new CpuidEntry(0xd, 0, 1, 0x2e7, 2696, 2696, 0),
            new CpuidEntry(0xd, 1, 1, 0xf, 0, 0, 0),
            new CpuidEntry(0xd, 2, 1, 256, 576, 0, 0),
            new CpuidEntry(0xd, 5, 1, 64, 832, 0, 0),
            new CpuidEntry(0xd, 6, 1, 512, 896, 0, 0),
            new CpuidEntry(0xd, 7, 1, 1024, 1408, 0, 0),
            new CpuidEntry(0xd, 9, 1, 8, 2432, 0, 0))));

    private static byte[] pattern(int length, int start) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (start + i);
        }
        return bytes;
    }

    @Test
    void flagsHaveTheBitsOfTheManual() {
        assertEquals(0x80000001L, Cr0.bits(Cr0.PE, Cr0.PG));
        assertEquals(0x20, Cr4.PAE.bit());
        assertEquals(1 << 18, Cr4.OSXSAVE.bit());
        assertEquals(0x500, Efer.bits(Efer.LME, Efer.LMA));
        assertEquals(Set.of(Efer.LME, Efer.LMA), Efer.in(0x500));
        assertEquals(EnumSet.noneOf(Cr4.class), Cr4.in(1L << 63));
        assertEquals(0, Cr4.bits(Set.of()));
        assertTrue(Cr0.PG.isIn(0x80000000L));
        assertFalse(Cr0.PG.isIn(0x7fffffffL));
    }

    @Test
    void theTextOfSpecialRegistersNamesTheirFlags() {
        Sregs sregs = new Sregs();
        sregs.cr0 = 0x80000001L;
        sregs.cr4 = 0x20 | 1L << 40;
        sregs.efer = 0;
        String text = sregs.toString();
        assertTrue(text.contains("cr0 80000001 (PE PG)"), text);
        assertTrue(text.contains("cr4 10000000020 (PAE 10000000000)"), text);
        assertTrue(text.contains("efer 0"), text);
    }

    @Test
    void componentsAreWhereLeaf0xDSays() {
        assertEquals(832, LAYOUT.offset(XsaveComponent.OPMASK));
        assertEquals(8, LAYOUT.size(XsaveComponent.PKRU));
        assertFalse(LAYOUT.has(XsaveComponent.XTILEDATA));
        assertEquals(Set.of(XsaveComponent.X87, XsaveComponent.SSE, XsaveComponent.AVX, XsaveComponent.OPMASK,
                XsaveComponent.ZMM_HI256, XsaveComponent.HI16_ZMM, XsaveComponent.PKRU), LAYOUT.components());
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> LAYOUT.offset(XsaveComponent.XTILEDATA));
        assertTrue(e.getMessage().contains("XTILEDATA"), e.getMessage());
        assertEquals(Set.of(XsaveComponent.X87, XsaveComponent.SSE), XsaveLayout.of(new Cpuid(List.of())).components());
    }

    @Test
    void registersAreInTheirComponents() {
        Xsave xsave = new Xsave();
        xsave.setZmm(LAYOUT, 3, pattern(64, 1));
        xsave.setZmm(LAYOUT, 17, pattern(64, 101));
        xsave.setOpmask(LAYOUT, 7, 0x1122334455667788L);
        xsave.setPkru(LAYOUT, 0x55555554);
        byte[] all = xsave.toByteArray();
        ByteBuffer bytes = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
        assertArrayEquals(pattern(16, 1), Arrays.copyOfRange(all, 160 + 3 * 16, 160 + 4 * 16));
        assertArrayEquals(pattern(16, 17), Arrays.copyOfRange(all, 576 + 3 * 16, 576 + 4 * 16));
        assertArrayEquals(pattern(32, 33), Arrays.copyOfRange(all, 896 + 3 * 32, 896 + 4 * 32));
        assertArrayEquals(pattern(64, 101), Arrays.copyOfRange(all, 1408 + 64, 1408 + 128));
        assertEquals(0x1122334455667788L, bytes.getLong(832 + 7 * 8));
        assertEquals(0x55555554, bytes.getInt(2432));
        long marked = XsaveComponent.SSE.bit() | XsaveComponent.AVX.bit() | XsaveComponent.OPMASK.bit()
                | XsaveComponent.ZMM_HI256.bit() | XsaveComponent.HI16_ZMM.bit() | XsaveComponent.PKRU.bit();
        assertEquals(marked, bytes.getLong(512));
        assertEquals(marked, xsave.xstateBv());
        assertArrayEquals(pattern(64, 1), xsave.zmm(LAYOUT, 3));
        assertArrayEquals(pattern(32, 1), xsave.ymm(LAYOUT, 3));
        assertArrayEquals(pattern(16, 1), xsave.xmm(3));
        assertArrayEquals(pattern(64, 101), xsave.zmm(LAYOUT, 17));
        assertEquals(0x55555554, xsave.pkru(LAYOUT));
        assertEquals(0x1122334455667788L, xsave.opmask(LAYOUT, 7));
        assertArrayEquals(Arrays.copyOfRange(all, 832, 896), xsave.get(LAYOUT, XsaveComponent.OPMASK));
    }

    @Test
    void theInitialExtendedStateIsThatAfterAReset() {
        Xsave xsave = new Xsave();
        assertEquals(0x37f, xsave.fcw());
        assertEquals(0x1f80, xsave.mxcsr());
        assertEquals(0, xsave.xstateBv());
        assertEquals(0, xsave.xcompBv());
        assertEquals(0, xsave.fsw() | xsave.ftw());
        assertEquals(4096, xsave.size());
        xsave.setFcw(0x27f);
        xsave.setMxcsr(0x1fa0);
        assertEquals(3, xsave.xstateBv());
        assertEquals(0x27f, xsave.fcw());
        assertEquals(0x1fa0, xsave.mxcsr());
    }

    @Test
    void extendedStateOfAnotherSizeIsTakenWhenNothingIsLost() {
        Xsave large = new Xsave(8192);
        MemorySegment room = Arena.ofAuto().allocate(16384);
        room.fill((byte) 0x55);
        large.writeTo(room, 4096);
        assertEquals(0x55, room.get(ValueLayout.JAVA_BYTE, 4096));
        byte[] bytes = large.toByteArray();
        bytes[8000] = 1;
        Xsave full = Xsave.of(bytes);
        assertThrows(IllegalArgumentException.class, () -> full.writeTo(room, 4096));
        new Xsave().writeTo(room, 8192);
        assertEquals(0, room.get(ValueLayout.JAVA_BYTE, 8191));
        Xsave read = new Xsave();
        full.writeTo(room, 8192);
        read.readFrom(room, 8192);
        assertEquals(full, read);
        assertEquals(full.copy(), read);
        assertThrows(IllegalArgumentException.class, () -> new Xsave(4095));
        assertThrows(IllegalArgumentException.class, () -> Xsave.of(new byte[100]));
    }

    @Test
    void whatIsNotInTheStateIsRefused() {
        Xsave xsave = new Xsave();
        XsaveLayout beyond = XsaveLayout.of(new Cpuid(List.of(new CpuidEntry(0xd, 0, 1, 7, 0, 0, 0),
                new CpuidEntry(0xd, 2, 1, 256, 4000, 0, 0))));
        assertThrows(IllegalArgumentException.class, () -> xsave.ymm(beyond, 15));
        assertThrows(IllegalArgumentException.class, () -> xsave.get(beyond, XsaveComponent.AVX));
        assertThrows(IllegalArgumentException.class, () -> xsave.pkru(beyond));
        assertThrows(IllegalArgumentException.class, () -> xsave.xmm(16));
        assertThrows(IllegalArgumentException.class, () -> xsave.st(8));
        assertThrows(IllegalArgumentException.class, () -> xsave.setYmm(LAYOUT, -1, new byte[32]));
        assertThrows(IllegalArgumentException.class, () -> xsave.setYmm(LAYOUT, 0, new byte[31]));
        assertThrows(IllegalArgumentException.class, () -> xsave.set(LAYOUT, XsaveComponent.SSE, new byte[512]));
        assertThrows(IllegalArgumentException.class, () -> xsave.opmask(LAYOUT, 8));
        assertEquals(new Xsave(), xsave);
    }

    @Test
    void theLocalApicsRegistersAreWhereTheManualHasThem() {
        Lapic lapic = new Lapic();
        lapic.set(LapicRegister.TPR, 0x20);
        lapic.set(0x3f0, 7);
        lapic.setVector(LapicVectors.REQUESTED, 0x31, true);
        lapic.setVector(LapicVectors.IN_SERVICE, 255, true);
        lapic.setVector(LapicVectors.IN_SERVICE, 254, true);
        lapic.setVector(LapicVectors.IN_SERVICE, 254, false);
        MemorySegment page = Arena.ofAuto().allocate(1024);
        lapic.writeTo(page);
        assertEquals(0x20, page.get(ValueLayout.JAVA_INT, 0x80));
        assertEquals(7, page.get(ValueLayout.JAVA_INT, 0x3f0));
        assertEquals(1 << 17, page.get(ValueLayout.JAVA_INT, 0x210));
        assertEquals(1 << 31, page.get(ValueLayout.JAVA_INT, 0x170));
        Lapic read = new Lapic();
        read.readFrom(page);
        assertEquals(lapic, read);
        assertEquals(lapic.copy(), read);
        BitSet requested = new BitSet();
        requested.set(0x31);
        assertEquals(requested, read.vectors(LapicVectors.REQUESTED));
        assertTrue(read.toString().contains("TPR 20"), read::toString);
        read.set(LapicRegister.TPR, 0);
        assertNotEquals(lapic, read);
        assertThrows(IllegalArgumentException.class, () -> read.get(1024));
        assertThrows(IllegalArgumentException.class, () -> read.set(2, 0));
        assertThrows(IllegalArgumentException.class, () -> read.setVector(LapicVectors.REQUESTED, 256, true));
    }

    @Test
    void registersAreFoundByNameAndNumber() {
        assertEquals(0xc0000082, Msr.LSTAR.index());
        assertEquals(Msr.LSTAR, Msr.of(0xc0000082).orElseThrow());
        assertTrue(Msr.of(0x7777).isEmpty());
        assertEquals("IA32_TSC (0x10)", Msr.name(0x10));
        assertEquals("0x7777", Msr.name(0x7777));
        assertEquals(0x4b564d01, Msr.KVM_SYSTEM_TIME_NEW.index());
    }

    @Test
    void aSetOfMsrsKeepsItsOrder() {
        Msrs msrs = new Msrs().put(Msr.LSTAR, 1).put(0x10, 2).put(Msr.IA32_TSC_DEADLINE, 3).put(Msr.LSTAR, 4);
        assertArrayEquals(new int[]{0xc0000082, 0x10, 0x6e0}, msrs.indices());
        assertEquals(4, msrs.get(Msr.LSTAR).orElseThrow());
        assertTrue(msrs.get(0x11).isEmpty());
        Msrs copy = msrs.copy();
        assertEquals(msrs, copy);
        assertEquals(2, copy.remove(0x10).size());
        assertNotEquals(msrs, copy);
        assertTrue(msrs.toString().contains("LSTAR (0xc0000082) 4"), msrs::toString);
    }

    @Test
    void extendedControlRegistersHaveARoomOf16() {
        Xcrs xcrs = Xcrs.ofXcr0(7);
        assertEquals(7, xcrs.xcr0());
        assertTrue(xcrs.toString().contains("xcr0 7 (X87 SSE AVX)"), xcrs::toString);
        for (int i = 1; i < 16; i++) {
            xcrs.set(i, i);
        }
        assertThrows(IllegalArgumentException.class, () -> xcrs.set(16, 0));
        xcrs.set(15, 20);
        MemorySegment room = Arena.ofAuto().allocate(1024, 8);
        xcrs.writeTo(room);
        Xcrs read = new Xcrs();
        read.readFrom(room);
        assertEquals(xcrs, read);
        assertEquals(20, read.get(15));
        assertEquals(16, read.values().size());
    }
}
