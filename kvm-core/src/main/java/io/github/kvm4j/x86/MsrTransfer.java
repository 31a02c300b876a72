package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.function.ToLongFunction;

import io.github.kvm4j.bindings.x86.kvm_msr_entry;
import io.github.kvm4j.bindings.x86.kvm_msrs;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.Ioctl;

/** KVM_GET_MSRS and KVM_SET_MSRS, on a vCPU or the system, in as many calls as it takes. */
final class MsrTransfer {

    /** The most that the kernel takes, which no header has: MAX_IO_MSRS, 256, is the first number that it refuses. */
    static final int CHUNK = 255;

    private static final long ENTRIES = kvm_msrs.entries$offset();
    private static final long ENTRY = kvm_msr_entry.sizeof();

    /** The bytes of a chunk. */
    static final long SIZE = ENTRIES + CHUNK * ENTRY;

    private MsrTransfer() {
    }

    /** Reads registers into a set, in their order. */
    static void read(int[] indices, Msrs into, MemorySegment room, ToLongFunction<MemorySegment> call) {
        for (int start = 0; start < indices.length; start += CHUNK) {
            int count = Math.min(CHUNK, indices.length - start);
            begin(room, count);
            for (int i = 0; i < count; i++) {
                entry(room, i, indices[start + i], 0);
            }
            int done = (int) Math.min(count, check(Ioctl.KVM_GET_MSRS, call.applyAsLong(room)));
            for (int i = 0; i < done; i++) {
                into.put(indices[start + i], room.get(kvm_msr_entry.data$layout(),
                        ENTRIES + i * ENTRY + kvm_msr_entry.data$offset()));
            }
            if (done < count) {
                throw new PartialMsrException(Ioctl.KVM_GET_MSRS.name(), indices[start + done], start + done,
                        indices.length, "this KVM, or this vCPU by its CPUID, does not have it", into);
            }
        }
    }

    /** Writes registers in their order. */
    static void write(Msrs from, MemorySegment room, ToLongFunction<MemorySegment> call) {
        int[] indices = from.indices();
        for (int start = 0; start < indices.length; start += CHUNK) {
            int count = Math.min(CHUNK, indices.length - start);
            begin(room, count);
            for (int i = 0; i < count; i++) {
                entry(room, i, indices[start + i], from.get(indices[start + i]).orElseThrow());
            }
            int done = (int) Math.min(count, check(Ioctl.KVM_SET_MSRS, call.applyAsLong(room)));
            if (done < count) {
                int failed = indices[start + done];
                throw new PartialMsrException(Ioctl.KVM_SET_MSRS.name(), failed, start + done, indices.length,
                        String.format("this KVM, or this vCPU by its CPUID, does not have it, or not the value 0x%x",
                                from.get(failed).orElseThrow()),
                        new Msrs());
            }
        }
    }

    private static void begin(MemorySegment room, int count) {
        kvm_msrs.nmsrs(room, count);
        kvm_msrs.pad(room, 0);
    }

    private static void entry(MemorySegment room, int i, int index, long value) {
        long at = ENTRIES + i * ENTRY;
        room.set(kvm_msr_entry.index$layout(), at + kvm_msr_entry.index$offset(), index);
        room.set(kvm_msr_entry.reserved$layout(), at + kvm_msr_entry.reserved$offset(), 0);
        room.set(kvm_msr_entry.data$layout(), at + kvm_msr_entry.data$offset(), value);
    }

    private static long check(Ioctl ioctl, long result) {
        if (result < 0) {
            throw Explanations.failure(ioctl, result);
        }
        return result;
    }
}
