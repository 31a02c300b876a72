package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;

import io.github.kvm4j.bindings.x86.kvm_dtable;

/** The register of a descriptor table, GDTR or IDTR, of an x86 vCPU ({@code struct kvm_dtable}): plain values. */
public final class DescriptorTable {

    /** The linear address of the table. */
    public long base;
    /** Its size in bytes, less one: 0 to 0xffff. */
    public int limit;

    /** Makes an empty one. */
    public DescriptorTable() {
    }

    /**
     * Takes over all values of another.
     *
     * @param other
     *            where from
     */
    public void set(DescriptorTable other) {
        base = other.base;
        limit = other.limit;
    }

    /**
     * Makes a copy.
     *
     * @return an equal one
     */
    public DescriptorTable copy() {
        DescriptorTable copy = new DescriptorTable();
        copy.set(this);
        return copy;
    }

    void readFrom(MemorySegment from, long offset) {
        base = from.get(kvm_dtable.base$layout(), offset + kvm_dtable.base$offset());
        limit = Short.toUnsignedInt(from.get(kvm_dtable.limit$layout(), offset + kvm_dtable.limit$offset()));
    }

    void writeTo(MemorySegment to, long offset) {
        to.set(kvm_dtable.base$layout(), offset + kvm_dtable.base$offset(), base);
        to.set(kvm_dtable.limit$layout(), offset + kvm_dtable.limit$offset(),
                (short) Fields.check("limit", limit, 0xffff));
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof DescriptorTable other && base == other.base && limit == other.limit;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(base) * 31 + limit;
    }

    @Override
    public String toString() {
        return String.format("base %x limit %x", base, limit);
    }
}
