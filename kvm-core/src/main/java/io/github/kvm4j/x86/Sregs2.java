package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import io.github.kvm4j.bindings.x86.kvm_sregs2;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * The special registers of an x86 vCPU with the page-directory pointers of 32-bit paging with PAE, and without a pending
 * interrupt ({@code struct kvm_sregs2}): what migration wants, since those pointers are loaded when CR3 is, and not read
 * from memory again. Plain values, which nothing ties to a vCPU.
 *
 * @see X86Vcpu#getSregs2(Sregs2)
 */
public final class Sregs2 extends SpecialRegisters {

    private static final long PDPTRS = kvm_sregs2.pdptrs$offset();
    private static final int PDPTR_COUNT = (int) kvm_sregs2.pdptrs$layout().elementCount();

    /** KVM_SREGS2_FLAGS_ bits; see {@link #arePdptrsValid()}. */
    public long flags;
    /** The page-directory pointers, four, which count only when the flags say so. */
    public final long[] pdptrs = new long[PDPTR_COUNT];

    /** Makes a set of zeros. */
    public Sregs2() {
    }

    /**
     * Tells whether the page-directory pointers count: KVM_SREGS2_FLAGS_PDPTRS_VALID. Where they do not, the kernel reads
     * them from guest memory when it needs them.
     *
     * @return whether {@link #flags} says so
     */
    public boolean arePdptrsValid() {
        return (flags & kvm_x86_h.KVM_SREGS2_FLAGS_PDPTRS_VALID()) != 0;
    }

    /**
     * Says whether the page-directory pointers count.
     *
     * @param valid
     *            whether {@link #flags} is to say so
     */
    public void setPdptrsValid(boolean valid) {
        flags = valid
                ? flags | kvm_x86_h.KVM_SREGS2_FLAGS_PDPTRS_VALID()
                : flags & ~(long) kvm_x86_h.KVM_SREGS2_FLAGS_PDPTRS_VALID();
    }

    /**
     * Makes a copy.
     *
     * @return equal registers
     */
    public Sregs2 copy() {
        Sregs2 copy = new Sregs2();
        copy.setCommon(this);
        copy.flags = flags;
        System.arraycopy(pdptrs, 0, copy.pdptrs, 0, PDPTR_COUNT);
        return copy;
    }

    @Override
    void readFrom(MemorySegment sregs) {
        super.readFrom(sregs);
        flags = kvm_sregs2.flags(sregs);
        for (int i = 0; i < PDPTR_COUNT; i++) {
            pdptrs[i] = sregs.getAtIndex(JAVA_LONG, PDPTRS / Long.BYTES + i);
        }
    }

    @Override
    void writeTo(MemorySegment sregs) {
        super.writeTo(sregs);
        kvm_sregs2.flags(sregs, flags);
        for (int i = 0; i < PDPTR_COUNT; i++) {
            sregs.setAtIndex(JAVA_LONG, PDPTRS / Long.BYTES + i, pdptrs[i]);
        }
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Sregs2 other && commonEquals(other) && flags == other.flags
                && Arrays.equals(pdptrs, other.pdptrs);
    }

    @Override
    public int hashCode() {
        return super.hashCode() * 31 + Arrays.hashCode(pdptrs);
    }

    @Override
    public String toString() {
        return super.toString() + String.format("%nflags %x pdptrs %x %x %x %x", flags, pdptrs[0], pdptrs[1], pdptrs[2],
                pdptrs[3]);
    }
}
