package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.kvm4j.ClosedException;

/** Addresses are unsigned, also where no kernel takes them. */
class MemoryMapTest {

    private static final long SIGN = Long.MIN_VALUE;

    private static MemoryRegion region(int slot, long address, long size) {
        return MemoryRegion.planned(slot, address, size, Set.of());
    }

    private static MemoryMap map(MemoryRegion... regions) {
        MemoryMap map = MemoryMap.EMPTY;
        for (MemoryRegion region : regions) {
            map = map.with(region);
        }
        return map;
    }

    @ParameterizedTest
    @CsvSource({"0x7ffffffffffff000, 0x2000, 0x7ffffffffffff000, 0x1000",
            "0x7ffffffffffff000, 0x2000, 0x8000000000000000, 0x1000",
            "0x7ffffffffffff000, 0x1000, 0x7fffffffffffe000, 0x3000",
            "0x8000000000000000, 0x1000, 0x7ffffffffffff000, 0x2000"})
    void overlapsAcrossTheSignBitAreSeen(String first, String size, String second, String otherSize) {
        MemoryRegion there = region(0, parse(first), parse(size));
        assertSame(there, map(there).overlapping(parse(second), parse(otherSize), null));
        assertNull(map(there).overlapping(parse(second), parse(otherSize), there));
    }

    private static long parse(String number) {
        return Long.parseUnsignedLong(number.substring(2), 16);
    }

    @Test
    void neighboursAreNoOverlap() {
        MemoryMap map = map(region(0, SIGN - 0x1000, 0x1000), region(1, -0x1000, 0x1000));
        assertNull(map.overlapping(SIGN, 0x1000, null));
        assertNull(map.overlapping(SIGN - 0x2000, 0x1000, null));
        assertNull(map.overlapping(-0x2000, 0x1000, null));
        assertNotNull(map.overlapping(-0x2000, 0x1001, null));
    }

    @Test
    void regionsAreInTheOrderOfUnsignedAddresses() {
        MemoryRegion low = region(3, 0, 0x1000);
        MemoryRegion middle = region(2, SIGN - 0x1000, 0x1000);
        MemoryRegion high = region(1, SIGN, 0x1000);
        MemoryRegion last = region(0, -0x1000, 0x1000);
        MemoryMap map = map(last, middle, low, high);
        assertEquals(List.of(low, middle, high, last), map.regions());
        assertSame(low, map.at(0));
        assertSame(low, map.at(0x5000));
        assertSame(middle, map.at(SIGN - 1));
        assertSame(high, map.at(SIGN));
        assertSame(last, map.at(-1));
        assertSame(MemoryRegion.NONE, MemoryMap.EMPTY.at(7));
        assertSame(high, map(high).at(0), "the first, for who asks below it");
    }

    /** Near the edges of regions of all sizes, that touch or do not, and anywhere. */
    @Test
    void theRegionOfAnAddressIsFoundWhereverItIs() {
        Random random = new Random(5);
        for (int round = 0; round < 300; round++) {
            MemoryMap map = MemoryMap.EMPTY;
            long start = 0;
            for (int i = 0; i < 1 + random.nextInt(12); i++) {
                start += random.nextInt(3) == 0 ? 0 : 0x1000L << random.nextInt(44);
                long size = 0x1000L << random.nextInt(30);
                map = map.with(region(i, start, size));
                start += size;
            }
            List<MemoryRegion> regions = map.regions();
            for (int i = 0; i < 200; i++) {
                MemoryRegion near = regions.get(random.nextInt(regions.size()));
                long address = random.nextInt(4) == 0
                        ? random.nextLong()
                        : near.guestAddress() + (random.nextBoolean() ? near.size() : 0) + random.nextInt(3) - 1;
                MemoryRegion expected = regions.stream()
                        .filter(region -> Long.compareUnsigned(region.guestAddress(), address) <= 0)
                        .reduce((_, later) -> later).orElse(regions.getFirst());
                assertSame(expected, map.at(address), () -> Long.toHexString(address));
            }
        }
    }

    @Test
    void aRangeMayCrossFromOneRegionIntoTheNext() {
        MemoryMap map = map(region(0, 0x1000, 0x1000), region(1, 0x2000, 0x2000), region(2, 0x5000, 0x1000));
        map.check(0x1000, 0x3000);
        map.check(0x1fff, 2);
        map.check(0x4000, 0);
        map.check(0x1000, 0);
        assertRefused(map, 0x1000, 0x3001, "no memory at 0x4000", "slot 1");
        assertRefused(map, 0x4800, 1, "no memory at 0x4800", "slot 2");
        assertRefused(map, 0x47ff, 0, "no memory at 0x47ff", "slot 1");
        assertRefused(map, 0, 0x2000, "no memory at 0x0", "slot 0");
        assertRefused(map, 0x5000, 0x1001, "no memory at 0x6000", "slot 2");
        assertRefused(map, 0x1000, Long.MAX_VALUE, "no memory at 0x4000", "slot 1");
        assertRefused(map, 0x1000, -1, "length is negative", "slot 0");
        assertRefused(MemoryMap.EMPTY, 0, 0, "the guest has no memory");
    }

    @Test
    void nothingWrapsAround() {
        MemoryMap map = map(region(0, 0, 0x1000), region(1, -0x1000, 0x1000));
        map.check(-0x1000, 0x1000);
        map.check(-1, 1);
        assertRefused(map, -1, 2, "beyond the 64-bit address space", "slot 1");
        assertRefused(map, -0x1000, 0x2000, "beyond the 64-bit address space", "slot 1");
        map(region(0, SIGN - 0x1000, 0x1000), region(1, SIGN, 0x1000)).check(SIGN - 8, 16);
    }

    private static void assertRefused(MemoryMap map, long address, long length, String... says) {
        GuestAddressException e = assertThrows(GuestAddressException.class, () -> map.check(address, length));
        assertEquals(address, e.address());
        assertEquals(length, e.length());
        assertTrue(e.getMessage().contains(length + " bytes at guest address 0x" + Long.toHexString(address)),
                e.getMessage());
        for (String part : says) {
            assertTrue(e.getMessage().contains(part), () -> part + " in: " + e.getMessage());
        }
    }

    @Test
    void aClosedMapSaysSo() {
        assertThrows(ClosedException.class, () -> MemoryMap.CLOSED.check(0, 1));
        assertThrows(GuestAddressException.class, () -> MemoryMap.EMPTY.check(0, 1));
    }

    @Test
    void whatIsTakenOutIsGone() {
        MemoryRegion first = region(0, 0, 0x1000);
        MemoryRegion second = region(1, 0x1000, 0x1000);
        MemoryMap map = map(first, second);
        assertEquals(List.of(second), map.without(first).regions());
        assertTrue(map.has(first), "a map does not change");
    }
}
