package io.github.kvm4j.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.sys.Cleanup;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.unsafe.ForeignMemory;

/**
 * The memory of a VM: regions of guest-physical addresses, each with host memory of the library's own, and access to it. The
 * VM owns it, and unmaps it when it is closed, after the kernel has let go of it.
 * <p>
 * Any thread may use it. Guest-physical addresses are unsigned. An access by guest-physical address goes to address space 0,
 * the guest's ordinary one; to what only another one has ({@link RegionOptions#withAddressSpace}), by
 * {@link MemoryRegion#segment}.
 * <p>
 * Whatever is wrong with a region is refused before the kernel sees it: an address or size that is not a multiple of the page
 * size, a size of 0 or above what a slot takes, an end beyond the guest-physical address space, a range that overlaps another
 * region of its address space, a slot that is taken or that the VM does not have. What KVM knows alone (the width of this
 * processor's addresses) is for the kernel to refuse.
 */
public final class GuestMemory extends GuestAccess {

    private final VmState vm;
    private final HostMapper mapper;
    private final Slots slots;

    /**
     * The regions of address spaces other than 0, which no access by address goes to; changed under the VM's lock, and read
     * without.
     */
    private volatile Map<Integer, MemoryMap> others = Map.of();

    /** What is mapped, that of removed regions included until it is unmapped; under the VM's lock. */
    private final List<HostMemory> mapped = new ArrayList<>();

