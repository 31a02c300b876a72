package io.github.kvm4j.internal.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.bindings.libc.sigaction;

/** The C library itself. */
public final class LinuxLibc implements Libc {

    private static final VarHandle CAPTURED = ERRNO.varHandle(PathElement.groupElement("errno"));

    @Override
    public long ioctl(MemorySegment errno, int fd, long request, long value) {
        try {
            return result(errno, (int) Downcalls.ioctl_value.invokeExact(errno, fd, request, value));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    @Override
    public long ioctl(MemorySegment errno, int fd, long request, MemorySegment argument) {
        try {
            return result(errno, (int) Downcalls.ioctl_pointer.invokeExact(errno, fd, request, argument));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    @Override
    public long tgkill(MemorySegment errno, int processId, int threadId, int signal) {
        try {
            return result(errno, (int) Downcalls.tgkill.invokeExact(errno, processId, threadId, signal));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    @Override
    public int gettid() {
        return cold(errno -> (int) Downcalls.gettid.invokeExact(errno));
    }

    @Override
    public int getpid() {
        return cold(errno -> (int) Downcalls.getpid.invokeExact(errno));
    }

    @Override
    public long open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(path);
            return cold(errno -> (int) Downcalls.open.invokeExact(errno, name, flags));
        }
    }

    @Override
    public long close(int fd) {
        return cold(errno -> (int) Downcalls.close.invokeExact(errno, fd));
    }

    @Override
    public long fcntl(int fd, int command, int argument) {
        return cold(errno -> (int) Downcalls.fcntl.invokeExact(errno, fd, command, argument));
    }

    @Override
    public long mmap(long length, int protection, int flags, int fd, long offset) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(ERRNO);
            long address = (long) Downcalls.mmap.invokeExact(errno, 0L, length, protection, flags, fd, offset);
            return address == -1 ? -(int) CAPTURED.get(errno, 0L) : address;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    @Override
    public long munmap(long address, long length) {
        return cold(errno -> (int) Downcalls.munmap.invokeExact(errno, address, length));
    }

    @Override
    public long memfdCreate(String name, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            return cold(errno -> (int) Downcalls.memfd_create.invokeExact(errno, text, flags));
        }
    }

    @Override
    public long ftruncate(int fd, long length) {
        return cold(errno -> (int) Downcalls.ftruncate.invokeExact(errno, fd, length));
    }

    @Override
    public long fallocate(int fd, int mode, long offset, long length) {
        return cold(errno -> (int) Downcalls.fallocate.invokeExact(errno, fd, mode, offset, length));
    }

    @Override
    public long madvise(long address, long length, int advice) {
        return cold(errno -> (int) Downcalls.madvise.invokeExact(errno, address, length, advice));
    }

    @Override
    public long archPrctl(int code, long value) {
        return cold(errno -> (int) Downcalls.X86.arch_prctl_value.invokeExact(errno, code, value));
    }

    @Override
    public long archPrctl(int code, MemorySegment argument) {
        return cold(errno -> (int) Downcalls.X86.arch_prctl_pointer.invokeExact(errno, code, argument));
    }

    @Override
    public long sigaction(int signal, MemorySegment action, MemorySegment oldAction) {
        return cold(errno -> (int) Downcalls.sigaction.invokeExact(errno, signal, action, oldAction));
    }

    @Override
    public long unblockSignal(int signal) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment set = arena.allocate(sigaction.sa_mask$layout());
            cold(errno -> (int) Downcalls.sigemptyset.invokeExact(errno, set));
            cold(errno -> (int) Downcalls.sigaddset.invokeExact(errno, set, signal));
            // pthread_sigmask returns the errno instead of setting it.
            return -cold(errno -> (int) Downcalls.pthread_sigmask.invokeExact(errno, libc_h.SIG_UNBLOCK(), set,
                    MemorySegment.NULL));
        }
    }

    @Override
    public int sigrtmin() {
        return cold(errno -> (int) Downcalls.__libc_current_sigrtmin.invokeExact(errno));
    }

    @Override
    public int sigrtmax() {
        return cold(errno -> (int) Downcalls.__libc_current_sigrtmax.invokeExact(errno));
    }

    @Override
    public long harmlessFunction() {
        // int ffs(int): finds the first bit set in its argument.
        return Downcalls.find("ffs").address();
    }

    @Override
    public int pageSize() {
        return cold(errno -> (int) Downcalls.getpagesize.invokeExact(errno));
    }

    @FunctionalInterface
    private interface Call {
        int with(MemorySegment errno) throws Throwable;
    }

    private static int cold(Call call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(ERRNO);
            return (int) result(errno, call.with(errno));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static long result(MemorySegment errno, int returned) {
        return returned == -1 ? -(int) CAPTURED.get(errno, 0L) : returned;
    }

    /** A downcall throws nothing of its own: what comes is a closed arena's exception, or an error of the JVM. */
    private static RuntimeException unexpected(Throwable t) {
        if (t instanceof RuntimeException e) {
            return e;
        }
        if (t instanceof Error e) {
            throw e;
        }
        return new IllegalStateException(t);
    }
}
