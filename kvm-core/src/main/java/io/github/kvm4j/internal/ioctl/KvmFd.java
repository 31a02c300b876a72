package io.github.kvm4j.internal.ioctl;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Libc;

/**
 * A descriptor of the system, a VM or a device, with the ioctls that any number of threads may issue on it. A vCPU's is
 * a {@link io.github.kvm4j.internal.vcpu.VcpuFd}.
 */
public final class KvmFd implements IoctlTarget, AutoCloseable {

    private final Host host;
    private final FdKind kind;
    private final Fd fd;

    /** For a call that enters alone; the others have an arena each, which costs more than the shortest ioctl's half. */
    private final MemorySegment errno = Arena.ofAuto().allocate(Libc.ERRNO);

    /** Takes a descriptor over. */
    public KvmFd(Host host, FdKind kind, Fd fd) {
        this.host = host;
        this.kind = kind;
        this.fd = fd;
    }

    /** Issues an ioctl that takes nothing or a number, and returns its result, 0 or more. */
    public long call(Ioctl ioctl, long value) {
        return check(ioctl, attempt(ioctl, value));
    }

    /** Issues an ioctl that takes a pointer, and returns its result, 0 or more. */
    public long call(Ioctl ioctl, MemorySegment argument) {
        return check(ioctl, attempt(ioctl, argument));
    }

    @Override
    public FdKind kind() {
        return kind;
    }

    @Override
    public long attempt(Ioctl ioctl, long value) {
        assert ioctl.kinds().contains(kind) : ioctl + " on " + kind;
        boolean alone = fd.enter();
        try {
            if (alone) {
                return host.libc().ioctl(errno, fd.number(), ioctl.number(), value);
            }
            try (Arena arena = Arena.ofConfined()) {
                return host.libc().ioctl(arena.allocate(Libc.ERRNO), fd.number(), ioctl.number(), value);
            }
        } finally {
            fd.release();
        }
    }

    @Override
    public long attempt(Ioctl ioctl, MemorySegment argument) {
        assert ioctl.kinds().contains(kind) : ioctl + " on " + kind;
        boolean alone = fd.enter();
        try {
            if (alone) {
                return host.libc().ioctl(errno, fd.number(), ioctl.number(), argument);
            }
            try (Arena arena = Arena.ofConfined()) {
                return host.libc().ioctl(arena.allocate(Libc.ERRNO), fd.number(), ioctl.number(), argument);
            }
        } finally {
            fd.release();
        }
    }

    /** Turns a failure into its exception. */
    public static long check(Ioctl ioctl, long result) {
        if (result < 0) {
            throw Explanations.failure(ioctl, result);
        }
        return result;
    }

    /** Takes over a descriptor that an ioctl has just returned. */
    public Fd own(long number, String what) {
        return Fd.own(host.libc(), (int) number, what);
    }

    public Host host() {
        return host;
    }

    /** Refuses when closed: for a call that is about the process and takes no descriptor. */
    public void requireOpen() {
        fd.acquire();
        fd.release();
    }

    public boolean isClosed() {
        return fd.isClosed();
    }

    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return fd.toString();
    }
}
