package io.github.kvm4j.arm64;

/** Which bits of the feature id registers a VMM may change: {@link Arm64Vm#getRegWritableMasks()}. */
public final class WritableMasks {

    /** The range holds op0 3, op1 0, 1 and 3, crn 0, crm 0 to 7, op2 0 to 7; the header's macro has the same index. */
    private static final int OP0 = 3;
    private static final int EIGHT = 8;

    private final long[] masks;

    WritableMasks(long[] masks) {
        this.masks = masks;
    }

    /**
     * Returns the writable bits of a register.
     *
     * @param register
     *            a register with op0 3, op1 0, 1 or 3, crn 0, crm below 8
     * @return a bit set for each that may be changed
     * @throws IllegalArgumentException
     *             when the register is not of this range
     */
    public long of(SystemRegister register) {
        boolean inRange = register.op0() == OP0 && register.crn() == 0 && register.crm() < EIGHT
                && (register.op1() <= 1 || register.op1() == 3);
        if (!inRange) {
            throw new IllegalArgumentException(
                    register + " is not of the feature id range: op0 3, op1 0, 1 or 3, crn 0, "
                            + "crm below 8");
        }
        int block = register.op1() == 3 ? 2 : register.op1();
        return masks[(block * EIGHT + register.crm()) * EIGHT + register.op2()];
    }
}
