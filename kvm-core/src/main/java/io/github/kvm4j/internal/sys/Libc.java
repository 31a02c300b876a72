package io.github.kvm4j.internal.sys;

import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;

/**
 * The C library calls that kvm4j makes, and no others. {@link LinuxLibc} is the real one; the tests have one that fails
 * on demand.
 * <p>
 * Every call returns what the C function returns, or, where that failed, the negated errno: one value, as the kernel
 * itself has it. The hot calls get a segment of {@link #ERRNO} for the errno, which belongs to the caller alone for the
 * time of the call; the others provide for themselves.
 */
public interface Libc {

    /** What the errno segment of the hot calls must hold. */
    MemoryLayout ERRNO = Linker.Option.captureStateLayout();

    /** {@code ioctl(2)} whose argument is a number, or absent (0). Hot. */
    long ioctl(MemorySegment errno, int fd, long request, long value);

    /** {@code ioctl(2)} whose argument points to a structure. Hot. */
    long ioctl(MemorySegment errno, int fd, long request, MemorySegment argument);

    /** Sends {@code signal} to one thread of a process. Hot. */
    long tgkill(MemorySegment errno, int processId, int threadId, int signal);

    /** The calling thread's kernel id. */
    int gettid();

    /** This process's id. */
    int getpid();

    /** {@code open(2)} of a file that exists. */
    long open(String path, int flags);

    /** {@code close(2)}. */
    long close(int fd);

    /** {@code fcntl(2)} with an int argument. */
    long fcntl(int fd, int command, int argument);

    /** {@code mmap(2)} at an address that the kernel chooses, which it returns. */
    long mmap(long length, int protection, int flags, int fd, long offset);

    /** {@code munmap(2)}. */
    long munmap(long address, long length);

    /** {@code memfd_create(2)}. */
    long memfdCreate(String name, int flags);

    /** {@code ftruncate(2)}. */
    long ftruncate(int fd, long length);

    /** {@code fallocate(2)}. */
    long fallocate(int fd, int mode, long offset, long length);

    /** {@code madvise(2)}. */
    long madvise(long address, long length, int advice);

    /** {@code arch_prctl(2)} whose argument is a number; x86 alone. */
    long archPrctl(int code, long value);

    /** {@code arch_prctl(2)} whose argument is an address; x86 alone. */
    long archPrctl(int code, MemorySegment argument);

    /** {@code sigaction(2)}; either segment may be {@link MemorySegment#NULL}. */
    long sigaction(int signal, MemorySegment action, MemorySegment oldAction);

    /** Takes {@code signal} out of the calling thread's mask of blocked signals. */
    long unblockSignal(int signal);

    /** The first real-time signal that the C library leaves to programs. */
    int sigrtmin();

    /** The last real-time signal. */
    int sigrtmax();

    /** The address of a C function that takes an int and touches nothing: a signal handler that does no work. */
    long harmlessFunction();

    /** The size of a page of the host's memory, in bytes. */
    int pageSize();
}
