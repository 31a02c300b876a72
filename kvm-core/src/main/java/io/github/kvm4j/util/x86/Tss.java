package io.github.kvm4j.util.x86;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;

import io.github.kvm4j.memory.GuestMemory;

/**
 * Builds a task state segment: the stacks that exceptions and interrupts go to, and the ports that ring 3 may use. Each
 * vCPU needs its own. Not for several threads at once.
 */
public final class Tss {

    /** How many stacks there are in the interrupt stack table, counted from 1. */
    static final int STACKS = 7;

    private static final int SIZE = 0x68; // of both kinds, as it happens
    private static final int BITMAP_OFFSET = 0x66;
    private static final int PORTS = 1 << 16;

    private final boolean is64;
    private final ByteBuffer fields = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
    private final BitSet ports = new BitSet();

    private Tss(boolean is64) {
        this.is64 = is64;
    }

    /**
     * Makes one for protected mode.
     *
     * @return one without stacks
     */
    public static Tss of32() {
        return new Tss(false);
    }

    /**
     * Makes one for long mode.
     *
     * @return one without stacks
     */
    public static Tss of64() {
        return new Tss(true);
    }

    boolean is64() {
        return is64;
    }

    /**
     * Sets the stack for what comes from a ring of less privilege into ring 0: RSP0, or ESP0 with a flat data segment,
     * {@link Gdt#DATA}.
     *
     * @param top
     *            the linear address where the stack begins: the first free byte above it
     * @return this segment
     * @throws IllegalArgumentException
     *             when it has more than 32 bits in protected mode
     */
    public Tss kernelStack(long top) {
        if (is64) {
            fields.putLong(4, top);
        } else {
            if (top >>> Integer.SIZE != 0) {
                throw new IllegalArgumentException(String.format("a stack at 0x%x in protected mode", top));
            }
            fields.putInt(4, (int) top).putInt(8, Gdt.DATA);
        }
        return this;
    }

    /**
     * Sets a stack of the interrupt stack table, of long mode.
     *
     * @param number
     *            its number, 1 to 7
     * @param top
     *            the linear address where the stack begins: the first free byte above it
     * @return this segment
     * @throws IllegalArgumentException
     *             when the number is out of range
     * @throws IllegalStateException
     *             when this is one for protected mode
     */
    public Tss interruptStack(int number, long top) {
        if (!is64) {
            throw new IllegalStateException("protected mode has no interrupt stack table");
        }
        if (number < 1 || number > STACKS) {
            throw new IllegalArgumentException("stack " + number + ": it goes from 1 to " + STACKS);
        }
        fields.putLong(0x24 + (number - 1) * Long.BYTES, top);
        return this;
    }

    /**
     * Lets ring 3 use ports, by the I/O permission bitmap; an I/O privilege level of 3 in RFLAGS lets it use all.
     *
     * @param first
     *            the first port
     * @param count
     *            how many
     * @return this segment, which becomes 8 KiB larger with the first
     * @throws IllegalArgumentException
     *             when they are out of range
     */
    public Tss allowPorts(int first, int count) {
        if (first < 0 || count < 1 || count > PORTS - first) {
            throw new IllegalArgumentException("ports " + first + ", " + count + " of them: they go from 0 to 65535");
        }
        ports.set(first, first + count);
        return this;
    }

    /**
     * Returns its size.
     *
     * @return bytes: 104, or 8297 with a bitmap of ports
     */
    public int size() {
        // The processor reads two bytes for a port, so one more follows the last.
        return ports.isEmpty() ? SIZE : SIZE + PORTS / Byte.SIZE + 1;
    }

    /**
     * Writes it into guest memory.
     *
     * @param memory
     *            the memory
     * @param address
     *            the guest-physical address where to
     * @throws IndexOutOfBoundsException
     *             when no region has all of it
     */
    public void writeTo(GuestMemory memory, long address) {
        byte[] bytes = new byte[size()];
        fields.putShort(BITMAP_OFFSET, (short) SIZE); // without a bitmap, beyond the limit
        fields.get(0, bytes, 0, SIZE);
        for (int i = SIZE; i < bytes.length; i++) {
            bytes[i] = -1;
        }
        ports.stream().forEach(port -> bytes[SIZE + port / Byte.SIZE] &= (byte) ~(1 << (port % Byte.SIZE)));
        memory.write(address, bytes);
    }
}
