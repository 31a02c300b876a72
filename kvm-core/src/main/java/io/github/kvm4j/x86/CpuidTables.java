package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

import io.github.kvm4j.bindings.x86.kvm_cpuid2;
import io.github.kvm4j.bindings.x86.kvm_cpuid_entry2;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Errno;

/** CPUID tables as the kernel has them: {@code struct kvm_cpuid2}. */
final class CpuidTables {

    /** Enough for every host seen; the kernel says when it is not. */
    private static final int FIRST_TRY = 128;

    /** More than the kernel ever has (its own limit is 256). */
    private static final int LAST_TRY = 4096;

    /** What no entry consists of. */
    private static final byte UNWRITTEN = -1;

    private CpuidTables() {
    }

    /** Asks for a table by one of the ioctls that give one, with more room as long as the kernel wants that. */
    static Cpuid get(Ioctl ioctl, ToLongFunction<MemorySegment> attempt) {
        for (int count = FIRST_TRY;; count *= 2) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment table = room(arena, count);
                if (ioctl == Ioctl.KVM_GET_CPUID2) {
                    // KVM_GET_EMULATED_CPUID wants its padding clean.
                    table.asSlice(kvm_cpuid2.entries$offset()).fill(UNWRITTEN);
                }
                long result = attempt.applyAsLong(table);
                if (Errno.E2BIG.is(result) && count < LAST_TRY) {
                    continue;
                }
                KvmFd.check(ioctl, result);
                kvm_cpuid2.nent(table, written(table));
                return read(table);
            }
        }
    }

    /** How many entries the kernel has written: before Linux 6.5 KVM_GET_CPUID2 leaves its count as it was. */
    private static int written(MemorySegment table) {
        int count = kvm_cpuid2.nent(table);
        while (count > 0 && isUnwritten(entry(table, count - 1))) {
            count--;
        }
        return count;
    }

    private static boolean isUnwritten(MemorySegment entry) {
        for (long i = 0; i < entry.byteSize(); i++) {
            if (entry.get(ValueLayout.JAVA_BYTE, i) != UNWRITTEN) {
                return false;
            }
        }
        return true;
    }

    private static MemorySegment room(SegmentAllocator allocator, int count) {
        MemorySegment table = allocator.allocate(kvm_cpuid2.sizeof() + count * kvm_cpuid_entry2.sizeof(), Long.BYTES);
        kvm_cpuid2.nent(table, count);
        return table;
    }

    private static MemorySegment entry(MemorySegment table, int i) {
        return table.asSlice(kvm_cpuid2.entries$offset() + i * kvm_cpuid_entry2.sizeof(), kvm_cpuid_entry2.sizeof());
    }

    /** Reads what the kernel wrote; the slices check its count against the room that it had. */
    static Cpuid read(MemorySegment table) {
        int count = kvm_cpuid2.nent(table);
        List<CpuidEntry> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            MemorySegment entry = entry(table, i);
            entries.add(new CpuidEntry(kvm_cpuid_entry2.function(entry), kvm_cpuid_entry2.index(entry),
                    kvm_cpuid_entry2.flags(entry), kvm_cpuid_entry2.eax(entry), kvm_cpuid_entry2.ebx(entry),
                    kvm_cpuid_entry2.ecx(entry), kvm_cpuid_entry2.edx(entry)));
        }
        return new Cpuid(entries);
    }

    static MemorySegment write(Cpuid cpuid, SegmentAllocator allocator) {
        List<CpuidEntry> entries = cpuid.entries();
        MemorySegment table = room(allocator, entries.size());
        for (int i = 0; i < entries.size(); i++) {
            CpuidEntry from = entries.get(i);
            MemorySegment to = entry(table, i);
            kvm_cpuid_entry2.function(to, from.function());
            kvm_cpuid_entry2.index(to, from.index());
            kvm_cpuid_entry2.flags(to, from.flags());
            kvm_cpuid_entry2.eax(to, from.eax());
            kvm_cpuid_entry2.ebx(to, from.ebx());
            kvm_cpuid_entry2.ecx(to, from.ecx());
            kvm_cpuid_entry2.edx(to, from.edx());
        }
        return table;
    }
}
