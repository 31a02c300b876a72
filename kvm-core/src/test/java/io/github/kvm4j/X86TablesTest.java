package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.util.x86.Gate;
import io.github.kvm4j.util.x86.Gdt;
import io.github.kvm4j.util.x86.Idt;
import io.github.kvm4j.util.x86.LongMode;
import io.github.kvm4j.util.x86.PageFlag;
import io.github.kvm4j.util.x86.PageSize;
import io.github.kvm4j.util.x86.PageTables;
import io.github.kvm4j.util.x86.ProtectedMode;
import io.github.kvm4j.util.x86.RealMode;
import io.github.kvm4j.util.x86.SegmentDescriptor;
import io.github.kvm4j.util.x86.Tss;
import io.github.kvm4j.x86.Segment;
import io.github.kvm4j.x86.Sregs;

/** What the machine set-up helpers write into guest memory, against what the manuals want there. */
class X86TablesTest {

    private static final long AT = 0x1000;
    private static final Set<PageFlag> ALL = EnumSet.of(PageFlag.WRITABLE, PageFlag.USER);

    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(new FakeLibc()));
    private final Vm vm = kvm.createVm();
    private final GuestMemory memory = vm.memory();

    X86TablesTest() {
        memory.add(0, 0x100_0000);
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    private long[] longs(long address, int count) {
        long[] longs = new long[count];
        ByteBuffer.wrap(memory.read(address, count * Long.BYTES)).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer()
                .get(longs);
        return longs;
    }

    /** The descriptors that Linux has, but for their being accessed already. */
    @Test
    void theFlatTableHasLinuxsDescriptors() {
        Gdt gdt = Gdt.flat();
        gdt.writeTo(memory, AT);
        assertEquals(7 * 8, gdt.size());
        assertArrayEquals(new long[]{0, 0x00cf9b000000ffffL, 0x00af9b000000ffffL, 0x00cf93000000ffffL,
                0x00cffb000000ffffL, 0x00cff3000000ffffL, 0x00affb000000ffffL}, longs(AT, 7));
        Sregs sregs = new Sregs();
        gdt.loadInto(sregs.gdt, AT);
        assertEquals(AT, sregs.gdt.base);
        assertEquals(55, sregs.gdt.limit);
    }

    @Test
    void aTaskStateHasADescriptorOf16Bytes() {
        Gdt gdt = Gdt.flat();
        int selector = gdt.add(SegmentDescriptor.tss(Tss.of64(), 0xffff_8123_4567_89abL));
        assertEquals(0x38, selector);
        assertEquals(0x48, gdt.add(SegmentDescriptor.tss(Tss.of32(), 0x1234_5678)));
        gdt.writeTo(memory, AT);
        assertArrayEquals(new long[]{0x4500_8967_89ab_0067L, 0xffff_8123L, 0x1200_8934_5678_0067L},
                longs(AT + 0x38, 3));
        Segment tr = new Segment();
        gdt.loadInto(tr, selector);
        assertEquals(0xffff_8123_4567_89abL, tr.base);
        assertEquals(0x67, tr.limit);
        assertEquals(11, tr.type, "busy");
        assertEquals(0, tr.s);
        assertEquals(0, tr.g);
        assertThrows(IllegalArgumentException.class, () -> gdt.loadInto(tr, 0x40), "the middle of a descriptor");
        assertThrows(IllegalArgumentException.class, () -> gdt.loadInto(tr, 0x50));
        assertThrows(IllegalArgumentException.class, () -> gdt.loadInto(tr, 0));
    }

    @Test
    void aSelectorLoadsWhatItsDescriptorSays() {
        Gdt gdt = Gdt.flat();
        Segment segment = new Segment();
        segment.unusable = 1;
        segment.avl = 1;
        gdt.loadInto(segment, Gdt.USER_CODE64);
        Segment wanted = new Segment();
        wanted.selector = 0x33;
        wanted.limit = -1;
        wanted.type = 11;
        wanted.present = 1;
        wanted.dpl = 3;
        wanted.s = 1;
        wanted.l = 1;
        wanted.g = 1;
        assertEquals(wanted, segment);
        gdt.loadInto(segment, Gdt.DATA);
        wanted.selector = 0x18;
        wanted.type = 3;
        wanted.dpl = 0;
        wanted.l = 0;
        wanted.db = 1;
        assertEquals(wanted, segment);
    }

    @Test
    void descriptorsThatCannotBeAreRefused() {
        SegmentDescriptor.Size size = SegmentDescriptor.Size.BITS_16;
        assertThrows(IllegalArgumentException.class,
                () -> new SegmentDescriptor(1L << 32, 0, 3, false, 0, size, false));
        assertThrows(IllegalArgumentException.class,
                () -> new SegmentDescriptor(0, 0x10_0000, 3, false, 0, size, false));
        assertThrows(IllegalArgumentException.class, () -> new SegmentDescriptor(0, 0, 16, false, 0, size, false));
        assertThrows(IllegalArgumentException.class, () -> SegmentDescriptor.data(4));
        Gdt gdt = new Gdt();
        for (int i = 1; i < 8192; i++) {
            assertEquals(i * 8, gdt.add(SegmentDescriptor.data(0)));
        }
        assertThrows(IllegalArgumentException.class, () -> gdt.add(SegmentDescriptor.data(0)));
    }

    @Test
    void gatesOf64BitModeHave16Bytes() {
        Idt idt = Idt.of64().set(0, Gate.interrupt(0x10, 0x1234_5678_9abc_def0L))
                .set(255, Gate.trap(0x33, 0x1000).fromUser().onStack(7));
        memory.write(AT, new byte[]{1, 2, 3});
        idt.writeTo(memory, AT);
        assertEquals(4096, idt.size());
        assertArrayEquals(new long[]{0x9abc_8e00_0010_def0L, 0x1234_5678L, 0, 0}, longs(AT, 4));
        assertArrayEquals(new long[]{0x0000_ef07_0033_1000L, 0}, longs(AT + 255 * 16, 2));
        Sregs sregs = new Sregs();
        idt.loadInto(sregs.idt, 0x5000);
        assertEquals(0x5000, sregs.idt.base);
        assertEquals(0xfff, sregs.idt.limit);
    }

    @Test
    void gatesOfProtectedModeHave8Bytes() {
        Idt idt = Idt.of32().set(1, Gate.interrupt(0x08, 0x9abc_def0L));
        idt.writeTo(memory, AT);
        assertEquals(2048, idt.size());
        assertArrayEquals(new long[]{0, 0x9abc_8e00_0008_def0L, 0}, longs(AT, 3));
        assertThrows(IllegalArgumentException.class, () -> idt.set(1, Gate.interrupt(8, 1L << 32)));
        assertThrows(IllegalArgumentException.class, () -> idt.set(1, Gate.interrupt(8, 1).onStack(1)));
        assertThrows(IllegalArgumentException.class, () -> idt.set(256, Gate.interrupt(8, 1)));
        assertThrows(IllegalArgumentException.class, () -> Gate.interrupt(8, 1).onStack(8));
        assertThrows(IllegalArgumentException.class, () -> Gate.interrupt(0x10000, 1));
        assertThrows(IllegalArgumentException.class, () -> new Gate(8, 1, 4, 0, false));
    }

    @Test
    void theTaskStateOf64BitModeHasItsStacks() {
        Tss tss = Tss.of64().kernelStack(0x1111_2222_3333_4444L);
        for (int i = 1; i <= 7; i++) {
            tss.interruptStack(i, i * 0x1000L);
        }
        tss.writeTo(memory, AT);
        assertEquals(0x68, tss.size());
        ByteBuffer bytes = ByteBuffer.wrap(memory.read(AT, 0x68)).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(0x1111_2222_3333_4444L, bytes.getLong(4));
        assertEquals(0x1000, bytes.getLong(0x24));
        assertEquals(0x7000, bytes.getLong(0x54));
        assertEquals(0x68, bytes.getShort(0x66), "no bitmap");
        assertThrows(IllegalArgumentException.class, () -> tss.interruptStack(0, 0));
        assertThrows(IllegalArgumentException.class, () -> tss.interruptStack(8, 0));
    }

    @Test
    void theTaskStateOfProtectedModeHasItsStack() {
        Tss tss = Tss.of32().kernelStack(0x8000);
        tss.writeTo(memory, AT);
        ByteBuffer bytes = ByteBuffer.wrap(memory.read(AT, 0x68)).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(0x8000, bytes.getInt(4));
        assertEquals(Gdt.DATA, bytes.getInt(8));
        assertThrows(IllegalStateException.class, () -> tss.interruptStack(1, 0));
        assertThrows(IllegalArgumentException.class, () -> tss.kernelStack(1L << 32));
    }

    @Test
    void portsThatAreAllowedHaveABitThatIsClear() {
        Tss tss = Tss.of64().allowPorts(0x3f8, 8).allowPorts(0xffff, 1);
        tss.writeTo(memory, AT);
        assertEquals(0x68 + 8192 + 1, tss.size());
        byte[] bytes = memory.read(AT, tss.size());
        for (int port = 0; port < 0x10000; port++) {
            boolean allowed = (bytes[0x68 + port / 8] >> port % 8 & 1) == 0;
            assertEquals((port >= 0x3f8 && port < 0x400) || port == 0xffff, allowed, "port " + port);
        }
        assertEquals(-1, bytes[0x68 + 8192]);
        assertThrows(IllegalArgumentException.class, () -> tss.allowPorts(0xffff, 2));
        assertThrows(IllegalArgumentException.class, () -> tss.allowPorts(-1, 1));
        assertThrows(IllegalArgumentException.class, () -> tss.allowPorts(0, 0));
    }

    @ParameterizedTest
    @CsvSource({"SIZE_4K, 40000000, 515", "SIZE_2M, 40000000, 3", "SIZE_1G, 40000000, 2", "SIZE_1G, 8000000000, 2",
            "SIZE_1G, 8040000000, 3", "SIZE_4K, 1000, 4"})
    void anIdentityMappingTakesAsManyTablesAsItSays(PageSize size, String length, int pages) {
        PageTables tables = new PageTables(memory, AT, 0x80_0000).identity(Long.parseLong(length, 16), size, ALL);
        assertEquals(pages * 0x1000L, tables.used());
        assertEquals(AT, tables.root());
    }

    /** Walks as a processor does; the last entry, or 0. */
    private long walk(PageTables tables, long linear) {
        long table = tables.root();
        for (int shift = 39;; shift -= 9) {
            long entry = longs(table + (linear >>> shift & 511) * 8, 1)[0];
            if ((entry & 1) == 0 || shift == 12 || (entry & 0x80) != 0) {
                return entry;
            }
            assertEquals(7, entry & 0xfff, "a table is writable and for ring 3");
            table = entry & 0xf_ffff_ffff_f000L;
        }
    }

    @Test
    void pagesOfEachSizeAreFoundByAWalk() {
        PageTables tables = new PageTables(memory, AT, 0x10_0000)
                .identity(0x20_0000, PageSize.SIZE_4K, ALL)
                .map(0x20_0000, 0x60_0000, 0x40_0000, PageSize.SIZE_2M, Set.of())
                .map(0x4000_0000, 0x8000_0000L, 0x4000_0000, PageSize.SIZE_1G, EnumSet.of(PageFlag.NO_EXECUTE))
                .map(0xffff_ffff_8000_0000L, 0, 0x2000, PageSize.SIZE_4K, EnumSet.allOf(PageFlag.class));
        assertEquals(0x7, walk(tables, 0));
        assertEquals(0x1f_f007, walk(tables, 0x1f_ffff));
        assertEquals(0x60_0081, walk(tables, 0x20_0000));
        assertEquals(0x80_0081, walk(tables, 0x5f_ffff));
        assertEquals(0, walk(tables, 0x60_0000));
        assertEquals(0x8000_0000_8000_0081L, walk(tables, 0x7fff_ffff));
        assertEquals(0x8000_0000_0000_111fL, walk(tables, 0xffff_ffff_8000_1000L));
        assertEquals(0, walk(tables, 0xffff_ffff_8000_2000L));
    }

    @Test
    void mappingsThatCannotBeAreRefused() {
        PageTables tables = new PageTables(memory, AT, 0x6000).identity(0x20_0000, PageSize.SIZE_4K, ALL);
        assertEquals(0x4000, tables.used());
        String twice = assertThrows(IllegalArgumentException.class,
                () -> tables.map(0x1000, 0, 0x1000, PageSize.SIZE_4K, ALL)).getMessage();
        assertEquals("linear address 0x1000 is mapped already", twice);
        assertThrows(IllegalArgumentException.class, () -> tables.map(0, 0, 0x20_0000, PageSize.SIZE_2M, ALL));
        tables.map(0x20_0000, 0x20_0000, 0x20_0000, PageSize.SIZE_2M, ALL);
        assertThrows(IllegalArgumentException.class, () -> tables.map(0x20_0000, 0, 0x1000, PageSize.SIZE_4K, ALL));
        assertThrows(IllegalArgumentException.class, () -> tables.map(0x20_0000, 0, 0x1000, PageSize.SIZE_2M, ALL));
        assertThrows(IllegalArgumentException.class, () -> tables.map(0x1001, 0, 0x1000, PageSize.SIZE_4K, ALL));
        assertThrows(IllegalArgumentException.class, () -> tables.map(0, 1L << 52, 0x1000, PageSize.SIZE_4K, ALL));
        assertThrows(IllegalArgumentException.class, () -> tables.map(1L << 47, 0, 0x1000, PageSize.SIZE_4K, ALL));
        assertThrows(IllegalArgumentException.class,
                () -> tables.map((1L << 47) - 0x1000, 0, 0x2000, PageSize.SIZE_4K, ALL));
        String full = assertThrows(IllegalArgumentException.class,
                () -> tables.map(1L << 40, 0, 0x1000, PageSize.SIZE_4K, ALL)).getMessage();
        assertEquals("no room for another page table: all from 0x1000 to 0x6fff is used", full);
        assertThrows(IllegalArgumentException.class, () -> new PageTables(memory, 0x1001, 0x1000));
        assertThrows(IllegalArgumentException.class, () -> new PageTables(memory, 0x1000, 0));
        assertThrows(IndexOutOfBoundsException.class, () -> new PageTables(memory, 0x100_0000, 0x1000));
    }

    @Test
    void whatWasInMemoryIsNoMapping() {
        byte[] ones = new byte[0x4000];
        Arrays.fill(ones, (byte) -1);
        memory.write(AT, ones);
        PageTables tables = new PageTables(memory, AT, 0x4000).identity(0x1000, PageSize.SIZE_4K, ALL);
        assertEquals(0, walk(tables, 0x1000));
        assertEquals(0, walk(tables, 1L << 40));
    }

    @Test
    void addressesThatAModeCannotHaveAreRefused() {
        Vcpu vcpu = vm.createVcpu(0);
        assertThrows(IllegalArgumentException.class, () -> RealMode.enter(vcpu, 0x10_0000));
        assertThrows(IllegalArgumentException.class, () -> RealMode.enter(vcpu, -1));
        assertThrows(IllegalArgumentException.class, () -> RealMode.enter(vcpu, 0, 0x10_0001));
        assertThrows(IllegalArgumentException.class, () -> RealMode.enter(vcpu, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> RealMode.handler(memory, 256, 0));
        assertThrows(IllegalArgumentException.class, () -> RealMode.handler(memory, 0, 0x10_0000));
        assertThrows(IllegalArgumentException.class, () -> new ProtectedMode(memory, 0x1800));
        assertThrows(IllegalArgumentException.class, () -> new ProtectedMode(memory, 0x1000).withIoPrivilege(4));
        PageTables pages = new PageTables(memory, AT, 0x1000);
        assertThrows(IllegalArgumentException.class, () -> new LongMode(memory, pages, 0x1800));
        assertThrows(IllegalArgumentException.class, () -> new LongMode(memory, pages, 0x2000).withIoPrivilege(-1));
        RealMode.handler(memory, 0x21, 0x4_5678);
        assertArrayEquals(new byte[]{0x78, 0x56, 0x00, 0x40}, memory.read(0x84, 4));
    }
}
