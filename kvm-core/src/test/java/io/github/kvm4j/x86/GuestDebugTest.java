package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_guest_debug;
import io.github.kvm4j.bindings.x86.kvm_guest_debug_arch;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.X86Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.KvmKind;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.UserModeGuest;
import io.github.kvm4j.x86.GuestDebug.Watch;

/** Debugging a guest from outside: what the kernel is given, and what guests stop at. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GuestDebugTest {

    private static final int DEBUG_EXCEPTION = 1;
    private static final int BREAKPOINT_EXCEPTION = 3;
    private static final long DR6_SINGLE_STEP = 1 << 14;
    private static final int IRQS_BLOCKED = kvm_x86_h.KVM_GUESTDBG_BLOCKIRQ();

    private static void assertWritten(GuestDebug debug, int control, long dr7, long... addresses) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment c = debug.write(arena);
            assertEquals(control, kvm_guest_debug.control(c), debug::toString);
            MemorySegment registers = kvm_guest_debug.arch(c);
            assertEquals(Long.toHexString(dr7), Long.toHexString(kvm_guest_debug_arch.debugreg(registers, 7)));
            for (int i = 0; i < 4; i++) {
                assertEquals(i < addresses.length ? addresses[i] : 0, kvm_guest_debug_arch.debugreg(registers, i));
            }
        }
    }

    @Test
    void whatIsAskedForReachesTheKernel() {
        int on = kvm_h.KVM_GUESTDBG_ENABLE();
        assertWritten(GuestDebug.none(), 0, 0x600);
        assertWritten(GuestDebug.none().withSingleStep(), on | kvm_h.KVM_GUESTDBG_SINGLESTEP(), 0x600);
        assertWritten(GuestDebug.none().withSoftwareBreakpoints(), on | kvm_x86_h.KVM_GUESTDBG_USE_SW_BP(), 0x600);
        assertWritten(GuestDebug.none().withSingleStep().withInterruptsBlocked(),
                on | kvm_h.KVM_GUESTDBG_SINGLESTEP() | IRQS_BLOCKED, 0x600);
        assertWritten(GuestDebug.none().injectingDebugException(), kvm_x86_h.KVM_GUESTDBG_INJECT_DB(), 0x600);
        assertWritten(GuestDebug.none().injectingDebugException().injectingBreakpoint(),
                kvm_x86_h.KVM_GUESTDBG_INJECT_BP(), 0x600);
    }

    /** The processor's manual: R/W is 0 execute, 1 write, 3 both; LEN is 0, 1, 3 and 2 for 1, 2, 4 and 8 bytes. */
    @Test
    void theDebugRegistersAreBuilt() {
        int hardware = kvm_h.KVM_GUESTDBG_ENABLE() | kvm_x86_h.KVM_GUESTDBG_USE_HW_BP();
        assertWritten(GuestDebug.none().withBreakpoint(0x1001), hardware, 0x602, 0x1001);
        assertWritten(GuestDebug.none().withWatchpoint(Watch.WRITE, 0x1001, 1)
                .withWatchpoint(Watch.READ_WRITE, 0x2002, 2).withWatchpoint(Watch.WRITE, 0x3004, 4)
                .withWatchpoint(Watch.READ_WRITE, 0xffff_8000_0000_0008L, 8), hardware, 0xbd71_06aaL, 0x1001, 0x2002,
                0x3004, 0xffff_8000_0000_0008L);
    }

    private static void assertRefused(Runnable call, String part) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    @Test
    void whatAProcessorDoesNotHaveIsRefused() {
        GuestDebug none = GuestDebug.none();
        assertRefused(() -> none.withWatchpoint(Watch.WRITE, 0x1000, 3), "3 bytes");
        assertRefused(() -> none.withWatchpoint(Watch.WRITE, 0x1004, 8), "multiple of the length");
        GuestDebug four = none.withBreakpoint(1).withBreakpoint(2).withBreakpoint(3).withBreakpoint(4);
        assertRefused(() -> four.withBreakpoint(5), "4 breakpoints");
    }

    private static X86Exit.Debug stop(Vcpu vcpu, int exception, long pc) {
        X86Exit.Debug stop = assertInstanceOf(X86Exit.Debug.class, vcpu.run());
        assertEquals(exception, stop.exception(), stop::toString);
        assertEquals(Long.toHexString(pc), Long.toHexString(stop.pc()), stop::toString);
        return stop;
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SET_GUEST_DEBUG)
    void everyInstructionIsAStopUntilDebuggingEnds() {
        // nop; nop; nop; hlt
        try (RealModeGuest guest = new RealModeGuest("90 90 90 f4")) {
            guest.vcpu.x86().setGuestDebug(GuestDebug.none().withSingleStep());
            for (int i = 1; i <= 2; i++) {
                X86Exit.Debug step = stop(guest.vcpu, DEBUG_EXCEPTION, RealModeGuest.ENTRY + i);
                assertTrue((step.dr6() & DR6_SINGLE_STEP) != 0, step::toString);
            }
            guest.vcpu.x86().setGuestDebug(GuestDebug.none());
            assertInstanceOf(Exit.Hlt.class, guest.vcpu.run());
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SET_GUEST_DEBUG, notOn = KvmKind.EMULATED_SVM)
    void theInstructionAtABreakpointIsAStop() {
        // nop; nop; nop; nop; hlt
        try (RealModeGuest guest = new RealModeGuest("90 90 90 90 f4")) {
            long first = RealModeGuest.ENTRY + 1;
            long second = RealModeGuest.ENTRY + 3;
            guest.vcpu.x86().setGuestDebug(GuestDebug.none().withBreakpoint(second).withBreakpoint(first));
            assertEquals(2, stop(guest.vcpu, DEBUG_EXCEPTION, first).dr6() & 0xf);
            guest.vcpu.x86().setGuestDebug(GuestDebug.none().withBreakpoint(second));
            assertEquals(1, stop(guest.vcpu, DEBUG_EXCEPTION, second).dr6() & 0xf);
            guest.vcpu.x86().setGuestDebug(GuestDebug.none());
            assertInstanceOf(Exit.Hlt.class, guest.vcpu.run());
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SET_GUEST_DEBUG, notOn = KvmKind.PVM)
    void everyInstructionInUserModeIsAStop() {
        // nop; nop; nop; out 0x10, al
        try (UserModeGuest guest = new UserModeGuest("90 90 90 e6 10")) {
            guest.vcpu.x86().setGuestDebug(GuestDebug.none().withSingleStep());
            stop(guest.vcpu, DEBUG_EXCEPTION, UserModeGuest.ENTRY + 1);
            stop(guest.vcpu, DEBUG_EXCEPTION, UserModeGuest.ENTRY + 2);
            guest.vcpu.x86().setGuestDebug(GuestDebug.none());
            assertInstanceOf(Exit.Io.class, guest.vcpu.run());
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SET_GUEST_DEBUG, notOn = {KvmKind.PVM,
            KvmKind.EMULATED_SVM})
    void aBreakpointInstructionOfTheDebuggerIsAStop() {
        // nop; int3; out 0x10, al
        try (UserModeGuest guest = new UserModeGuest("90 cc e6 10")) {
            guest.vcpu.x86().setGuestDebug(GuestDebug.none().withSoftwareBreakpoints());
            X86Exit.Debug stop = stop(guest.vcpu, BREAKPOINT_EXCEPTION, UserModeGuest.ENTRY + 1);
            // As a debugger does: the instruction that was there is put back, and goes on there.
            guest.vm.memory().write(UserModeGuest.ENTRY + 1, new byte[]{(byte) 0x90});
            assertInstanceOf(Exit.Io.class, guest.vcpu.run());
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SET_GUEST_DEBUG, notOn = {KvmKind.PVM,
            KvmKind.EMULATED_SVM})
    void theInstructionAtABreakpointInUserModeIsAStop() {
        // nop; nop; out 0x10, al
        try (UserModeGuest guest = new UserModeGuest("90 90 e6 10")) {
            guest.vcpu.x86().setGuestDebug(GuestDebug.none().withBreakpoint(UserModeGuest.ENTRY + 1));
            X86Exit.Debug stop = stop(guest.vcpu, DEBUG_EXCEPTION, UserModeGuest.ENTRY + 1);
            assertEquals(1, stop.dr6() & 0xf);
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SET_GUEST_DEBUG, notOn = {KvmKind.PVM,
            KvmKind.EMULATED_SVM})
    void anAccessToWatchedDataIsAStop() {
        // mov [0x9004], eax; mov eax, [0x9100]; mov [0x9100], eax; mov rax, [0x9200]; out 0x10, al
        try (UserModeGuest guest = new UserModeGuest(
                "89 04 25 04 90 00 00 8b 04 25 00 91 00 00 89 04 25 00 91 00 00 48 8b 04 25 00 92 00 00 e6 10")) {
            guest.vcpu.x86().setGuestDebug(GuestDebug.none().withWatchpoint(Watch.WRITE, 0x9100, 4)
                    .withWatchpoint(Watch.READ_WRITE, 0x9200, 8).withWatchpoint(Watch.WRITE, 0x9004, 2));
            X86Exit.Debug stop = stop(guest.vcpu, DEBUG_EXCEPTION, UserModeGuest.ENTRY + 7);
            assertEquals(4, stop.dr6() & 0xf);
            assertEquals(1, stop(guest.vcpu, DEBUG_EXCEPTION, UserModeGuest.ENTRY + 21).dr6() & 0xf,
                    "the write, and not the read before");
            assertEquals(2, stop(guest.vcpu, DEBUG_EXCEPTION, UserModeGuest.ENTRY + 29).dr6() & 0xf);
            assertInstanceOf(Exit.Io.class, guest.vcpu.run());
        }
    }

    private static void assertHandedToTheGuest(int vector, GuestDebug debug) {
        // nop; hlt
        try (RealModeGuest guest = new RealModeGuest("90 f4")) {
            RealModeGuest.handle(guest.vm, vector, 0x500, "f4");
            guest.vcpu.x86().setGuestDebug(debug);
            assertInstanceOf(Exit.Hlt.class, guest.vcpu.run());
            assertEquals(0x501, guest.vcpu.x86().getRegs().rip);
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SET_GUEST_DEBUG)
    void aDebugExceptionIsHandedToTheGuest() {
        assertHandedToTheGuest(DEBUG_EXCEPTION, GuestDebug.none().injectingDebugException());
    }

    /** Intel's processors inject one with the length of its instruction, which KVM knows of the last INT3 alone. */
    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SET_GUEST_DEBUG, notOn = {KvmKind.EMULATED_SVM,
            KvmKind.HARDWARE})
    void aBreakpointExceptionIsHandedToTheGuest() {
        assertHandedToTheGuest(BREAKPOINT_EXCEPTION, GuestDebug.none().injectingBreakpoint());
    }

    /** As a debugger does with an INT3 that is the guest's own. */
    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SET_GUEST_DEBUG, notOn = {KvmKind.PVM,
            KvmKind.EMULATED_SVM})
    void aBreakpointInstructionIsHandedBackToTheGuest() {
        // int3; hlt
        try (RealModeGuest guest = new RealModeGuest("cc f4")) {
            RealModeGuest.handle(guest.vm, BREAKPOINT_EXCEPTION, 0x500, "f4");
            guest.vcpu.x86().setGuestDebug(GuestDebug.none().withSoftwareBreakpoints());
            stop(guest.vcpu, BREAKPOINT_EXCEPTION, RealModeGuest.ENTRY);
            guest.vcpu.x86().setGuestDebug(GuestDebug.none().injectingBreakpoint());
            assertInstanceOf(Exit.Hlt.class, guest.vcpu.run());
            assertEquals(0x501, guest.vcpu.x86().getRegs().rip);
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SET_GUEST_DEBUG)
    void aSecondExceptionIsRefusedWhileOneIsPending() {
        try (RealModeGuest guest = new RealModeGuest("90 f4")) {
            guest.vcpu.x86().setGuestDebug(GuestDebug.none().injectingDebugException());
            KvmException e = assertThrows(KvmException.class,
                    () -> guest.vcpu.x86().setGuestDebug(GuestDebug.none().injectingDebugException()));
            assertEquals("EBUSY", e.errnoName());
            assertTrue(e.getMessage().contains("pending"), e.getMessage());
        }
    }
}
