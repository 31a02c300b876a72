package io.github.kvm4j.util.x86;

/**
 * An entry of an {@link Idt}: where an exception or interrupt goes. A value.
 *
 * @param selector
 *            the handler's code segment
 * @param address
 *            the handler's offset in it; with flat segments its linear address
 * @param dpl
 *            the least privilege, as a ring, from which INT n may come here; exceptions and interrupts always may
 * @param stack
 *            the number of the stack in the task state's interrupt stack table, 1 to 7, or 0 for the usual one; in 64-bit
 *            mode alone
 * @param trap
 *            whether interrupts stay enabled
 */
public record Gate(int selector, long address, int dpl, int stack, boolean trap) {

    private static final int INTERRUPT_TYPE = 14; // 15 is a trap gate
    private static final int PRESENT = 0x80;

    /**
     * Makes one.
     *
     * @throws IllegalArgumentException
     *             when a field is out of its range
     */
    public Gate {
        if (selector < 0 || selector > 0xffff) {
            throw new IllegalArgumentException("selector " + selector + ": it has 16 bits");
        }
        if (dpl < 0 || dpl > 3) {
            throw new IllegalArgumentException("privilege level " + dpl + ": it goes from 0 to 3");
        }
        if (stack < 0 || stack > Tss.STACKS) {
            throw new IllegalArgumentException("stack " + stack + ": it goes from 0 to " + Tss.STACKS);
        }
    }

    /**
     * Makes an interrupt gate: the handler starts with interrupts disabled.
     *
     * @param selector
     *            the handler's code segment
     * @param address
     *            the handler's address
     * @return the gate, for ring 0 and on the usual stack
     */
    public static Gate interrupt(int selector, long address) {
        return new Gate(selector, address, 0, 0, false);
    }

    /**
     * Makes a trap gate: interrupts stay enabled.
     *
     * @param selector
     *            the handler's code segment
     * @param address
     *            the handler's address
     * @return the gate, for ring 0 and on the usual stack
     */
    public static Gate trap(int selector, long address) {
        return new Gate(selector, address, 0, 0, true);
    }

    /**
     * Lets INT n of ring 3 come here.
     *
     * @return a gate with privilege level 3
     */
    public Gate fromUser() {
        return new Gate(selector, address, 3, stack, trap);
    }

    /**
     * Gives the handler a stack of its own.
     *
     * @param number
     *            its number in the interrupt stack table, 1 to 7
     * @return a gate with that stack
     * @throws IllegalArgumentException
     *             when the number is out of range
     */
    public Gate onStack(int number) {
        return new Gate(selector, address, dpl, number, trap);
    }

    /** The first 8 bytes. */
    long low() {
        int access = PRESENT | dpl << 5 | INTERRUPT_TYPE | (trap ? 1 : 0);
        return (address & 0xffff) | (long) selector << 16 | (long) stack << 32 | (long) access << 40
                | (address >>> 16 & 0xffff) << 48;
    }

    /** The second 8 bytes, in 64-bit mode. */
    long high() {
        return address >>> 32;
    }
}
