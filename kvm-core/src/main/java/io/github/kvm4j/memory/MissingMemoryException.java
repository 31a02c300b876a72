package io.github.kvm4j.memory;

import java.io.Serial;

/**
 * Thrown by an access to memory that the host cannot provide: the file behind it has been truncated, it could not be read
 * from its disk, or, with huge pages that are not reserved, or a memfd on a host that promises no more than it has, there is
 * none left. Part of the access may have been done. (What
 * is accessed by a {@link MemoryRegion#segment() segment} gives an {@link InternalError} instead, and KVM_RUN gives EFAULT.)
 */
public class MissingMemoryException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    /** Where the access began. */
    private final long address;

    MissingMemoryException(MemoryRegion region, long address, long length, Throwable cause) {
        super(String.format("the host has no memory for %d bytes at guest address 0x%x, in %s; behind it is %s", length,
                address,
                region, region.host().risk()), cause);
        this.address = address;
    }

    /**
     * Tells where the access began, or the part of it that failed.
     *
     * @return the guest-physical address, unsigned
     */
    public long address() {
        return address;
    }
}
