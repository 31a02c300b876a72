package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

import io.github.kvm4j.bindings.x86.kvm_xcr;
import io.github.kvm4j.bindings.x86.kvm_xcrs;

/**
 * The extended control registers of an x86 vCPU ({@code struct kvm_xcrs}), by number: plain values, which nothing ties to a
 * vCPU. KVM has XCR0 alone, which says what of the extended state is enabled: a bit for each {@link XsaveComponent}.
 *
 * @see X86Fpu#getXcrs(Xcrs)
 */
public final class Xcrs {

    private static final int MOST = (int) kvm_xcrs.xcrs$layout().elementCount();

    private final Map<Integer, Long> values = new TreeMap<>();
    private int flags;

    /** Makes a set without registers. */
    public Xcrs() {
    }

    /**
     * Makes a set that has XCR0.
     *
     * @param xcr0
     *            its value
     * @return the set
     */
    public static Xcrs ofXcr0(long xcr0) {
        Xcrs xcrs = new Xcrs();
        xcrs.set(0, xcr0);
        return xcrs;
    }

    /**
     * Returns XCR0.
     *
     * @return its value, or 0 without it
     */
    public long xcr0() {
        return get(0);
    }

    /**
     * Returns a register.
     *
     * @param number
     *            its number, as the guest's XGETBV has it in ECX
     * @return its value, or 0 without it
     */
    public long get(int number) {
        return values.getOrDefault(number, 0L);
    }

    /**
     * Sets a register.
     *
     * @param number
     *            its number
     * @param value
     *            its value
     * @throws IllegalArgumentException
     *             when there would be more than 16
     */
    public void set(int number, long value) {
        if (values.size() == MOST && !values.containsKey(number)) {
            throw new IllegalArgumentException("struct kvm_xcrs has room for " + MOST + " registers");
        }
        values.put(number, value);
    }

    /**
     * Returns what there is.
     *
     * @return the values by number, a copy
     */
    public Map<Integer, Long> values() {
        return new TreeMap<>(values);
    }

    /**
     * Makes a copy.
     *
     * @return an equal set
     */
    public Xcrs copy() {
        Xcrs copy = new Xcrs();
        copy.values.putAll(values);
        copy.flags = flags;
        return copy;
    }

    void readFrom(MemorySegment from) {
        values.clear();
        flags = kvm_xcrs.flags(from);
        int count = Math.clamp(kvm_xcrs.nr_xcrs(from), 0, MOST);
        for (int i = 0; i < count; i++) {
            MemorySegment entry = kvm_xcrs.xcrs(from, i);
            values.put(kvm_xcr.xcr(entry), kvm_xcr.value(entry));
        }
    }

    void writeTo(MemorySegment to) {
        to.asSlice(0, kvm_xcrs.sizeof()).fill((byte) 0);
        kvm_xcrs.nr_xcrs(to, values.size());
        kvm_xcrs.flags(to, flags);
        int i = 0;
        for (Map.Entry<Integer, Long> register : values.entrySet()) {
            MemorySegment entry = kvm_xcrs.xcrs(to, i++);
            kvm_xcr.xcr(entry, register.getKey());
            kvm_xcr.value(entry, register.getValue());
        }
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Xcrs other && values.equals(other.values) && flags == other.flags;
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.entrySet().stream().map(entry -> "xcr" + entry.getKey() + " "
                + Flags.text(XsaveComponent.class, XsaveComponent::bit, entry.getValue()))
                .collect(Collectors.joining(" "));
    }
}
