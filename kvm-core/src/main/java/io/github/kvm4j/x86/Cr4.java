package io.github.kvm4j.x86;

import java.util.EnumSet;
import java.util.Set;

/** A flag of control register CR4, {@link SpecialRegisters#cr4}. */
public enum Cr4 {

    /** Bit 0: virtual-8086 mode extensions. */
    VME(0),
    /** Bit 1: protected-mode virtual interrupts. */
    PVI(1),
    /** Bit 2: time stamp disable. */
    TSD(2),
    /** Bit 3: debugging extensions. */
    DE(3),
    /** Bit 4: page size extensions. */
    PSE(4),
    /** Bit 5: physical address extension. */
    PAE(5),
    /** Bit 6: machine-check enable. */
    MCE(6),
    /** Bit 7: page global enable. */
    PGE(7),
    /** Bit 8: performance counters for ring 3. */
    PCE(8),
    /** Bit 9: FXSAVE, FXRSTOR and SSE. */
    OSFXSR(9),
    /** Bit 10: unmasked SIMD floating-point exceptions. */
    OSXMMEXCPT(10),
    /** Bit 11: user-mode instruction prevention. */
    UMIP(11),
    /** Bit 12: 57-bit linear addresses. */
    LA57(12),
    /** Bit 13: VMX. */
    VMXE(13),
    /** Bit 14: SMX. */
    SMXE(14),
    /** Bit 16: RDFSBASE and its like. */
    FSGSBASE(16),
    /** Bit 17: process-context identifiers. */
    PCIDE(17),
    /** Bit 18: XSAVE and extended states. */
    OSXSAVE(18),
    /** Bit 19: key locker. */
    KL(19),
    /** Bit 20: supervisor-mode execution prevention. */
    SMEP(20),
    /** Bit 21: supervisor-mode access prevention. */
    SMAP(21),
    /** Bit 22: protection keys for user pages. */
    PKE(22),
    /** Bit 23: control-flow enforcement. */
    CET(23),
    /** Bit 24: protection keys for supervisor pages. */
    PKS(24),
    /** Bit 25: user interrupts. */
    UINTR(25),
    /** Bit 27: linear address space separation. */
    LASS(27),
    /** Bit 28: linear address masking for supervisor addresses. */
    LAM_SUP(28),
    /** Bit 32: flexible return and event delivery. */
    FRED(32);

    private final int position;

    Cr4(int position) {
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
    public static Set<Cr4> in(long register) {
        return Flags.in(Cr4.class, Cr4::bit, register);
    }

    /**
     * Returns the bits of flags, to be set in the register by {@code |} and taken out by {@code & ~}.
     *
     * @param flags
     *            the flags
     * @return their bits
     */
    public static long bits(Set<Cr4> flags) {
        return Flags.bits(flags, Cr4::bit);
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
    public static long bits(Cr4 first, Cr4... others) {
        return bits(EnumSet.of(first, others));
    }
}
