package io.github.kvm4j.x86;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Model-specific registers and their values, in an order that {@link X86Msrs#setMsrs} keeps: plain values, which nothing
 * ties to a vCPU.
 */
public final class Msrs {

    private final Map<Integer, Long> values = new LinkedHashMap<>();

    /** Makes a set without registers. */
    public Msrs() {
    }

    /**
     * Puts a register behind the others, or gives it another value in its place.
     *
     * @param index
     *            its number
     * @param value
     *            its value
     * @return this
     */
    public Msrs put(int index, long value) {
        values.put(index, value);
        return this;
    }

    /**
     * Puts a register behind the others, or gives it another value in its place.
     *
     * @param msr
     *            the register
     * @param value
     *            its value
     * @return this
     */
    public Msrs put(Msr msr, long value) {
        return put(msr.index(), value);
    }

    /**
     * Takes a register out.
     *
     * @param index
     *            its number
     * @return this
     */
    public Msrs remove(int index) {
        values.remove(index);
        return this;
    }

    /**
     * Returns a register's value.
     *
     * @param index
     *            its number
     * @return the value, or empty when it is not here
     */
    public OptionalLong get(int index) {
        Long value = values.get(index);
        return value == null ? OptionalLong.empty() : OptionalLong.of(value);
    }

    /**
     * Returns a register's value.
     *
     * @param msr
     *            the register
     * @return the value, or empty when it is not here
     */
    public OptionalLong get(Msr msr) {
        return get(msr.index());
    }

    /**
     * Returns how many registers there are.
     *
     * @return the number
     */
    public int size() {
        return values.size();
    }

    /**
     * Returns the registers' numbers.
     *
     * @return the numbers in order
     */
    public int[] indices() {
        return values.keySet().stream().mapToInt(Integer::intValue).toArray();
    }

    /**
     * Makes a copy.
     *
     * @return the same registers, in the same order
     */
    public Msrs copy() {
        Msrs copy = new Msrs();
        copy.values.putAll(values);
        return copy;
    }

    /** The same registers with the same values, in whatever order. */
    @Override
    public boolean equals(Object object) {
        return object instanceof Msrs other && values.equals(other.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        values.forEach((index, value) -> text.append(Msr.name(index)).append(' ').append(Long.toHexString(value))
                .append('\n'));
        return text.toString().strip();
    }
}
