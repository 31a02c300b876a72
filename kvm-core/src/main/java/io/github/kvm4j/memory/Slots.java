package io.github.kvm4j.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.Capability;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_userspace_memory_region;
import io.github.kvm4j.bindings.kvm_userspace_memory_region2;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.vm.VmState;

/** The memory slots of a VM: what is checked before the kernel sees it, and KVM_SET_USER_MEMORY_REGION. */
final class Slots {

    /** What the kernel takes in one slot at the most, in pages (KVM_MEM_MAX_NR_PAGES, which no header exports). */
    private static final long MAX_PAGES = (1L << 31) - 1;

    /** What a kernel that does not tell has. */
    private static final int DEFAULT_SLOTS = 32;

    /** No x86 processor has wider physical addresses; this one's may be narrower, which the kernel knows. */
    private static final int X86_ADDRESS_BITS = 52;

    /** What an arm64 VM has of itself (section 4.2), and what KVM can at the most where it does not tell. */
    private static final int ARM64_ADDRESS_BITS = 40;

    /** Where in a slot's number that of its address space is (section 4.35). */
    private static final int SPACE_SHIFT = 16;

    private final VmState vm;
    private final int pageSize;
    private final int limit;
    private final int addressBits;

    Slots(VmState vm) {
        this.vm = vm;
        this.pageSize = vm.fd().host().pageSize();
        int number = vm.checkExtension(Capability.NR_MEMSLOTS.number());
        this.limit = number > 0 ? number : DEFAULT_SLOTS;
        this.addressBits = addressBits(vm);
    }

    /** An upper bound of the width of guest-physical addresses. */
    private static int addressBits(VmState vm) {
        if (Architecture.ON_X86) {
            return X86_ADDRESS_BITS;
        }
        if (Architecture.ON_ARM64) {
            int bits = vm.checkExtension(Capability.ARM_VM_IPA_SIZE.number());
            return bits > 0 ? bits : ARM64_ADDRESS_BITS;
        }
        int bits = Architecture.ON_RISCV ? vm.checkExtension(Capability.VM_GPA_BITS.number()) : 0;
        return bits > 0 ? bits : Long.SIZE;
    }

    /** The address space of a slot. */
    static int addressSpace(int slot) {
        return slot >>> SPACE_SHIFT;
    }

    /** A slot's number in its address space, and which that is unless it is 0. */
    static String name(int slot) {
        int space = addressSpace(slot);
        return space == 0 ? Integer.toString(slot) : (slot - (space << SPACE_SHIFT)) + " of address space " + space;
    }

    /** The lowest that is free of an address space, whose regions these are. */
    int free(MemoryMap map, int space) {
        for (int number = 0; number < limit; number++) {
            int slot = (space << SPACE_SHIFT) + number;
            if (map.inSlot(slot) == null) {
                return slot;
            }
        }
        throw new IllegalArgumentException("all " + limit + " memory slots of this VM are taken");
    }

    /** The slot with a number in an address space, whose regions these are; refuses one that does not exist or is taken. */
    int slot(MemoryMap map, int space, int number) {
        if (number < 0 || number >= limit) {
            throw new IllegalArgumentException(
                    "memory slot " + number + " is out of range: this VM has 0 to " + (limit - 1));
        }
        int slot = (space << SPACE_SHIFT) + number;
        MemoryRegion other = map.inSlot(slot);
        if (other != null) {
            throw new IllegalArgumentException("memory slot " + name(slot) + " is taken: " + other);
        }
        return slot;
    }

    /** Refuses an address space that this VM does not have. */
    void checkAddressSpace(int space) {
        if (space == 0) {
            return;
        }
        vm.require(Ioctl.KVM_SET_USER_MEMORY_REGION, Capability.MULTI_ADDRESS_SPACE);
        int spaces = vm.checkExtension(Capability.MULTI_ADDRESS_SPACE.number());
        if (space >= spaces) {
            throw new IllegalArgumentException(
                    "address space " + space + " is out of range: this VM has 0 to " + (spaces - 1));
        }
    }

