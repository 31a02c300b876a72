package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Errno;

/** What only x86 has of the system's ioctls. */
public final class X86Kvm {

    /** Enough for every host seen; the kernel says when it is not. */
    private static final int FIRST_TRY = 128;

    /** More than the kernel ever has (its own limit is 256). */
    private static final int LAST_TRY = 4096;

    private final KvmFd fd;

    /**
     * For {@link io.github.kvm4j.Kvm} alone.
     *
     * @param fd
     *            the system
     * @hidden
     */
    @SuppressWarnings("exports")
    public X86Kvm(KvmFd fd) {
        this.fd = fd;
    }

    /**
     * Returns the CPUID table of a guest that is given all that this host and its KVM support. KVM_GET_SUPPORTED_CPUID,
     * section 4.46, {@link io.github.kvm4j.Capability#EXT_CPUID}. The table is sized by itself.
     *
     * @return the table
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_SUPPORTED_CPUID)
    public Cpuid getSupportedCpuid() {
        for (int count = FIRST_TRY;; count *= 2) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment table = Cpuid.room(arena, count);
                long result = fd.attempt(Ioctl.KVM_GET_SUPPORTED_CPUID, table);
                if (Errno.E2BIG.is(result) && count < LAST_TRY) {
                    continue;
                }
                KvmFd.check(Ioctl.KVM_GET_SUPPORTED_CPUID, result);
                return Cpuid.readFrom(table);
            }
        }
    }
}
