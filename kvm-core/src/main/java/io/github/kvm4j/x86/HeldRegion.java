package io.github.kvm4j.x86;

import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.MemoryRegion;

/**
 * Keeps a region where it is while the kernel is given its host address inside of a structure, where nothing else holds on to
 * it: to remove the region, and to close the VM, waits until the call is through.
 */
final class HeldRegion {

    private final VmState vm;
    private final GuestMemory memory;

    HeldRegion(VmState vm, GuestMemory memory) {
        this.vm = vm;
        this.memory = memory;
    }

    /** A call that may be refused, with its result. */
    interface Call {
        long issue();
    }

    long during(MemoryRegion region, Call call) {
        return vm.lifecycle().whileOpen(() -> {
            if (!memory.regions().contains(region)) {
                throw new IllegalArgumentException(region + " is no region of this VM, or not any more");
            }
            return call.issue();
        });
    }

    /** Refuses a part of a region that it has not. */
    static void check(MemoryRegion region, long offset, long length) {
        if (offset < 0 || length < 1 || offset > region.size() - length) {
            throw new IllegalArgumentException(
                    length + " bytes at " + offset + " of a region of " + region.size() + " bytes");
        }
    }
}
