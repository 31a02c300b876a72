package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

import io.github.kvm4j.bindings.x86.kvm_cpuid2;
import io.github.kvm4j.bindings.x86.kvm_cpuid_entry2;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * A CPUID table, unmodifiable.
 *
 * @param entries
 *            its entries
 */
public record Cpuid(List<CpuidEntry> entries) {

    /**
     * Makes a table.
     *
     * @param entries
     *            its entries, which are copied
     */
    public Cpuid {
        entries = List.copyOf(entries);
    }

    /**
     * Looks a leaf up, its first subleaf if it has several.
     *
     * @param function
     *            the leaf
     * @return the entry, if there is one
     */
    public Optional<CpuidEntry> find(int function) {
        return find(function, 0);
    }

    /**
     * Looks a leaf and subleaf up.
     *
     * @param function
     *            the leaf
     * @param index
     *            the subleaf; ignored where the leaf has none
     * @return the entry, if there is one
     */
    public Optional<CpuidEntry> find(int function, int index) {
        int significant = kvm_x86_h.KVM_CPUID_FLAG_SIGNIFCANT_INDEX();
        return entries.stream().filter(entry -> entry.function() == function
                && ((entry.flags() & significant) == 0 || entry.index() == index)).findFirst();
    }

    /**
     * Returns the processor's vendor, out of leaf 0.
     *
     * @return twelve characters such as {@code GenuineIntel}; empty without leaf 0
     */
    public String vendor() {
        return find(0).map(leaf -> text(leaf.ebx(), leaf.edx(), leaf.ecx())).orElse("");
    }

    private static String text(int... registers) {
        ByteBuffer bytes = ByteBuffer.allocate(registers.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(registers);
        return new String(bytes.array(), StandardCharsets.ISO_8859_1);
    }

    /** Room for a struct kvm_cpuid2 of so many entries, its count set. */
    static MemorySegment room(SegmentAllocator allocator, int count) {
        MemorySegment table = allocator.allocate(kvm_cpuid2.sizeof() + count * kvm_cpuid_entry2.sizeof(), Long.BYTES);
        kvm_cpuid2.nent(table, count);
        return table;
    }

    private static MemorySegment entry(MemorySegment table, int i) {
        return table.asSlice(kvm_cpuid2.entries$offset() + i * kvm_cpuid_entry2.sizeof(), kvm_cpuid_entry2.sizeof());
    }

    /** Reads what the kernel wrote into {@link #room}. */
    static Cpuid readFrom(MemorySegment table) {
        int count = kvm_cpuid2.nent(table);
        List<CpuidEntry> entries = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            MemorySegment entry = entry(table, i);
            entries.add(new CpuidEntry(kvm_cpuid_entry2.function(entry), kvm_cpuid_entry2.index(entry),
                    kvm_cpuid_entry2.flags(entry), kvm_cpuid_entry2.eax(entry), kvm_cpuid_entry2.ebx(entry),
                    kvm_cpuid_entry2.ecx(entry), kvm_cpuid_entry2.edx(entry)));
        }
        return new Cpuid(entries);
    }

    MemorySegment write(SegmentAllocator allocator) {
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

    @Override
    public String toString() {
        return entries.stream().map(CpuidEntry::toString).collect(Collectors.joining("\n"));
    }
}
