package io.github.kvm4j.arm64;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.arm64.kvm_guest_debug;
import io.github.kvm4j.bindings.arm64.kvm_guest_debug_arch;
import io.github.kvm4j.bindings.kvm_h;

/**
 * What a debugger outside the guest wants to be told: {@code struct kvm_guest_debug}, for
 * {@link Arm64Vcpu#setGuestDebug}. What comes is {@link io.github.kvm4j.exit.Arm64Exit.Debug}; where the guest is then,
 * {@link CoreRegister#PC} tells. An immutable value; each method makes one with more:
 * <pre>{@code GuestDebug.none().withSingleStep().withWatchpoint(Watch.WRITE, 0x2000, 4)}</pre>
 * <p>
 * Addresses are guest-virtual ones. The processor stops before the instruction at a breakpoint, and before the one that
 * would make the access that is watched: take the breakpoint or watchpoint out, and single-step, to go on.
 */
public final class GuestDebug {

    /** The architecture has room for as many of each; a processor may have fewer. */
    private static final int MAX_EACH = 16;

    private static final int INSTRUCTION = 4;
    private static final int DOUBLEWORD = 8;

    /** In DBGBCR and DBGWCR: enabled, at EL0 and EL1. */
    private static final long ENABLED = 0b111;

    /** In DBGBCR: which of the instruction's bytes; all. */
    private static final long ALL_OF_INSTRUCTION = 0xfL << 5;

    /** In DBGWCR. */
    private static final int LOADS_AND_STORES = 3;
    private static final int BYTES = 5;
    private static final int MASK = 24;

    /** DBGWCR masks up to 31 bits of the address. */
    private static final long MAX_LENGTH = 1L << 31;

    /** Which accesses to data a watchpoint is for. */
    public enum Watch {

        /** Reads. */
        READ(0b01),
        /** Writes. */
        WRITE(0b10),
        /** Reads and writes. */
        READ_WRITE(0b11);

        private final long kind;

        Watch(long kind) {
            this.kind = kind;
        }
    }

    /** A pair of debug registers. */
    private record Point(long control, long value) {
    }

    private final int control;
    private final List<Point> breakpoints;
    private final List<Point> watchpoints;

    private GuestDebug(int control, List<Point> breakpoints, List<Point> watchpoints) {
        this.control = control;
        this.breakpoints = breakpoints;
        this.watchpoints = watchpoints;
    }

    /**
     * Starts with nothing. Set as it is, it ends debugging.
     *
     * @return nothing to be told
     */
    public static GuestDebug none() {
        return new GuestDebug(0, List.of(), List.of());
    }

    /**
     * Adds an exit after every instruction. KVM_GUESTDBG_SINGLESTEP.
     *
     * @return this and single steps
     */
    public GuestDebug withSingleStep() {
        return enabled(kvm_h.KVM_GUESTDBG_SINGLESTEP(), breakpoints, watchpoints);
    }

    /**
     * Adds an exit at every breakpoint instruction, BRK, instead of the guest's own exception. The caller puts them into
     * the guest's memory, and takes them out. KVM_GUESTDBG_USE_SW_BP.
     *
     * @return this and software breakpoints
     */
    public GuestDebug withSoftwareBreakpoints() {
        return enabled(kvm_arm64_h.KVM_GUESTDBG_USE_SW_BP(), breakpoints, watchpoints);
    }

    /**
     * Adds an exit before the instruction at an address. The debug registers that the guest sets have no effect meanwhile.
     * KVM_GUESTDBG_USE_HW.
     *
     * @param address
     *            the guest-virtual address of an instruction, a multiple of 4
     * @return this and the breakpoint
     * @throws IllegalArgumentException
     *             when the address is no multiple of 4, or there are 16 breakpoints already
     */
    public GuestDebug withBreakpoint(long address) {
        if (address % INSTRUCTION != 0) {
            throw new IllegalArgumentException(
                    String.format("a breakpoint at 0x%x: the address must be a multiple of %d", address, INSTRUCTION));
        }
        return enabled(kvm_arm64_h.KVM_GUESTDBG_USE_HW(),
                more("breakpoints", breakpoints, new Point(ENABLED | ALL_OF_INSTRUCTION, address)), watchpoints);
    }

    /**
     * Adds an exit before an access to data. The debug registers that the guest sets have no effect meanwhile.
     * KVM_GUESTDBG_USE_HW.
     *
     * @param watch
     *            which accesses
     * @param address
     *            a guest-virtual address, a multiple of the length
     * @param length
     *            how many bytes are watched: a power of two, at most 2 GiB
     * @return this and the watchpoint
     * @throws IllegalArgumentException
     *             when the length is another, the address is no multiple of it, or there are 16 watchpoints already
     */
    public GuestDebug withWatchpoint(Watch watch, long address, long length) {
        if (length > MAX_LENGTH || Long.bitCount(length) != 1 || length < 0) {
            throw new IllegalArgumentException(
                    "a watchpoint of " + length + " bytes: it must be a power of two, at most " + MAX_LENGTH);
        }
        if ((address & (length - 1)) != 0) {
            throw new IllegalArgumentException(String.format(
                    "a watchpoint of %d bytes at 0x%x: the address must be a multiple of the length", length, address));
        }
        long which = length >= DOUBLEWORD
                ? 0xffL << BYTES | (length == DOUBLEWORD ? 0 : (long) Long.numberOfTrailingZeros(length) << MASK)
                : ((1L << length) - 1) << (BYTES + (address & (DOUBLEWORD - 1)));
        long registers = ENABLED | (watch.kind & LOADS_AND_STORES) << 3 | which;
        return enabled(kvm_arm64_h.KVM_GUESTDBG_USE_HW(), breakpoints,
                more("watchpoints", watchpoints, new Point(registers, address & -DOUBLEWORD)));
    }

    private static List<Point> more(String what, List<Point> points, Point point) {
        if (points.size() == MAX_EACH) {
            throw new IllegalArgumentException(
                    "a processor has at most " + MAX_EACH + " " + what + "; software breakpoints have no limit");
        }
        List<Point> more = new ArrayList<>(points);
        more.add(point);
        return List.copyOf(more);
    }

    private GuestDebug enabled(int flag, List<Point> breaks, List<Point> watches) {
        return new GuestDebug(control | kvm_h.KVM_GUESTDBG_ENABLE() | flag, breaks, watches);
    }

    int breakpoints() {
        return breakpoints.size();
    }

    int watchpoints() {
        return watchpoints.size();
    }

    MemorySegment write(Arena arena) {
        MemorySegment debug = kvm_guest_debug.allocate(arena);
        kvm_guest_debug.control(debug, control);
        MemorySegment registers = kvm_guest_debug.arch(debug);
        for (int i = 0; i < breakpoints.size(); i++) {
            kvm_guest_debug_arch.dbg_bcr(registers, i, breakpoints.get(i).control());
            kvm_guest_debug_arch.dbg_bvr(registers, i, breakpoints.get(i).value());
        }
        for (int i = 0; i < watchpoints.size(); i++) {
            kvm_guest_debug_arch.dbg_wcr(registers, i, watchpoints.get(i).control());
            kvm_guest_debug_arch.dbg_wvr(registers, i, watchpoints.get(i).value());
        }
        return debug;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(String.format("GuestDebug[control 0x%x", control));
        breakpoints.forEach(point -> text.append(String.format(", breakpoint 0x%x", point.value())));
        watchpoints.forEach(
                point -> text.append(String.format(", watchpoint 0x%x (DBGWCR 0x%x)", point.value(), point.control())));
        return text.append(']').toString();
    }
}
