package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.DependsOnHost;
import io.github.kvm4j.testing.FakeVm;
import io.github.kvm4j.testing.HugePages;
import io.github.kvm4j.testing.RealMemory;

/** The machine's own memory and files behind a guest's, on a KVM that is none. */
@DependsOnHost
class HostMemoryTest {

    private static final long SIZE = 4L << 20;
    private static final String NAME = "kvm4j-test-ram";

    private final FakeVm vm = RealMemory.vm();
    private final GuestMemory memory = vm.memory;

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        vm.close();
    }

    private static List<String> lines(String file, String part) {
        try (Stream<String> lines = Files.lines(Path.of(file))) {
            return lines.filter(line -> line.contains(part)).toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A mapping's lines in smaps, from the one with its addresses on. */
    private static String smaps(MemorySegment segment) throws IOException {
        List<String> lines = Files.readAllLines(Path.of("/proc/self/smaps"));
        String mapping = "";
        boolean found = false;
        for (String line : lines) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                String[] ends = line.split("[- ]");
                found = Long.compareUnsigned(Long.parseUnsignedLong(ends[0], 16), segment.address()) <= 0
                        && Long.compareUnsigned(segment.address(), Long.parseUnsignedLong(ends[1], 16)) < 0;
            }
            mapping += found ? line + "\n" : "";
        }
        return mapping;
    }

    private Path file(int size) throws IOException {
        Path file = folder.resolve("file");
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) (i >> 12);
        }
        return Files.write(file, bytes);
    }

    @Test
    void aMemfdIsSharedAndSealed() throws IOException {
        MemoryRegion region = memory.add(0, SIZE, RegionOptions.of(Backing.memfd(NAME)));
        memory.putInt(0x1000, 42);
        try (FileChannel other = FileChannel.open(region.sharedFile().orElseThrow(), StandardOpenOption.READ,
                StandardOpenOption.WRITE); Arena arena = Arena.ofConfined()) {
            assertEquals(SIZE, other.size());
            MemorySegment its = other.map(FileChannel.MapMode.READ_WRITE, 0, SIZE, arena);
            assertEquals(42, its.get(ValueLayout.JAVA_INT, 0x1000));
            its.set(ValueLayout.JAVA_INT, 0x2000, 43);
            assertEquals(43, memory.getInt(0x2000));
            assertThrows(IOException.class, () -> other.truncate(SIZE - 1));
            assertThrows(IOException.class, () -> other.write(ByteBuffer.allocate(1), SIZE));
        }
        assertTrue(memory.atomics().compareAndSetInt(0x2000, 43, 44), "nobody can truncate it");
        memory.remove(region);
        assertEquals(List.of(), lines("/proc/self/maps", NAME));
        try (Stream<Path> fds = Files.list(Path.of("/proc/self/fd"))) {
            assertFalse(fds.anyMatch(fd -> target(fd).contains(NAME)));
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    /** As a second process of the caller's would map the first one's memory. */
    @Test
    void aSealedFileOfSomebodyElseIsTrusted() {
        MemoryRegion first = memory.add(0, SIZE, RegionOptions.of(Backing.memfd(NAME)));
        memory.add(SIZE, SIZE, RegionOptions.of(Backing.sharedFile(first.sharedFile().orElseThrow(), 0)));
        memory.putLong(8, 5);
        assertEquals(5, memory.atomics().getAndAddLong(SIZE + 8, 1));
        assertEquals(6, memory.getLong(8));
        assertTrue(first.sharedFile().isPresent() && memory.regions().getLast().sharedFile().isEmpty());
    }

    @Test
    void aSharedFileIsWritten() throws IOException {
        Path file = file(0x8000);
        memory.add(0x10000, 0x4000, RegionOptions.of(Backing.sharedFile(file, 0x2000)));
        assertEquals(2, memory.getByte(0x10000));
        assertEquals(5, memory.getByte(0x13fff));
        memory.putByte(0x10001, (byte) 99);
        assertEquals(99, Files.readAllBytes(file)[0x2001]);
    }

    @Test
    void aPrivateFileIsNotWritten() throws IOException {
        Path file = file(0x8000);
        byte[] before = Files.readAllBytes(file);
        assertTrue(file.toFile().setWritable(false));
        memory.add(0, 0x8000, RegionOptions.of(Backing.privateFile(file, 0)).with(HostOption.PREFAULT));
        assertEquals(7, memory.getByte(0x7000));
        memory.fill(0, 0x8000, (byte) 1);
        assertArrayEquals(before, Files.readAllBytes(file));
    }

    @Test
    void aFileThatIsTooShortOrNotThereIsRefused() throws IOException {
        Path file = file(0x8000);
        assertSays("32768 bytes", () -> memory.add(0, 0x4000, RegionOptions.of(Backing.sharedFile(file, 0x5000))));
        assertSays("offset 0x1 ", () -> memory.add(0, 0x4000, RegionOptions.of(Backing.sharedFile(file, 1))));
        assertSays("nowhere", () -> memory.add(0, 0x4000,
                RegionOptions.of(Backing.sharedFile(folder.resolve("nowhere"), 0))));
        assertEquals(List.of(), memory.regions());
        assertEquals(List.of(), lines("/proc/self/maps", file.toString()));
    }

    private static void assertSays(String part, Runnable action) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, action::run);
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    @Test
    void theOptionsReachTheKernel() throws IOException {
        MemoryRegion plain = memory.add(0, SIZE);
        assertFalse(flags(plain).contains("nr"), flags(plain));
        MemoryRegion region = memory.add(SIZE, SIZE, RegionOptions.anonymous().with(HostOption.NO_RESERVE,
                HostOption.DONT_DUMP));
        assertTrue(flags(region).contains(" nr ") && flags(region).contains(" dd "), flags(region));
        MemoryRegion there = memory.add(2 * SIZE, SIZE, RegionOptions.anonymous().with(HostOption.PREFAULT));
        String smaps = smaps(there.segment());
        long resident = Stream.of(smaps.split("\n")).filter(line -> line.startsWith("Rss:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", ""))).sum();
        assertTrue(resident * 1024 >= SIZE, smaps);
    }

    @Test
    void pagesThatAreAlikeMayBeMerged() throws IOException {
        assumeTrue(Files.exists(Path.of("/sys/kernel/mm/ksm")), "this kernel does not merge pages");
        MemoryRegion region = memory.add(0, SIZE, RegionOptions.anonymous().with(HostOption.MERGEABLE));
        assertTrue(flags(region).contains(" mg "), flags(region));
    }

    private static Stream<RegionOptions> ofThePool() {
        return Stream.of(Backing.anonymous(), Backing.memfd(NAME))
                .map(backing -> RegionOptions.of(backing).withHugetlb(HugePages.size()));
    }

    @Test
    void memoryOfThePoolHasHugePages() throws IOException {
        try (HugePages _ = HugePages.reserve(2)) {
            long page = HugePages.size();
            long free = HugePages.free();
            for (RegionOptions options : ofThePool().toList()) {
                MemoryRegion region = memory.add(0, 2 * page, options);
                String smaps = smaps(region.segment());
                assertTrue(flags(region).contains(" ht "), smaps);
                assertTrue(smaps.matches("(?s).*KernelPageSize: +" + (page >> 10) + " kB.*"), smaps);
                memory.putLong(page - 4, 42);
                memory.putLong(2 * page - 8, 43);
                assertEquals(42, memory.getLong(page - 4));
                assertEquals(43, memory.atomics().getLongAcquire(2 * page - 8), "it cannot be missing");
                assertEquals(free - 2, HugePages.free(), options::toString);
                memory.remove(region);
                assertEquals(free, HugePages.free(), options::toString);
            }
        }
    }

    @Test
    void aPoolThatHasNotEnoughPagesIsNamed() {
        HugePages.requirePool();
        long size = (HugePages.free() + 1) * HugePages.size();
        ofThePool().forEach(options -> {
            KvmException e = assertThrows(KvmException.class, () -> memory.add(0, size, options));
            assertTrue(e.getMessage().contains("ENOMEM"), e.getMessage());
            assertTrue(e.getMessage().contains("not enough huge pages of this size are free; reserve more"),
                    e.getMessage());
        });
        assertEquals(List.of(), memory.regions());
        assertEquals(List.of(), lines("/proc/self/maps", NAME));
    }

    @Test
    void aHugePageThatWasNotReservedIsFoundMissing() {
        HugePages.requirePool();
        assumeTrue(HugePages.free() == 0, "there are free huge pages");
        memory.add(0, HugePages.size(), RegionOptions.anonymous().withHugetlb(HugePages.size())
                .with(HostOption.NO_RESERVE));
        MissingMemoryException e = assertThrows(MissingMemoryException.class, () -> memory.getLong(8));
        assertTrue(e.getMessage().contains("the pool of huge pages, of which none was reserved"), e.getMessage());
        assertThrows(MissingMemoryException.class, () -> memory.putLong(8, 1));
    }

    /** No architecture has pages of 8 GiB. */
    @Test
    void aSizeThatTheHostDoesNotHaveIsNamed() {
        HugePages.requirePool();
        long page = 8L << 30;
        for (Backing backing : List.of(Backing.anonymous(), Backing.memfd(NAME))) {
            RegionOptions options = RegionOptions.of(backing).withHugetlb(page);
            KvmException e = assertThrows(KvmException.class, () -> memory.add(0, page, options));
            assertTrue(e.getMessage().contains("huge pages of this size")
                    && e.getMessage().contains("/sys/kernel/mm/hugepages"), e.getMessage());
        }
    }

    @Test
    void optionsThatDoNotGoTogetherAreRefused() throws IOException {
        long page = 2 << 20;
        RegionOptions pool = RegionOptions.anonymous().withHugetlb(page);
        Path file = file(0x8000);
        assertSays("power of two: 3145728", () -> RegionOptions.anonymous().withHugetlb(3 << 20));
        assertSays("power of two", () -> RegionOptions.anonymous().withHugetlb(0));
        assertSays("power of two", () -> RegionOptions.anonymous().withHugetlb(Long.MIN_VALUE));
        assertSays("either transparent huge pages or", () -> pool.with(HostOption.TRANSPARENT_HUGE_PAGES));
        assertSays("small pages only", () -> pool.with(HostOption.MERGEABLE));
        assertSays("private memory", () -> RegionOptions.of(Backing.memfd(NAME)).with(HostOption.MERGEABLE));
        assertSays("private memory",
                () -> RegionOptions.of(Backing.sharedFile(file, 0)).with(HostOption.MERGEABLE));
        assertSays("its file system", () -> RegionOptions.of(Backing.privateFile(file, 0)).withHugetlb(page));
        assertSays("not a multiple of its huge pages of 0x200000", () -> memory.add(0, page + 0x1000, pool));
        assertEquals(List.of(), memory.regions());
    }

    private static String flags(MemoryRegion region) throws IOException {
        return Stream.of(smaps(region.segment()).split("\n")).filter(line -> line.startsWith("VmFlags:")).findFirst()
                .orElseThrow() + " ";
    }

    /** For KVM to map a huge page, its address on the host must be as far into one as that on the guest. */
    @Test
    void hugePagesOfTheHostCanBeTheGuests() throws IOException {
        assumeTrue(
                Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage")), "no transparent huge pages");
        for (long address : new long[]{1L << 30, (2L << 30) + 0x1f_f000, (3L << 30) + 0x1000}) {
            MemoryRegion region = memory.add(address, SIZE,
                    RegionOptions.anonymous().with(HostOption.TRANSPARENT_HUGE_PAGES));
            assertEquals(0, (region.segment().address() - address) % (2 << 20));
            assertTrue(flags(region).contains(" hg "), flags(region));
            memory.putByte(address, (byte) 1);
            memory.putByte(address + SIZE - 1, (byte) 1);
        }
    }

    @Test
    void aRegionThatIsRemovedIsUnmapped() {
        MemoryRegion first = memory.add(0, SIZE, RegionOptions.of(Backing.memfd(NAME)));
        MemoryRegion second = memory.add(SIZE, SIZE);
        memory.putInt(0, 1);
        memory.putInt((int) SIZE, 2);
        MemorySegment segment = first.segment();
        memory.remove(first);
        assertThrows(IllegalStateException.class, () -> segment.get(ValueLayout.JAVA_INT, 0));
        assertThrows(GuestAddressException.class, () -> memory.getInt(0));
        assertThrows(IllegalArgumentException.class, () -> memory.remove(first));
        assertEquals(List.of(), lines("/proc/self/maps", NAME));
        assertEquals(List.of(second), memory.regions());
        assertEquals(2, memory.getInt((int) SIZE));
        assertEquals(0, memory.add(0, SIZE).slot(), "the slot is free again");
        assertEquals(0, memory.getInt(0));
    }

    @Test
    void aRegionMovesWithItsContents() {
        MemoryRegion region = memory.add(0, SIZE);
        memory.putLong(8, 42);
        MemoryRegion moved = memory.move(region, 0x1_0000_0000L);
        assertEquals(42, memory.getLong(0x1_0000_0008L));
        assertEquals(region.slot(), moved.slot());
        assertThrows(GuestAddressException.class, () -> memory.getLong(8));
        assertThrows(IllegalArgumentException.class, () -> memory.move(region, 0));
        memory.add(0, SIZE);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> memory.move(moved, 0x1000));
        assertTrue(e.getMessage().contains("overlaps slot 1"), e.getMessage());
        assertEquals(moved, memory.regions().getLast());
        // By less than its own size: it does not overlap itself.
        memory.move(moved, 0x1_0000_1000L);
        assertEquals(42, memory.getLong(0x1_0000_1008L));
    }

    @Test
    void aLayoutIsAddedAsAWholeOrNotAtAll() {
        List<MemoryRegion> regions = memory.builder().region(SIZE, SIZE).region(0, SIZE).build();
        assertEquals(List.of(0, 1), regions.stream().map(MemoryRegion::slot).toList());
        assertSays("overlaps slot 2", () -> memory.builder().region(2 * SIZE, SIZE).region(2 * SIZE, SIZE).build());
        assertSays("slot 0 is taken", () -> memory.builder().region(2 * SIZE, SIZE)
                .region(3 * SIZE, SIZE, RegionOptions.anonymous().withSlot(0)).build());
        Path gone = folder.resolve("gone");
        assertSays("gone", () -> memory.builder().region(2 * SIZE, SIZE)
                .region(3 * SIZE, SIZE, RegionOptions.of(Backing.sharedFile(gone, 0))).build());
        assertEquals(2, memory.regions().size());
    }

    @Test
    void foreignMemoryIsTheCallersToFree() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment mine = arena.allocate(0x3000, 0x1000);
            MemoryRegion region = memory.unsafe().add(0x1000, mine, Set.of());
            memory.putInt(0x1000, 7);
            assertEquals(7, mine.get(ValueLayout.JAVA_INT, 0));
            assertEquals(3, memory.unsafe().add(3, 0x8000, mine, Set.of()).slot());
            memory.remove(region);
            assertEquals(7, mine.get(ValueLayout.JAVA_INT, 0));
            assertEquals(7, memory.getInt(0x8000));
            assertSays("any thread", () -> memory.unsafe().add(0x10000, MemorySegment.ofArray(new byte[0x1000]),
                    Set.of()));
            assertSays("any thread", () -> memory.unsafe().add(0x10000, mine.asReadOnly(), Set.of()));
            assertSays("multiple of the page size",
                    () -> memory.unsafe().add(0x10000, mine.asSlice(8, 0x1000), Set.of()));
            vm.close();
            assertEquals(7, mine.get(ValueLayout.JAVA_INT, 0));
        }
    }

    /** Gets "closed" in the end, and nothing else. */
    private static void untilClosed(Runnable access) {
        try {
            while (true) {
                access.run();
            }
        } catch (ClosedException e) {
            // As it should be.
        }
    }

    @Test
    @Tag("slow")
    void closingWaitsForWhatOthersAreInTheMiddleOf() throws IOException {
        memory.add(0, SIZE, RegionOptions.of(Backing.memfd(NAME)));
        memory.add(SIZE, SIZE, RegionOptions.of(Backing.memfd(NAME)));
        Path file = folder.resolve("image");
        Files.write(file, new byte[(int) (2 * SIZE)]);
        CountDownLatch running = new CountDownLatch(6);
        List<CompletableFuture<Void>> others = new ArrayList<>();
        byte[] bytes = new byte[(int) SIZE];
        List<Runnable> accesses = List.of(() -> memory.write(SIZE / 2, bytes), () -> memory.read(SIZE / 2, bytes, 0, 9),
                () -> memory.putLong(SIZE - 4, memory.getLong(SIZE - 8)), () -> memory.fill(100, SIZE, (byte) 3),
                () -> memory.atomics().getAndAddInt(SIZE, 1), () -> fromFile(file));
        for (Runnable access : accesses) {
            others.add(Concurrent.start(() -> {
                access.run();
                running.countDown();
                untilClosed(access);
            }));
        }
        Concurrent.await(running);
        Concurrent.finish(Concurrent.start(vm::close));
        others.forEach(Concurrent::finish);
        assertEquals(List.of(), lines("/proc/self/maps", NAME));
    }

    private void fromFile(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            assertEquals(2 * SIZE, memory.write(0, channel, 2 * SIZE));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void closingWaitsForASystemCall() throws IOException {
        memory.add(0, SIZE, RegionOptions.of(Backing.memfd(NAME)));
        Pipe pipe = Pipe.open();
        try (Pipe.SourceChannel source = pipe.source(); Pipe.SinkChannel sink = pipe.sink()) {
            CompletableFuture<Long> reading = Concurrent.call(() -> {
                try {
                    return memory.write(0, source, 8);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            Concurrent.await(() -> reading.isDone() || isInUse());
            CompletableFuture<Void> closing = Concurrent.start(vm::close);
            Concurrent.assertWaits(closing);
            assertFalse(lines("/proc/self/maps", NAME).isEmpty(), "the kernel writes there yet");
            assertThrows(ClosedException.class, () -> memory.getByte(0));
            sink.write(ByteBuffer.allocate(8));
            assertEquals(8, Concurrent.finish(reading));
            Concurrent.finish(closing);
        }
        assertEquals(List.of(), lines("/proc/self/maps", NAME));
    }

    /** A thread sits in read(2). */
    private static boolean isInUse() {
        return Thread.getAllStackTraces().values().stream()
                .anyMatch(stack -> stack.length > 2 && stack[0].getMethodName().equals("read0"));
    }

    @Test
    void removingWaitsForASystemCallAndOthersFindNoMemory() throws IOException {
        MemoryRegion region = memory.add(0, SIZE, RegionOptions.of(Backing.memfd(NAME)));
        memory.add(SIZE, SIZE);
        Pipe pipe = Pipe.open();
        try (Pipe.SourceChannel source = pipe.source(); Pipe.SinkChannel sink = pipe.sink()) {
            CompletableFuture<Long> reading = Concurrent.call(() -> {
                try {
                    return memory.write(0, source, 8);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            Concurrent.await(() -> reading.isDone() || isInUse());
            CompletableFuture<Void> removing = Concurrent.start(() -> memory.remove(region));
            Concurrent.assertWaits(removing);
            assertThrows(GuestAddressException.class, () -> memory.getByte(0));
            memory.putInt(SIZE, 1);
            memory.remove(memory.add(4 * SIZE, SIZE));
            CompletableFuture<Void> closing = Concurrent.start(vm::close);
            Concurrent.assertWaits(closing);
            sink.write(ByteBuffer.allocate(8));
            assertEquals(8, Concurrent.finish(reading));
            Concurrent.finish(removing);
            Concurrent.finish(closing);
        }
        assertEquals(List.of(), lines("/proc/self/maps", NAME));
    }
}
