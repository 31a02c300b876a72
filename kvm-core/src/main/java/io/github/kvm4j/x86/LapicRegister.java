package io.github.kvm4j.x86;

/**
 * A register of the local APIC, by its place in the page that a guest sees at the address in IA32_APIC_BASE. The three of
 * 256 bits are {@link LapicVectors}.
 */
public enum LapicRegister {

    /** Offset 0x20: the local APIC's number; in bits 24 to 31, but for x2APIC mode. */
    ID(0x20),
    /** Offset 0x30: the version and the number of LVT entries. */
    VERSION(0x30),
    /** Offset 0x80: the task priority. */
    TPR(0x80),
    /** Offset 0x90: the arbitration priority. */
    APR(0x90),
    /** Offset 0xa0: the processor priority. */
    PPR(0xa0),
    /** Offset 0xb0: the end of interrupt. */
    EOI(0xb0),
    /** Offset 0xc0: the remote read. */
    RRD(0xc0),
    /** Offset 0xd0: the logical destination. */
    LDR(0xd0),
    /** Offset 0xe0: the destination format. */
    DFR(0xe0),
    /** Offset 0xf0: the spurious interrupt vector, and the software enable in bit 8. */
    SVR(0xf0),
    /** Offset 0x280: the error status. */
    ESR(0x280),
    /** Offset 0x2f0: the local vector of corrected machine checks. */
    LVT_CMCI(0x2f0),
    /** Offset 0x300: the interrupt command, low half. */
    ICR_LOW(0x300),
    /** Offset 0x310: the interrupt command, high half. */
    ICR_HIGH(0x310),
    /** Offset 0x320: the local vector of the timer. */
    LVT_TIMER(0x320),
    /** Offset 0x330: the local vector of the thermal sensor. */
    LVT_THERMAL(0x330),
    /** Offset 0x340: the local vector of the performance monitors. */
    LVT_PERFORMANCE(0x340),
    /** Offset 0x350: the local vector of pin 0. */
    LVT_LINT0(0x350),
    /** Offset 0x360: the local vector of pin 1. */
    LVT_LINT1(0x360),
    /** Offset 0x370: the local vector of errors. */
    LVT_ERROR(0x370),
    /** Offset 0x380: the timer's initial count. */
    TIMER_INITIAL(0x380),
    /** Offset 0x390: the timer's current count. */
    TIMER_CURRENT(0x390),
    /** Offset 0x3e0: the timer's divide configuration. */
    TIMER_DIVIDE(0x3e0);

    private final int offset;

    LapicRegister(int offset) {
        this.offset = offset;
    }

    /**
     * Returns where the register is.
     *
     * @return bytes from the start of the page
     */
    public int offset() {
        return offset;
    }
}
