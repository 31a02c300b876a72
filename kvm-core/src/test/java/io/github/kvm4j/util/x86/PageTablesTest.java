package io.github.kvm4j.util.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.github.kvm4j.testing.FakeVm;
import io.github.kvm4j.testing.RealMemory;

/** The tables as the processor's manual has them, walked by hand; and what cannot be mapped. */
class PageTablesTest {

    private static final long TABLES = 0x10_0000;
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;

    private final FakeVm vm = RealMemory.vm();
    private final PageTables tables;

    PageTablesTest() {
        vm.memory.add(0, 0x40_0000);
        tables = new PageTables(vm.memory, TABLES, 0x1_0000);
    }

    @AfterEach
    void close() {
        vm.close();
    }

    /** The last entry on the way to an address, after so many tables. */
    private long entry(long linear, int levels) {
        long table = tables.root();
        long entry = 0;
        for (int level = 0; level < levels; level++) {
            entry = vm.memory.getLong(table + (linear >>> (39 - 9 * level) & 511) * 8);
            table = entry & ADDRESS;
        }
        return entry;
    }

    @Test
    void aPageOfEachSizeIsFoundAtItsLevel() {
        tables.map(0x40_0000_0000L, 0x40_0000_0000L, 1L << 30, PageSize.SIZE_1G, Set.of());
        tables.map(0x20_0000, 0x60_0000, 2L << 21, PageSize.SIZE_2M, EnumSet.of(PageFlag.WRITABLE));
        tables.map(0xffff_ffff_ffff_f000L, 0x3000, 0x1000, PageSize.SIZE_4K,
                EnumSet.of(PageFlag.WRITABLE, PageFlag.USER, PageFlag.NO_EXECUTE));
        assertEquals(0x40_0000_0081L, entry(0x40_0000_0000L, 2));
        assertEquals(0x60_0083, entry(0x20_0000, 3));
        assertEquals(0x80_0083, entry(0x40_0000, 3));
        assertEquals(0, entry(0x60_0000, 3) & 1, "the page behind the last");
        assertEquals(0x8000_0000_0000_3007L, entry(0xffff_ffff_ffff_f000L, 4));
        // What is above allows all, so that the last level decides.
        assertEquals(7, entry(0xffff_ffff_ffff_f000L, 3) & 0xfff);
        assertTrue(tables.hasNoExecute());
        // The root; two for the lower half, whose page of 1 GiB takes none of its own; three for the upper.
        assertEquals(6 * 0x1000, tables.used());
    }

    private static void assertRefused(String part, Runnable call) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    @Test
    void whatIsMappedIsNotMappedAgain() {
        tables.identity(0x20_0000, PageSize.SIZE_2M, Set.of());
        assertRefused("0x0 is mapped already", () -> tables.identity(0x20_0000, PageSize.SIZE_2M, Set.of()));
        assertRefused("0x1000 is mapped already",
                () -> tables.map(0x1000, 0, 0x1000, PageSize.SIZE_4K, Set.of()));
    }

    @Test
    void whatNoProcessorMapsIsRefused() {
        assertRefused("multiples of the page size", () -> tables.map(0x1000, 0, 0x20_0000, PageSize.SIZE_2M, Set.of()));
        assertRefused("52 bits", () -> tables.map(0, 1L << 52, 0x1000, PageSize.SIZE_4K, Set.of()));
        assertRefused("canonical", () -> tables.map(1L << 47, 0, 0x1000, PageSize.SIZE_4K, Set.of()));
        assertRefused("canonical",
                () -> tables.map((1L << 47) - 0x1000, 0, 0x2000, PageSize.SIZE_4K, Set.of()));
        assertRefused("no room", () -> tables.identity(64L << 30, PageSize.SIZE_2M, Set.of()));
        assertRefused("multiples of 4096", () -> new PageTables(vm.memory, 0x800, 0x1000));
    }
}
