package io.github.kvm4j.internal.vm;

import java.lang.foreign.MemorySegment;

import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.memory.RegionOptions;

/** What {@link io.github.kvm4j.unsafe.ForeignMemory} gets of a guest's memory. */
@FunctionalInterface
public interface RegionAdder {

    /** Adds a region with memory that somebody else owns; of the options, the flags and the slot count. */
    MemoryRegion add(long guestAddress, MemorySegment memory, RegionOptions options);
}
