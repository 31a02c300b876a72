package io.github.kvm4j.testing;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

import io.github.kvm4j.bindings.libc.libc_h;

/** An eventfd, made without the library: what KVM signals, or is signalled by. */
public final class EventFd implements AutoCloseable {

    private static final MethodHandle EVENTFD = handle("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle READ = handle("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle WRITE = handle("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle CLOSE = handle("close", JAVA_INT, JAVA_INT);

    private final int number;

    public EventFd() {
        // EFD_CLOEXEC and EFD_NONBLOCK are open's flags.
        number = (int) call(EVENTFD, 0, libc_h.O_CLOEXEC() | libc_h.O_NONBLOCK());
        assertTrue(number >= 0, "no eventfd");
    }

    @SuppressWarnings("restricted")
    private static MethodHandle handle(String name, ValueLayout result, ValueLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(Linker.nativeLinker().defaultLookup().findOrThrow(name),
                FunctionDescriptor.of(result, arguments));
    }

    private static long call(MethodHandle handle, Object... arguments) {
        try {
            return ((Number) handle.invokeWithArguments(arguments)).longValue();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    public int number() {
        return number;
    }

    /** Adds one, as a device does that wants an interrupt. */
    public void signal() {
        try (Arena arena = Arena.ofConfined()) {
            assertEquals(Long.BYTES, call(WRITE, number, arena.allocateFrom(JAVA_LONG, 1), (long) Long.BYTES));
        }
    }

    /** How often it has been signalled since it was last asked. */
    public long count() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(JAVA_LONG);
            return call(READ, number, count, (long) Long.BYTES) == Long.BYTES ? count.get(JAVA_LONG, 0) : 0;
        }
    }

    @Override
    public void close() {
        call(CLOSE, number);
    }
}
