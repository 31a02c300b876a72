package io.github.kvm4j.util.x86;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;

import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.x86.DescriptorTable;

/**
 * Builds an interrupt descriptor table: 256 gates of 16 bytes in 64-bit mode, of 8 bytes in protected mode. What has no gate
 * is not present: such an exception ends in a double fault, and that in a shutdown. Not for several threads at once.
 */
public final class Idt {

    private static final int VECTORS = 256;

    private final boolean is64;
    private final Map<Integer, Gate> gates = new TreeMap<>();

    private Idt(boolean is64) {
        this.is64 = is64;
    }

    /**
     * Makes a table for protected mode.
     *
     * @return a table without gates
     */
    public static Idt of32() {
        return new Idt(false);
    }

    /**
     * Makes a table for long mode.
     *
     * @return a table without gates
     */
    public static Idt of64() {
        return new Idt(true);
    }

    /**
     * Sets a gate.
     *
     * @param vector
     *            the exception's or interrupt's number, 0 to 255
     * @param gate
     *            where it goes
     * @return this table
     * @throws IllegalArgumentException
     *             when the vector is out of range, or the gate is not for this mode
     */
    public Idt set(int vector, Gate gate) {
        if (vector < 0 || vector >= VECTORS) {
            throw new IllegalArgumentException("vector " + vector + ": it goes from 0 to 255");
        }
        if (!is64 && (gate.high() != 0 || gate.stack() != 0)) {
            throw new IllegalArgumentException(gate + " is for 64-bit mode");
        }
        gates.put(vector, gate);
        return this;
    }

    /**
     * Returns its size.
     *
     * @return bytes: 4096 or 2048
     */
    public int size() {
        return VECTORS * (is64 ? 16 : 8);
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
        ByteBuffer bytes = ByteBuffer.allocate(size()).order(ByteOrder.LITTLE_ENDIAN);
        gates.forEach((vector, gate) -> {
            bytes.putLong(vector * (is64 ? 16 : 8), gate.low());
            if (is64) {
                bytes.putLong(vector * 16 + 8, gate.high());
            }
        });
        memory.write(address, bytes.array());
    }

    /**
     * Does what LIDT does.
     *
     * @param register
     *            the register: {@link io.github.kvm4j.x86.Sregs#idt}
     * @param linear
     *            the linear address where the table stands
     */
    public void loadInto(DescriptorTable register, long linear) {
        register.base = linear;
        register.limit = size() - 1;
    }
}
