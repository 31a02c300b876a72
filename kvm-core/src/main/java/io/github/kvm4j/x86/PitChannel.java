package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import io.github.kvm4j.bindings.x86.kvm_pit_channel_state;

/**
 * A channel of the in-kernel interval timer ({@code struct kvm_pit_channel_state}): plain values.
 *
 * @see Pit
 */
public final class PitChannel {

    /** The count that it was loaded with, 1 to 65536. */
    public int count;
    /** The count that a latch command has kept, 16 bits. */
    public int latchedCount;
    /** How much of the latched count is to be read. */
    public int countLatched;
    /** Whether a status is latched. */
    public int statusLatched;
    /** The latched status. */
    public int status;
    /** Which byte the next read gives. */
    public int readState;
    /** Which byte the next write is. */
    public int writeState;
    /** The low byte of a count that is written in two. */
    public int writeLatch;
    /** How counts are read and written. */
    public int rwMode;
    /** The mode, 0 to 5. */
    public int mode;
    /** Whether it counts in decimal. */
    public int bcd;
    /** Whether its gate is open. */
    public int gate;
    /** When it was loaded, on the host's monotonic clock in nanoseconds. */
    public long countLoadTime;

    /** Makes one of zeros. */
    public PitChannel() {
    }

    /**
     * Takes over all values of another.
     *
     * @param other
     *            where from
     */
    public void set(PitChannel other) {
        count = other.count;
        latchedCount = other.latchedCount;
        countLatched = other.countLatched;
        statusLatched = other.statusLatched;
        status = other.status;
        readState = other.readState;
        writeState = other.writeState;
        writeLatch = other.writeLatch;
        rwMode = other.rwMode;
        mode = other.mode;
        bcd = other.bcd;
        gate = other.gate;
        countLoadTime = other.countLoadTime;
    }

    /**
     * Makes a copy.
     *
     * @return an equal one
     */
    public PitChannel copy() {
        PitChannel copy = new PitChannel();
        copy.set(this);
        return copy;
    }

    void readFrom(MemorySegment from) {
        count = kvm_pit_channel_state.count(from);
        latchedCount = Short.toUnsignedInt(kvm_pit_channel_state.latched_count(from));
        countLatched = Byte.toUnsignedInt(kvm_pit_channel_state.count_latched(from));
        statusLatched = Byte.toUnsignedInt(kvm_pit_channel_state.status_latched(from));
        status = Byte.toUnsignedInt(kvm_pit_channel_state.status(from));
        readState = Byte.toUnsignedInt(kvm_pit_channel_state.read_state(from));
        writeState = Byte.toUnsignedInt(kvm_pit_channel_state.write_state(from));
        writeLatch = Byte.toUnsignedInt(kvm_pit_channel_state.write_latch(from));
        rwMode = Byte.toUnsignedInt(kvm_pit_channel_state.rw_mode(from));
        mode = Byte.toUnsignedInt(kvm_pit_channel_state.mode(from));
        bcd = Byte.toUnsignedInt(kvm_pit_channel_state.bcd(from));
        gate = Byte.toUnsignedInt(kvm_pit_channel_state.gate(from));
        countLoadTime = kvm_pit_channel_state.count_load_time(from);
    }

    void writeTo(MemorySegment to) {
        kvm_pit_channel_state.count(to, count);
        kvm_pit_channel_state.latched_count(to, (short) Fields.check("latchedCount", latchedCount, 0xffff));
        kvm_pit_channel_state.count_latched(to, (byte) Fields.check("countLatched", countLatched, 0xff));
        kvm_pit_channel_state.status_latched(to, (byte) Fields.check("statusLatched", statusLatched, 0xff));
        kvm_pit_channel_state.status(to, (byte) Fields.check("status", status, 0xff));
        kvm_pit_channel_state.read_state(to, (byte) Fields.check("readState", readState, 0xff));
        kvm_pit_channel_state.write_state(to, (byte) Fields.check("writeState", writeState, 0xff));
        kvm_pit_channel_state.write_latch(to, (byte) Fields.check("writeLatch", writeLatch, 0xff));
        kvm_pit_channel_state.rw_mode(to, (byte) Fields.check("rwMode", rwMode, 0xff));
        kvm_pit_channel_state.mode(to, (byte) Fields.check("mode", mode, 0xff));
        kvm_pit_channel_state.bcd(to, (byte) Fields.check("bcd", bcd, 0xff));
        kvm_pit_channel_state.gate(to, (byte) Fields.check("gate", gate, 0xff));
        kvm_pit_channel_state.count_load_time(to, countLoadTime);
    }

    private long[] values() {
        return new long[]{count, latchedCount, countLatched, statusLatched, status, readState, writeState, writeLatch,
                rwMode, mode, bcd, gate, countLoadTime};
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof PitChannel other && Arrays.equals(values(), other.values());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(values());
    }

    @Override
    public String toString() {
        return String.format(
                "count %x latchedCount %x countLatched %x statusLatched %x status %x readState %x writeState %x writeLatch %x rwMode %x mode %x bcd %x gate %x countLoadTime %x",
                count, latchedCount, countLatched, statusLatched, status, readState, writeState, writeLatch, rwMode,
                mode, bcd, gate, countLoadTime);
    }
}
