package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import io.github.kvm4j.bindings.x86.kvm_ioapic_state;

/**
 * The registers of the in-kernel IOAPIC ({@code struct kvm_ioapic_state}): plain values, which nothing ties to a VM.
 *
 * @see X86Irqchip#getIoapic()
 */
public final class Ioapic {

    private static final long TABLE = kvm_ioapic_state.redirtbl$offset();
    private static final int PINS = (int) kvm_ioapic_state.redirtbl$layout().elementCount();

    /** The guest-physical address of its page. */
    public long baseAddress;
    /** Which register the guest has selected. */
    public int ioregsel;
    /** Its number. */
    public int id;
    /** The pins whose interrupts wait, a bit each. */
    public int irr;
    /**
     * The redirection entries of its 24 pins, as the manual has them: the vector in bits 0 to 7, the mask in bit 16, the
     * destination in bits 56 to 63.
     */
    public final long[] redirtbl = new long[PINS];

    /** Makes one of zeros. */
    public Ioapic() {
    }

    /**
     * Makes a copy.
     *
     * @return an equal one
     */
    public Ioapic copy() {
        Ioapic copy = new Ioapic();
        copy.baseAddress = baseAddress;
        copy.ioregsel = ioregsel;
        copy.id = id;
        copy.irr = irr;
        System.arraycopy(redirtbl, 0, copy.redirtbl, 0, PINS);
        return copy;
    }

    void readFrom(MemorySegment from) {
        baseAddress = kvm_ioapic_state.base_address(from);
        ioregsel = kvm_ioapic_state.ioregsel(from);
        id = kvm_ioapic_state.id(from);
        irr = kvm_ioapic_state.irr(from);
        for (int i = 0; i < PINS; i++) {
            redirtbl[i] = from.get(JAVA_LONG, TABLE + (long) i * Long.BYTES);
        }
    }

    void writeTo(MemorySegment to) {
        kvm_ioapic_state.base_address(to, baseAddress);
        kvm_ioapic_state.ioregsel(to, ioregsel);
        kvm_ioapic_state.id(to, id);
        kvm_ioapic_state.irr(to, irr);
        for (int i = 0; i < PINS; i++) {
            to.set(JAVA_LONG, TABLE + (long) i * Long.BYTES, redirtbl[i]);
        }
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Ioapic other && baseAddress == other.baseAddress && ioregsel == other.ioregsel
                && id == other.id && irr == other.irr && Arrays.equals(redirtbl, other.redirtbl);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(redirtbl) * 31 + irr;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(
                String.format("base %x ioregsel %x id %x irr %x", baseAddress, ioregsel, id, irr));
        for (int i = 0; i < PINS; i++) {
            text.append(String.format("%npin %-2d %016x", i, redirtbl[i]));
        }
        return text.toString();
    }
}
