package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.github.kvm4j.internal.sys.LinuxLibc;
import io.github.kvm4j.internal.sys.Mapping;

/** Addresses, and what of the address space is found without a search. */
class MemoryPartsTest {

    private static final int PAGE = 0x1000;
    private static final long MIB = 1 << 20;
    private static final long GIB = 1 << 30;
    private static final long TIB = 1L << 40;

    private final LinuxLibc libc = new LinuxLibc();
    private final List<HostMemory> mapped = new ArrayList<>();
    private MemoryMap map = MemoryMap.EMPTY;

    @AfterEach
    void unmap() {
        mapped.forEach(HostMemory::close);
    }

    private HostMemory host(long size, String risk) {
        HostMemory host = HostMemory.of(Mapping.anonymous(libc, "ram", size), 0, size, PAGE, risk, null);
        mapped.add(host);
        return host;
    }

    private MemoryRegion add(long address, HostMemory host) {
        MemoryRegion region = new MemoryRegion(map.regions().size(), address, Set.of(), host);
        map = map.with(region);
        return region;
    }

    private MemoryRegion add(long address, long size) {
        return add(address, host(size, HostMemory.NONE));
    }

    private MemorySegment at(long address) {
        return MemoryParts.at(map.parts(), address);
    }

    /** Whether the region's memory is found by its address, and right. */
    private void assertFound(MemoryRegion region, long address) {
        MemorySegment part = at(address);
        assertEquals(region.guestAddress() + region.size(), part.byteSize(), () -> Long.toHexString(address));
        assertEquals(region.segment().address() - region.guestAddress(), part.address());
        assertEquals(region.segment().scope(), part.scope(), "closed together");
    }

    private void assertLeftToSearch(long address) {
        assertSame(MemorySegment.NULL, at(address), () -> Long.toHexString(address));
    }

    @Test
    void theMemoryOfAPcIsFoundByItsAddress() {
        MemoryRegion small = add(0, 640 << 10);
        MemoryRegion low = add(MIB, 3 * GIB - MIB);
        MemoryRegion firmware = add(4 * GIB - 2 * MIB, 2 * MIB);
        MemoryRegion high = add(4 * GIB, 61 * GIB);
        for (MemoryRegion region : List.of(small, low, firmware, high)) {
            assertFound(region, region.guestAddress());
            assertFound(region, region.lastAddress());
        }
        assertFound(small, MIB - 1);
        assertLeftToSearch(3 * GIB);
        assertLeftToSearch(4 * GIB - 2 * MIB - 1);
        assertLeftToSearch(65 * GIB);
        assertLeftToSearch(-1);
    }

    @Test
    void whatBeginsWithinAPartIsFoundFromTheNextOnOnly() {
        MemoryRegion first = add(MIB + PAGE, 2 * MIB);
        MemoryRegion within = add(3 * MIB + 2 * PAGE, PAGE);
        MemoryRegion last = add(3 * MIB + 4 * PAGE, MIB);
        assertLeftToSearch(0);
        assertLeftToSearch(first.guestAddress());
        assertFound(first, 2 * MIB);
        assertFound(first, within.guestAddress());
        assertFound(first, last.guestAddress());
        assertFound(last, 4 * MIB);
        assertLeftToSearch(5 * MIB);
    }

    @Test
    void whatHasNoPartIsLeftToSearch() {
        assertLeftToSearch(0);
        add(TIB - 2 * MIB, MIB);
        MemoryRegion across = add(TIB - MIB, 2 * MIB);
        assertFound(across, TIB - 1);
        assertLeftToSearch(TIB);
        add(2 * TIB, MIB);
        assertLeftToSearch(2 * TIB);
        add(Long.MIN_VALUE - MIB, MIB);
        add(Long.MIN_VALUE, MIB);
        add(-MIB, MIB);
        for (MemoryRegion region : map.regions().subList(2, 6)) {
            assertLeftToSearch(region.guestAddress());
        }
        assertFound(across, TIB - 1);
    }

    @Test
    void memoryThatCanBeMissingIsLeftToSearch() {
        add(0, host(MIB, "a file"));
        assertLeftToSearch(0);
        assertFound(add(MIB, MIB), MIB);
    }

    /** Its arena is not ours, and a segment that begins elsewhere cannot have it. */
    @Test
    void foreignMemoryIsFoundWhereItsOffsetsAreAddresses() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(2 * MIB, PAGE);
            MemoryRegion low = add(0, HostMemory.foreign(memory.asSlice(0, MIB), PAGE));
            add(MIB, HostMemory.foreign(memory.asSlice(MIB), PAGE));
            assertFound(low, 0);
            assertLeftToSearch(MIB);
        }
    }

    /** Whatever the regions are: a segment that has an address has its byte, of the very region. */
    @Test
    void noAddressIsFoundInMemoryThatIsNotItsOwn() {
        Random random = new Random(6);
        int found = 0;
        for (int round = 0; round < 100; round++) {
            unmap();
            mapped.clear();
            map = MemoryMap.EMPTY;
            long end = 0;
            for (int i = 0; i < 6; i++) {
                long start = end + (random.nextBoolean() ? 0 : random.nextInt(700) * PAGE);
                start = random.nextInt(3) == 0 ? (start + MIB - 1) & -MIB : start;
                long size = (1 + random.nextInt(700)) * PAGE;
                end = start + size;
                if (random.nextInt(4) > 0) {
                    add(start, host(size, random.nextInt(4) > 0 ? HostMemory.NONE : "a file"));
                }
            }
            MemorySegment[] parts = map.parts();
            for (long address = 0; address < end + MIB; address += 1 + random.nextInt(2 * PAGE)) {
                MemorySegment part = MemoryParts.at(parts, address);
                MemoryRegion region = map.at(address);
                boolean has = address < part.byteSize();
                if (has) {
                    assertTrue(region.contains(address, 1));
                    assertEquals(region.segment().address() + address - region.guestAddress(),
                            part.address() + address);
                    found++;
                }
                boolean must = region.contains(address, 1) && region.isSure()
                        && (address & -MIB) >= region.guestAddress();
                assertEquals(must, has, Long.toHexString(address));
            }
        }
        assertTrue(found > 10_000, () -> "there was little to be found");
    }
}
