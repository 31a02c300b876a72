package io.github.kvm4j.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.HostOption;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.memory.RegionOptions;

/**
 * Reads and writes a {@code long} at addresses here and there, each in one of the regions by chance, beside the same access
 * to a region's segment, which checks the bounds and that it is still there. Few pages are touched, so that the memory itself
 * takes no time; neither the region nor the offset is one that a processor can foresee.
 */
public class MemoryAccess extends KvmBenchmark {

    /** How many addresses: a power of two. */
    private static final int COUNT = 1 << 13;

    private static final long SIZE = 1 << 20;
    private static final int TOUCHED = 8 << 10;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    /** Regions at 0 and, behind the hole below it, at 4 GiB; or both 64 KiB higher, where they are found by a search. */
    public static class Kvm4j extends GuestRam {

        static final String SEARCHED = "2 regions, searched";

        /** How many regions. */
        @Param({"2 regions", "1 region", SEARCHED})
        public String regions;

        MemorySegment segment;
        final long[] addresses = new long[COUNT];
        final long[] offsets = new long[COUNT];
        int next;

        /** Never set, but read before each access, so that what can change meanwhile is not looked at once for all. */
        volatile boolean stopped;

        /** For JMH. */
        public Kvm4j() {
            this("");
        }

        Kvm4j(String regions) {
            this.regions = regions;
        }

        @Override
        void opened() {
            int count = Integer.parseInt(regions.split(" ")[0]);
            long start = regions.equals(SEARCHED) ? 64 << 10 : 0;
            for (long i = 0; i < count; i++) {
                memory.add((i << 32) + start, SIZE, RegionOptions.anonymous().with(HostOption.PREFAULT));
            }
            MemoryRegion last = memory.regions().getLast();
            segment = last.segment();
            Random random = new Random(1);
            for (int i = 0; i < COUNT; i++) {
                offsets[i] = random.nextInt(TOUCHED);
                addresses[i] = ((long) random.nextInt(count) << 32) + start + offsets[i];
            }
        }

        long get(int times) {
            long sum = 0;
            for (int i = 0; i < times && !stopped; i++) {
                sum += memory.getLong(addresses[i & (COUNT - 1)]);
            }
            return sum;
        }

        long getFromSegment(int times) {
            long sum = 0;
            for (int i = 0; i < times && !stopped; i++) {
                sum += segment.get(LONG, offsets[i & (COUNT - 1)]);
            }
            return sum;
        }

        long put(int times) {
            for (int i = 0; i < times && !stopped; i++) {
                memory.putLong(addresses[i & (COUNT - 1)], i);
            }
            return times;
        }

        long putIntoSegment(int times) {
            for (int i = 0; i < times && !stopped; i++) {
                segment.set(LONG, offsets[i & (COUNT - 1)], i);
            }
            return times;
        }
    }

    /**
     * Reads, through {@link GuestMemory#getLong(long)}.
     *
     * @param guest
     *            the guest
     * @return the number
     */
    @Benchmark
    public long getKvm4j(Kvm4j guest) {
        return guest.memory.getLong(guest.addresses[guest.next++ & (COUNT - 1)]);
    }

    /**
     * Reads out of the segment.
     *
     * @param guest
     *            the guest
     * @return the number
     */
    @Benchmark
    public long getSegment(Kvm4j guest) {
        return guest.segment.get(LONG, guest.offsets[guest.next++ & (COUNT - 1)]);
    }

    /**
     * Writes, through {@link GuestMemory#putLong(long, long)}.
     *
     * @param guest
     *            the guest
     */
    @Benchmark
    public void putKvm4j(Kvm4j guest) {
        guest.memory.putLong(guest.addresses[guest.next++ & (COUNT - 1)], guest.next);
    }

    /**
     * Writes into the segment.
     *
     * @param guest
     *            the guest
     */
    @Benchmark
    public void putSegment(Kvm4j guest) {
        guest.segment.set(LONG, guest.offsets[guest.next++ & (COUNT - 1)], guest.next);
    }
}
