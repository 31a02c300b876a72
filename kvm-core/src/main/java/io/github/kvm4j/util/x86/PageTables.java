package io.github.kvm4j.util.x86;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.Set;

import io.github.kvm4j.memory.GuestMemory;

/**
 * Builds the page tables of long mode, of four levels, in guest memory. They take pages of 4 KiB from a range that they are
 * given, as they need them; what is mapped is there at once. Several vCPUs may use them. Not for several threads at once.
 * <p>
 * An identity mapping of 1 GiB takes 3 pages with pages of 2 MiB, 2 with pages of 1 GiB, and 515 with pages of 4 KiB.
 */
public final class PageTables {

    private static final ValueLayout.OfLong ENTRY = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long TABLE_BYTES = 1L << 12;
    private static final int INDEX_MASK = 511;
    private static final int TOP_SHIFT = 39;
    private static final int LEVEL_BITS = 9;

    /** The bits of a linear address from here on are alike. */
    private static final int SIGN_SHIFT = 47;
    private static final int PHYSICAL_BITS = 52;

    private static final long PRESENT = 1;
    private static final long LARGE = 1 << 7;
    private static final long ADDRESS = (1L << PHYSICAL_BITS) - TABLE_BYTES;

    private final GuestMemory memory;
    private final long root;
    private final long end;
    private long next;
    private boolean noExecute;

    /**
     * Makes tables that map nothing.
     *
     * @param memory
     *            the guest's memory
     * @param address
     *            the guest-physical address where the tables go, a multiple of 4096; it is what CR3 becomes
     * @param length
     *            how many bytes they may take, a multiple of 4096 above 0
     * @throws IllegalArgumentException
     *             when address or length are no such multiples
     * @throws IndexOutOfBoundsException
     *             when no region of the memory has the first page
     */
    public PageTables(GuestMemory memory, long address, long length) {
        if (address % TABLE_BYTES != 0 || length % TABLE_BYTES != 0 || length <= 0) {
            throw new IllegalArgumentException(String.format(
                    "page tables at 0x%x, 0x%x bytes: both must be multiples of 4096, and the length above 0", address,
                    length));
        }
        this.memory = memory;
        this.root = address;
        this.next = address;
        this.end = address + length;
        newTable();
    }

    /**
     * Maps the first bytes of linear addresses to the same guest-physical ones.
     *
     * @param length
     *            how many bytes, a multiple of the page size
     * @param size
     *            the size of the pages
     * @param flags
     *            what is allowed on them
     * @return these tables
     * @throws IllegalArgumentException
     *             as {@link #map} does
     * @throws IndexOutOfBoundsException
     *             when no region of the memory has a table's page
     */
    public PageTables identity(long length, PageSize size, Set<PageFlag> flags) {
        return map(0, 0, length, size, flags);
    }

    /**
     * Maps linear addresses to guest-physical ones.
     *
     * @param linear
     *            the first linear address, canonical, a multiple of the page size
     * @param physical
     *            the guest-physical address that it is mapped to, a multiple of the page size
     * @param length
     *            how many bytes, a multiple of the page size
     * @param size
     *            the size of the pages
     * @param flags
     *            what is allowed on them
     * @return these tables
     * @throws IllegalArgumentException
     *             when an address or the length is no such multiple or out of range, when something of it is mapped already, or
     *             when the tables have no room left
     * @throws IndexOutOfBoundsException
     *             when no region of the memory has a table's page
     */
    public PageTables map(long linear, long physical, long length, PageSize size, Set<PageFlag> flags) {
        check(linear, physical, length, size);
        long bits = PRESENT | (size == PageSize.SIZE_4K ? 0 : LARGE);
        for (PageFlag flag : flags.isEmpty() ? EnumSet.noneOf(PageFlag.class) : EnumSet.copyOf(flags)) {
            bits |= flag.bit();
            noExecute |= flag == PageFlag.NO_EXECUTE;
        }
        for (long done = 0; done < length; done += size.bytes()) {
            mapPage(linear + done, (physical + done) | bits, size);
        }
        return this;
    }

    private static void check(long linear, long physical, long length, PageSize size) {
        if ((linear | physical | length) % size.bytes() != 0 || length < 0) {
            throw new IllegalArgumentException(String.format(
                    "0x%x bytes from 0x%x to 0x%x: all must be multiples of the page size, 0x%x", length, linear,
                    physical, size.bytes()));
        }
        if (physical < 0 || physical + length < 0 || physical + length > 1L << PHYSICAL_BITS) {
            throw new IllegalArgumentException(
                    String.format("0x%x bytes at 0x%x: physical addresses have 52 bits", length, physical));
        }
        long last = linear + Math.max(length, 1) - 1;
        long sign = linear >> SIGN_SHIFT;
        if (sign != last >> SIGN_SHIFT || (sign != 0 && sign != -1)) {
            throw new IllegalArgumentException(
                    String.format("0x%x bytes at 0x%x: not canonical linear addresses", length, linear));
        }
    }

    private void mapPage(long linear, long entry, PageSize size) {
        long table = root;
        for (int shift = TOP_SHIFT; shift > size.shift(); shift -= LEVEL_BITS) {
            long offset = offset(linear, shift);
            MemorySegment entries = memory.segment(table, TABLE_BYTES);
            long found = entries.get(ENTRY, offset);
            if ((found & PRESENT) == 0) {
                // What is allowed is in the last level.
                found = newTable() | PageFlag.USER.bit() | PageFlag.WRITABLE.bit() | PRESENT;
                entries.set(ENTRY, offset, found);
            } else if ((found & LARGE) != 0) {
                throw mapped(linear);
            }
            table = found & ADDRESS;
        }
        MemorySegment entries = memory.segment(table, TABLE_BYTES);
        long offset = offset(linear, size.shift());
        if ((entries.get(ENTRY, offset) & PRESENT) != 0) {
            throw mapped(linear);
        }
        entries.set(ENTRY, offset, entry);
    }

    private static long offset(long linear, int shift) {
        return (linear >>> shift & INDEX_MASK) * Long.BYTES;
    }

    private static IllegalArgumentException mapped(long linear) {
        return new IllegalArgumentException(String.format("linear address 0x%x is mapped already", linear));
    }

    private long newTable() {
        if (next >= end) {
            throw new IllegalArgumentException(String.format(
                    "no room for another page table: all from 0x%x to 0x%x is used", root, end - 1));
        }
        memory.segment(next, TABLE_BYTES).fill((byte) 0);
        next += TABLE_BYTES;
        return next - TABLE_BYTES;
    }

    /**
     * Returns what CR3 must be.
     *
     * @return the guest-physical address of the first table
     */
    public long root() {
        return root;
    }

    /**
     * Returns how much of their range the tables have taken.
     *
     * @return bytes, a multiple of 4096
     */
    public long used() {
        return next - root;
    }

    /** Whether an entry has a bit that is reserved without EFER.NXE. */
    boolean hasNoExecute() {
        return noExecute;
    }
}
