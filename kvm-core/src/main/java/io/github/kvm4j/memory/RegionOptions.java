package io.github.kvm4j.memory;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What a region of guest memory is to be. An immutable value; each method makes one with more:
 * <pre>{@code RegionOptions.of(Backing.memfd("ram")).with(HostOption.TRANSPARENT_HUGE_PAGES, HostOption.DONT_DUMP)}</pre>
 */
public final class RegionOptions {

    private static final RegionOptions ANONYMOUS = new RegionOptions(Backing.anonymous(),
            EnumSet.noneOf(HostOption.class), EnumSet.noneOf(MemoryFlag.class), 0, 0, -1);

    /** It has the upper half of a slot's number, of which the sign is for none. */
    private static final int MAX_ADDRESS_SPACE = Short.MAX_VALUE;

    private final Backing backing;
    private final EnumSet<HostOption> options;
    private final EnumSet<MemoryFlag> flags;

    /** In bytes, or 0. */
    private final long hugePageSize;

    private final int addressSpace;

    /** Or −1: the library chooses. */
    private final int slot;

    private RegionOptions(Backing backing, EnumSet<HostOption> options, EnumSet<MemoryFlag> flags, long hugePageSize,
            int addressSpace, int slot) {
        this.backing = backing;
        this.options = options;
        this.flags = flags;
        this.hugePageSize = hugePageSize;
        this.addressSpace = addressSpace;
        this.slot = slot;
        check();
    }

    /**
     * Starts with anonymous memory in a slot of the library's choice, and nothing special.
     *
     * @return the options
     */
    public static RegionOptions anonymous() {
        return ANONYMOUS;
    }

    /**
     * Starts with a backing, in a slot of the library's choice, and nothing special.
     *
     * @param backing
     *            what the memory is
     * @return the options
     */
    public static RegionOptions of(Backing backing) {
        return new RegionOptions(Objects.requireNonNull(backing), ANONYMOUS.options, ANONYMOUS.flags, 0, 0, -1);
    }

    /**
     * Adds how the host is to treat the memory.
     *
     * @param more
     *            one or more
     * @return these and those
     * @throws IllegalArgumentException
     *             when they do not go together with the rest
     */
    public RegionOptions with(HostOption... more) {
        EnumSet<HostOption> all = EnumSet.copyOf(options);
        Collections.addAll(all, more);
        return new RegionOptions(backing, all, flags, hugePageSize, addressSpace, slot);
    }

    /**
     * Adds how KVM is to treat the slot.
     *
     * @param more
     *            one or more
     * @return these and those
     */
    public RegionOptions with(MemoryFlag... more) {
        return withFlags(List.of(more));
    }

    RegionOptions withFlags(Iterable<MemoryFlag> more) {
        EnumSet<MemoryFlag> all = EnumSet.copyOf(flags);
        more.forEach(all::add);
        return new RegionOptions(backing, options, all, hugePageSize, addressSpace, slot);
    }

    /**
     * Takes the memory from the host's pool of huge pages, which root fills ({@code /sys/kernel/mm/hugepages}): MAP_HUGETLB,
     * MFD_HUGETLB. For anonymous memory and memfds; a file on hugetlbfs has huge pages by itself. For KVM to use a huge page
     * as a whole, the region must also begin at a guest address that is a multiple of the page size.
     *
     * @param pageSize
     *            bytes, a size that the host has: 2 MiB and 1 GiB on x86
     * @return these, with huge pages
     * @throws IllegalArgumentException
     *             when it is not a power of two, or does not go together with the rest
     */
    public RegionOptions withHugetlb(long pageSize) {
        if (Long.bitCount(pageSize) != 1 || pageSize < 0) {
            throw new IllegalArgumentException("the size of huge pages is a power of two: " + pageSize);
        }
        return new RegionOptions(backing, options, flags, pageSize, addressSpace, slot);
    }

