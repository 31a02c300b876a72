package io.github.kvm4j.memory;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.ClosedException;

/** The regions at a moment, in the order of their addresses. Immutable: an access sees one of these from start to end. */
final class MemoryMap {

    static final MemoryMap EMPTY = new MemoryMap(new MemoryRegion[0]);

    /** That of a VM that is closed, or being closed. */
    static final MemoryMap CLOSED = new MemoryMap(new MemoryRegion[0]);

    private static final int HINT_BITS = 10;
    private static final int HINTS = 1 << HINT_BITS;

    private final MemoryRegion[] regions;

    /** Where each begins: by themselves, since a search looks at nothing else. */
    private final long[] starts;

    /**
     * Where a search looks first: of each of so many equal parts of the address space, up to the last address, the region that
     * has most of it.
     */
    private final MemoryRegion[] hints = new MemoryRegion[HINTS];

    /** By how much an address is shifted to have its part's number. */
    private final int shift;

    /** See {@link MemoryParts}. */
    private final MemorySegment[] parts;

    private MemoryMap(MemoryRegion... sorted) {
        this.regions = sorted;
        this.starts = Arrays.stream(sorted).mapToLong(MemoryRegion::guestAddress).toArray();
        this.parts = MemoryParts.of(sorted);
        long last = sorted.length == 0 ? 0 : sorted[sorted.length - 1].lastAddress();
        this.shift = Long.SIZE - Long.numberOfLeadingZeros(last >>> HINT_BITS);
        fillHints();
    }

    private void fillHints() {
        Arrays.fill(hints, MemoryRegion.NONE);
        long[] most = new long[HINTS];
        long partSize = 1L << shift;
        for (MemoryRegion region : regions) {
            int last = (int) (region.lastAddress() >>> shift);
            for (int part = (int) (region.guestAddress() >>> shift); part <= last; part++) {
                long start = region.guestAddress() - ((long) part << shift);
                long its = Math.min(start + region.size(), partSize) - Math.max(start, 0);
                if (its > most[part]) {
                    most[part] = its;
                    hints[part] = region;
                }
            }
        }
    }

    /** The same regions for the ordinary access. Not a copy. */
    MemorySegment[] parts() {
        return parts;
    }

    /** The region that has the address if any has: the last that begins at or below it, or the first of all. */
    MemoryRegion at(long address) {
        MemoryRegion hint = hints[(int) (address >>> shift) & (HINTS - 1)];
        return hint.contains(address) ? hint : search(address);
    }

    private MemoryRegion search(long address) {
        int low = 0;
        int high = starts.length;
        if (high == 0) {
            return MemoryRegion.NONE;
        }
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(starts[middle], address) <= 0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return regions[low];
    }

    /** Refuses a range that has not memory all over. One of length 0 may also lie at the end of a region. */
    void check(long address, long length) {
        if (this == CLOSED) {
            throw new ClosedException("VM");
        }
        if (length < 0) {
            throw new GuestAddressException(address, length, "the length is negative", nearest(address));
        }
        long at = address;
        long left = length;
        do {
            MemoryRegion region = at(at);
            long offset = at - region.guestAddress();
            long here = region.size() - offset;
            if (regions.length == 0 || Long.compareUnsigned(offset, region.size()) > 0 || (here == 0 && left > 0)) {
                throw new GuestAddressException(address, length, String.format("there is no memory at 0x%x", at),
                        nearest(at));
            }
            if (left <= here) {
                return;
            }
            at += here;
            left -= here;
        } while (at != 0);
        throw new GuestAddressException(address, length, "it ends beyond the 64-bit address space",
                nearest(-1));
    }

    /** The one whose first or last byte is nearest. */
    @Nullable
    MemoryRegion nearest(long address) {
        MemoryRegion best = null;
        long least = 0;
        for (MemoryRegion region : regions) {
            long distance = region.distance(address);
            if (best == null || Long.compareUnsigned(distance, least) < 0) {
                best = region;
                least = distance;
            }
        }
        return best;
    }

    /** One that has some of a range, other than {@code except}. */
    @Nullable
    MemoryRegion overlapping(long address, long size, @Nullable MemoryRegion except) {
        for (MemoryRegion region : regions) {
            if (region != except && Long.compareUnsigned(address, region.lastAddress()) <= 0
                    && Long.compareUnsigned(region.guestAddress(), address + size - 1) <= 0) {
                return region;
            }
        }
        return null;
    }

    /** The one in a slot. */
    @Nullable
    MemoryRegion inSlot(int slot) {
        for (MemoryRegion region : regions) {
            if (region.slot() == slot) {
                return region;
            }
        }
        return null;
    }

    boolean has(MemoryRegion region) {
        return Arrays.asList(regions).contains(region);
    }

    MemoryMap with(MemoryRegion region) {
        return replacing(null, region);
    }

    MemoryMap without(MemoryRegion region) {
        return of(Arrays.stream(regions).filter(other -> other != region));
    }

    /** With {@code next} in place of {@code old}. */
    MemoryMap replacing(@Nullable MemoryRegion old, MemoryRegion next) {
        return of(Stream.concat(Arrays.stream(regions).filter(other -> other != old), Stream.of(next)));
    }

    private static MemoryMap of(Stream<MemoryRegion> regions) {
        return new MemoryMap(regions.sorted((a, b) -> Long.compareUnsigned(a.guestAddress(), b.guestAddress()))
                .toArray(MemoryRegion[]::new));
    }

    /** In the order of their addresses. */
    List<MemoryRegion> regions() {
        return List.of(regions);
    }
}
