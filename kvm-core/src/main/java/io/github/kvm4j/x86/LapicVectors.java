package io.github.kvm4j.x86;

/** Three registers of the local APIC that have a bit for each of 256 vectors. */
public enum LapicVectors {

    /** Offset 0x100, ISR: the interrupts in service. */
    IN_SERVICE(0x100),
    /** Offset 0x180, TMR: which of them are level-triggered. */
    TRIGGER_MODE(0x180),
    /** Offset 0x200, IRR: the interrupts that wait. */
    REQUESTED(0x200);

    private final int offset;

    LapicVectors(int offset) {
        this.offset = offset;
    }

    /**
     * Returns where the register begins; it goes on every 16 bytes, 32 vectors each.
     *
     * @return bytes from the start of the page
     */
    public int offset() {
        return offset;
    }
}
