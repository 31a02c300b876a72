package io.github.kvm4j.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.function.LongConsumer;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

import io.github.kvm4j.Vm;
import io.github.kvm4j.memory.DirtyLog;
import io.github.kvm4j.memory.DirtyPages;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.memory.RegionOptions;

/**
 * Harvests the dirty log of a region of 4 GiB, of whose pages one in a hundred is dirty, here and there. The log is cleared by
 * hand, so that it is the same each time; no guest has written to the pages, so that none is mapped.
 */
public class DirtyLogHarvest extends KvmBenchmark {

    /** Enough for the cost of the call into C to vanish; a harvest is long. */
    private static final int HARVESTS = 10;

    private static final long ADDRESS = 1L << 32;
    private static final long SIZE = 4L << 30;
    private static final int ONE_IN = 100;

    /** A guest that does not run, with the region. */
    public static class Kvm4j extends Kvm4jGuest {

        DirtyLog log;
        DirtyPages pages;
        long dirty;

        /** The VM's descriptor, and memory for the bits, for C. */
        int vm;
        MemorySegment bitmap;

        private final LongConsumer sum = page -> dirty += page;

        /** For JMH. */
        public Kvm4j() {
            super(GuestCode.HALT);
        }

        @Override
        void opened() {
            Vm its = vcpu.vm();
            log = its.dirtyLog();
            log.enableManualProtect(true);
            MemoryRegion region = its.memory().add(ADDRESS, SIZE,
                    RegionOptions.anonymous().with(MemoryFlag.LOG_DIRTY_PAGES));
            // All are dirty at first. What is cleared is the rest.
            DirtyPages rest = new DirtyPages(region);
            Random random = new Random(1);
            for (long page = 0; page < rest.pages(); page++) {
                if (random.nextInt(ONE_IN) != 0) {
                    rest.add(page);
                }
            }
            log.clear(rest);
            pages = log.get(region);
            vm = Descriptors.find("anon_inode:kvm-vm");
            bitmap = Arena.ofAuto().allocate(rest.pages() / Byte.SIZE, Long.BYTES);
        }

        /** Reads the log, and visits each dirty page. */
        long harvest() {
            dirty = 0;
            log.get(pages);
            pages.forEach(sum);
            return dirty;
        }

        /** Reads the log. */
        long read() {
            log.get(pages);
            return pages.nextDirty(0);
        }

        long readInC(int count) {
            return Baselines.dirtyLog(vm, pages.region().slot(), bitmap, count);
        }
    }

    /**
     * Reads the log with {@link DirtyLog#get(DirtyPages)}, and visits each dirty page.
     *
     * @param guest
     *            the guest
     * @return the sum of the pages' numbers
     */
    @Benchmark
    public long kvm4j(Kvm4j guest) {
        return guest.harvest();
    }

    /**
     * Reads the log with {@link DirtyLog#get(DirtyPages)} alone.
     *
     * @param guest
     *            the guest
     * @return the first dirty page
     */
    @Benchmark
    public long read(Kvm4j guest) {
        return guest.read();
    }

    /**
     * In C: the ioctl alone, a batch of them.
     *
     * @param guest
     *            the guest
     * @return 0
     */
    @Benchmark
    @OperationsPerInvocation(HARVESTS)
    public long c(Kvm4j guest) {
        return guest.readInC(HARVESTS);
    }
}
