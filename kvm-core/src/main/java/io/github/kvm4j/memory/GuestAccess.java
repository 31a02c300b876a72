package io.github.kvm4j.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;

import io.github.kvm4j.ClosedException;

/**
 * Access to a guest's memory by guest-physical addresses, which are unsigned. An access may go from one region into the next
 * where they touch; where there is no memory it is refused with a {@link GuestAddressException}, which names the address, the
 * length and the nearest region, before anything is done.
 * <p>
 * Numbers are little-endian, as the guests of x86, riscv and, ordinarily, arm64 have them ({@link Long#reverseBytes} and the
 * like are for others). They need not be aligned. One that is, and lies in one region, is read and written in one piece, but
 * not ordered with other accesses: what is shared with a running guest in a protocol (a virtio ring) is for
 * {@link #atomics()}.
 * <p>
 * Any thread may use it, until the VM is closed: then every method throws {@link ClosedException}. What other threads are in
 * the middle of is finished, or gives that exception; {@link io.github.kvm4j.Vm#close()} waits for their system calls.
 * <p>
 * Memory that the host cannot provide (a truncated file's) gives {@link MissingMemoryException}.
 */
public abstract sealed class GuestAccess permits GuestMemory {

    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final CarefulAccess careful = new CarefulAccess(this);
    private final GuestAtomics atomics = new GuestAtomics(this, careful);

    /** Changed under the VM's lock, and read without. */
    private volatile MemoryMap map = MemoryMap.EMPTY;

    /** The map's, for the ordinary access, which is tried first; at hand, since this is what takes the time. */
    private volatile MemorySegment[] parts = MemoryParts.NONE;

    GuestAccess() {
    }

    final MemoryMap map() {
        return map;
    }

    final void map(MemoryMap next) {
        // In between all goes by the map: whoever has seen the next one finds nothing by the last one's parts any more.
        parts = MemoryParts.NONE;
        map = next;
        parts = next.parts();
    }

    /** What is tried first. */
    final MemorySegment part(long address) {
        return MemoryParts.at(parts, address);
    }

    /** In the words in which the segment itself asks, for the compiler to see what is asked twice. */
    private static boolean isInside(MemorySegment part, long address, long size) {
        long end = part.byteSize() - size + 1;
        return end >= 0 && Long.compareUnsigned(address, end) < 0;
    }

