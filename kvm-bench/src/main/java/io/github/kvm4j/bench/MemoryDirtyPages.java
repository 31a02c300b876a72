package io.github.kvm4j.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.function.LongConsumer;

import org.openjdk.jmh.annotations.Benchmark;

import io.github.kvm4j.memory.DirtyPages;
import io.github.kvm4j.memory.RegionOptions;

/**
 * Visits the dirty pages of 4 GiB, one in a hundred, here and there: what comes after the ioctl of a harvest. Beside it the loop
 * over the bitmap by hand.
 */
public class MemoryDirtyPages extends KvmBenchmark {

    private static final long ADDRESS = 1L << 32;
    private static final long SIZE = 4L << 30;
    private static final int ONE_IN = 100;

    /** The pages, twice. */
    public static class Kvm4j extends GuestRam {

        DirtyPages pages;
        MemorySegment bitmap;
        private long dirty;
        private final LongConsumer sum = page -> dirty += page;

        @Override
        void opened() {
            pages = new DirtyPages(memory.add(ADDRESS, SIZE, RegionOptions.anonymous()));
            bitmap = Arena.ofAuto().allocate(pages.pages() / Byte.SIZE, Long.BYTES);
            Random random = new Random(1);
            for (long page = 0; page < pages.pages(); page++) {
                if (random.nextInt(ONE_IN) == 0) {
                    pages.add(page);
                    long word = page / Long.SIZE;
                    bitmap.setAtIndex(ValueLayout.JAVA_LONG, word,
                            bitmap.getAtIndex(ValueLayout.JAVA_LONG, word) | 1L << page);
                }
            }
        }

        long visit() {
            dirty = 0;
            pages.forEach(sum);
            return dirty;
        }

        long visitInSegment() {
            long pagesSum = 0;
            long words = bitmap.byteSize() / Long.BYTES;
            for (long i = 0; i < words; i++) {
                for (long word = bitmap.getAtIndex(ValueLayout.JAVA_LONG, i); word != 0; word &= word - 1) {
                    pagesSum += i * Long.SIZE + Long.numberOfTrailingZeros(word);
                }
            }
            return pagesSum;
        }
    }

    /**
     * Through {@link DirtyPages#forEach}.
     *
     * @param guest
     *            the guest
     * @return the sum of the pages' numbers
     */
    @Benchmark
    public long visitKvm4j(Kvm4j guest) {
        return guest.visit();
    }

    /**
     * By hand.
     *
     * @param guest
     *            the guest
     * @return the sum of the pages' numbers
     */
    @Benchmark
    public long visitSegment(Kvm4j guest) {
        return guest.visitInSegment();
    }
}