    /** Refuses a range that the kernel would refuse, or that another region than {@code except} has some of. */
    void checkRange(MemoryMap map, long guestAddress, long size, @Nullable MemoryRegion except) {
        if (guestAddress % pageSize != 0) {
            throw new IllegalArgumentException(
                    String.format("guest address 0x%x is not a multiple of the page size, %d bytes", guestAddress,
                            pageSize));
        }
        if (size <= 0 || size % pageSize != 0 || size / pageSize > MAX_PAGES) {
            throw new IllegalArgumentException(String.format(
                    "a memory region of 0x%x bytes: the size must be a multiple of the page size, %d bytes, above 0, and "
                            + "at most %d pages",
                    size, pageSize, MAX_PAGES));
        }
        long last = guestAddress + size - 1;
        if (Long.compareUnsigned(last, guestAddress) < 0) {
            throw new IllegalArgumentException(String.format(
                    "a memory region of 0x%x bytes at 0x%x ends beyond the 64-bit address space", size, guestAddress));
        }
        if (addressBits < Long.SIZE && last >>> addressBits != 0) {
            throw new IllegalArgumentException(String.format(
                    "the memory region %s ends beyond the guest-physical address space, which has at most %d bits here",
                    MemoryRegion.range(guestAddress, size), addressBits));
        }
        MemoryRegion other = map.overlapping(guestAddress, size, except);
        if (other != null) {
            throw new IllegalArgumentException(
                    "the memory region " + MemoryRegion.range(guestAddress, size) + " overlaps " + other);
        }
    }

    /** Refuses flags that this VM lacks. */
    void checkFlags(Set<MemoryFlag> flags) {
        if (flags.contains(MemoryFlag.READONLY)) {
            vm.require(Ioctl.KVM_SET_USER_MEMORY_REGION, Capability.READONLY_MEM);
        }
    }

    /** Gives a slot its memory, or changes where it is or its flags. */
    void set(int slot, long guestAddress, MemorySegment memory, Set<MemoryFlag> flags) {
        set(slot, guestAddress, memory.byteSize(), memory.address(), MemoryFlag.bits(flags));
    }

    /** Gives a slot its memory, and its guest_memfd if it has one. */
    void set(int slot, long guestAddress, HostMemory memory, Set<MemoryFlag> flags) {
        Backing.OfGuestMemfd part = memory.guestMemfd();
        if (part == null) {
            set(slot, guestAddress, memory.segment(), flags);
            return;
        }
        try (Arena call = Arena.ofConfined()) {
            MemorySegment request = kvm_userspace_memory_region2.allocate(call);
            kvm_userspace_memory_region2.slot(request, slot);
            kvm_userspace_memory_region2.flags(request, (int) kvm_h.KVM_MEM_GUEST_MEMFD());
            kvm_userspace_memory_region2.guest_phys_addr(request, guestAddress);
            kvm_userspace_memory_region2.memory_size(request, memory.segment().byteSize());
            kvm_userspace_memory_region2.userspace_addr(request, memory.segment().address());
            kvm_userspace_memory_region2.guest_memfd(request, part.memfd().number());
            kvm_userspace_memory_region2.guest_memfd_offset(request, part.offset());
            vm.fd().call(Ioctl.KVM_SET_USER_MEMORY_REGION2, request);
        }
    }

    /** Refuses a part of a guest_memfd that is not there, or that another region has. */
    void checkBacking(GuestMemory memory, Backing backing, long size) {
        if (!(backing instanceof Backing.OfGuestMemfd part)) {
            return;
        }
        vm.require(Ioctl.KVM_SET_USER_MEMORY_REGION2);
        part.memfd().checkRange(memory, part.offset(), size);
        for (MemoryRegion other : memory.regions()) {
            Backing.OfGuestMemfd its = other.host().guestMemfd();
            if (its != null && its.memfd().equals(part.memfd()) && its.offset() < part.offset() + size
                    && part.offset() < its.offset() + other.size()) {
                throw new IllegalArgumentException(String.format("0x%x bytes at 0x%x of the %s are %s already", size,
                        part.offset(), part.memfd(), other));
            }
        }
    }

    /** Takes a slot's memory away: when this returns, no vCPU uses it any more. */
    void delete(MemoryRegion region) {
        set(region.slot(), region.guestAddress(), 0, region.segment().address(), 0);
    }

    private void set(int slot, long guestAddress, long size, long hostAddress, int flags) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment request = kvm_userspace_memory_region.allocate(call);
            kvm_userspace_memory_region.slot(request, slot);
            kvm_userspace_memory_region.flags(request, flags);
            kvm_userspace_memory_region.guest_phys_addr(request, guestAddress);
            kvm_userspace_memory_region.memory_size(request, size);
            kvm_userspace_memory_region.userspace_addr(request, hostAddress);
            vm.fd().call(Ioctl.KVM_SET_USER_MEMORY_REGION, request);
        }
    }
}
