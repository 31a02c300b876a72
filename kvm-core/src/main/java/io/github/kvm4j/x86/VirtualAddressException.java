package io.github.kvm4j.x86;

import java.io.Serial;

/** Thrown by an access to guest-virtual memory that the guest's page tables do not map, or where there is no memory. */
public final class VirtualAddressException extends IndexOutOfBoundsException {

    @Serial
    private static final long serialVersionUID = 1L;

    /** Where the access failed. */
    private final long address;

    /** How many bytes were done before. */
    private final long transferred;

    VirtualAddressException(long address, Translation translation, long transferred, long length) {
        super(String.format("access to %d bytes of guest-virtual memory, after %d: 0x%x %s", length, transferred,
                address,
                translation.isValid()
                        ? String.format("is at guest-physical 0x%x, where the guest has no memory",
                                translation.physicalAddress())
                        : "is not mapped by the guest's page tables"));
        this.address = address;
        this.transferred = transferred;
    }

    /**
     * Tells where the access failed.
     *
     * @return the first guest-virtual address that could not be accessed
     */
    public long address() {
        return address;
    }

    /**
     * Tells how much was accessed before.
     *
     * @return bytes
     */
    public long transferred() {
        return transferred;
    }
}
