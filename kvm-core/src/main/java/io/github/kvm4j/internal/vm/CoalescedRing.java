package io.github.kvm4j.internal.vm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

import io.github.kvm4j.bindings.kvm_coalesced_mmio;
import io.github.kvm4j.bindings.kvm_coalesced_mmio_ring;
import io.github.kvm4j.internal.sys.Mapping;
import io.github.kvm4j.internal.sys.SharedMapping;

/**
 * A VM's ring of coalesced writes, one page that is shared with the kernel and all vCPUs: the kernel writes behind
 * {@code last} and moves it on, the reader moves {@code first} on. It is mapped once more, beside the vCPUs' own mappings,
 * so that it lives as long as the VM; an arena keeps readers away once it is closed.
 * <p>
 * {@code last} is read with acquire, before the entries, and {@code first} is written with release, behind them. One reader
 * at a time reads; whether there is something, anybody may ask.
 */
public final class CoalescedRing implements AutoCloseable {

    /** A write to a device, as the kernel has noted it. */
    public static final class Entry {
        public long address;
        public boolean port;
        public int size;
        public long value;
    }

    private static final VarHandle INDEX = JAVA_INT.varHandle();
    private static final long FIRST = kvm_coalesced_mmio_ring.first$offset();
    private static final long LAST = kvm_coalesced_mmio_ring.last$offset();
    private static final long ENTRIES = kvm_coalesced_mmio_ring.sizeof();
    private static final long ENTRY = kvm_coalesced_mmio.sizeof();

    private final SharedMapping mapping;
    private final MemorySegment ring;

    /** How many entries a page has room for; one is always free. */
    private final int size;

    CoalescedRing(Mapping mapping) {
        this.mapping = SharedMapping.of(mapping, 0, mapping.segment().byteSize());
        this.ring = this.mapping.segment();
        this.size = (int) ((ring.byteSize() - ENTRIES) / ENTRY);
    }

    /** Whether there is nothing to read. */
    public boolean isEmpty() {
        return (int) INDEX.getAcquire(ring, LAST) == (int) INDEX.getOpaque(ring, FIRST);
    }

    /** Takes the oldest entry out, and returns whether there was one. */
    public boolean take(Entry into) {
        int last = (int) INDEX.getAcquire(ring, LAST);
        int first = (int) INDEX.getOpaque(ring, FIRST);
        check(first);
        check(last);
        if (first == last) {
            return false;
        }
        long at = ENTRIES + first * ENTRY;
        into.address = ring.get(JAVA_LONG, at + kvm_coalesced_mmio.phys_addr$offset());
        into.port = ring.get(JAVA_INT, at + kvm_coalesced_mmio.pio$offset()) != 0;
        into.size = ring.get(JAVA_INT, at + kvm_coalesced_mmio.len$offset());
        into.value = value(ring.get(JAVA_LONG, at + kvm_coalesced_mmio.data$offset()), into.size);
        INDEX.setRelease(ring, FIRST, (first + 1) % size);
        return true;
    }

    private void check(int index) {
        if (index < 0 || index >= size) {
            throw new IllegalStateException("the ring of coalesced writes, which has " + size
                    + " entries, is at " + Integer.toUnsignedString(index));
        }
    }

    /** The first so many bytes, unsigned. */
    private static long value(long data, int bytes) {
        if (bytes <= 0 || bytes > Long.BYTES) {
            throw new IllegalStateException("a coalesced write of " + bytes + " bytes");
        }
        return data & (-1L >>> (Long.SIZE - bytes * Byte.SIZE));
    }

    @Override
    public void close() {
        mapping.close();
    }
}
