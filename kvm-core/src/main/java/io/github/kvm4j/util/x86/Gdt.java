package io.github.kvm4j.util.x86;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.x86.DescriptorTable;
import io.github.kvm4j.x86.Segment;

/**
 * Builds a global descriptor table. Its first entry is the null descriptor; the others come in the order in which they are
 * added. Not for several threads at once.
 */
public final class Gdt {

    /** Selector of {@link #flat()}: 32-bit code, ring 0. */
    public static final int CODE32 = 0x08;
    /** Selector of {@link #flat()}: 64-bit code, ring 0. */
    public static final int CODE64 = 0x10;
    /** Selector of {@link #flat()}: data, ring 0. */
    public static final int DATA = 0x18;
    /** Selector of {@link #flat()}: 32-bit code, ring 3. */
    public static final int USER_CODE32 = 0x23;
    /** Selector of {@link #flat()}: data, ring 3. */
    public static final int USER_DATA = 0x2b;
    /** Selector of {@link #flat()}: 64-bit code, ring 3. */
    public static final int USER_CODE64 = 0x33;

    private static final int RPL = 3;
    private static final int MOST_BYTES = 1 << 16;

    private final List<Long> words = new ArrayList<>(List.of(0L));
    private final List<SegmentDescriptor> descriptors = new ArrayList<>();

    /** By descriptor, where it stands. */
    private final List<Integer> offsets = new ArrayList<>();

    /** Makes a table with nothing but the null descriptor. */
    public Gdt() {
    }

    /**
     * Makes a table of flat segments for code of 32 and 64 bits in rings 0 and 3, in the order that SYSCALL and SYSRET want.
     * It is Linux's own order, and a KVM without hardware virtualization runs ring-3 code at full speed with those selectors
     * alone.
     *
     * @return a new table, with {@link #CODE32} and so on
     */
    public static Gdt flat() {
        Gdt gdt = new Gdt();
        gdt.add(SegmentDescriptor.code(SegmentDescriptor.Size.BITS_32, 0));
        gdt.add(SegmentDescriptor.code(SegmentDescriptor.Size.BITS_64, 0));
        gdt.add(SegmentDescriptor.data(0));
        gdt.add(SegmentDescriptor.code(SegmentDescriptor.Size.BITS_32, 3));
        gdt.add(SegmentDescriptor.data(3));
        gdt.add(SegmentDescriptor.code(SegmentDescriptor.Size.BITS_64, 3));
        return gdt;
    }

    /**
     * Adds a descriptor.
     *
     * @param descriptor
     *            the descriptor
     * @return its selector; of a segment of code or data the requested privilege is its own
     * @throws IllegalArgumentException
     *             when the table is full, 64 KiB
     */
    public int add(SegmentDescriptor descriptor) {
        if (size() + (descriptor.wide() ? 16 : 8) > MOST_BYTES) {
            throw new IllegalArgumentException("a GDT has 64 KiB at most");
        }
        int offset = size();
        offsets.add(offset);
        descriptors.add(descriptor);
        words.add(descriptor.low());
        if (descriptor.wide()) {
            words.add(descriptor.high());
        }
        return descriptor.system() ? offset : offset | descriptor.dpl();
    }

    /**
     * Returns its size.
     *
     * @return bytes
     */
    public int size() {
        return words.size() * Long.BYTES;
    }

    /**
     * Writes it into guest memory.
     *
     * @param memory
     *            the memory
     * @param address
     *            the guest-physical address where to
     * @throws IndexOutOfBoundsException
     *             when no region has all of it
     */
    public void writeTo(GuestMemory memory, long address) {
        ByteBuffer bytes = ByteBuffer.allocate(size()).order(ByteOrder.LITTLE_ENDIAN);
        words.forEach(bytes::putLong);
        memory.write(address, bytes.array());
    }

    /**
     * Does what LGDT does.
     *
     * @param register
     *            the register: {@link io.github.kvm4j.x86.Sregs#gdt}
     * @param linear
     *            the linear address where the table stands
     */
    public void loadInto(DescriptorTable register, long linear) {
        register.base = linear;
        register.limit = size() - 1;
    }

    /**
     * Does what the processor does when a selector is loaded into a segment register.
     *
     * @param segment
     *            the register
     * @param selector
     *            the selector
     * @throws IllegalArgumentException
     *             when the table has no descriptor there
     */
    public void loadInto(Segment segment, int selector) {
        int at = offsets.indexOf(selector & ~RPL);
        if (at < 0) {
            throw new IllegalArgumentException(String.format("the GDT has no descriptor for selector 0x%x", selector));
        }
        descriptors.get(at).loadInto(segment, selector);
    }
}
