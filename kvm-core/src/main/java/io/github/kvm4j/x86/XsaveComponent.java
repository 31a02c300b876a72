package io.github.kvm4j.x86;

/**
 * A part of the extended state: a bit of XCR0 and of XSTATE_BV, and a subleaf of CPUID leaf 0xD. Those of the user; what the
 * supervisor has goes as MSRs.
 */
public enum XsaveComponent {

    /** x87: the control and status registers, and ST0 to ST7, in the first 512 bytes. */
    X87(0),
    /** SSE: XMM0 to XMM15, in the first 512 bytes. */
    SSE(1),
    /** AVX: the upper halves of YMM0 to YMM15. */
    AVX(2),
    /** MPX: the bound registers. */
    BNDREGS(3),
    /** MPX: the bound configuration and status. */
    BNDCSR(4),
    /** AVX-512: the mask registers K0 to K7. */
    OPMASK(5),
    /** AVX-512: the upper halves of ZMM0 to ZMM15. */
    ZMM_HI256(6),
    /** AVX-512: ZMM16 to ZMM31. */
    HI16_ZMM(7),
    /** The protection key rights of user pages. */
    PKRU(9),
    /** AMX: the tiles' configuration. */
    XTILECFG(17),
    /** AMX: the tiles' data; takes {@link X86Kvm#requestXcompGuestPerm}. */
    XTILEDATA(18),
    /** APX: R16 to R31. */
    APX(19);

    private final int number;

    XsaveComponent(int number) {
        this.number = number;
    }

    /**
     * Returns the number.
     *
     * @return the subleaf of CPUID leaf 0xD
     */
    public int number() {
        return number;
    }

    /**
     * Returns the bit in XCR0 and XSTATE_BV.
     *
     * @return a number with one bit set
     */
    public long bit() {
        return 1L << number;
    }
}
