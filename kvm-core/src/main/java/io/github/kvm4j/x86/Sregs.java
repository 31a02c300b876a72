package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import io.github.kvm4j.bindings.x86.kvm_sregs;

/**
 * The special registers of an x86 vCPU ({@code struct kvm_sregs}): segments, descriptor tables, control registers. Plain
 * values, which nothing ties to a vCPU.
 *
 * @see X86Vcpu#getSregs(Sregs)
 * @see Sregs2
 */
public final class Sregs extends SpecialRegisters {

    private static final long BITMAP = kvm_sregs.interrupt_bitmap$offset();
    private static final int BITMAP_WORDS = (int) kvm_sregs.interrupt_bitmap$layout().elementCount();

    /**
     * A bit for the one external interrupt, if any, that is acknowledged but not yet delivered; 256 bits. Written without
     * one, it does not take back an interrupt that the vCPU has.
     */
    public final long[] interruptBitmap = new long[BITMAP_WORDS];

    /** Makes a set of zeros. */
    public Sregs() {
    }

    /**
     * Makes a copy.
     *
     * @return equal registers
     */
    public Sregs copy() {
        Sregs copy = new Sregs();
        copy.setCommon(this);
        System.arraycopy(interruptBitmap, 0, copy.interruptBitmap, 0, BITMAP_WORDS);
        return copy;
    }

    @Override
    void readFrom(MemorySegment sregs) {
        super.readFrom(sregs);
        for (int i = 0; i < BITMAP_WORDS; i++) {
            interruptBitmap[i] = sregs.getAtIndex(JAVA_LONG, BITMAP / Long.BYTES + i);
        }
    }

    @Override
    void writeTo(MemorySegment sregs) {
        super.writeTo(sregs);
        for (int i = 0; i < BITMAP_WORDS; i++) {
            sregs.setAtIndex(JAVA_LONG, BITMAP / Long.BYTES + i, interruptBitmap[i]);
        }
    }

    /** Whether a bit of the interrupt bitmap is set. */
    static boolean hasInterrupt(MemorySegment sregs) {
        long bits = 0;
        for (int i = 0; i < BITMAP_WORDS; i++) {
            bits |= sregs.getAtIndex(JAVA_LONG, BITMAP / Long.BYTES + i);
        }
        return bits != 0;
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Sregs other && commonEquals(other)
                && Arrays.equals(interruptBitmap, other.interruptBitmap);
    }

    @Override
    public int hashCode() {
        return super.hashCode();
    }
}
