package io.github.kvm4j.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

import io.github.kvm4j.ClosedException;

/**
 * The accesses that {@link MemoryParts} has no memory for: those that cross from one region into the next or lie where there
 * must be a search, to memory that can be missing, of any length, or that a close or a removal on another thread gets in the
 * way of.
 */
final class CarefulAccess {

    /** At most so much in one go, so that a thread comes to a safepoint, and a close is noticed, every few milliseconds. */
    static final long PIECE = 16 << 20;

    private final GuestAccess memory;

    CarefulAccess(GuestAccess memory) {
        this.memory = memory;
    }

    /** What is done with a piece of a range: all that lies in one region, or less. */
    @FunctionalInterface
    interface Step<X extends Exception> {

        /**
         * Does it.
         *
         * @return how many bytes have been done, from the first on; less than 1 ends it
         */
        long on(MemoryRegion region, long offset, long length, long done) throws X;
    }

    /**
     * Does something with a range, piece by piece. Whether all of it is there is asked before the first.
     *
     * @return how many bytes have been done
     */
    <X extends Exception> long each(long address, long length, Step<X> step) throws X {
        MemoryMap map = memory.map();
        map.check(address, length);
        long done = 0;
        while (done < length) {
            long at = address + done;
            MemoryRegion region = map.at(at);
            long offset = at - region.guestAddress();
            long piece = Math.min(Math.min(length - done, region.size() - offset), PIECE);
            long its;
            try {
                its = step.on(region, offset, piece, done);
                if (!region.isSure()) {
                    Faults.settle();
                }
            } catch (IllegalStateException e) {
                map = changed(map, e);
                map.check(at, length - done);
                continue;
            } catch (InternalError e) {
                throw Faults.missing(region, at, piece, e);
            }
            if (its < 1) {
                break;
            }
            done += its;
        }
        return done;
    }

    /** What is there after an arena turned out to be closed: if nothing has changed, it was somebody else's. */
    MemoryMap changed(MemoryMap map, IllegalStateException e) {
        MemoryMap now = memory.map();
        if (now == MemoryMap.CLOSED) {
            ClosedException closed = new ClosedException("VM");
            closed.initCause(e);
            throw closed;
        }
        if (now == map) {
            throw e;
        }
        return now;
    }

    /** Reads a number of 1, 2, 4 or 8 bytes: at once if it lies in one region, otherwise byte by byte. */
    long get(long address, int size) {
        MemoryRegion region = memory.map().at(address);
        if (isSure(region, address, size)) {
            try {
                return get(region.segment(), address - region.guestAddress(), size);
            } catch (IllegalStateException e) {
                // Closed or removed meanwhile: below it is found out which.
            }
        }
        return getWhereverItIs(address, size);
    }

    /** Whether all of a range, which is not empty, is in a region that is there for sure. */
    private static boolean isSure(MemoryRegion region, long address, long size) {
        long offset = address - region.guestAddress();
        return region.isSure() && size > 0 && offset >= 0 && offset <= region.size() - size;
    }

    private long getWhereverItIs(long address, int size) {
        while (true) {
            MemoryMap map = memory.map();
            map.check(address, size);
            MemoryRegion region = map.at(address);
            if (!region.contains(address, size)) {
                long value = 0;
                for (int i = 0; i < size; i++) {
                    value |= get(address + i, 1) << (i * Byte.SIZE);
                }
                return value;
            }
            try {
                return getSettled(region.segment(), address - region.guestAddress(), size);
            } catch (IllegalStateException e) {
                changed(map, e);
            } catch (InternalError e) {
                throw Faults.missing(region, address, size, e);
            }
        }
    }

    private static long get(MemorySegment segment, long offset, int size) {
        return switch (size) {
            case Byte.BYTES -> Byte.toUnsignedLong(segment.get(ValueLayout.JAVA_BYTE, offset));
            case Short.BYTES -> Short.toUnsignedLong(segment.get(GuestAccess.SHORT, offset));
            case Integer.BYTES -> Integer.toUnsignedLong(segment.get(GuestAccess.INT, offset));
            default -> segment.get(GuestAccess.LONG, offset);
        };
    }

