package io.github.kvm4j.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

import io.github.kvm4j.internal.sys.Architecture;

/**
 * Copies from and to a region whose memory can be missing (a truncated file's). The JVM makes an InternalError of a number
 * that is read or written there, and on x86 of a bulk copy; its bulk copies on arm64, once compiled, take the whole JVM
 * down (seen: SIGBUS in StubRoutines::copy_byte_f, JDK 25.0.5). So there, and where nobody has looked, such memory is copied
 * by numbers.
 */
final class RiskyCopy {

    /** So much at a time goes through the heap, between such memory and a channel that would copy it in bulk. */
    private static final int BUFFER = 64 << 10;

    private RiskyCopy() {
    }

    private static boolean isSafe(MemoryRegion region) {
        return Architecture.ON_X86 || region.host().risk().isEmpty();
    }

    /** Copies; one of the two segments is the region's. They may overlap. */
    static void copy(MemoryRegion region, MemorySegment from, long fromOffset, MemorySegment to, long toOffset,
            long length) {
        if (isSafe(region)) {
            MemorySegment.copy(from, fromOffset, to, toOffset, length);
        } else {
            byNumbers(from.asSlice(fromOffset, length), to.asSlice(toOffset, length));
        }
    }

    /** As {@link MemorySegment#copyFrom} does; of the same length. */
    static void byNumbers(MemorySegment from, MemorySegment to) {
        long length = from.byteSize();
        long longs = length / Long.BYTES * Long.BYTES;
        // What is ahead is read before it is written to, should they overlap.
        boolean backwards = from.asOverlappingSlice(to).isPresent() && from.address() < to.address();
        if (backwards) {
            for (long i = length - 1; i >= longs; i--) {
                to.set(ValueLayout.JAVA_BYTE, i, from.get(ValueLayout.JAVA_BYTE, i));
            }
            for (long i = longs - Long.BYTES; i >= 0; i -= Long.BYTES) {
                to.set(GuestAccess.LONG, i, from.get(GuestAccess.LONG, i));
            }
            return;
        }
        for (long i = 0; i < longs; i += Long.BYTES) {
            to.set(GuestAccess.LONG, i, from.get(GuestAccess.LONG, i));
        }
        for (long i = longs; i < length; i++) {
            to.set(ValueLayout.JAVA_BYTE, i, from.get(ValueLayout.JAVA_BYTE, i));
        }
    }

    static void fill(MemoryRegion region, long offset, long length, byte value) {
        MemorySegment part = region.segment().asSlice(offset, length);
        if (isSafe(region)) {
            part.fill(value);
        } else {
            fillByNumbers(part, value);
        }
    }

    static void fillByNumbers(MemorySegment part, byte value) {
        long length = part.byteSize();
        long word = Byte.toUnsignedLong(value) * 0x0101_0101_0101_0101L;
        long longs = length / Long.BYTES * Long.BYTES;
        for (long i = 0; i < longs; i += Long.BYTES) {
            part.set(GuestAccess.LONG, i, word);
        }
        for (long i = longs; i < length; i++) {
            part.set(ValueLayout.JAVA_BYTE, i, value);
        }
    }

    /** Reads once from a channel; a file's reads by a system call, which says EFAULT where memory is missing. */
    static int read(MemoryRegion region, long offset, long length, ReadableByteChannel channel) throws IOException {
        MemorySegment part = region.segment().asSlice(offset, length);
        return isSafe(region) || channel instanceof FileChannel
                ? channel.read(part.asByteBuffer())
                : readByNumbers(part, channel);
    }

    static int readByNumbers(MemorySegment part, ReadableByteChannel channel) throws IOException {
        byte[] bytes = new byte[(int) Math.min(part.byteSize(), BUFFER)];
        int count = channel.read(ByteBuffer.wrap(bytes));
        if (count > 0) {
            byNumbers(MemorySegment.ofArray(bytes).asSlice(0, count), part.asSlice(0, count));
        }
        return count;
    }

    /** Writes once to a channel. */
    static int write(MemoryRegion region, long offset, long length, WritableByteChannel channel) throws IOException {
        MemorySegment part = region.segment().asSlice(offset, length);
        return isSafe(region) || channel instanceof FileChannel
                ? channel.write(part.asByteBuffer())
                : writeByNumbers(part, channel);
    }

    static int writeByNumbers(MemorySegment part, WritableByteChannel channel) throws IOException {
        byte[] bytes = new byte[(int) Math.min(part.byteSize(), BUFFER)];
        byNumbers(part.asSlice(0, bytes.length), MemorySegment.ofArray(bytes));
        Faults.settle(); // so that nothing is sent that was not there
        return channel.write(ByteBuffer.wrap(bytes));
    }
}
