package io.github.kvm4j.x86;

import java.util.EnumSet;
import java.util.Set;

/** A flag of the extended feature enable register, {@link SpecialRegisters#efer}. */
public enum Efer {

    /** Bit 0: SYSCALL and SYSRET. */
    SCE(0),
    /** Bit 8: long mode enable. */
    LME(8),
    /** Bit 10: long mode active: must be set where LME and paging are. */
    LMA(10),
    /** Bit 11: no-execute pages. */
    NXE(11),
    /** Bit 12: SVM. */
    SVME(12),
    /** Bit 13: long mode segment limits. */
    LMSLE(13),
    /** Bit 14: fast FXSAVE and FXRSTOR. */
    FFXSR(14),
    /** Bit 15: translation cache extension. */
    TCE(15),
    /** Bit 21: automatic indirect branch restricted speculation. */
    AUTOIBRS(21);

    private final int position;

    Efer(int position) {
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
    public static Set<Efer> in(long register) {
        return Flags.in(Efer.class, Efer::bit, register);
    }

    /**
     * Returns the bits of flags, to be set in the register by {@code |} and taken out by {@code & ~}.
     *
     * @param flags
     *            the flags
     * @return their bits
     */
    public static long bits(Set<Efer> flags) {
        return Flags.bits(flags, Efer::bit);
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
    public static long bits(Efer first, Efer... others) {
        return bits(EnumSet.of(first, others));
    }
}
