package io.github.kvm4j.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_userspace_memory_region;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.sys.Backoff;
import io.github.kvm4j.internal.sys.Cleanup;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Mapping;
import io.github.kvm4j.internal.vm.VmState;

/**
 * The memory of a VM: regions of guest-physical addresses, each with host memory of the library's own. The VM owns it,
 * and unmaps it when it is closed, after the kernel has let go of it.
 * <p>
 * Any thread may use it. Guest-physical addresses are unsigned.
 */
public final class GuestMemory {

    /** What the kernel takes in one slot at the most, in pages (KVM_MEM_MAX_NR_PAGES, which no header exports). */
    private static final long MAX_PAGES = (1L << 31) - 1;

    /** What a kernel that does not tell has. */
    private static final int DEFAULT_SLOTS = 32;

    private final VmState vm;
    private final Host host;
    private final int slots;

    /** One arena for all regions, made with the first: closing a shared one costs a handshake with every thread. */
    private @Nullable Arena arena;

    /** Changed under the VM's lock, and read without. */
    private volatile List<MemoryRegion> regions = List.of();
    private final List<Mapping> mappings = new ArrayList<>();

    /**
     * For {@link io.github.kvm4j.Vm} alone.
     *
     * @param vm
     *            the VM
     * @hidden
     */
    @SuppressWarnings("exports")
    public GuestMemory(VmState vm) {
        this.vm = vm;
        this.host = vm.fd().host();
        int limit = vm.checkExtension(Capability.NR_MEMSLOTS.number());
        this.slots = limit > 0 ? limit : DEFAULT_SLOTS;
        vm.afterClose(this::release);
    }

    /**
     * Gives the guest memory, zeroed, in the lowest slot that is free. A page takes host memory when it is first touched.
     * KVM_SET_USER_MEMORY_REGION, section 4.35.
     *
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param size
     *            bytes, a multiple of the page size
     * @return the region
     * @throws IllegalArgumentException
     *             when address or size are not multiples of the page size, when the size is 0 or too large, or when the
     *             range overlaps another region
     * @throws io.github.kvm4j.KvmException
     *             when mmap or the kernel refuse: ENOMEM, EINVAL or, on arm64 and riscv, EFAULT (beyond the guest-physical
     *             address space)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_USER_MEMORY_REGION)
    public MemoryRegion add(long guestAddress, long size) {
        return add(guestAddress, size, Set.of());
    }

    /**
     * Gives the guest memory, zeroed, in the lowest slot that is free, treated as the flags say.
     * KVM_SET_USER_MEMORY_REGION, section 4.35.
     *
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param size
     *            bytes, a multiple of the page size
     * @param flags
     *            how KVM is to treat it
     * @return the region
     * @throws IllegalArgumentException
     *             when address or size are not multiples of the page size, when the size is 0 or too large, or when the
     *             range overlaps another region
     * @throws UnsupportedCapabilityException
     *             when a flag needs a capability that this VM lacks
     * @throws io.github.kvm4j.KvmException
     *             when mmap or the kernel refuse: ENOMEM, EINVAL or, on arm64 and riscv, EFAULT (beyond the guest-physical
     *             address space)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_USER_MEMORY_REGION)
    public MemoryRegion add(long guestAddress, long size, Set<MemoryFlag> flags) {
        return vm.lifecycle().whileOpen(() -> add(freeSlot(), guestAddress, size, flags));
    }

    /**
     * Gives the guest memory, zeroed, in a slot of the caller's choice. A page takes host memory when it is first touched.
     * KVM_SET_USER_MEMORY_REGION, section 4.35.
     *
     * @param slot
     *            the slot's number, from 0 to below {@link Capability#NR_MEMSLOTS}
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param size
     *            bytes, a multiple of the page size
     * @param flags
     *            how KVM is to treat it
     * @return the region
     * @throws IllegalArgumentException
     *             when the slot is out of range or taken, when address or size are not multiples of the page size, when the
     *             size is 0 or too large, or when the range overlaps another region
     * @throws UnsupportedCapabilityException
     *             when a flag needs a capability that this VM lacks
     * @throws io.github.kvm4j.KvmException
     *             when mmap or the kernel refuse: ENOMEM, EINVAL or, on arm64 and riscv, EFAULT (beyond the guest-physical
     *             address space)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_USER_MEMORY_REGION)
    public MemoryRegion add(int slot, long guestAddress, long size, Set<MemoryFlag> flags) {
        return vm.lifecycle().whileOpen(() -> {
            checkSlot(slot);
            checkRange(guestAddress, size);
            if (flags.contains(MemoryFlag.READONLY)) {
                vm.require(Ioctl.KVM_SET_USER_MEMORY_REGION, Capability.READONLY_MEM);
            }
            Mapping mapping = Mapping.anonymous(host.libc(), "guest memory", size);
            try {
                mappings.add(mapping);
                MemoryRegion region = new MemoryRegion(slot, guestAddress, flags, mapping.segment(arena()),
                        host.pageSize());
                List<MemoryRegion> all = new ArrayList<>(regions);
                all.add(region);
                List<MemoryRegion> next = List.copyOf(all);
                // The last thing that can fail: from here on the guest has the memory.
                setSlot(slot, guestAddress, mapping.segment(), flags);
                regions = next;
                return region;
            } catch (Throwable t) {
                // Nobody has seen the segment, which the arena keeps valid for longer.
                mappings.remove(mapping);
                Cleanup.after(t, mapping::close);
                throw t;
            }
        });
    }

    /**
     * Changes how KVM treats a region: {@link MemoryFlag#LOG_DIRTY_PAGES} can come and go, as when a migration begins and
     * ends. KVM_SET_USER_MEMORY_REGION, section 4.35.
     *
     * @param region
     *            one of this memory's
     * @param flags
     *            all that it is to have from now on
     * @return the region as it is now, which takes the other's place
     * @throws IllegalArgumentException
     *             when the region is none of this memory's, or a flag other than {@link MemoryFlag#LOG_DIRTY_PAGES} would
     *             change
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses: ENOMEM (a bitmap for the slot)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_USER_MEMORY_REGION)
    public MemoryRegion setFlags(MemoryRegion region, Set<MemoryFlag> flags) {
        return vm.lifecycle().whileOpen(() -> {
            requireCurrent(region);
            if (flags.contains(MemoryFlag.READONLY) != region.flags().contains(MemoryFlag.READONLY)) {
                throw new IllegalArgumentException(
                        "READONLY cannot be changed, only LOG_DIRTY_PAGES: " + region + " to " + flags);
            }
            MemoryRegion changed = new MemoryRegion(region.slot(), region.guestAddress(), flags, region.segment(),
                    host.pageSize());
            List<MemoryRegion> next = regions.stream().map(other -> other.equals(region) ? changed : other).toList();
            setSlot(region.slot(), region.guestAddress(), region.segment(), flags);
            regions = next;
            return changed;
        });
    }

    /** Refuses what is not, or no longer, a region of this VM; under the VM's lock. */
    void requireCurrent(MemoryRegion region) {
        if (!regions.contains(region)) {
            throw new IllegalArgumentException(region + " is not a memory region of this VM; it has: " + regions);
        }
    }

