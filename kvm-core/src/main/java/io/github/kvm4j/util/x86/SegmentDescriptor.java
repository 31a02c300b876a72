package io.github.kvm4j.util.x86;

import io.github.kvm4j.x86.Segment;

/**
 * A segment descriptor, as it stands in a GDT or LDT: 8 bytes, or 16 for a system segment of 64-bit mode. A value.
 *
 * @param base
 *            the linear address where the segment starts; 32 bits, but for a wide one
 * @param limit
 *            its last offset, in bytes; above 0xfffff it must end with 12 bits set, since pages are counted then
 * @param type
 *            the type, 0 to 15
 * @param system
 *            whether it is a system segment, and not code or data
 * @param dpl
 *            the privilege level, 0 to 3
 * @param size
 *            what size of code it is for; for data, 32-bit means the whole of ESP
 * @param wide
 *            whether it has 16 bytes
 */
public record SegmentDescriptor(long base, int limit, int type, boolean system, int dpl, Size size, boolean wide) {

    private static final int DATA = 3; // writable, accessed
    private static final int CODE = 11; // readable, accessed
    private static final int TSS = 9; // available; 11 is busy
    private static final int BUSY = 2;
    private static final int MOST_BYTES = 0xfffff;

    /** The size of a code segment's operands and addresses. */
    public enum Size {

        /** 16 bits, and what is no code or data. */
        BITS_16(0, 0),
        /** 32 bits. */
        BITS_32(0, 1),
        /** 64 bits. */
        BITS_64(1, 0);

        private final int l;
        private final int db;

        Size(int l, int db) {
            this.l = l;
            this.db = db;
        }
    }

    /**
     * Makes one.
     *
     * @throws IllegalArgumentException
     *             when a field does not fit into a descriptor
     */
    public SegmentDescriptor {
        if (!wide && base >>> Integer.SIZE != 0) {
            throw new IllegalArgumentException(String.format("base 0x%x has more than 32 bits", base));
        }
        if (Integer.compareUnsigned(limit, MOST_BYTES) > 0 && (limit & 0xfff) != 0xfff) {
            throw new IllegalArgumentException(
                    String.format("limit 0x%x is above 0xfffff, and does not end a page", limit));
        }
        if (type < 0 || type > 15) {
            throw new IllegalArgumentException("type " + type + ": it goes from 0 to 15");
        }
        if (dpl < 0 || dpl > 3) {
            throw new IllegalArgumentException("privilege level " + dpl + ": it goes from 0 to 3");
        }
    }

    /**
     * Makes a code segment of all 4 GiB, or in 64-bit mode of all there is.
     *
     * @param size
     *            the code's size
     * @param dpl
     *            the privilege level, 0 to 3
     * @return a readable segment
     */
    public static SegmentDescriptor code(Size size, int dpl) {
        return new SegmentDescriptor(0, -1, CODE, false, dpl, size, false);
    }

    /**
     * Makes a data segment of all 4 GiB, or in 64-bit mode of all there is.
     *
     * @param dpl
     *            the privilege level, 0 to 3
     * @return a writable segment
     */
    public static SegmentDescriptor data(int dpl) {
        return new SegmentDescriptor(0, -1, DATA, false, dpl, Size.BITS_32, false);
    }

    /**
     * Makes the segment of a task state.
     *
     * @param tss
     *            the task state
     * @param base
     *            the linear address where it stands
     * @return a segment that no task uses yet
     */
    public static SegmentDescriptor tss(Tss tss, long base) {
        return new SegmentDescriptor(base, tss.size() - 1, TSS, true, 0, Size.BITS_16, tss.is64());
    }

    private boolean countsPages() {
        return Integer.compareUnsigned(limit, MOST_BYTES) > 0;
    }

    /** The first 8 bytes. */
    long low() {
        long units = Integer.toUnsignedLong(countsPages() ? limit >>> 12 : limit);
        return (units & 0xffff) | (base & 0xff_ffff) << 16 | (long) type << 40 | (system ? 0L : 1L << 44)
                | (long) dpl << 45 | 1L << 47 | (units >> 16) << 48 | (long) size.l << 53 | (long) size.db << 54
                | (countsPages() ? 1L << 55 : 0) | (base >>> 24 & 0xff) << 56;
    }

    /** The second 8 bytes of a wide one. */
    long high() {
        return base >>> 32;
    }

    /**
     * Does what the processor does when a segment register is loaded: copies the descriptor into its hidden part. A task
     * state becomes busy.
     *
     * @param segment
     *            the register
     * @param selector
     *            the selector
     */
    public void loadInto(Segment segment, int selector) {
        segment.selector = selector;
        segment.base = base;
        segment.limit = limit;
        segment.type = system && type == TSS ? type | BUSY : type;
        segment.present = 1;
        segment.dpl = dpl;
        segment.db = size.db;
        segment.s = system ? 0 : 1;
        segment.l = size.l;
        segment.g = countsPages() ? 1 : 0;
        segment.avl = 0;
        segment.unusable = 0;
    }
}
