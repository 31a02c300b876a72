package io.github.kvm4j.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToLongFunction;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

import io.github.kvm4j.memory.MemoryRegion;

/** The benchmarks of guest memory, which need no KVM: that they work, on the memory that they name, and allocate nothing. */
class MemoryBenchmarksTest {

    private static final int TIMES = 100;

    @Test
    void everyBenchmarkRunsOnce() throws Exception {
        var once = new OptionsBuilder().include("Memory").forks(0).mode(Mode.SingleShotTime).warmupIterations(0)
                .measurementIterations(1).shouldFailOnError(true).verbosity(VerboseMode.SILENT).build();

        List<String> names = new Runner(once).run().stream().map(result -> result.getParams().getBenchmark())
                .map(name -> name.substring(getClass().getPackageName().length() + 1)).distinct().toList();

        assertEquals(List.of("MemoryAccess.getKvm4j", "MemoryAccess.getSegment", "MemoryAccess.putKvm4j",
                "MemoryAccess.putSegment", "MemoryCopy.inKvm4j", "MemoryCopy.inSegment", "MemoryCopy.outKvm4j",
                "MemoryCopy.outSegment", "MemoryDirtyPages.visitKvm4j", "MemoryDirtyPages.visitSegment"), names);
    }

    /** What the one side has written the other reads. */
    @Test
    void bothSidesAccessTheSameMemory() {
        var access = new MemoryAccess.Kvm4j("1 region");
        access.setUp();
        assertEquals(0, access.get(TIMES));
        access.put(TIMES);
        long sum = access.get(TIMES);
        assertNotEquals(0, sum);
        assertEquals(sum, access.getFromSegment(TIMES));
        access.putIntoSegment(2 * TIMES);
        assertNotEquals(sum, access.get(TIMES));
        assertEquals(access.getFromSegment(TIMES), access.get(TIMES));
        access.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"2 regions", MemoryAccess.Kvm4j.SEARCHED})
    void eitherRegionIsAccessed(String which) {
        var access = new MemoryAccess.Kvm4j(which);
        access.setUp();
        access.put(TIMES);
        assertNotEquals(0, access.get(TIMES));
        List<MemoryRegion> regions = access.memory.regions();
        assertEquals(2, regions.size());
        // Searched for is what is below the first MiB that begins in the region.
        boolean searched = LongStream.of(access.addresses).allMatch(address -> regions.stream().noneMatch(
                region -> address >= nextMib(region) && address < region.guestAddress() + region.size()));
        assertEquals(which.equals(MemoryAccess.Kvm4j.SEARCHED), searched);
        regions.forEach(region -> assertTrue(region.segment().mismatch(MemorySegment.ofArray(new byte[1 << 20])) >= 0,
                region::toString));
        access.close();
    }

    private static long nextMib(MemoryRegion region) {
        return (region.guestAddress() + (1 << 20) - 1) & -(1 << 20);
    }

    @Test
    void bothSidesCopyTheWholeOfTheSameMemory() {
        var copy = new MemoryCopy.Kvm4j("64 KiB");
        copy.setUp();
        copy.write(1);
        assertCopied(copy, copy::copyOut);
        copy.segment.fill((byte) 0);
        copy.copyIn(1);
        assertCopied(copy, copy::read);
        copy.close();
    }

    private static void assertCopied(MemoryCopy.Kvm4j copy, IntToLongFunction out) {
        copy.buffer.fill((byte) 0);
        out.applyAsLong(1);
        byte[] ones = new byte[64 << 10];
        Arrays.fill(ones, (byte) 1);
        assertArrayEquals(ones, copy.buffer.toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void accessAllocatesNothing() {
        Allocation.assertNone(new MemoryAccess.Kvm4j("2 regions"), guest -> guest.get(1));
        Allocation.assertNone(new MemoryAccess.Kvm4j("2 regions"), guest -> guest.put(1));
    }

    @Test
    void copiesAllocateNothing() {
        Allocation.assertNone(new MemoryCopy.Kvm4j("4 KiB"), guest -> guest.write(1));
        Allocation.assertNone(new MemoryCopy.Kvm4j("4 KiB"), guest -> guest.read(1));
    }

    @Test
    void bothSidesVisitTheSamePages() {
        var dirty = new MemoryDirtyPages.Kvm4j();
        dirty.setUp();
        long count = dirty.pages.count();
        assertTrue(Math.abs(count - (1 << 20) / 100) < 500, () -> "dirty pages: " + count);
        long sum = dirty.visit();
        assertTrue(sum > 0);
        assertEquals(sum, dirty.visitInSegment());
        long clean = LongStream.range(1, dirty.pages.pages()).filter(page -> !dirty.pages.isDirty(page)).findFirst()
                .orElseThrow();
        dirty.pages.add(clean);
        assertEquals(sum + clean, dirty.visit());
        dirty.close();
    }

    @Test
    void visitsAllocateNothing() {
        Allocation.assertNone(new MemoryDirtyPages.Kvm4j(), MemoryDirtyPages.Kvm4j::visit);
    }

    /** More than is copied in one go. */
    @Test
    void longCopiesAllocateNothing() {
        Allocation.assertNone(new MemoryCopy.Kvm4j("17 MiB"), guest -> guest.write(1));
        Allocation.assertNone(new MemoryCopy.Kvm4j("17 MiB"), guest -> guest.read(1));
    }
}
