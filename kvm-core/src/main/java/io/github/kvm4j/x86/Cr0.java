package io.github.kvm4j.x86;

import java.util.EnumSet;
import java.util.Set;

/** A flag of control register CR0, {@link SpecialRegisters#cr0}. */
public enum Cr0 {

    /** Bit 0: protection enable. */
    PE(0),
    /** Bit 1: monitor coprocessor. */
    MP(1),
    /** Bit 2: emulation. */
    EM(2),
    /** Bit 3: task switched. */
    TS(3),
    /** Bit 4: extension type, always set on a processor. */
    ET(4),
    /** Bit 5: numeric error. */
    NE(5),
    /** Bit 16: write protect, also for the supervisor. */
    WP(16),
    /** Bit 18: alignment mask. */
    AM(18),
    /** Bit 29: not write-through. */
    NW(29),
    /** Bit 30: cache disable. */
    CD(30),
    /** Bit 31: paging. */
    PG(31);

    private final int position;

    Cr0(int position) {
        this.position = position;
    }

    /**
     * Returns the flag's bit.
     *
     * @return a number with one bit set
     */
    public long bit() {
        return 1L << position;
    }

    /**
     * Tells whether the flag is set.
     *
     * @param register
     *            a value of the register
     * @return whether it has the bit
     */
    public boolean isIn(long register) {
        return (register & bit()) != 0;
    }

    /**
     * Returns the flags that are set.
     *
     * @param register
     *            a value of the register
     * @return the flags that it has; bits without a name here are not among them
     */
    public static Set<Cr0> in(long register) {
        return Flags.in(Cr0.class, Cr0::bit, register);
    }

    /**
     * Returns the bits of flags, to be set in the register by {@code |} and taken out by {@code & ~}.
     *
     * @param flags
     *            the flags
     * @return their bits
     */
    public static long bits(Set<Cr0> flags) {
        return Flags.bits(flags, Cr0::bit);
    }

    /**
     * Returns the bits of flags, to be set in the register by {@code |} and taken out by {@code & ~}.
     *
     * @param first
     *            a flag
     * @param others
     *            more of them
     * @return their bits
     */
    public static long bits(Cr0 first, Cr0... others) {
        return bits(EnumSet.of(first, others));
    }
}
