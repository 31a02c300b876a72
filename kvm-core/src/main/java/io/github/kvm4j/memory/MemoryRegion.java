package io.github.kvm4j.memory;

import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** A range of guest-physical memory: one of KVM's memory slots and the host memory behind it. */
public final class MemoryRegion {

    private final int slot;
    private final long guestAddress;
    private final Set<MemoryFlag> flags;
    private final MemorySegment segment;
    private final int pageSize;

    MemoryRegion(int slot, long guestAddress, Set<MemoryFlag> flags, MemorySegment segment, int pageSize) {
        this.slot = slot;
        this.guestAddress = guestAddress;
        this.flags = flags.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(flags));
        this.segment = segment;
        this.pageSize = pageSize;
    }

    /**
     * Returns the slot's number.
     *
     * @return 0 or more
     */
    public int slot() {
        return slot;
    }

    /**
     * Returns where the guest sees it.
     *
     * @return a guest-physical address, unsigned
     */
    public long guestAddress() {
        return guestAddress;
    }

    /**
     * Returns its size.
     *
     * @return bytes, a multiple of the page size
     */
    public long size() {
        return segment.byteSize();
    }

    /**
     * Returns how KVM treats the slot.
     *
     * @return the flags, unmodifiable
     */
    public Set<MemoryFlag> flags() {
        return flags;
    }

    /** The size of the pages that KVM counts, in bytes. */
    int pageSize() {
        return pageSize;
    }

    /**
     * Returns the host memory itself, which the guest reads and writes too. Any thread may use it, until the VM is closed;
     * then it gives {@link IllegalStateException}.
     *
     * @return all of the region
     */
    public MemorySegment segment() {
        return segment;
    }

    /** Whether the guest sees all of the range here; {@code length} is not negative. */
    boolean contains(long address, long length) {
        long offset = address - guestAddress;
        return Long.compareUnsigned(offset, size()) <= 0 && Long.compareUnsigned(length, size() - offset) <= 0;
    }

    /** The last guest-physical address. */
    long lastAddress() {
        return guestAddress + size() - 1;
    }

    @Override
    public String toString() {
        return "slot " + slot + " at " + range(guestAddress, size()) + (flags.isEmpty() ? "" : " " + flags);
    }

    static String range(long address, long size) {
        return String.format("0x%x..0x%x", address, address + size - 1);
    }
}