    private Arena arena() {
        if (arena == null) {
            arena = Arena.ofShared();
        }
        return arena;
    }

    private void setSlot(int slot, long guestAddress, MemorySegment memory, Set<MemoryFlag> flags) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment request = kvm_userspace_memory_region.allocate(call);
            kvm_userspace_memory_region.slot(request, slot);
            kvm_userspace_memory_region.flags(request,
                    flags.stream().mapToInt(MemoryFlag::bit).reduce(0, (a, b) -> a | b));
            kvm_userspace_memory_region.guest_phys_addr(request, guestAddress);
            kvm_userspace_memory_region.memory_size(request, memory.byteSize());
            kvm_userspace_memory_region.userspace_addr(request, memory.address());
            vm.fd().call(Ioctl.KVM_SET_USER_MEMORY_REGION, request);
        }
    }

    private int freeSlot() {
        for (int slot = 0; slot < slots; slot++) {
            if (find(slot) == null) {
                return slot;
            }
        }
        throw new IllegalArgumentException("all " + slots + " memory slots of this VM are taken");
    }

    private void checkSlot(int slot) {
        if (slot < 0 || slot >= slots) {
            throw new IllegalArgumentException(
                    "memory slot " + slot + " is out of range: this VM has 0 to " + (slots - 1));
        }
        MemoryRegion other = find(slot);
        if (other != null) {
            throw new IllegalArgumentException("memory slot " + slot + " is taken: " + other);
        }
    }

    private void checkRange(long guestAddress, long size) {
        int page = host.pageSize();
        if (guestAddress % page != 0) {
            throw new IllegalArgumentException(
                    String.format("guest address 0x%x is not a multiple of the page size, %d bytes", guestAddress,
                            page));
        }
        if (size <= 0 || size % page != 0 || size / page > MAX_PAGES) {
            throw new IllegalArgumentException(String.format(
                    "a memory region of 0x%x bytes: the size must be a multiple of the page size, %d bytes, above 0, and "
                            + "at most %d pages",
                    size, page, MAX_PAGES));
        }
        long last = guestAddress + size - 1;
        if (Long.compareUnsigned(last, guestAddress) < 0) {
            throw new IllegalArgumentException(String.format(
                    "a memory region of 0x%x bytes at 0x%x ends beyond the 64-bit address space", size, guestAddress));
        }
        for (MemoryRegion other : regions) {
            if (Long.compareUnsigned(guestAddress, other.lastAddress()) <= 0
                    && Long.compareUnsigned(other.guestAddress(), last) <= 0) {
                throw new IllegalArgumentException(
                        "the memory region " + MemoryRegion.range(guestAddress, size) + " overlaps " + other);
            }
        }
    }

    @Nullable
    MemoryRegion find(int slot) {
        for (MemoryRegion region : regions) {
            if (region.slot() == slot) {
                return region;
            }
        }
        return null;
    }

    /**
     * Returns the regions.
     *
     * @return all of them, in the order in which they were added; unmodifiable
     */
    public List<MemoryRegion> regions() {
        return regions;
    }

    /**
     * Returns the host memory behind a guest-physical range, without a copy. Any thread may use it, until the VM is closed;
     * then it gives {@link IllegalStateException}. A system call with it (a read from a channel, say) that is in progress
     * makes {@link io.github.kvm4j.Vm#close()} wait.
     *
     * @param guestAddress
     *            where the range starts
     * @param length
     *            its length in bytes
     * @return the memory, which the guest reads and writes too
     * @throws IndexOutOfBoundsException
     *             when no region has all of the range
     * @throws ClosedException
     *             when the VM is closed
     */
    public MemorySegment segment(long guestAddress, long length) {
        vm.lifecycle().requireOpen();
        List<MemoryRegion> all = regions;
        for (int i = 0; i < all.size(); i++) { // no iterator: this is hot
            MemoryRegion region = all.get(i);
            if (length >= 0 && region.contains(guestAddress, length)) {
                return region.segment().asSlice(guestAddress - region.guestAddress(), length);
            }
        }
        throw new IndexOutOfBoundsException(String.format(
                "no memory region has all of the %d bytes at guest address 0x%x; there are: %s", length, guestAddress,
                regions));
    }

    /**
     * Copies bytes into guest memory.
     *
     * @param guestAddress
     *            where to
     * @param bytes
     *            what
     * @throws IndexOutOfBoundsException
     *             when no region has all of the range
     * @throws ClosedException
     *             when the VM is closed
     */
    public void write(long guestAddress, byte[] bytes) {
        MemorySegment to = segment(guestAddress, bytes.length);
        try {
            MemorySegment.copy(bytes, 0, to, ValueLayout.JAVA_BYTE, 0, bytes.length);
        } catch (IllegalStateException e) {
            throw closedMeanwhile(e);
        }
    }

    /**
     * Copies bytes out of guest memory.
     *
     * @param guestAddress
     *            where from
     * @param length
     *            how many
     * @return the bytes
     * @throws IndexOutOfBoundsException
     *             when no region has all of the range
     * @throws ClosedException
     *             when the VM is closed
     */
    public byte[] read(long guestAddress, int length) {
        MemorySegment from = segment(guestAddress, length);
        try {
            return from.toArray(ValueLayout.JAVA_BYTE);
        } catch (IllegalStateException e) {
            throw closedMeanwhile(e);
        }
    }

    private IllegalStateException closedMeanwhile(IllegalStateException e) {
        vm.lifecycle().requireOpen();
        return e;
    }

    /** Runs when the VM's descriptor, and with it the guest, is gone. */
    private void release() {
        Cleanup cleanup = new Cleanup();
        Arena used = arena;
        if (used != null) {
            closeWhenUnused(used);
        }
        for (Mapping mapping : mappings) {
            cleanup.step(mapping::close);
        }
        cleanup.finish();
    }

    /** A shared arena refuses to be closed while a system call or a copy on another thread uses one of its segments. */
    private static void closeWhenUnused(Arena arena) {
        Backoff backoff = new Backoff();
        while (arena.scope().isAlive()) {
            try {
                arena.close();
            } catch (IllegalStateException inUse) {
                backoff.pause();
            }
        }
    }
}