    /**
     * Reads a byte.
     *
     * @param address
     *            where, guest-physical
     * @return the byte
     * @throws GuestAddressException
     *             when there is no memory
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final byte getByte(long address) {
        MemorySegment part = part(address);
        if (isInside(part, address, Byte.BYTES)) {
            try {
                return part.get(ValueLayout.JAVA_BYTE, address);
            } catch (IllegalStateException e) {
                // Closed or removed meanwhile: below it is found out which.
            }
        }
        return (byte) careful.get(address, Byte.BYTES);
    }

    /**
     * Reads two bytes as a number.
     *
     * @param address
     *            where, guest-physical
     * @return the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final short getShort(long address) {
        MemorySegment part = part(address);
        if (isInside(part, address, Short.BYTES)) {
            try {
                return part.get(SHORT, address);
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        return (short) careful.get(address, Short.BYTES);
    }

    /**
     * Reads four bytes as a number.
     *
     * @param address
     *            where, guest-physical
     * @return the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final int getInt(long address) {
        MemorySegment part = part(address);
        if (isInside(part, address, Integer.BYTES)) {
            try {
                return part.get(INT, address);
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        return (int) careful.get(address, Integer.BYTES);
    }

    /**
     * Reads eight bytes as a number.
     *
     * @param address
     *            where, guest-physical
     * @return the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final long getLong(long address) {
        MemorySegment part = part(address);
        if (isInside(part, address, Long.BYTES)) {
            try {
                return part.get(LONG, address);
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        return careful.get(address, Long.BYTES);
    }

    /**
     * Writes a byte.
     *
     * @param address
     *            where, guest-physical
     * @param value
     *            the byte
     * @throws GuestAddressException
     *             when there is no memory
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final void putByte(long address, byte value) {
        MemorySegment part = part(address);
        if (isInside(part, address, Byte.BYTES)) {
            try {
                part.set(ValueLayout.JAVA_BYTE, address, value);
                return;
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        careful.put(address, Byte.BYTES, value);
    }

    /**
     * Writes a number of two bytes.
     *
     * @param address
     *            where, guest-physical
     * @param value
     *            the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final void putShort(long address, short value) {
        MemorySegment part = part(address);
        if (isInside(part, address, Short.BYTES)) {
            try {
                part.set(SHORT, address, value);
                return;
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        careful.put(address, Short.BYTES, value);
    }

    /**
     * Writes a number of four bytes.
     *
     * @param address
     *            where, guest-physical
     * @param value
     *            the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final void putInt(long address, int value) {
        MemorySegment part = part(address);
        if (isInside(part, address, Integer.BYTES)) {
            try {
                part.set(INT, address, value);
                return;
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        careful.put(address, Integer.BYTES, value);
    }

    /**
     * Writes a number of eight bytes.
     *
     * @param address
     *            where, guest-physical
     * @param value
     *            the number
     * @throws GuestAddressException
     *             when there is no memory
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final void putLong(long address, long value) {
        MemorySegment part = part(address);
        if (isInside(part, address, Long.BYTES)) {
            try {
                part.set(LONG, address, value);
                return;
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        careful.put(address, Long.BYTES, value);
    }

    /**
     * Copies bytes into guest memory.
     *
     * @param address
     *            where to
     * @param bytes
     *            what
     * @throws GuestAddressException
     *             when there is no memory for some of it
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final void write(long address, byte[] bytes) {
        write(address, bytes, 0, bytes.length);
    }

    /**
     * Copies some of an array's bytes into guest memory.
     *
     * @param address
     *            where to
     * @param bytes
     *            what
     * @param offset
     *            the first byte's index in the array
     * @param length
     *            how many
     * @throws IndexOutOfBoundsException
     *             when the array has not so many
     * @throws GuestAddressException
     *             when there is no memory for some of it
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final void write(long address, byte[] bytes, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        copyIn(address, MemorySegment.ofArray(bytes), offset, length);
    }

    /**
     * Copies a segment into guest memory.
     *
     * @param address
     *            where to
     * @param from
     *            what; it may overlap the target when that is in one region, whose memory cannot be missing
     * @throws GuestAddressException
     *             when there is no memory for some of it
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final void write(long address, MemorySegment from) {
        copyIn(address, from, 0, from.byteSize());
    }

    private void copyIn(long address, MemorySegment from, long fromOffset, long length) {
        MemorySegment part = part(address);
        if (length > 0 && address >= 0 && address <= part.byteSize() - length) {
            try {
                CarefulAccess.copyInPieces(from, fromOffset, part, address, length);
                return;
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        careful.copyIn(address, from, fromOffset, length);
    }

    /**
     * Copies bytes out of guest memory.
     *
     * @param address
     *            where from
     * @param length
     *            how many
     * @return the bytes
     * @throws GuestAddressException
     *             when there is no memory for some of it
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final byte[] read(long address, int length) {
        map.check(address, length); // before there is an array
        byte[] bytes = new byte[length];
        read(address, bytes, 0, length);
        return bytes;
    }

    /**
     * Copies bytes out of guest memory into a part of an array.
     *
     * @param address
     *            where from
     * @param into
     *            the array
     * @param offset
     *            the first byte's index in it
     * @param length
     *            how many
     * @throws IndexOutOfBoundsException
     *             when the array has not so many
     * @throws GuestAddressException
     *             when there is no memory for some of it
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final void read(long address, byte[] into, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, into.length);
        copyOut(address, MemorySegment.ofArray(into), offset, length);
    }

    /**
     * Fills a segment from guest memory.
     *
     * @param address
     *            where from
     * @param into
     *            the segment; it may overlap the source as with {@link #write(long, MemorySegment)}
     * @throws GuestAddressException
     *             when there is no memory for some of it
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final void read(long address, MemorySegment into) {
        copyOut(address, into, 0, into.byteSize());
    }

    private void copyOut(long address, MemorySegment into, long intoOffset, long length) {
        MemorySegment part = part(address);
        if (length > 0 && address >= 0 && address <= part.byteSize() - length) {
            try {
                CarefulAccess.copyInPieces(part, address, into, intoOffset, length);
                return;
            } catch (IllegalStateException e) {
                // As above.
            }
        }
        careful.copyOut(address, into, intoOffset, length);
    }

    /**
     * Reads from a channel straight into guest memory: a file of gigabytes takes no memory besides. While a read waits for
     * data, {@link io.github.kvm4j.Vm#close()} waits too.
     *
     * @param address
     *            where to
     * @param from
     *            a file, a socket, a pipe; a file is read from where it stands
     * @param length
     *            how many bytes at the most; there must be memory for so many
     * @return how many there were before the channel's end, or, of one that does not block, before there was nothing to read
     * @throws IOException
     *             when the channel fails; part of it may have been read
     * @throws GuestAddressException
     *             when there is no memory for some of it
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed, or while a piece of 16 MiB or less was read
     */
    public final long write(long address, ReadableByteChannel from, long length) throws IOException {
        return careful.copyIn(address, from, length);
    }

