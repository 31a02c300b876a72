package io.github.kvm4j.memory;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Which memory is in each MiB of the address space, for an access to find it by the upper bits of its address: unlike in a
 * search nothing depends on which region it is that a processor would have to foresee.
 * <p>
 * A part has the memory of the region that has its first byte, as {@link HostMemory#byGuestAddress} gives it: no address in the
 * part is below that region, and the segment itself ends where the region does. What else there is in the part is left to a
 * search, and so are memory that has no such segment and what lies above the last part that there can be.
 */
final class MemoryParts {

    /** A MiB. */
    private static final int PART_BITS = 20;

    /** 1 TiB: a table of a million references at the most. */
    private static final int MOST_PARTS = 1 << 20;

    /** When there is no memory. */
    static final MemorySegment[] NONE = {};

    private MemoryParts() {
    }

    /** The table for these regions, which are in the order of their addresses. It is no longer than they take. */
    static MemorySegment[] of(MemoryRegion... regions) {
        int length = 0;
        for (MemoryRegion region : regions) {
            if (first(region) < end(region)) {
                length = (int) end(region);
            }
        }
        if (length == 0) {
            return NONE;
        }
        MemorySegment[] parts = new MemorySegment[length];
        Arrays.fill(parts, MemorySegment.NULL);
        for (MemoryRegion region : regions) {
            long first = first(region);
            long end = end(region);
            if (first < end) {
                Arrays.fill(parts, (int) first, (int) end, region.byGuestAddress().orElseThrow());
            }
        }
        return parts;
    }

    /** The first part that begins in the region. */
    private static long first(MemoryRegion region) {
        return (region.guestAddress() + (1L << PART_BITS) - 1) >>> PART_BITS;
    }

    /** The part behind the last that is the region's; 0 when none is. */
    private static long end(MemoryRegion region) {
        return region.byGuestAddress().isEmpty() ? 0 : Math.min((region.lastAddress() >>> PART_BITS) + 1, MOST_PARTS);
    }

    /** What the address's part has: a segment in which the address is an offset, if it has that. */
    static MemorySegment at(MemorySegment[] parts, long address) {
        long part = address >>> PART_BITS;
        return part < parts.length ? parts[(int) part] : MemorySegment.NULL;
    }
}
