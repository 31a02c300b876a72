package io.github.kvm4j.memory;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

import io.github.kvm4j.internal.sys.Fd;

/**
 * A range of guest-physical memory: one of KVM's memory slots and the host memory behind it. Immutable: where a region is
 * moved, or its flags are changed, there is a new object, and the old one is no longer a region of its memory.
 */
public final class MemoryRegion {

    /** None at all: it has no byte. */
    static final MemoryRegion NONE = new MemoryRegion(-1, 0, Set.of(), HostMemory.foreign(MemorySegment.NULL, 1));

    private final int slot;
    private final long guestAddress;
    private final Set<MemoryFlag> flags;
    private final HostMemory host;
    private final MemorySegment segment;

    private final Optional<MemorySegment> byGuestAddress;

    MemoryRegion(int slot, long guestAddress, Set<MemoryFlag> flags, HostMemory host) {
        this.slot = slot;
        this.guestAddress = guestAddress;
        this.flags = flags.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(flags));
        this.host = host;
        this.segment = host.segment();
        this.byGuestAddress = host.byGuestAddress(guestAddress);
    }

    /** One that is not there yet, and has no memory: for what only asks where it is. */
    @SuppressWarnings("restricted")
    static MemoryRegion planned(int slot, long guestAddress, long size, Set<MemoryFlag> flags) {
        // Safe: nobody gets to see the segment.
        return new MemoryRegion(slot, guestAddress, flags,
                HostMemory.foreign(MemorySegment.NULL.reinterpret(size), 1));
    }

    /**
     * Returns the slot's number, as KVM has it: with the number of the address space in bits 16 and up.
     *
     * @return 0 or more
     */
    public int slot() {
        return slot;
    }

    /**
     * Returns the address space that it is in.
     *
     * @return 0 for the guest's ordinary one; 1, on x86, for that of system management mode
     */
    public int addressSpace() {
        return Slots.addressSpace(slot);
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
        return host.pageSize();
    }

    /**
     * Returns the host memory itself, which the guest reads and writes too. Any thread may use it, until the region is removed
     * or the VM closed; then it gives {@link IllegalStateException}. Where the file behind it is truncated it gives
     * {@link InternalError}, possibly a little later than the access, and atomic accesses to it can end the JVM.
     *
     * @return all of the region
     */
    public MemorySegment segment() {
        return segment;
    }

    /**
     * Returns the file by which another process of the same user can open and map the memory, if it is a
     * {@link Backing.Memfd}. It is there until the region is removed or the VM closed.
     *
     * @return {@code /proc/PID/fd/N}; empty for other backings
     */
    public Optional<Path> sharedFile() {
        Fd fd = host.fd();
        return fd == null
                ? Optional.empty()
                : Optional.of(Path.of("/proc/" + ProcessHandle.current().pid() + "/fd/" + fd.number()));
    }

    HostMemory host() {
        return host;
    }

    /** Whether all of it is there as long as it is mapped, so that it can be accessed without care. */
    boolean isSure() {
        return host.risk().isEmpty();
    }

    /** See {@link HostMemory#byGuestAddress}. */
    Optional<MemorySegment> byGuestAddress() {
        return byGuestAddress;
    }

    /** Whether the guest sees the byte here. */
    boolean contains(long address) {
        return Long.compareUnsigned(address - guestAddress, segment.byteSize()) < 0;
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

    /** How far an address is from the nearest byte. */
    long distance(long address) {
        if (Long.compareUnsigned(address, guestAddress) < 0) {
            return guestAddress - address;
        }
        return Long.compareUnsigned(address, lastAddress()) > 0 ? address - lastAddress() : 0;
    }

    @Override
    public String toString() {
        return "slot " + Slots.name(slot) + " at " + range(guestAddress, size()) + (flags.isEmpty() ? "" : " " + flags);
    }

    static String range(long address, long size) {
        return String.format("0x%x..0x%x", address, address + size - 1);
    }
}