    /**
     * Writes guest memory to a channel without a copy. While a write waits, {@link io.github.kvm4j.Vm#close()} waits too.
     *
     * @param address
     *            where from
     * @param to
     *            a file, a socket, a pipe
     * @param length
     *            how many bytes
     * @return how many; less only of a channel that does not block and takes no more
     * @throws IOException
     *             when the channel fails; part of it may have been written
     * @throws GuestAddressException
     *             when there is no memory for some of it
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed, or while a piece of 16 MiB or less was written
     */
    public final long read(long address, WritableByteChannel to, long length) throws IOException {
        return careful.copyOut(address, to, length);
    }

    /**
     * Sets every byte of a range.
     *
     * @param address
     *            where it begins
     * @param length
     *            how many bytes
     * @param value
     *            to what
     * @throws GuestAddressException
     *             when there is no memory for some of it
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final void fill(long address, long length, byte value) {
        careful.each(address, length, (region, offset, piece, _) -> {
            RiskyCopy.fill(region, offset, piece, value);
            return piece;
        });
    }

    /**
     * Reads a string that ends with a byte 0, as C has it, in UTF-8.
     *
     * @param address
     *            where it begins
     * @param most
     *            how many bytes there may be before the 0
     * @return the string; empty when there is no 0 in so many bytes and one more
     * @throws IllegalArgumentException
     *             when {@code most} is negative
     * @throws GuestAddressException
     *             when memory ends before there is a 0
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final Optional<String> getCString(long address, int most) {
        if (most < 0) {
            throw new IllegalArgumentException("a string of at most " + most + " bytes");
        }
        long length = careful.findZero(address, most + 1L);
        return length < 0
                ? Optional.empty()
                : Optional.of(new String(read(address, (int) length), StandardCharsets.UTF_8));
    }

    /**
     * Writes a string in UTF-8, and a byte 0 behind it, as C has it.
     *
     * @param address
     *            where it is to begin
     * @param text
     *            the string
     * @return how many bytes that were, the 0 included
     * @throws IllegalArgumentException
     *             when the string has a 0 in it
     * @throws GuestAddressException
     *             when there is no memory for some of it
     * @throws MissingMemoryException
     *             when the host cannot provide it
     * @throws ClosedException
     *             when the VM is closed
     */
    public final int putCString(long address, String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a C string cannot have a 0 in it");
        }
        byte[] bytes = (text + '\0').getBytes(StandardCharsets.UTF_8);
        write(address, bytes);
        return bytes.length;
    }

    /**
     * Returns the host memory behind a guest-physical range in one region, without a copy. Any thread may use it, until the
     * region is removed or the VM closed; then it gives {@link IllegalStateException}. A system call with it (a read from a
     * channel, say) that is in progress makes {@link io.github.kvm4j.Vm#close()} wait. What {@link MemoryRegion#segment()}
     * says of truncated files holds here too.
     *
     * @param address
     *            where the range starts
     * @param length
     *            its length in bytes
     * @return the memory, which the guest reads and writes too
     * @throws GuestAddressException
     *             when no region has all of the range
     * @throws ClosedException
     *             when the VM is closed
     */
    public final MemorySegment segment(long address, long length) {
        MemoryMap now = map;
        now.check(address, length);
        MemoryRegion region = now.at(address);
        if (!region.contains(address, length)) {
            throw new GuestAddressException(address, length,
                    "no region has all of it, and a segment cannot go from one into the next", region);
        }
        return region.segment().asSlice(address - region.guestAddress(), length);
    }

    /**
     * Returns the ordered and atomic accesses.
     *
     * @return the accesses for memory that is shared with a running guest, the same object each time
     */
    public final GuestAtomics atomics() {
        return atomics;
    }
}
