package io.github.kvm4j.memory;

import java.io.Serial;

/**
 * Thrown by {@link DirtyRings#harvest} when a ring was full to its last entry: KVM makes a guest wait when it enters it, and
 * what it writes to until it leaves goes over entries that nobody has read. The pages whose entries were lost are unknown, and
 * not protected again, so that later writes to them make no entry either.
 * <p>
 * All that there was has been harvested, and the guest can go on. Who needs every page takes all pages as dirty, and begins
 * to follow them anew: {@link GuestMemory#setFlags} without {@link MemoryFlag#LOG_DIRTY_PAGES}, and with it again. Larger rings
 * keep it from happening.
 */
public class DirtyRingOverflowException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    DirtyRingOverflowException(long bytes) {
        super("a dirty ring of " + bytes
                + " bytes was full to its last entry: pages that the guest has written to may be"
                + " missing. Take all pages as dirty, and set LOG_DIRTY_PAGES anew; or take larger rings");
    }
}
