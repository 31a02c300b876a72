package io.github.kvm4j.memory;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * Which memory is in each MiB of the address space, for an access to find it by the upper bits of its address: unlike a search
 * that has no branch which depends on the address, and so none that a processor must foresee.
 * <p>
 * A part has the memory of the region that has its first byte, as {@link HostMemory#byGuestAddress} gives it: no address in the
 * part is below that region, and the segment itself ends where the region does. What else there is in the part is left to a
 * search, and so are memory that has no such segment and what lies above the last part that there can be.
 */
final class MemoryParts {

    /** A MiB. */
    private static final int PART_BITS = 20;

    /** 1 TiB: a table of 4 MiB at the most. */
    private static final int MOST_PARTS = 1 << 20;

    /** When there is no memory. */
    static final MemorySegment[] NONE = {};

    private MemoryParts() {
    }

    /** The table for these regions, no longer than they take. */
    static MemorySegment[] of(List<MemoryRegion> regions) {
        MemorySegment[] parts = NONE;
        for (MemoryRegion region : regions) {
            MemorySegment memory = region.byGuestAddress().orElse(MemorySegment.NULL);
            long first = (region.guestAddress() + (1L << PART_BITS) - 1) >>> PART_BITS;
            long end = Math.min((region.lastAddress() >>> PART_BITS) + 1, MOST_PARTS);
            if (memory.byteSize() > 0 && first < end) {
                int before = parts.length;
                parts = Arrays.copyOf(parts, (int) end);
                Arrays.fill(parts, before, (int) first, MemorySegment.NULL);
                Arrays.fill(parts, (int) first, (int) end, memory);
            }
        }
        return parts;
    }

    /** What the address's part has: a segment in which the address is an offset, if it has that. */
    static MemorySegment at(MemorySegment[] parts, long address) {
        long part = address >>> PART_BITS;
        return part < parts.length ? parts[(int) part] : MemorySegment.NULL;
    }
}
