package io.github.kvm4j.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The C functions by hand: what somebody writes who knows java.lang.foreign and has no library. Static final handles,
 * called directly, with the errno kept as kvm4j keeps it: the difference from kvm4j is what the library adds.
 */
@SuppressWarnings("restricted")
final class Ffm {

    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
    private static final Linker.Option VARIADIC = Linker.Option.firstVariadicArg(2);
    private static final VarHandle ERRNO = Linker.Option.captureStateLayout()
            .varHandle(PathElement.groupElement("errno"));

    // @formatter:off
    private static final MethodHandle OPEN = LINKER.downcallHandle(symbol("open"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), CAPTURE, VARIADIC);
    private static final MethodHandle CLOSE = LINKER.downcallHandle(symbol("close"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT), CAPTURE);
    private static final MethodHandle MMAP = LINKER.downcallHandle(symbol("mmap"),
            FunctionDescriptor.of(ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG), CAPTURE);
    private static final MethodHandle MUNMAP = LINKER.downcallHandle(symbol("munmap"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG), CAPTURE);
    private static final MethodHandle IOCTL = LINKER.downcallHandle(symbol("ioctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG), CAPTURE, VARIADIC);
    private static final MethodHandle IOCTL_POINTER = LINKER.downcallHandle(symbol("ioctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), CAPTURE, VARIADIC);
    // @formatter:on

    private Ffm() {
    }

    private static MemorySegment symbol(String name) {
        return LINKER.defaultLookup().findOrThrow(name);
    }

    static int errno(MemorySegment errno) {
        return (int) ERRNO.get(errno, 0L);
    }

    static int open(MemorySegment errno, MemorySegment path, int flags) {
        try {
            return check("open", errno, (int) OPEN.invokeExact(errno, path, flags));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static void close(MemorySegment errno, int fd) {
        try {
            check("close", errno, (int) CLOSE.invokeExact(errno, fd));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static MemorySegment mmap(MemorySegment errno, long length, int protection, int flags, int fd) {
        try {
            MemorySegment memory = (MemorySegment) MMAP.invokeExact(errno, 0L, length, protection, flags, fd, 0L);
            check("mmap", errno, memory.address() == -1 ? -1 : 0);
            return memory.reinterpret(length);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static void munmap(MemorySegment errno, MemorySegment memory) {
        try {
            check("munmap", errno, (int) MUNMAP.invokeExact(errno, memory, memory.byteSize()));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Returns −1 on failure. */
    static int ioctl(MemorySegment errno, int fd, long request, long value) {
        try {
            return (int) IOCTL.invokeExact(errno, fd, request, value);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Returns −1 on failure. */
    static int ioctl(MemorySegment errno, int fd, long request, MemorySegment argument) {
        try {
            return (int) IOCTL_POINTER.invokeExact(errno, fd, request, argument);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int check(String call, MemorySegment errno, int result) {
        if (result == -1) {
            throw new IllegalStateException(call + " failed with errno " + errno(errno));
        }
        return result;
    }

    static RuntimeException unexpected(Throwable t) {
        return t instanceof RuntimeException e ? e : new IllegalStateException(t);
    }
}
