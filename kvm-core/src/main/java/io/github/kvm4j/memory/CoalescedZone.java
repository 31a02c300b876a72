package io.github.kvm4j.memory;

import java.util.Objects;

/**
 * Addresses to which the guest's writes need no exit of their own: a device that takes them later, with others, as a
 * register of an interrupt mask or a frame buffer does.
 *
 * @param space
 *            which addresses
 * @param address
 *            the first: guest-physical, or a port
 * @param size
 *            how many there are, 1 or more; each write must lie in the zone whole
 */
public record CoalescedZone(Space space, long address, int size) {

    private static final long PORTS = 0x10000;

    /** What an address is one of. */
    public enum Space {
        /** Guest-physical addresses without memory. */
        MMIO,
        /** Ports; x86 alone has guests that use them. */
        PIO
    }

    /**
     * Checks the range.
     *
     * @throws IllegalArgumentException
     *             when it is empty, or ends beyond the 64-bit address space or the last port
     */
    public CoalescedZone {
        Objects.requireNonNull(space, "space");
        boolean fits = space == Space.MMIO
                ? Long.compareUnsigned(address + size - 1, address) >= 0
                : address >= 0 && address <= PORTS - size;
        if (size <= 0 || !fits) {
            throw new IllegalArgumentException(
                    String.format("a coalesced zone of %d bytes at 0x%x in %s: it must have 1 "
                            + "byte at the least, and end before the addresses do", size, address, space));
        }
    }

    /**
     * Makes a zone of guest-physical addresses.
     *
     * @param address
     *            the first, guest-physical
     * @param size
     *            bytes
     * @return the zone
     */
    public static CoalescedZone mmio(long address, int size) {
        return new CoalescedZone(Space.MMIO, address, size);
    }

    /**
     * Makes a zone of ports.
     *
     * @param port
     *            the first
     * @param count
     *            how many
     * @return the zone
     */
    public static CoalescedZone pio(int port, int count) {
        return new CoalescedZone(Space.PIO, port, count);
    }

    boolean overlaps(CoalescedZone other) {
        return space == other.space && (contains(other.address) || other.contains(address));
    }

    boolean contains(long where) {
        return Long.compareUnsigned(where - address, size) < 0;
    }

    @Override
    public String toString() {
        return space + " " + MemoryRegion.range(address, size);
    }
}
