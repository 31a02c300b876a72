package io.github.kvm4j.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_guest_debug;
import io.github.kvm4j.bindings.x86.kvm_guest_debug_arch;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * What a debugger outside the guest wants to be told: {@code struct kvm_guest_debug}, for {@link X86Vcpu#setGuestDebug}.
 * What comes is {@link io.github.kvm4j.exit.X86Exit.Debug}. An immutable value; each method makes one with more:
 * <pre>{@code GuestDebug.none().withSingleStep().withWatchpoint(Watch.WRITE, 0x2000, 4)}</pre>
 * <p>
 * Addresses are linear ones: the segment's base and the offset, before paging.
 */
public final class GuestDebug {

    /** The processor has as many debug address registers. */
    private static final int MAX_BREAKPOINTS = 4;

    /** In DR7: bit 10 is always set; bit 9 asks for exact data breakpoints, as every debugger does. */
    private static final long DR7_BASE = 0x600;
    private static final int DR7 = 7;

    /** In DR7: breakpoint n is enabled in all tasks by bit 2n + 1; its kind and length are 4 bits from 16 + 4n. */
    private static final int DR7_GLOBAL = 2;
    private static final int DR7_KINDS = 16;

    private static final int EXECUTE = 0;

    /** Which accesses to data a watchpoint is for. */
    public enum Watch {

        /** Writes. */
        WRITE(1),
        /** Reads and writes; a processor has no watchpoint for reads alone. */
        READ_WRITE(3);

        private final int kind;

        Watch(int kind) {
            this.kind = kind;
        }
    }

    private final int control;
    private final long[] addresses;
    private final long dr7;

    private GuestDebug(int control, long[] addresses, long dr7) {
        this.control = control;
        this.addresses = addresses;
        this.dr7 = dr7;
    }

    /**
     * Starts with nothing. Set as it is, it ends debugging.
     *
     * @return nothing to be told
     */
    public static GuestDebug none() {
        return new GuestDebug(0, new long[0], DR7_BASE);
    }

    /**
     * Adds an exit after every instruction. KVM_GUESTDBG_SINGLESTEP.
     *
     * @return this and single steps
     */
    public GuestDebug withSingleStep() {
        return enabled(kvm_h.KVM_GUESTDBG_SINGLESTEP());
    }

    /**
     * Adds an exit at every breakpoint instruction, INT3 (0xcc), instead of the guest's own exception. The caller puts
     * them into the guest's memory, and takes them out. KVM_GUESTDBG_USE_SW_BP.
     *
     * @return this and software breakpoints
     */
    public GuestDebug withSoftwareBreakpoints() {
        return enabled(kvm_x86_h.KVM_GUESTDBG_USE_SW_BP());
    }

    /**
     * Adds an exit before the instruction at an address. The debug registers that the guest sets have no effect meanwhile.
     * KVM_GUESTDBG_USE_HW_BP.
     *
     * @param address
     *            the linear address of the instruction's first byte
     * @return this and the breakpoint
     * @throws IllegalArgumentException
     *             when there are four breakpoints and watchpoints already
     */
    public GuestDebug withBreakpoint(long address) {
        return with(address, EXECUTE, 1);
    }

    /**
     * Adds an exit after an access to data. The debug registers that the guest sets have no effect meanwhile.
     * KVM_GUESTDBG_USE_HW_BP.
     *
     * @param watch
     *            which accesses
     * @param address
     *            a linear address, a multiple of the length
     * @param length
     *            how many bytes are watched: 1, 2, 4 or 8
     * @return this and the watchpoint
     * @throws IllegalArgumentException
     *             when the length is another, the address is no multiple of it, or there are four breakpoints and
     *             watchpoints already
     */
    public GuestDebug withWatchpoint(Watch watch, long address, int length) {
        return with(address, watch.kind, length);
    }

    private GuestDebug with(long address, int kind, int length) {
        int n = addresses.length;
        if (n == MAX_BREAKPOINTS) {
            throw new IllegalArgumentException("a processor has " + MAX_BREAKPOINTS
                    + " breakpoints and watchpoints; software breakpoints have no limit");
        }
        // DR7 has 8 bytes as 2, since that came last.
        int lengthBits = switch (length) {
            case 1 -> 0;
            case 2 -> 1;
            case 4 -> 3;
            case 8 -> 2;
            default -> throw new IllegalArgumentException("a watchpoint of " + length + " bytes: 1, 2, 4 or 8");
        };
        if (address % length != 0) {
            throw new IllegalArgumentException(String.format(
                    "a watchpoint of %d bytes at 0x%x: the address must be a multiple of the length", length, address));
        }
        long[] more = Arrays.copyOf(addresses, n + 1);
        more[n] = address;
        int kindBits = (lengthBits << 2) | kind;
        long bits = ((long) DR7_GLOBAL << (2 * n)) | ((long) kindBits << (DR7_KINDS + 4 * n));
        return new GuestDebug(control | kvm_h.KVM_GUESTDBG_ENABLE() | kvm_x86_h.KVM_GUESTDBG_USE_HW_BP(), more,
                dr7 | bits);
    }

    /**
     * Adds that the guest takes no interrupts, so that a single step does not end in a handler. KVM_GUESTDBG_BLOCKIRQ,
     * Linux 5.16, which {@link io.github.kvm4j.Capability#SET_GUEST_DEBUG2} announces.
     *
     * @return this, without interrupts
     */
    public GuestDebug withInterruptsBlocked() {
        return enabled(kvm_x86_h.KVM_GUESTDBG_BLOCKIRQ());
    }

    /**
     * Adds that the guest gets a debug exception (#DB) of its own, once: how a debugger hands on one that is not its own.
     * Instead of, not beside, {@link #injectingBreakpoint()}. KVM_GUESTDBG_INJECT_DB.
     *
     * @return this and the exception
     */
    public GuestDebug injectingDebugException() {
        return injecting(kvm_x86_h.KVM_GUESTDBG_INJECT_DB());
    }

    /**
     * Adds that the guest gets a breakpoint exception (#BP) of its own, once: how a debugger hands on an INT3 that is not
     * its own. Instead of, not beside, {@link #injectingDebugException()}. KVM_GUESTDBG_INJECT_BP.
     *
     * @return this and the exception
     */
    public GuestDebug injectingBreakpoint() {
        return injecting(kvm_x86_h.KVM_GUESTDBG_INJECT_BP());
    }

    /** KVM injects one of them, also when nothing is enabled. */
    private GuestDebug injecting(int flag) {
        int others = ~(kvm_x86_h.KVM_GUESTDBG_INJECT_DB() | kvm_x86_h.KVM_GUESTDBG_INJECT_BP());
        return new GuestDebug((control & others) | flag, addresses, dr7);
    }

    private GuestDebug enabled(int flag) {
        return new GuestDebug(control | kvm_h.KVM_GUESTDBG_ENABLE() | flag, addresses, dr7);
    }

    /** KVM_GUESTDBG_ bits. */
    int control() {
        return control;
    }

    MemorySegment write(Arena arena) {
        MemorySegment debug = kvm_guest_debug.allocate(arena);
        kvm_guest_debug.control(debug, control);
        MemorySegment registers = kvm_guest_debug.arch(debug);
        for (int i = 0; i < addresses.length; i++) {
            kvm_guest_debug_arch.debugreg(registers, i, addresses[i]);
        }
        kvm_guest_debug_arch.debugreg(registers, DR7, dr7);
        return debug;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(String.format("GuestDebug[control 0x%x, DR7 0x%x", control, dr7));
        for (long address : addresses) {
            text.append(String.format(", 0x%x", address));
        }
        return text.append(']').toString();
    }
}