    /** What is open; under the VM's lock. */
    private final List<GuestMemfd> memfds = new ArrayList<>();

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
        this.mapper = new HostMapper(vm.fd().host());
        this.slots = new Slots(vm);
        vm.beforeClose(() -> {
            map(MemoryMap.CLOSED);
            others = Map.of();
        });
        vm.beforeDescriptor(this::releaseMemfds);
        vm.afterClose(this::release);
    }

    /**
     * Gives the guest anonymous memory, zeroed, in the lowest slot that is free. A page takes host memory when it is first
     * touched. KVM_SET_USER_MEMORY_REGION, section 4.35.
     *
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param size
     *            bytes, a multiple of the page size
     * @return the region
     * @throws IllegalArgumentException
     *             when there cannot be such a region, see above
     * @throws io.github.kvm4j.KvmException
     *             when mmap or the kernel refuse: ENOMEM, EINVAL or, on arm64 and riscv, EFAULT (beyond the guest-physical
     *             address space)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_USER_MEMORY_REGION)
    public MemoryRegion add(long guestAddress, long size) {
        return add(guestAddress, size, RegionOptions.anonymous());
    }

    /**
     * Gives the guest anonymous memory, zeroed, in the lowest slot that is free, treated as the flags say.
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
     *             when there cannot be such a region, see above
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
        return add(guestAddress, size, RegionOptions.anonymous().withFlags(flags));
    }

    /**
     * Gives the guest anonymous memory, zeroed, in a slot of the caller's choice. A page takes host memory when it is first
     * touched. KVM_SET_USER_MEMORY_REGION, section 4.35.
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
     *             when there cannot be such a region, see above
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
        vm.lifecycle().requireOpen();
        slots.slot(map(), 0, slot);
        return add(guestAddress, size, RegionOptions.anonymous().withFlags(flags).withSlot(slot));
    }

    /**
     * Gives the guest memory. KVM_SET_USER_MEMORY_REGION, section 4.35.
     *
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param size
     *            bytes, a multiple of the page size
     * @param options
     *            what is behind it, how the host and KVM are to treat it, and in which slot it is
     * @return the region
     * @throws IllegalArgumentException
     *             when there cannot be such a region, see above; when the size is not a multiple of the huge pages that the
     *             options ask for, or a file is too short or cannot be opened for reading
     * @throws UnsupportedCapabilityException
     *             when a flag needs a capability that this VM lacks
     * @throws io.github.kvm4j.KvmException
     *             when the host or KVM refuse: open, memfd_create, ftruncate, fcntl, mmap, madvise or
     *             KVM_SET_USER_MEMORY_REGION: ENOMEM, EINVAL or, on arm64 and riscv, EFAULT (beyond the guest-physical address
     *             space)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues({Ioctl.KVM_SET_USER_MEMORY_REGION, Ioctl.KVM_SET_USER_MEMORY_REGION2})
    public MemoryRegion add(long guestAddress, long size, RegionOptions options) {
        return place(guestAddress, size, options, () -> {
            mapper.check(size, options);
            return mapper.map(guestAddress, size, options);
        });
    }

    /**
     * Begins a layout of several regions that are added together, or not at all.
     *
     * @return a builder without regions
     */
    public MemoryBuilder builder() {
        return new MemoryBuilder(this);
    }

    /** Refuses what {@link #add} would refuse of one or the other, before anything is mapped. */
    void check(List<MemoryBuilder.Planned> planned) {
        vm.lifecycle().requireOpen();
        Map<Integer, MemoryMap> maps = new HashMap<>();
        for (MemoryBuilder.Planned plan : planned) {
            int space = plan.options().addressSpace();
            MemoryMap map = maps.computeIfAbsent(space, this::map);
            int slot = checkPlace(map, plan.guestAddress(), plan.size(), plan.options());
            mapper.check(plan.size(), plan.options());
            slots.checkBacking(this, plan.options().backing(), plan.size());
            maps.put(space,
                    map.with(MemoryRegion.planned(slot, plan.guestAddress(), plan.size(), plan.options().flags())));
        }
    }

    private MemoryRegion place(long guestAddress, long size, RegionOptions options, Supplier<HostMemory> source) {
        vm.lifecycle().requireOpen();
        Objects.requireNonNull(options);
        // Checked before there is anything to map, which can take long and so is done without the lock; and then again.
        int space = options.addressSpace();
        checkPlace(map(space), guestAddress, size, options);
        slots.checkFlags(options.flags());
        slots.checkBacking(this, options.backing(), size);
        HostMemory host = source.get();
        try {
            return vm.lifecycle().whileOpen(() -> {
                int slot = checkPlace(map(space), guestAddress, size, options);
                slots.checkBacking(this, options.backing(), size);
                MemoryRegion region = new MemoryRegion(slot, guestAddress, options.flags(), host);
                MemoryMap next = map(space).with(region);
                mapped.add(host);
                try {
                    // The last thing that can fail: from here on the guest has the memory.
                    slots.set(slot, guestAddress, host, options.flags());
                } catch (Throwable t) {
                    mapped.remove(host);
                    throw t;
                }
                map(space, next);
                return region;
            });
        } catch (Throwable t) {
            Cleanup.after(t, host::close);
            throw t;
        }
    }

    /** Returns the slot, that of the caller's choice or the lowest that is free. */
    private int checkPlace(MemoryMap map, long guestAddress, long size, RegionOptions options) {
        int space = options.addressSpace();
        slots.checkAddressSpace(space);
        int slot = options.slot().isPresent()
                ? slots.slot(map, space, options.slot().getAsInt())
                : slots.free(map, space);
        slots.checkRange(map, guestAddress, size, null);
        return slot;
    }

    /**
     * Takes a region from the guest, which finds no memory there from then on: its accesses come as
     * {@link io.github.kvm4j.exit.Exit.Mmio}. The slot is deleted (KVM_SET_USER_MEMORY_REGION with a size of 0, section 4.35),
     * then the host memory is unmapped. It waits for other threads that are in the middle of an access to it or a system call
     * with it.
     *
     * @param region
     *            one of {@link #regions()}
     * @throws IllegalArgumentException
     *             when it is none of them, or not any more
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses, and the region stays; or when munmap fails, and it is gone
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_USER_MEMORY_REGION)
    public void remove(MemoryRegion region) {
        vm.lifecycle().whileOpen(() -> {
            requireCurrent(region);
            MemoryMap next = map(region.addressSpace()).without(region);
            slots.delete(region);
            map(region.addressSpace(), next);
            return region;
        });
        // Without the lock, since it may wait for another thread. A close of the VM meanwhile waits for it, or does it itself.
        HostMemory host = region.host();
        try {
            host.close();
        } finally {
            vm.lifecycle().locked(() -> mapped.remove(host));
        }
    }

    /**
     * Moves a region to another guest-physical address, with its contents. KVM_SET_USER_MEMORY_REGION, section 4.35. Between
     * the two a running vCPU may find no memory at either.
     *
     * @param region
     *            one of {@link #regions()}
     * @param guestAddress
     *            where it is to start, a multiple of the page size
     * @return the region at its new place; {@code region} is none any more
     * @throws IllegalArgumentException
     *             when it is none of the regions, or not any more, or when it cannot be at this address
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses, and the region stays where it is: EINVAL
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_USER_MEMORY_REGION)
    public MemoryRegion move(MemoryRegion region, long guestAddress) {
        return replace(region, guestAddress, region.flags());
    }

    /**
     * Changes how KVM treats a region: begins or ends to note dirty pages. KVM_SET_USER_MEMORY_REGION, section 4.35.
     *
     * @param region
     *            one of {@link #regions()}
     * @param flags
     *            all that it is to have
     * @return the region as it is now; {@code region} is none any more
     * @throws IllegalArgumentException
     *             when it is none of the regions, or not any more, or when {@link MemoryFlag#READONLY} would change, which the
     *             kernel does not do
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses, and nothing has changed: ENOMEM
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_USER_MEMORY_REGION)
    public MemoryRegion setFlags(MemoryRegion region, Set<MemoryFlag> flags) {
        return replace(region, region.guestAddress(), flags);
    }

    private MemoryRegion replace(MemoryRegion region, long guestAddress, Set<MemoryFlag> flags) {
        return vm.lifecycle().whileOpen(() -> {
            requireCurrent(region);
            if (region.host().guestMemfd() != null) {
                throw new IllegalArgumentException(
                        "KVM does not change a region with a guest_memfd: " + region + "; remove it, and add another");
            }
            if (flags.contains(MemoryFlag.READONLY) != region.flags().contains(MemoryFlag.READONLY)) {
                throw new IllegalArgumentException("KVM does not change READONLY of " + region
                        + "; remove it, and add another");
            }
            int space = region.addressSpace();
            slots.checkRange(map(space), guestAddress, region.size(), region);
            MemoryRegion changed = new MemoryRegion(region.slot(), guestAddress, flags, region.host());
            MemoryMap next = map(space).replacing(region, changed);
            slots.set(region.slot(), guestAddress, region.segment(), flags);
            map(space, next);
            return changed;
        });
    }

    /** Refuses what is not, or no longer, a region of this VM; under the VM's lock. */
    void requireCurrent(MemoryRegion region) {
        if (!map(region.addressSpace()).has(region)) {
            throw new IllegalArgumentException(
                    region + " is no region of this memory, or not any more; there are: " + regions());
        }
    }

    /** The region in a slot. */
    @Nullable
    MemoryRegion find(int slot) {
        return map(Slots.addressSpace(slot)).inSlot(slot);
    }

    /** The regions of an address space. */
    private MemoryMap map(int space) {
        return space == 0 ? map() : others.getOrDefault(space, MemoryMap.EMPTY);
    }

    private void map(int space, MemoryMap next) {
        if (space == 0) {
            map(next);
            return;
        }
        Map<Integer, MemoryMap> changed = new TreeMap<>(others);
        changed.put(space, next);
        others = changed;
    }

    /**
     * Returns the regions.
     *
     * @return all of them, in the order of their address spaces, and in each of their addresses; unmodifiable. None once the VM
     *         is closed
     */
    public List<MemoryRegion> regions() {
        Map<Integer, MemoryMap> more = others;
        return more.isEmpty()
                ? map().regions()
                : Stream.concat(Stream.of(map()), more.values().stream()).flatMap(map -> map.regions().stream())
                        .toList();
    }

    /**
     * Returns the way to give the guest memory that the library does not own.
     *
     * @return the unsafe part
     */
    public ForeignMemory unsafe() {
        return new ForeignMemory(this::addForeign);
    }

    private MemoryRegion addForeign(long guestAddress, MemorySegment segment, RegionOptions options) {
        int page = vm.fd().host().pageSize();
        if (segment.address() % page != 0) {
            throw new IllegalArgumentException("guest memory begins at a multiple of the page size, " + page
                    + " bytes, of the host's addresses too; this is " + segment);
        }
        return place(guestAddress, segment.byteSize(), options, () -> HostMemory.foreign(segment, page));
    }

    /**
     * Creates a file of memory for the guest alone, or for this process too, which {@link Backing#guestMemfd} makes a
     * region's. KVM_CREATE_GUEST_MEMFD, section 4.142, {@link Capability#GUEST_MEMFD}.
     *
     * @param size
     *            bytes, a multiple of the page size
     * @param flags
     *            what it is to be
     * @return the file, zeroed and owned by the VM
     * @throws IllegalArgumentException
     *             when the size is not a multiple of the page size, or not above 0
     * @throws UnsupportedCapabilityException
     *             without the capability, or when {@link Capability#GUEST_MEMFD_FLAGS} lacks a flag
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses: EMFILE, ENOMEM; or mmap does
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_CREATE_GUEST_MEMFD)
    public GuestMemfd createGuestMemfd(long size, Set<GuestMemfdFlag> flags) {
        return vm.lifecycle().whileOpen(() -> {
            GuestMemfd memfd = GuestMemfd.create(vm, this, size, flags);
            memfds.add(memfd);
            return memfd;
        });
    }

    /** It is to be closed, unless a region has it; none can get it any more, while others still use its mapping. */
    void forget(GuestMemfd memfd) {
        vm.lifecycle().locked(() -> {
            for (MemoryRegion region : regions()) {
                Backing.OfGuestMemfd part = region.host().guestMemfd();
                if (part != null && part.memfd().equals(memfd)) {
                    throw new IllegalStateException(
                            "the " + memfd + " is the memory of " + region + "; remove that first");
                }
            }
            memfd.giveUp();
            return memfds.remove(memfd);
        });
    }

    /** Runs when the vCPUs are gone, before the VM's descriptor is closed, of which each file keeps the VM alive too. */
    private void releaseMemfds() {
        Cleanup cleanup = new Cleanup();
        for (GuestMemfd memfd : vm.lifecycle().locked(() -> List.copyOf(memfds)).reversed()) {
            cleanup.step(memfd::release);
        }
        cleanup.finish();
    }

    /** Runs when the VM's descriptor, and with it the guest, is gone. */
    private void release() {
        Cleanup cleanup = new Cleanup();
        for (HostMemory host : vm.lifecycle().locked(() -> List.copyOf(mapped))) {
            cleanup.step(host::close);
        }
        cleanup.finish();
    }
}
