package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_segment;

/** A segment register of an x86 vCPU, with its hidden part ({@code struct kvm_segment}): plain values. */
public final class Segment {

    /** The linear address where it starts. */
    public long base;
    /** Its limit in bytes, with the granularity applied: the last valid offset. */
    public int limit;
    /** The selector, 0 to 0xffff. */
    public int selector;
    /** The type, 4 bits as in the descriptor. */
    public int type;
    /** 1 when present, else 0. */
    public int present;
    /** The privilege level, 0 to 3. */
    public int dpl;
    /** The D/B bit: 1 for 32-bit. */
    public int db;
    /** 1 for code and data, 0 for a system segment. */
    public int s;
    /** The L bit: 1 for 64-bit code. */
    public int l;
    /** The granularity bit. */
    public int g;
    /** The bit available to software. */
    public int avl;
    /** 1 when the segment cannot be used (a null selector). */
    public int unusable;

    /** Makes a segment of zeros. */
    public Segment() {
    }

    /**
     * Takes over all values of another.
     *
     * @param other
     *            where from
     */
    public void set(Segment other) {
        base = other.base;
        limit = other.limit;
        selector = other.selector;
        type = other.type;
        present = other.present;
        dpl = other.dpl;
        db = other.db;
        s = other.s;
        l = other.l;
        g = other.g;
        avl = other.avl;
        unusable = other.unusable;
    }

    /**
     * Makes a copy.
     *
     * @return an equal segment
     */
    public Segment copy() {
        Segment copy = new Segment();
        copy.set(this);
        return copy;
    }

    void readFrom(MemorySegment segment) {
        base = kvm_segment.base(segment);
        limit = kvm_segment.limit(segment);
        selector = Short.toUnsignedInt(kvm_segment.selector(segment));
        type = kvm_segment.type(segment);
        present = kvm_segment.present(segment);
        dpl = kvm_segment.dpl(segment);
        db = kvm_segment.db(segment);
        s = kvm_segment.s(segment);
        l = kvm_segment.l(segment);
        g = kvm_segment.g(segment);
        avl = kvm_segment.avl(segment);
        unusable = kvm_segment.unusable(segment);
    }

    void writeTo(MemorySegment segment) {
        kvm_segment.base(segment, base);
        kvm_segment.limit(segment, limit);
        kvm_segment.selector(segment, (short) Fields.check("selector", selector, 0xffff));
        kvm_segment.type(segment, (byte) Fields.check("type", type, 15));
        kvm_segment.present(segment, (byte) Fields.check("present", present, 1));
        kvm_segment.dpl(segment, (byte) Fields.check("dpl", dpl, 3));
        kvm_segment.db(segment, (byte) Fields.check("db", db, 1));
        kvm_segment.s(segment, (byte) Fields.check("s", s, 1));
        kvm_segment.l(segment, (byte) Fields.check("l", l, 1));
        kvm_segment.g(segment, (byte) Fields.check("g", g, 1));
        kvm_segment.avl(segment, (byte) Fields.check("avl", avl, 1));
        kvm_segment.unusable(segment, (byte) Fields.check("unusable", unusable, 1));
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Segment other
                && base == other.base
                && limit == other.limit
                && selector == other.selector
                && type == other.type
                && present == other.present
                && dpl == other.dpl
                && db == other.db
                && s == other.s
                && l == other.l
                && g == other.g
                && avl == other.avl
                && unusable == other.unusable;
    }

    @Override
    public int hashCode() {
        return Objects.hash(base, limit, selector, type, present, dpl, db, s, l, g, avl, unusable);
    }

    @Override
    public String toString() {
        return String.format("%04x base %x limit %x type %x dpl %d%s%s%s%s%s%s", selector, base, limit, type, dpl,
                present != 0 ? " present" : "", s != 0 ? "" : " system", db != 0 ? " 32-bit" : "",
                l != 0 ? " 64-bit" : "",
                g != 0 ? " 4-KiB" : "", unusable != 0 ? " unusable" : "");
    }
}
