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
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.testing.CStruct;

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

    /** The area of FXSAVE, and the header behind it. */
    @Test
    void theOldRegistersAndTheHeaderHaveTheirPlaces() {
        byte[] all = new byte[Xsave.MIN_SIZE];
        for (int i = 0; i < all.length; i++) {
            all[i] = (byte) (i * 7 + i / 256);
        }
        Xsave xsave = Xsave.of(all);
        ByteBuffer bytes = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(bytes.getShort(0), (short) xsave.fcw());
        assertEquals(bytes.getShort(2), (short) xsave.fsw());
        assertEquals(Byte.toUnsignedInt(bytes.get(4)), xsave.ftw());
        assertEquals(bytes.getInt(24), xsave.mxcsr());
        for (int i = 0; i < 8; i++) {
            assertArrayEquals(Arrays.copyOfRange(all, 32 + i * 16, 42 + i * 16), xsave.st(i));
        }
        for (int i = 0; i < 16; i++) {
            assertArrayEquals(Arrays.copyOfRange(all, 160 + i * 16, 176 + i * 16), xsave.xmm(i));
        }
        assertEquals(bytes.getLong(512), xsave.xstateBv());
        assertEquals(bytes.getLong(520), xsave.xcompBv());
    }

    private static XsaveLayout avxAt(int offset, int size) {
        return XsaveLayout.of(new Cpuid(
                List.of(new CpuidEntry(0xd, 0, 1, 7, 0, 0, 0), new CpuidEntry(0xd, 2, 1, size, offset, 0, 0))));
    }

    @Test
    void aComponentEndsWhereItsSizeSaysAndWithTheState() {
        Xsave xsave = new Xsave();
        XsaveLayout half = avxAt(576, 128);
        assertEquals(32, xsave.ymm(half, 7).length);
        assertThrows(IllegalArgumentException.class, () -> xsave.ymm(half, 8));
        assertEquals(32, xsave.ymm(avxAt(Xsave.MIN_SIZE - 256, 256), 15).length);
        assertThrows(IllegalArgumentException.class, () -> xsave.ymm(avxAt(Xsave.MIN_SIZE - 255, 256), 15));
        assertThrows(IllegalArgumentException.class, () -> xsave.ymm(avxAt(-16, 256), 0));
        assertFalse(XsaveLayout.of(new Cpuid(List.of(CpuidEntry.leaf(0xd, 7, 576, 0, 0)))).has(XsaveComponent.AVX),
                "a leaf without subleaves has no places");
    }

    @Test
    void everyFieldOfANestedStateCounts() throws ReflectiveOperationException {
        for (Field field : NestedState.class.getFields()) {
            if (Modifier.isStatic(field.getModifiers())) {
                continue;
            }
            NestedState state = new NestedState();
            if (field.getType() == int.class) {
                field.setInt(state, 77);
            } else if (field.getType() == long.class) {
                field.setLong(state, 77);
            } else if (field.getType() == byte[].class) {
                field.set(state, new byte[]{1});
            } else {
                field.set(state, NestedState.Format.SVM);
            }
            assertNotEquals(new NestedState(), state, field.getName());
            assertEquals(state, state.copy(), field.getName());
            assertEquals(state.hashCode(), state.copy().hashCode(), field.getName());
        }
        NestedState state = new NestedState();
        state.data = new byte[]{1};
        state.copy().data[0] = 2;
        assertEquals(1, state.data[0]);
    }

    @ParameterizedTest
    @EnumSource(names = {"VMX", "SVM"})
    void aNestedStateHasItsPlaces(NestedState.Format format) {
        NestedState state = new NestedState();
        state.format = format;
        state.flags = 0xfedc;
        state.data = pattern(100, 1);
        boolean vmx = format == NestedState.Format.VMX;
        if (vmx) {
            state.vmxonPa = 0x1111_2222_3333_4444L;
            state.vmcs12Pa = 0x5555_6666_7777_8888L;
            state.smmFlags = 0xabcd;
            state.vmxFlags = 0x1234_5678;
            state.preemptionTimerDeadline = 0x9abc_def0_1234_5678L;
        } else {
            state.vmcbPa = 0x1111_2222_3333_4444L;
            state.gpat = 0x5555_6666_7777_8888L;
        }
        int size = NestedState.HEADER_SIZE + 100;
        MemorySegment expected = Arena.ofAuto().allocate(size, 8);
        CStruct c = new CStruct("x86_64", "kvm_nested_state", expected);
        c.put("flags", 0xfedc).put("format", vmx ? 0 : 1).put("size", size);
        if (vmx) {
            c.put("hdr.vmx.vmxon_pa", state.vmxonPa).put("hdr.vmx.vmcs12_pa", state.vmcs12Pa)
                    .put("hdr.vmx.smm.flags", state.smmFlags).put("hdr.vmx.flags", state.vmxFlags)
                    .put("hdr.vmx.preemption_timer_deadline", state.preemptionTimerDeadline);
        } else {
            c.put("hdr.svm.vmcb_pa", state.vmcbPa).put("hdr.svm.gpat", state.gpat);
        }
        MemorySegment.copy(state.data, 0, expected, ValueLayout.JAVA_BYTE, c.offset("data"), 100);
        MemorySegment written = Arena.ofAuto().allocate(size, 8);
        written.fill((byte) 0x55);
        state.writeTo(written);
        assertEquals(-1, expected.mismatch(written));
        NestedState read = new NestedState();
        read.vmxonPa = read.vmcbPa = 9;
        read.readFrom(expected);
        assertEquals(state, read);
        // More than there is room for.
        c.put("size", 1 << 20);
        read.readFrom(expected);
        assertEquals(state, read);
        c.put("size", 0);
        read.readFrom(expected);
        assertEquals(0, read.data.length);
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
        lapic.setVector(LapicVectors.IN_SERVICE, 253, false);
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
    void pageDirectoryPointersCountWhenTheirFlagSaysSo() {
        Sregs2 sregs = new Sregs2();
        sregs.flags = 1L << 40;
        sregs.setPdptrsValid(true);
        assertTrue(sregs.arePdptrsValid());
        assertEquals(1L << 40 | kvm_x86_h.KVM_SREGS2_FLAGS_PDPTRS_VALID(), sregs.flags);
        sregs.setPdptrsValid(false);
        assertFalse(sregs.arePdptrsValid());
        assertEquals(1L << 40, sregs.flags);
    }

    @Test
    void registersByIdHaveTheHeadersNumbers() {
        X86Register lstar = X86Register.msr(Msr.LSTAR);
        assertEquals(0x2030_0002_c000_0082L, lstar.id());
        assertEquals(0xc000_0082, lstar.msrIndex().orElseThrow());
        assertEquals("LSTAR (0xc0000082)", lstar.toString());
        assertEquals("0x7777", X86Register.msr(0x7777).toString());
        assertEquals(0x2030_0003_0000_0000L, X86Register.GUEST_SSP.id());
        assertEquals("GUEST_SSP", X86Register.GUEST_SSP.toString());
        X86Register other = new X86Register(0x2030_0004_0000_0001L);
        assertTrue(X86Register.GUEST_SSP.msrIndex().isEmpty() && other.msrIndex().isEmpty());
        assertEquals("0x2030000400000001", other.toString());
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
