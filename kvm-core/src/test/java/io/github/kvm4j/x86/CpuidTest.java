package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** CPUID tables, without a KVM. */
class CpuidTest {

    private static final int SUBLEAVES = kvm_x86_h.KVM_CPUID_FLAG_SIGNIFCANT_INDEX();

    /** As struct kvm_cpuid2 has it: two words, then ten for each entry, the last three of them padding. */
    @Test
    void everyNumberGoesToItsPlaceAndComesBack() {
        List<CpuidEntry> entries = new ArrayList<>();
        for (int n = 100; n < 130; n += 10) {
            entries.add(new CpuidEntry(n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6));
        }
        Cpuid cpuid = new Cpuid(entries);
        MemorySegment table = cpuid.write(Arena.ofAuto());
        assertEquals(8 + 3 * 40, table.byteSize());
        assertEquals(3, table.getAtIndex(ValueLayout.JAVA_INT, 0));
        for (int i = 0; i < 30; i++) {
            assertEquals(i % 10 < 7 ? 100 + i : 0, table.getAtIndex(ValueLayout.JAVA_INT, 2 + i), "word " + i);
        }
        assertEquals(cpuid, Cpuid.readFrom(table));
    }

    @Test
    void aSubleafIsFoundByItsIndex() {
        CpuidEntry first = new CpuidEntry(7, 0, SUBLEAVES, 1, 0, 0, 0);
        CpuidEntry second = new CpuidEntry(7, 1, SUBLEAVES, 2, 0, 0, 0);
        CpuidEntry single = new CpuidEntry(8, 5, 0, 3, 0, 0, 0);
        Cpuid cpuid = new Cpuid(List.of(first, second, single));
        assertEquals(Optional.of(first), cpuid.find(7));
        assertEquals(Optional.of(second), cpuid.find(7, 1));
        assertEquals(Optional.empty(), cpuid.find(7, 2));
        assertEquals(Optional.of(single), cpuid.find(8, 9), "a leaf without subleaves");
    }
}
