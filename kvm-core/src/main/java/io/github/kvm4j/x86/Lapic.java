package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;

import io.github.kvm4j.bindings.x86.kvm_lapic_state;

/**
 * The registers of a vCPU's in-kernel local APIC ({@code struct kvm_lapic_state}): plain values, which nothing ties to a
 * vCPU.
 *
 * @see X86Apic#getLapic(Lapic)
 */
public final class Lapic {

    private static final int SIZE = (int) kvm_lapic_state.sizeof();
    private static final int VECTORS = 256;

    /** A register of 256 bits is eight of 32, 16 bytes apart. */
    private static final int STRIDE = 16;

    private final byte[] bytes = new byte[SIZE];
    private final ByteBuffer registers = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);

    /** Makes a set of zeros. */
    public Lapic() {
    }

    /**
     * Returns a register.
     *
     * @param register
     *            which
     * @return its value
     */
    public int get(LapicRegister register) {
        return registers.getInt(register.offset());
    }

    /**
     * Sets a register.
     *
     * @param register
     *            which
     * @param value
     *            its value
     */
    public void set(LapicRegister register, int value) {
        registers.putInt(register.offset(), value);
    }

    /**
     * Returns a register by its place, for those that have no name here.
     *
     * @param offset
     *            bytes from the start of the page, 0 to 1020, a multiple of 4
     * @return its value
     * @throws IllegalArgumentException
     *             when it is not such a place
     */
    public int get(int offset) {
        return registers.getInt(check(offset));
    }

    /**
     * Sets a register by its place.
     *
     * @param offset
     *            bytes from the start of the page, 0 to 1020, a multiple of 4
     * @param value
     *            its value
     * @throws IllegalArgumentException
     *             when it is not such a place
     */
    public void set(int offset, int value) {
        registers.putInt(check(offset), value);
    }

    private static int check(int offset) {
        if (offset < 0 || offset > SIZE - Integer.BYTES || offset % Integer.BYTES != 0) {
            throw new IllegalArgumentException("offset " + offset + " in the local APIC's registers");
        }
        return offset;
    }

    /**
     * Returns the vectors whose bits are set.
     *
     * @param which
     *            a register of 256 bits
     * @return the vectors, a copy
     */
    public BitSet vectors(LapicVectors which) {
        BitSet vectors = new BitSet(VECTORS);
        for (int vector = 0; vector < VECTORS; vector++) {
            vectors.set(vector, (registers.getInt(word(which, vector)) >>> vector % Integer.SIZE & 1) != 0);
        }
        return vectors;
    }

    /**
     * Sets or clears the bit of a vector.
     *
     * @param which
     *            a register of 256 bits
     * @param vector
     *            0 to 255
     * @param value
     *            whether it is to be set
     * @throws IllegalArgumentException
     *             when the vector is out of range
     */
    public void setVector(LapicVectors which, int vector, boolean value) {
        int word = word(which, Fields.check("the vector", vector, VECTORS - 1));
        int bit = 1 << vector % Integer.SIZE;
        registers.putInt(word, value ? registers.getInt(word) | bit : registers.getInt(word) & ~bit);
    }

    private static int word(LapicVectors which, int vector) {
        return which.offset() + vector / Integer.SIZE * STRIDE;
    }

    /**
     * Makes a copy.
     *
     * @return equal registers
     */
    public Lapic copy() {
        Lapic copy = new Lapic();
        System.arraycopy(bytes, 0, copy.bytes, 0, SIZE);
        return copy;
    }

    void readFrom(MemorySegment from) {
        MemorySegment.copy(from, JAVA_BYTE, 0, bytes, 0, SIZE);
    }

    void writeTo(MemorySegment to) {
        MemorySegment.copy(bytes, 0, to, JAVA_BYTE, 0, SIZE);
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Lapic other && Arrays.equals(bytes, other.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (LapicRegister register : LapicRegister.values()) {
            text.append(String.format("%s %x ", register, get(register)));
        }
        for (LapicVectors which : LapicVectors.values()) {
            text.append(which).append(' ').append(vectors(which)).append(' ');
        }
        return text.toString().strip();
    }
}