    /**
     * Settles before anything is made of the number: what is wanted as it is there is read by an instruction of its own, of
     * which the JVM makes an InternalError. By one that reads and extends an int (MOVSXD) it ends (seen: ShouldNotReachHere
     * in Assembler::locate_operand, JDK 25.0.3).
     */
    private static long getSettled(MemorySegment segment, long offset, int size) {
        return switch (size) {
            case Byte.BYTES -> {
                byte value = segment.get(ValueLayout.JAVA_BYTE, offset);
                Faults.settle();
                yield Byte.toUnsignedLong(value);
            }
            case Short.BYTES -> {
                short value = segment.get(GuestAccess.SHORT, offset);
                Faults.settle();
                yield Short.toUnsignedLong(value);
            }
            case Integer.BYTES -> {
                int value = segment.get(GuestAccess.INT, offset);
                Faults.settle();
                yield Integer.toUnsignedLong(value);
            }
            default -> {
                long value = segment.get(GuestAccess.LONG, offset);
                Faults.settle();
                yield value;
            }
        };
    }

    /** Writes a number as {@link #get} reads it. */
    void put(long address, int size, long value) {
        MemoryRegion region = memory.map().at(address);
        if (isSure(region, address, size)) {
            try {
                put(region.segment(), address - region.guestAddress(), size, value);
                return;
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        putWhereverItIs(address, size, value);
    }

    private void putWhereverItIs(long address, int size, long value) {
        while (true) {
            MemoryMap map = memory.map();
            map.check(address, size);
            MemoryRegion region = map.at(address);
            if (!region.contains(address, size)) {
                for (int i = 0; i < size; i++) {
                    put(address + i, 1, value >>> (i * Byte.SIZE));
                }
                return;
            }
            try {
                put(region.segment(), address - region.guestAddress(), size, value);
                Faults.settle();
                return;
            } catch (IllegalStateException e) {
                changed(map, e);
            } catch (InternalError e) {
                throw Faults.missing(region, address, size, e);
            }
        }
    }

    private static void put(MemorySegment segment, long offset, int size, long value) {
        switch (size) {
            case Byte.BYTES -> segment.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
            case Short.BYTES -> segment.set(GuestAccess.SHORT, offset, (short) value);
            case Integer.BYTES -> segment.set(GuestAccess.INT, offset, (int) value);
            default -> segment.set(GuestAccess.LONG, offset, value);
        }
    }

    /**
     * What {@link MemorySegment#copy} does, and allocates nothing either. Should they overlap, and it goes upwards, the last
     * piece comes first: what is ahead is read before it is written to.
     */
    static void copyInPieces(MemorySegment from, long fromOffset, MemorySegment to, long toOffset, long length) {
        boolean upwards = Long.compareUnsigned(from.address() + fromOffset, to.address() + toOffset) < 0;
        long left = length;
        do {
            long piece = Math.min(left, PIECE);
            left -= piece;
            long at = upwards ? left : length - left - piece;
            MemorySegment.copy(from, fromOffset + at, to, toOffset + at, piece);
        } while (left > 0);
    }

    /** Copies out of a segment; which bytes of it are there is the segment's to check, and has been. */
    void copyIn(long address, MemorySegment from, long fromOffset, long length) {
        MemoryRegion all = memory.map().at(address);
        if (isSure(all, address, length)) {
            try {
                copyInPieces(from, fromOffset, all.segment(), address - all.guestAddress(), length);
                return;
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        each(address, length, (region, offset, piece, done) -> {
            RiskyCopy.copy(region, from, fromOffset + done, region.segment(), offset, piece);
            return piece;
        });
    }

    /** Copies into a segment. */
    void copyOut(long address, MemorySegment to, long toOffset, long length) {
        MemoryRegion all = memory.map().at(address);
        if (isSure(all, address, length)) {
            try {
                copyInPieces(all.segment(), address - all.guestAddress(), to, toOffset, length);
                return;
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        each(address, length, (region, offset, piece, done) -> {
            RiskyCopy.copy(region, region.segment(), offset, to, toOffset + done, piece);
            return piece;
        });
    }

    long copyIn(long address, ReadableByteChannel channel, long length) throws IOException {
        return each(address, length, (region, offset, piece, done) -> {
            try {
                return RiskyCopy.read(region, offset, piece, channel);
            } catch (IOException e) {
                throw Faults.missing(region, offset, piece, e);
            }
        });
    }

    long copyOut(long address, WritableByteChannel channel, long length) throws IOException {
        return each(address, length, (region, offset, piece, done) -> {
            try {
                return RiskyCopy.write(region, offset, piece, channel);
            } catch (IOException e) {
                throw Faults.missing(region, offset, piece, e);
            }
        });
    }

    /** How many bytes there are before the first that is 0; −1 when there are {@code most} and more. */
    long findZero(long address, long most) {
        MemoryMap map = memory.map();
        map.check(address, 0);
        for (long i = 0; i < most; i++) {
            if (i > 0 && address + i == 0) {
                map.check(address, i + 1); // which is beyond the end of the address space
            }
            if (get(address + i, 1) == 0) {
                return i;
            }
        }
        return -1;
    }
}
