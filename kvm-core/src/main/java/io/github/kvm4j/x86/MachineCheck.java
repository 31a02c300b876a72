package io.github.kvm4j.x86;

/**
 * A machine check that {@link X86MachineChecks#setMce} gives a guest ({@code struct kvm_x86_mce}): the registers of a bank.
 *
 * @param bank
 *            which bank, below the number that {@link X86MachineChecks#setup} was given
 * @param status
 *            IA32_MCi_STATUS; bit 63, valid, must be set; bit 61, uncorrected, makes it an exception
 * @param address
 *            IA32_MCi_ADDR, which counts with bit 58 of the status
 * @param misc
 *            IA32_MCi_MISC, which counts with bit 59 of the status
 * @param mcgStatus
 *            IA32_MCG_STATUS
 */
public record MachineCheck(int bank, long status, long address, long misc, long mcgStatus) {

    /** IA32_MCi_STATUS, bit 63: the bank has a machine check. */
    public static final long VALID = 1L << 63;
    /** IA32_MCi_STATUS, bit 61: it was not corrected. */
    public static final long UNCORRECTED = 1L << 61;
    /** IA32_MCi_STATUS, bit 60: it is signalled. */
    public static final long ENABLED = 1L << 60;
    /** IA32_MCi_STATUS, bit 58: the address counts. */
    public static final long ADDRESS_VALID = 1L << 58;
    /** IA32_MCG_STATUS, bit 2: a machine check is being handled. */
    public static final long IN_PROGRESS = 1L << 2;

    /**
     * Makes one.
     *
     * @throws IllegalArgumentException
     *             when the bank is not a byte's
     */
    public MachineCheck {
        Fields.check("the bank", bank, 0xff);
    }

    @Override
    public String toString() {
        return String.format("MachineCheck[bank %d status %x address %x misc %x mcg status %x]", bank, status, address,
                misc, mcgStatus);
    }
}
