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

    /** From a structure at an offset: without a slice, there is nothing to allocate. */
    void readFrom(MemorySegment from, long offset) {
        base = from.get(kvm_segment.base$layout(), offset + kvm_segment.base$offset());
        limit = from.get(kvm_segment.limit$layout(), offset + kvm_segment.limit$offset());
        selector = Short.toUnsignedInt(from.get(kvm_segment.selector$layout(), offset + kvm_segment.selector$offset()));
        type = from.get(kvm_segment.type$layout(), offset + kvm_segment.type$offset());
        present = from.get(kvm_segment.present$layout(), offset + kvm_segment.present$offset());
        dpl = from.get(kvm_segment.dpl$layout(), offset + kvm_segment.dpl$offset());
        db = from.get(kvm_segment.db$layout(), offset + kvm_segment.db$offset());
        s = from.get(kvm_segment.s$layout(), offset + kvm_segment.s$offset());
        l = from.get(kvm_segment.l$layout(), offset + kvm_segment.l$offset());
        g = from.get(kvm_segment.g$layout(), offset + kvm_segment.g$offset());
        avl = from.get(kvm_segment.avl$layout(), offset + kvm_segment.avl$offset());
        unusable = from.get(kvm_segment.unusable$layout(), offset + kvm_segment.unusable$offset());
    }

    void writeTo(MemorySegment to, long offset) {
        to.set(kvm_segment.base$layout(), offset + kvm_segment.base$offset(), base);
        to.set(kvm_segment.limit$layout(), offset + kvm_segment.limit$offset(), limit);
        to.set(kvm_segment.selector$layout(), offset + kvm_segment.selector$offset(),
                (short) Fields.check("selector", selector, 0xffff));
        to.set(kvm_segment.type$layout(), offset + kvm_segment.type$offset(), (byte) Fields.check("type", type, 15));
        to.set(kvm_segment.present$layout(), offset + kvm_segment.present$offset(),
                (byte) Fields.check("present", present, 1));
        to.set(kvm_segment.dpl$layout(), offset + kvm_segment.dpl$offset(), (byte) Fields.check("dpl", dpl, 3));
        to.set(kvm_segment.db$layout(), offset + kvm_segment.db$offset(), (byte) Fields.check("db", db, 1));
        to.set(kvm_segment.s$layout(), offset + kvm_segment.s$offset(), (byte) Fields.check("s", s, 1));
        to.set(kvm_segment.l$layout(), offset + kvm_segment.l$offset(), (byte) Fields.check("l", l, 1));
        to.set(kvm_segment.g$layout(), offset + kvm_segment.g$offset(), (byte) Fields.check("g", g, 1));
        to.set(kvm_segment.avl$layout(), offset + kvm_segment.avl$offset(), (byte) Fields.check("avl", avl, 1));
        to.set(kvm_segment.unusable$layout(), offset + kvm_segment.unusable$offset(),
                (byte) Fields.check("unusable", unusable, 1));
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
