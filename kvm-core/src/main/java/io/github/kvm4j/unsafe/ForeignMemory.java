package io.github.kvm4j.unsafe;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Set;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.internal.vm.RegionAdder;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.memory.RegionOptions;

/**
 * Gives a guest memory that the library does not own: a device's, mapped by VFIO; what a native library has allocated; a
 * segment of the caller's.
 * <p>
 * <b>It is unsafe.</b> The guest writes to these addresses until the region is removed or the VM is closed. When they are
 * unmapped before, or their arena is closed, it writes into whatever is mapped there next, the JVM's own memory included. Nor
 * does anything check that they can be accessed at all: atomic accesses to a file's memory that others truncate end the JVM.
 */
public final class ForeignMemory {

    private final RegionAdder adder;

    /**
     * For {@link GuestMemory} alone.
     *
     * @param adder
     *            adds the region
     * @hidden
     */
    @SuppressWarnings("exports")
    public ForeignMemory(RegionAdder adder) {
        this.adder = adder;
    }

    /**
     * Gives the guest this memory, in the lowest slot that is free. KVM_SET_USER_MEMORY_REGION, section 4.35. The region is
     * used as others are; the memory is the caller's to free, when the region is removed or the VM closed.
     *
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param memory
     *            native memory, writable, which any thread may access; its address and size are multiples of the page size
     * @param flags
     *            how KVM is to treat it
     * @return the region
     * @throws IllegalArgumentException
     *             when the memory is not of that kind, or there cannot be such a region; see {@link GuestMemory}
     * @throws UnsupportedCapabilityException
     *             when a flag needs a capability that this VM lacks
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses: EINVAL, ENOMEM
     * @throws ClosedException
     *             when the VM is closed
     */
    public MemoryRegion add(long guestAddress, MemorySegment memory, Set<MemoryFlag> flags) {
        return adder.add(guestAddress, checked(memory), options(flags));
    }

    /**
     * Gives the guest this memory, in a slot of the caller's choice. KVM_SET_USER_MEMORY_REGION, section 4.35.
     *
     * @param slot
     *            the slot's number, from 0 to below {@link io.github.kvm4j.Capability#NR_MEMSLOTS}
     * @param guestAddress
     *            the guest-physical address where it starts, a multiple of the page size
     * @param memory
     *            native memory, writable, which any thread may access; its address and size are multiples of the page size
     * @param flags
     *            how KVM is to treat it
     * @return the region
     * @throws IllegalArgumentException
     *             when the memory is not of that kind, or there cannot be such a region; see {@link GuestMemory}
     * @throws UnsupportedCapabilityException
     *             when a flag needs a capability that this VM lacks
     * @throws io.github.kvm4j.KvmException
     *             when the kernel refuses: EINVAL, ENOMEM
     * @throws ClosedException
     *             when the VM is closed
     */
    public MemoryRegion add(int slot, long guestAddress, MemorySegment memory, Set<MemoryFlag> flags) {
        return adder.add(guestAddress, checked(memory), options(flags).withSlot(slot));
    }

    private static RegionOptions options(Set<MemoryFlag> flags) {
        return RegionOptions.anonymous().with(flags.toArray(MemoryFlag[]::new));
    }

    private static MemorySegment checked(MemorySegment memory) {
        Objects.requireNonNull(memory);
        if (!memory.isNative() || memory.isReadOnly() || !memory.scope().isAlive()
                || !memory.isAccessibleBy(Thread.ofVirtual().unstarted(() -> {
                }))) {
            throw new IllegalArgumentException(
                    "guest memory is native and writable, and any thread may access it; this is " + memory);
        }
        return memory;
    }
}
