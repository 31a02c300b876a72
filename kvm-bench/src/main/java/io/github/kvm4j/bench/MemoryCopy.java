package io.github.kvm4j.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.HostOption;
import io.github.kvm4j.memory.RegionOptions;

/**
 * Copies into and out of a guest's memory, beside {@link MemorySegment#copy} with the region's own segment. The memory is the
 * same on both sides, and so is the buffer: with another mapping the pages and what lies beside them decide about large sizes,
 * by up to a quarter either way.
 */
public class MemoryCopy extends KvmBenchmark {

    private static final long ADDRESS = 1L << 32;
    private static final int PAGE = 4096;

    /** A region that is all there, and a buffer of its size. */
    public static class Kvm4j extends GuestRam {

        /** How much is copied. */
        @Param({"4 KiB", "64 KiB", "1 MiB", "16 MiB", "64 MiB"})
        public String size;

        MemorySegment segment;
        MemorySegment buffer;

        /** For JMH. */
        public Kvm4j() {
            this("");
        }

        Kvm4j(String size) {
            this.size = size;
        }

        @Override
        void opened() {
            String[] words = size.split(" ");
            long bytes = Long.parseLong(words[0]) << (words[1].equals("MiB") ? 20 : 10);
            segment = memory.add(ADDRESS, bytes, RegionOptions.anonymous().with(HostOption.PREFAULT)).segment();
            buffer = Arena.ofAuto().allocate(bytes, PAGE);
            buffer.fill((byte) 1);
        }

        /** As often as it is told to; so do the others. */
        long write(int times) {
            for (int i = 0; i < times; i++) {
                memory.write(ADDRESS, buffer);
            }
            return times;
        }

        long read(int times) {
            for (int i = 0; i < times; i++) {
                memory.read(ADDRESS, buffer);
            }
            return times;
        }

        long copyIn(int times) {
            for (int i = 0; i < times; i++) {
                MemorySegment.copy(buffer, 0, segment, 0, buffer.byteSize());
            }
            return times;
        }

        long copyOut(int times) {
            for (int i = 0; i < times; i++) {
                MemorySegment.copy(segment, 0, buffer, 0, buffer.byteSize());
            }
            return times;
        }
    }

    /**
     * Copies in, through {@link GuestMemory#write(long, MemorySegment)}.
     *
     * @param guest
     *            the guest
     * @return 1
     */
    @Benchmark
    public long inKvm4j(Kvm4j guest) {
        return guest.write(1);
    }

    /**
     * Copies in, into the segment.
     *
     * @param guest
     *            the guest
     * @return 1
     */
    @Benchmark
    public long inSegment(Kvm4j guest) {
        return guest.copyIn(1);
    }

    /**
     * Copies out, through {@link GuestMemory#read(long, MemorySegment)}.
     *
     * @param guest
     *            the guest
     * @return 1
     */
    @Benchmark
    public long outKvm4j(Kvm4j guest) {
        return guest.read(1);
    }

    /**
     * Copies out, out of the segment.
     *
     * @param guest
     *            the guest
     * @return 1
     */
    @Benchmark
    public long outSegment(Kvm4j guest) {
        return guest.copyOut(1);
    }
}
