package io.github.kvm4j.memory;

import java.io.Serial;

import org.jspecify.annotations.Nullable;

/** Thrown by an access to guest-physical addresses where there is no memory. Nothing has been accessed. */
public class GuestAddressException extends IndexOutOfBoundsException {

    @Serial
    private static final long serialVersionUID = 1L;

    /** Where the access began. */
    private final long address;

    /** How many bytes. */
    private final long length;

    GuestAddressException(long address, long length, String why, @Nullable MemoryRegion nearest) {
        super(String.format("access to %d bytes at guest address 0x%x: %s; %s", length, address, why,
                nearest == null ? "the guest has no memory" : "the nearest region is " + nearest));
        this.address = address;
        this.length = length;
    }

    /**
     * Tells where the access was to begin.
     *
     * @return the guest-physical address, unsigned
     */
    public long address() {
        return address;
    }

    /**
     * Tells how much was to be accessed.
     *
     * @return bytes; what the caller passed, and so possibly negative
     */
    public long length() {
        return length;
    }
}