    /**
     * Puts the memory into another address space than 0. On x86 there is number 1, which a vCPU sees in system management mode,
     * and nothing of 0 with it: memory that it is to see in both is given in both, as {@link Backing#memfd} in the one and as
     * {@link Backing#sharedFile} of {@link MemoryRegion#sharedFile} in the other. KVM_SET_USER_MEMORY_REGION, section 4.35.
     *
     * @param number
     *            from 0 to below {@link io.github.kvm4j.Capability#MULTI_ADDRESS_SPACE}
     * @return these, in that address space
     * @throws IllegalArgumentException
     *             when it is negative, or above what a slot's number has room for
     */
    public RegionOptions withAddressSpace(int number) {
        if (number < 0 || number > MAX_ADDRESS_SPACE) {
            throw new IllegalArgumentException(
                    "address space " + number + " is out of range: 0 to " + MAX_ADDRESS_SPACE);
        }
        return new RegionOptions(backing, options, flags, hugePageSize, number, slot);
    }

    /**
     * Chooses the slot.
     *
     * @param number
     *            from 0 to below {@link io.github.kvm4j.Capability#NR_MEMSLOTS}, in its address space
     * @return these, in that slot
     * @throws IllegalArgumentException
     *             when it is negative
     */
    public RegionOptions withSlot(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("memory slot " + number + " is negative");
        }
        return new RegionOptions(backing, options, flags, hugePageSize, addressSpace, number);
    }

    private void check() {
        if (this.backing instanceof Backing.OfGuestMemfd && !flags.isEmpty()) {
            throw new IllegalArgumentException(
                    "KVM neither notes dirty pages of, nor protects, memory with a guest_memfd: "
                            + flags);
        }
        Backing backing = this.backing instanceof Backing.OfGuestMemfd part ? part.shared().orElse(part) : this.backing;
        if (backing instanceof Backing.OfGuestMemfd && hugePageSize != 0) {
            throw new IllegalArgumentException("a guest_memfd has no huge pages of the pool");
        }
        if (hugePageSize != 0) {
            if (backing instanceof Backing.File) {
                throw new IllegalArgumentException("huge pages are for anonymous memory and memfds; " + backing
                        + " has those of its file system");
            }
            if (options.contains(HostOption.TRANSPARENT_HUGE_PAGES)) {
                throw new IllegalArgumentException("memory has either transparent huge pages or those of the pool");
            }
        }
        boolean shared = backing instanceof Backing.Memfd || backing instanceof Backing.OfGuestMemfd
                || (backing instanceof Backing.File file && file.shared());
        if (options.contains(HostOption.MERGEABLE) && (shared || hugePageSize != 0)) {
            throw new IllegalArgumentException("the kernel merges private memory of small pages only, not " + this);
        }
    }

    /**
     * Returns what the memory is.
     *
     * @return the backing
     */
    public Backing backing() {
        return backing;
    }

    /**
     * Returns how the host is to treat the memory.
     *
     * @return the options, unmodifiable
     */
    public Set<HostOption> hostOptions() {
        return Collections.unmodifiableSet(options);
    }

    /**
     * Returns how KVM is to treat the slot.
     *
     * @return the flags, unmodifiable
     */
    public Set<MemoryFlag> flags() {
        return Collections.unmodifiableSet(flags);
    }

    /**
     * Returns the size of the pool's huge pages.
     *
     * @return bytes; 0 for ordinary memory
     */
    public long hugePageSize() {
        return hugePageSize;
    }

    /**
     * Returns the address space that the memory is for.
     *
     * @return 0 for the guest's ordinary one
     */
    public int addressSpace() {
        return addressSpace;
    }

    /**
     * Returns the slot that the caller has chosen.
     *
     * @return its number in its address space; empty when the library chooses
     */
    public OptionalInt slot() {
        return slot < 0 ? OptionalInt.empty() : OptionalInt.of(slot);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RegionOptions its && backing.equals(its.backing) && options.equals(its.options)
                && flags.equals(its.flags) && hugePageSize == its.hugePageSize
                && addressSpace == its.addressSpace && slot == its.slot;
    }

    @Override
    public int hashCode() {
        return Objects.hash(backing, options, flags, hugePageSize, addressSpace, slot);
    }

    @Override
    public String toString() {
        return backing + (options.isEmpty() ? "" : " " + options) + (flags.isEmpty() ? "" : " " + flags)
                + (hugePageSize == 0 ? "" : String.format(" hugetlb 0x%x", hugePageSize))
                + (addressSpace == 0 ? "" : " address space " + addressSpace) + (slot < 0 ? "" : " slot " + slot);
    }
}
