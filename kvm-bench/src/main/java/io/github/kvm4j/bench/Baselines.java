package io.github.kvm4j.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** The loops in C, of {@code src/main/c}: each call does a number of operations. */
// Safe: each descriptor is that of the C function, and the benchmarks hand over what they hold open.
@SuppressWarnings("restricted")
final class Baselines {

    private static final SymbolLookup LIBRARY = SymbolLookup.libraryLookup(NativeLibrary.unpack(), Arena.global());

    private static final MethodHandle RUN_LOOP = bind("run_loop", JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle IMMEDIATE_EXIT = bind("immediate_exit", JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle BARE_CALL = bind("bare_call", JAVA_INT, JAVA_LONG);
    private static final MethodHandle DEEP_CALL = bind("deep_call", JAVA_INT, JAVA_LONG);
    private static final MethodHandle GET_REGS = bind("get_regs", JAVA_INT, JAVA_LONG);
    private static final MethodHandle SET_REGS = bind("set_regs", JAVA_INT, JAVA_LONG);
    private static final MethodHandle REGISTERS_BY_IOCTL = bind("registers_by_ioctl", JAVA_INT, ADDRESS, JAVA_BOOLEAN,
            JAVA_LONG);
    private static final MethodHandle REGISTERS_IN_PAGE = bind("registers_in_page", JAVA_INT, ADDRESS, JAVA_BOOLEAN,
            JAVA_LONG);
    private static final MethodHandle DIRTY_LOG = bind("dirty_log", JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle KICK = bind("kick", JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG);
    private static final MethodHandle LIFE = bind("life", JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG,
            JAVA_LONG);

    private Baselines() {
    }

    private static MethodHandle bind(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow("baseline_" + name),
                FunctionDescriptor.of(JAVA_LONG, arguments));
    }

    /** A function that returns its last argument, for {@link CallCost}. */
    static MemorySegment nothing() {
        return LIBRARY.findOrThrow("baseline_nothing");
    }

    /** Exits of {@link GuestCode#WRITE_PORT} or {@link GuestCode#WRITE_DEVICE}; returns the sum of the bytes. */
    static long runLoop(int vcpu, MemorySegment run, int count) {
        try {
            return check((long) RUN_LOOP.invokeExact(vcpu, run, GuestCode.PORT, (long) GuestCode.DEVICE, (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    static long immediateExit(int vcpu, MemorySegment run, int count) {
        try {
            return check((long) IMMEDIATE_EXIT.invokeExact(vcpu, run, (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    static long bareCall(int system, int count) {
        try {
            return check((long) BARE_CALL.invokeExact(system, (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    /** The same, with three functions between the loop and the ioctl. */
    static long deepCall(int system, int count) {
        try {
            return check((long) DEEP_CALL.invokeExact(system, (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    static long getRegs(int vcpu, int count) {
        try {
            return check((long) GET_REGS.invokeExact(vcpu, (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    static long setRegs(int vcpu, int count) {
        try {
            return check((long) SET_REGS.invokeExact(vcpu, (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    /** Exits of {@link GuestCode#WRITE_PORT}, with the registers read at each, and changed or not. */
    static long registersByIoctl(int vcpu, MemorySegment run, boolean change, int count) {
        try {
            return check((long) REGISTERS_BY_IOCTL.invokeExact(vcpu, run, change, (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    /** The same without an ioctl of their own. */
    static long registersInPage(int vcpu, MemorySegment run, boolean change, int count) {
        try {
            return check((long) REGISTERS_IN_PAGE.invokeExact(vcpu, run, change, (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    /** The dirty log of a slot, into memory that has a bit for each of its pages. */
    static long dirtyLog(int vm, int slot, MemorySegment bitmap, int count) {
        try {
            return check((long) DIRTY_LOG.invokeExact(vm, slot, bitmap, (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    /** Round trips with {@link GuestCode#COUNT}, which a thread of C's own runs meanwhile. */
    static long kick(int vcpu, MemorySegment run, MemorySegment counter, int count) {
        try {
            return check((long) KICK.invokeExact(vcpu, run, counter, (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    /** Lives of a VM that executes {@link GuestCode#HALT}. */
    static long life(int system, MemorySegment code, int count) {
        try {
            return check((long) LIFE.invokeExact(system, GuestCode.ENTRY, GuestCode.MEMORY_SIZE, code, code.byteSize(),
                    (long) count));
        } catch (Throwable t) {
            throw Ffm.unexpected(t);
        }
    }

    private static long check(long result) {
        if (result <= -1000) {
            throw new IllegalStateException("unexpected exit: reason " + (-1000 - result));
        }
        if (result < 0) {
            throw new IllegalStateException("a system call failed with errno " + -result);
        }
        return result;
    }
}
