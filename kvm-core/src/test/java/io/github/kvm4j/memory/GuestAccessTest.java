package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.Pipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.testing.FakeVm;

/** Access to memory in two regions that touch, and one apart. */
class GuestAccessTest {

    private static final int EDGE = 0x3000;
    private static final int SIZE = 0x6000;
    private static final long OVERLAP_SIZE = 2 * CarefulAccess.PIECE + 0x3000;

    private final FakeVm vm = new FakeVm(new FakeLibc());
    private final GuestMemory memory = vm.memory;

    @TempDir
    private Path folder;

    @BeforeEach
    void addRegions() {
        memory.add(0, EDGE);
        memory.add(EDGE, SIZE - EDGE);
        memory.add(0x10_0000, 0x1000);
    }

    @AfterEach
    void close() {
        vm.close();
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    @Test
    void numbersAreLittleEndian() {
        memory.write(8, new byte[]{1, 2, 3, 4, 5, 6, 7, (byte) 0x88});
        assertEquals(1, memory.getByte(8));
        assertEquals(0x0201, memory.getShort(8));
        assertEquals(0x04030201, memory.getInt(8));
        assertEquals(0x8807060504030201L, memory.getLong(8));
        memory.putLong(16, 0x1122334455667788L);
        assertArrayEquals(new byte[]{(byte) 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}, memory.read(16, 8));
    }

    @Test
    void numbersCrossWhereRegionsTouch() {
        for (int before = 1; before < 8; before++) {
            memory.putLong(EDGE - before, 0x1122334455667788L * before);
            assertEquals(0x1122334455667788L * before, memory.getLong(EDGE - before));
            assertEquals((int) (0x1122334455667788L * before), memory.getInt(EDGE - before));
            assertEquals((short) (0x1122334455667788L * before), memory.getShort(EDGE - before));
        }
        memory.putInt(EDGE - 1, 0x11223344);
        assertEquals(0x44, memory.segment(EDGE - 1, 1).get(ValueLayout.JAVA_BYTE, 0));
        assertEquals(0x33, memory.segment(EDGE, 1).get(ValueLayout.JAVA_BYTE, 0));
        memory.putShort(EDGE - 1, (short) 0x5566);
        assertEquals(0x11225566, memory.getInt(EDGE - 1));
    }

    @Test
    void whatIsRefusedHasChangedNothing() {
        assertThrows(GuestAddressException.class, () -> memory.write(SIZE - 4, random(8)));
        assertThrows(GuestAddressException.class, () -> memory.putLong(SIZE - 4, -1));
        assertThrows(GuestAddressException.class, () -> memory.fill(SIZE - 4, 8, (byte) 1));
        assertThrows(GuestAddressException.class, () -> memory.putCString(SIZE - 4, "longer"));
        assertEquals(0, memory.getInt(SIZE - 4));
    }

    @Test
    void anImageOfMoreThanOnePieceCrossesToo() throws IOException {
        long first = CarefulAccess.PIECE + EDGE;
        memory.add(0x100_0000_0000L, first);
        memory.add(0x100_0000_0000L + first, CarefulAccess.PIECE);
        byte[] image = random((int) (first + CarefulAccess.PIECE - 5));
        Path file = folder.resolve("image");
        Files.write(file, image);
        long at = 0x100_0000_0000L + 2;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            assertEquals(image.length, memory.write(at, channel, image.length + 3));
            assertEquals(0, memory.write(at, channel, 8), "the file is at its end");
        }
        assertArrayEquals(image, memory.read(at, image.length));
        Path copy = folder.resolve("copy");
        try (FileChannel channel = FileChannel.open(copy, StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
            assertEquals(image.length, memory.read(at, channel, image.length));
        }
        assertEquals(-1, Files.mismatch(file, copy));
        memory.write(at + 1, image);
        assertArrayEquals(image, memory.read(at + 1, image.length));
        memory.fill(at, image.length, (byte) 7);
        byte[] sevens = new byte[image.length];
        Arrays.fill(sevens, (byte) 7);
        assertArrayEquals(sevens, memory.read(at, image.length));
    }

    @Test
    void aChannelThatDoesNotBlockGivesWhatItHas() throws IOException {
        Pipe pipe = Pipe.open();
        try (Pipe.SourceChannel source = pipe.source(); Pipe.SinkChannel sink = pipe.sink()) {
            source.configureBlocking(false);
            sink.write(ByteBuffer.wrap(random(100)));
            assertEquals(100, memory.write(EDGE - 50, source, 200));
            assertArrayEquals(random(100), memory.read(EDGE - 50, 100));
            sink.configureBlocking(false);
            long taken = 0;
            for (long now; (now = memory.read(0, sink, SIZE)) > 0;) {
                taken += now;
            }
            assertTrue(taken > 0);
        }
    }

    @Test
    void aChannelsFailureIsItsOwn() throws IOException {
        FileChannel channel = FileChannel.open(folder.resolve("x"), StandardOpenOption.WRITE,
                StandardOpenOption.CREATE);
        channel.close();
        assertThrows(java.nio.channels.ClosedChannelException.class, () -> memory.read(0, channel, 8));
    }

    @Test
    void segmentsOfOthersAreCopied() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = arena.allocateFrom(ValueLayout.JAVA_BYTE, random(64));
            memory.write(EDGE - 32, from);
            MemorySegment into = arena.allocate(64);
            memory.read(EDGE - 32, into);
            assertEquals(-1, from.mismatch(into));
        }
        Arena arena = Arena.ofShared();
        MemorySegment gone = arena.allocate(8);
        arena.close();
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> memory.write(0, gone));
        assertFalse(e instanceof ClosedException, "the VM is open");
        assertThrows(IllegalStateException.class, () -> memory.read(EDGE - 4, gone));
    }

    @Test
    void stringsEndWithZero() {
        assertEquals(7, memory.putCString(EDGE - 3, "grüß"));
        assertEquals(Optional.of("grüß"), memory.getCString(EDGE - 3, 6));
        assertEquals(Optional.empty(), memory.getCString(EDGE - 3, 5));
        assertEquals(Optional.of(""), memory.getCString(0, 0));
        memory.fill(SIZE - 3, 3, (byte) 'x');
        GuestAddressException e = assertThrows(GuestAddressException.class, () -> memory.getCString(SIZE - 3, 100));
        assertEquals(SIZE, e.address());
        assertThrows(IllegalArgumentException.class, () -> memory.putCString(0, "a\0b"));
        assertThrows(IllegalArgumentException.class, () -> memory.getCString(0, -1));
    }

    @Test
    void partsOfArraysAreCheckedFirst() {
        assertThrows(IndexOutOfBoundsException.class, () -> memory.write(0, new byte[4], 2, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> memory.read(0, new byte[4], -1, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> memory.read(0, new byte[4], 0, -1));
    }

    @Test
    void atomicAccessIsOrdinaryToTheSameThread() {
        GuestAtomics atomics = memory.atomics();
        assertSame(atomics, memory.atomics());
        atomics.putShortRelease(2, (short) 0x1234);
        assertEquals(0x1234, atomics.getShortAcquire(2));
        assertEquals(0x12340000, memory.getInt(0));
        atomics.putIntRelease(4, 5);
        assertEquals(5, atomics.getIntAcquire(4));
        assertFalse(atomics.compareAndSetInt(4, 6, 7));
        assertTrue(atomics.compareAndSetInt(4, 5, 7));
        assertEquals(7, atomics.getAndAddInt(4, 3));
        assertEquals(10, memory.getInt(4));
        atomics.putLongRelease(EDGE, Long.MIN_VALUE);
        assertEquals(Long.MIN_VALUE, atomics.getLongAcquire(EDGE));
        assertFalse(atomics.compareAndSetLong(EDGE, 6, 7));
        assertTrue(atomics.compareAndSetLong(EDGE, Long.MIN_VALUE, -1));
        assertEquals(-1, atomics.getAndAddLong(EDGE, 2));
        assertEquals(1, memory.getLong(EDGE));
    }

    @Test
    void atomicAccessIsAlignedAndInMemory() {
        GuestAtomics atomics = memory.atomics();
        assertThrows(IllegalArgumentException.class, () -> atomics.getShortAcquire(1));
        assertThrows(IllegalArgumentException.class, () -> atomics.putIntRelease(2, 1));
        assertThrows(IllegalArgumentException.class, () -> atomics.compareAndSetLong(4, 0, 1));
        GuestAddressException e = assertThrows(GuestAddressException.class, () -> atomics.getIntAcquire(SIZE));
        assertTrue(e.getMessage().contains("nearest region is slot 1"), e.getMessage());
        assertThrows(GuestAddressException.class, () -> atomics.getLongAcquire(-8));
    }

    @Test
    void numbersAreIncrementedByTwoThreadsAtOnce() {
        GuestAtomics atomics = memory.atomics();
        int times = 100_000;
        Runnable task = () -> {
            for (int i = 0; i < times; i++) {
                atomics.getAndAddInt(0, 1);
                long now;
                do {
                    now = atomics.getLongAcquire(8);
                } while (!atomics.compareAndSetLong(8, now, now + 1));
            }
        };
        CompletableFuture<Void> other = Concurrent.start(task);
        task.run();
        Concurrent.finish(other);
        assertEquals(2 * times, memory.getInt(0));
        assertEquals(2 * times, memory.getLong(8));
    }

    /** Where the table has the memory, above it, and in the MiB in which a region begins. */
    @ParameterizedTest
    @ValueSource(longs = {1L << 32, 1L << 40, (1L << 32) + 0x1000})
    void aLongCopyMayOverlapItsSource(long start) {
        assertOverlaps(memory.add(start, OVERLAP_SIZE));
    }

    @Test
    void aLongCopyMayOverlapItsSourceInForeignMemoryToo() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment foreign = arena.allocate(OVERLAP_SIZE, 4096);
            assertOverlaps(memory.unsafe().add(1L << 32, foreign, Set.of()));
            vm.close();
        }
    }

    /** Longer than a piece, in both directions and by both ways: what is ahead must be read before it is written to. */
    private void assertOverlaps(MemoryRegion region) {
        MemorySegment segment = region.segment();
        long distance = CarefulAccess.PIECE / 2 + 8;
        long length = OVERLAP_SIZE - distance;
        for (boolean up : new boolean[]{true, false}) {
            for (boolean write : new boolean[]{true, false}) {
                for (long i = 0; i < OVERLAP_SIZE; i += Long.BYTES) {
                    segment.set(ValueLayout.JAVA_LONG, i, i);
                }
                long from = up ? 0 : distance;
                long to = up ? distance : 0;
                if (write) {
                    memory.write(region.guestAddress() + to, segment.asSlice(from, length));
                } else {
                    memory.read(region.guestAddress() + from, segment.asSlice(to, length));
                }
                for (long i = 0; i < length; i += Long.BYTES) {
                    assertEquals(from + i, segment.get(ValueLayout.JAVA_LONG, to + i));
                }
            }
        }
    }

    @Test
    void nothingIsRefusedToBeCopiedWhereThereIsNoMemory() {
        try (FakeVm other = new FakeVm(new FakeLibc())) {
            other.memory.add(0x30_0000, 0x1000);
            for (long address : new long[]{0, 0x2f_ffff, 0x30_1001}) {
                assertThrows(GuestAddressException.class, () -> other.memory.write(address, new byte[0]));
                assertThrows(GuestAddressException.class, () -> other.memory.read(address, new byte[0], 0, 0));
            }
            other.memory.write(0x30_0000, new byte[0]);
            other.memory.write(0x30_1000, new byte[0]);
        }
    }

    @Test
    void theTableHasWhatThereIs() {
        MemoryRegion region = memory.add(0x20_0000, 0x1000);
        assertEquals(EDGE, memory.part(0).byteSize());
        assertEquals(0x20_1000, memory.part(0x20_0000).byteSize());
        MemoryRegion moved = memory.move(region, 0x30_0000);
        assertEquals(0, memory.part(0x20_0000).byteSize());
        assertEquals(0x30_1000, memory.part(0x30_0000).byteSize());
        memory.remove(moved);
        assertEquals(0, memory.part(0x30_0000).byteSize());
        vm.close();
        assertEquals(0, memory.part(0).byteSize());
    }

    /** Also for who is in the middle of an access when its memory is unmapped. */
    @Test
    void aRegionThatComesAndGoesIsThereOrNot() {
        long address = 0x40_0000;
        AtomicBoolean done = new AtomicBoolean();
        List<CompletableFuture<Void>> users = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            boolean write = i % 2 == 0;
            users.add(Concurrent.start(() -> {
                while (!done.get()) {
                    try {
                        if (write) {
                            memory.putLong(address, 0);
                        } else {
                            assertEquals(0, memory.getLong(address));
                        }
                    } catch (GuestAddressException e) {
                        assertEquals(address, e.address());
                    }
                }
            }));
        }
        for (int i = 0; i < 500; i++) {
            memory.remove(memory.add(address, 0x1000));
        }
        done.set(true);
        users.forEach(CompletableFuture::join);
    }

    /** Whoever has seen where a region is finds nothing where it was. */
    @Test
    void aRegionIsInOnePlaceAtATime() {
        long low = 1L << 32;
        long high = (1L << 40) - (1 << 20);
        MemoryRegion region = memory.add(low, 1 << 20);
        CompletableFuture<Void> mover = Concurrent.start(() -> {
            MemoryRegion now = region;
            for (int i = 0; i < 200; i++) {
                now = memory.move(now, now.guestAddress() == low ? high : low);
            }
        });
        while (!mover.isDone()) {
            MemoryRegion seen = memory.regions().getLast();
            long other = seen.guestAddress() == low ? high : low;
            try {
                memory.getLong(other);
                assertNotSame(seen, memory.regions().getLast(), "there is memory where it was");
            } catch (GuestAddressException e) {
                assertEquals(other, e.address());
            }
        }
        mover.join();
    }

    @Test
    void farAboveAllMemoryThereIsNone() {
        for (long address = 0x20_0000; address != 0; address <<= 1) {
            long there = address;
            assertThrows(GuestAddressException.class, () -> memory.getByte(there));
            assertThrows(GuestAddressException.class, () -> memory.putLong(-there, 1));
            assertThrows(GuestAddressException.class, () -> memory.write(there - 1, new byte[1]));
        }
    }
}
