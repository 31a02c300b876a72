package io.github.kvm4j.memory;

import java.io.IOException;
import java.lang.foreign.ValueLayout;

/**
 * Memory that is mapped and not there (a truncated file's) gives SIGBUS, of which the JVM makes an InternalError. It throws it
 * a little later, at the thread's next safepoint: in compiled code that can be in the caller, out of the try block. So
 * whoever accesses such memory settles before the block ends.
 */
final class Faults {

    private static final Object ANY = new Object();

    private Faults() {
    }

    /** Throws the InternalError of an access before, if there is one: a native method's return is a safepoint. */
    static void settle() {
        Thread.holdsLock(ANY); // native, not an intrinsic, and the cheapest of these
    }

    /** Settles, and tells which memory it was. */
    static MissingMemoryException missing(MemoryRegion region, long address, long length, InternalError e) {
        if (region.host().risk().isEmpty()) {
            throw e;
        }
        return new MissingMemoryException(region, address, length, e);
    }

    /**
     * Looks what a channel's exception means: where an access gives SIGBUS a system call says EFAULT, in the words of the C
     * library's language.
     *
     * @return the exception, if the memory is there
     * @throws MissingMemoryException
     *             if it is not
     */
    static IOException missing(MemoryRegion region, long offset, long length, IOException e) {
        if (region.host().risk().isEmpty()) {
            return e;
        }
        try {
            region.segment().get(ValueLayout.JAVA_BYTE, offset);
            region.segment().get(ValueLayout.JAVA_BYTE, offset + length - 1);
            settle();
        } catch (InternalError error) {
            MissingMemoryException missing = missing(region, region.guestAddress() + offset, length, error);
            missing.addSuppressed(e);
            throw missing;
        }
        return e;
    }
}
