package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.Pipe;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.Backing;
import io.github.kvm4j.memory.DirtyPages;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.memory.MissingMemoryException;
import io.github.kvm4j.memory.RegionOptions;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.testing.FakeVm;
import io.github.kvm4j.testing.RealMemory;

/** A set of pages, held against one of the JDK's. */
class DirtyPagesTest {

    private static final int PAGE = 4096;

    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(new FakeLibc()));
    private final Vm vm = kvm.createVm();
    private final Random random = new Random(3);

    @AfterEach
    void close() {
        kvm.close();
    }

    private MemoryRegion region(int pages) {
        return vm.memory().add(0x10000, (long) pages * PAGE);
    }

    /** Sparse at one time, dense at another. */
    private BitSet randomSet(int pages) {
        BitSet model = new BitSet();
        int density = 1 + random.nextInt(100);
        for (int i = 0; i < pages; i++) {
            if (random.nextInt(100) < density) {
                model.set(i);
            }
        }
        return model;
    }

    private static DirtyPages of(MemoryRegion region, BitSet model) {
        DirtyPages pages = new DirtyPages(region);
        model.stream().forEach(pages::add);
        return pages;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 63, 64, 65, 128, 1000})
    void itIsWhatTheJdksSetIs(int count) {
        MemoryRegion region = region(count);
        for (int round = 0; round < 50; round++) {
            BitSet model = randomSet(count);
            DirtyPages pages = of(region, model);
            assertEquals(count, pages.pages());
            assertEquals(model.cardinality(), pages.count());
            assertEquals(model.isEmpty(), pages.isEmpty());
            assertEquals(model, BitSet.valueOf(pages.toLongArray()));
            List<Long> each = new ArrayList<>();
            pages.forEach(each::add);
            assertArrayEquals(model.stream().asLongStream().toArray(),
                    each.stream().mapToLong(Long::longValue).toArray());
            BitSet ranges = new BitSet();
            pages.forEachRange((first, length) -> {
                assertTrue(length > 0);
                assertFalse(first > 0 && model.get((int) first - 1), "a page beside it is dirty");
                assertFalse(model.get((int) (first + length)));
                assertTrue(ranges.isEmpty() || ranges.length() < first, "out of order");
                ranges.set((int) first, (int) (first + length));
            });
            assertEquals(model, ranges);
            for (int i = 0; i < count; i++) {
                assertEquals(model.get(i), pages.isDirty(i));
                assertEquals(model.nextSetBit(i), pages.nextDirty(i));
            }
            assertEquals(-1, pages.nextDirty(count));
            assertEquals(-1, pages.nextDirty(Long.MAX_VALUE));
        }
    }

    @Test
    void aUnionHasWhatEitherHas() {
        MemoryRegion region = region(200);
        BitSet one = randomSet(200);
        BitSet other = randomSet(200);
        DirtyPages union = of(region, one);
        union.addAll(of(region, other));
        one.or(other);
        assertEquals(one, BitSet.valueOf(union.toLongArray()));
        DirtyPages elsewhere = new DirtyPages(vm.memory().add(0x1000_0000, 200 * PAGE));
        assertThrows(IllegalArgumentException.class, () -> union.addAll(elsewhere));
    }

    @Test
    void aCopyHasBitsOfItsOwn() {
        DirtyPages pages = of(region(70), randomSet(70));
        DirtyPages copy = pages.copy();
        assertEquals(pages, copy);
        assertEquals(pages.hashCode(), copy.hashCode());
        copy.clear();
        assertTrue(copy.isEmpty());
        assertNotEquals(pages, copy);
        assertNotEquals(pages, new DirtyPages(vm.memory().add(0x1000_0000, 70 * PAGE)));
    }

    @Test
    void whatIsNotInTheRegionIsRefused() {
        DirtyPages pages = new DirtyPages(region(70));
        for (long page : new long[]{-1, 70, 127, 128, Long.MIN_VALUE, Long.MAX_VALUE}) {
            assertThrows(IndexOutOfBoundsException.class, () -> pages.add(page));
            assertThrows(IndexOutOfBoundsException.class, () -> pages.isDirty(page));
            assertThrows(IndexOutOfBoundsException.class, () -> pages.guestAddress(page));
        }
        assertThrows(IndexOutOfBoundsException.class, () -> pages.nextDirty(-1));
        assertEquals(0x10000 + 69 * PAGE, pages.guestAddress(69));
        assertThrows(IllegalArgumentException.class,
                () -> pages.writeTo(FileChannel.open(Path.of("/dev/null"), StandardOpenOption.WRITE), -1));
    }

    /** Each page's bytes say which it is. */
    private static byte[] fill(MemoryRegion region) {
        for (long i = 0; i < region.size(); i++) {
            region.segment().set(ValueLayout.JAVA_BYTE, i, (byte) (i / PAGE + i));
        }
        return region.segment().toArray(ValueLayout.JAVA_BYTE);
    }

    private static Stream<byte[]> contents(byte[] memory, BitSet pages) {
        return pages.stream().mapToObj(page -> Arrays.copyOfRange(memory, page * PAGE, (page + 1) * PAGE));
    }

    @Test
    void theDirtyPagesAreCopiedEachToItsPlaceOrOneBehindTheOther(@TempDir Path folder) throws IOException {
        MemoryRegion region = region(200);
        byte[] memory = fill(region);
        BitSet model = randomSet(200);
        DirtyPages pages = of(region, model);
        long bytes = (long) model.cardinality() * PAGE;
        byte[] expected = new byte[memory.length];
        model.stream().forEach(page -> System.arraycopy(memory, page * PAGE, expected, page * PAGE, PAGE));

        try (Arena arena = Arena.ofConfined()) {
            MemorySegment image = arena.allocate(memory.length);
            assertEquals(bytes, pages.copyTo(image));
            assertArrayEquals(expected, image.toArray(ValueLayout.JAVA_BYTE));
            assertThrows(IndexOutOfBoundsException.class, () -> pages.copyTo(image.asSlice(1)));
        }
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        assertEquals(bytes, pages.writeTo(Channels.newChannel(stream)));
        ByteArrayOutputStream expectedStream = new ByteArrayOutputStream();
        contents(memory, model).forEach(expectedStream::writeBytes);
        assertArrayEquals(expectedStream.toByteArray(), stream.toByteArray());

        try (FileChannel file = FileChannel.open(folder.resolve("image"), StandardOpenOption.CREATE,
                StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            assertEquals(bytes, pages.writeTo(file, 100));
            MemorySegment image = file.map(FileChannel.MapMode.READ_ONLY, 100, file.size() - 100, Arena.ofAuto());
            assertArrayEquals(Arrays.copyOf(expected, model.length() * PAGE), image.toArray(ValueLayout.JAVA_BYTE));
        }
    }

    @Test
    void whatIsGoneIsNamed(@TempDir Path folder) throws IOException {
        Path path = folder.resolve("ram");
        try (FakeVm real = RealMemory.vm();
                FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(new byte[4 * PAGE]));
            MemoryRegion region = real.memory.add(0x10000, 4 * PAGE,
                    RegionOptions.of(Backing.sharedFile(path, 0)));
            DirtyPages pages = new DirtyPages(region);
            pages.add(3);
            file.truncate(PAGE);
            MissingMemoryException e = assertThrows(MissingMemoryException.class,
                    () -> pages.copyTo(MemorySegment.ofArray(new byte[4 * PAGE])));
            assertEquals(0x10000 + 3 * PAGE, e.address());
            assertThrows(MissingMemoryException.class,
                    () -> pages.writeTo(Channels.newChannel(new ByteArrayOutputStream())));
            // Here it is the kernel that finds nothing, and says EFAULT.
            try (FileChannel image = FileChannel.open(folder.resolve("image"), StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE)) {
                for (Executable write : List.<Executable>of(() -> pages.writeTo(image),
                        () -> pages.writeTo(image, 0))) {
                    MissingMemoryException missing = assertThrows(MissingMemoryException.class, write);
                    assertEquals(0x10000 + 3 * PAGE, missing.address());
                    assertEquals(IOException.class, missing.getSuppressed()[0].getClass());
                }
                image.close();
                pages.clear();
                pages.add(0);
                assertThrows(ClosedChannelException.class, () -> pages.writeTo(image, 0), "the memory is there");
            }
        }
    }

    /** A copy is not interrupted, not even by a garbage collection that all threads must stop for. */
    @Test
    void aLongRunOfPagesIsWrittenInPieces() throws IOException {
        int count = (40 << 20) / PAGE;
        DirtyPages pages = new DirtyPages(region(count));
        for (int i = 0; i < count; i++) {
            pages.add(i);
        }
        List<Integer> pieces = new ArrayList<>();
        assertEquals(40 << 20, pages.writeTo(new WritableByteChannel() {
            @Override
            public int write(ByteBuffer from) {
                int length = from.remaining();
                pieces.add(length);
                from.position(from.limit());
                return length;
            }

            @Override
            public boolean isOpen() {
                return true;
            }

            @Override
            public void close() {
            }
        }));
        assertEquals(List.of(16 << 20, 16 << 20, 8 << 20), pieces);
    }

    @Test
    void aChannelThatDoesNotBlockIsRefused() throws IOException {
        Pipe pipe = Pipe.open();
        try (Pipe.SourceChannel _ = pipe.source(); Pipe.SinkChannel sink = pipe.sink()) {
            sink.configureBlocking(false);
            assertThrows(IllegalBlockingModeException.class, () -> new DirtyPages(region(1)).writeTo(sink));
        }
    }

    @Test
    void afterTheVmIsClosedTheSetIsStillThereAndTheMemoryIsNot() {
        DirtyPages pages = of(region(70), randomSet(70));
        vm.close();
        assertTrue(pages.count() > 0);
        assertThrows(IllegalStateException.class, () -> pages.copyTo(MemorySegment.ofArray(new byte[70 * PAGE])));
        assertThrows(IllegalStateException.class,
                () -> pages.writeTo(Channels.newChannel(new ByteArrayOutputStream())));
    }
}
