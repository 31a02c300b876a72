package io.github.kvm4j.arm64;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.arm64.GuestDebug.Watch;
import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.arm64.kvm_guest_debug;
import io.github.kvm4j.bindings.arm64.kvm_guest_debug_arch;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.exit.Arm64Exit;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RequiresKvm;

/** Debugging an arm64 guest from outside: what the kernel is given, and what a guest stops at. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Arm64GuestDebugTest {

    private static final long ENTRY = 0x1000;

    /** ESR_EL2's exception class. */
    private static final int CLASS = 26;
    private static final long BREAKPOINT = 0x30;
    private static final long SINGLE_STEP = 0x32;
    private static final long WATCHPOINT = 0x34;
    private static final long BRK = 0x3c;

    private static void assertWritten(GuestDebug debug, int control, long[] bcr, long[] bvr, long[] wcr, long[] wvr) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment c = debug.write(arena);
            assertEquals(control, kvm_guest_debug.control(c), debug::toString);
            MemorySegment registers = kvm_guest_debug.arch(c);
            for (int i = 0; i < 16; i++) {
                assertEquals(i < bcr.length ? bcr[i] : 0, kvm_guest_debug_arch.dbg_bcr(registers, i));
                assertEquals(i < bvr.length ? bvr[i] : 0, kvm_guest_debug_arch.dbg_bvr(registers, i));
                assertEquals(i < wcr.length ? wcr[i] : 0, kvm_guest_debug_arch.dbg_wcr(registers, i));
                assertEquals(i < wvr.length ? wvr[i] : 0, kvm_guest_debug_arch.dbg_wvr(registers, i));
            }
        }
    }

    /** The architecture's manual: E bit 0, privileges bits 1 and 2, BAS from 5, in DBGWCR LSC from 3 and MASK from 24. */
    @Test
    void theDebugRegistersAreBuilt() {
        int on = kvm_h.KVM_GUESTDBG_ENABLE();
        int hardware = on | kvm_arm64_h.KVM_GUESTDBG_USE_HW();
        long[] none = {};
        assertWritten(GuestDebug.none(), 0, none, none, none, none);
        assertWritten(GuestDebug.none().withSingleStep().withSoftwareBreakpoints(),
                on | kvm_h.KVM_GUESTDBG_SINGLESTEP() | kvm_arm64_h.KVM_GUESTDBG_USE_SW_BP(), none, none, none, none);
        assertWritten(GuestDebug.none().withBreakpoint(0x1004).withBreakpoint(0xffff_8000_0000_0000L), hardware,
                new long[]{0x1e7, 0x1e7}, new long[]{0x1004, 0xffff_8000_0000_0000L}, none, none);
        assertWritten(
                GuestDebug.none().withWatchpoint(Watch.READ, 0x1003, 1).withWatchpoint(Watch.WRITE, 0x1004, 4)
                        .withWatchpoint(Watch.READ_WRITE, 0x1008, 8).withWatchpoint(Watch.WRITE, 0x4000, 0x1000),
                hardware, none, none, new long[]{0x10f, 0x1e17, 0x1fff, 0x0c00_1ff7},
                new long[]{0x1000, 0x1000, 0x1008, 0x4000});
        long kernel = 0xffff_8000_0000_1000L;
        assertWritten(
                GuestDebug.none().withWatchpoint(Watch.WRITE, kernel + 4, 4).withWatchpoint(Watch.READ, kernel + 7, 1)
                        .withWatchpoint(Watch.READ_WRITE, kernel + 2, 2).withWatchpoint(Watch.WRITE, kernel, 8),
                hardware, none, none, new long[]{0x1e17, 0x100f, 0x19f, 0x1ff7},
                new long[]{kernel, kernel, kernel, kernel});
    }

    private static void assertRefused(Runnable call, String part) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    @Test
    void whatAProcessorDoesNotHaveIsRefused() {
        GuestDebug none = GuestDebug.none();
        assertRefused(() -> none.withBreakpoint(0x1002), "multiple of 4");
        assertRefused(() -> none.withWatchpoint(Watch.WRITE, 0x1000, 3), "3 bytes");
        assertRefused(() -> none.withWatchpoint(Watch.WRITE, 0, Long.MIN_VALUE), "power of two");
        assertRefused(() -> none.withWatchpoint(Watch.WRITE, 0x1004, 8), "multiple of the length");
        GuestDebug all = none;
        for (int i = 0; i < 16; i++) {
            all = all.withBreakpoint(0x1000 + 4 * i);
        }
        GuestDebug full = all;
        assertRefused(() -> full.withBreakpoint(0x2000), "16 breakpoints");
    }

    private static Vcpu load(Kvm kvm, String code) {
        Vm vm = kvm.createVm();
        vm.memory().add(0, 0x10000);
        vm.memory().write(ENTRY, HexFormat.of().parseHex(code.replace(" ", "")));
        Vcpu vcpu = vm.createVcpu(0);
        vcpu.arm64().init(vm.arm64().getPreferredTarget());
        vcpu.arm64().setOneReg(CoreRegister.PC, ENTRY);
        return vcpu;
    }

    private static Arm64Exit.Debug stop(Vcpu vcpu, long exceptionClass, long pc) {
        Arm64Exit.Debug stop = assertInstanceOf(Arm64Exit.Debug.class, vcpu.run());
        assertEquals(exceptionClass, (stop.hsr() >>> CLASS) & 0x3f, stop::toString);
        assertEquals(pc, vcpu.arm64().getOneReg(CoreRegister.PC), stop::toString);
        return stop;
    }

    @Test
    @RequiresKvm(arch = Architecture.ARM64, capability = Capability.SET_GUEST_DEBUG)
    void everyInstructionIsAStopUntilDebuggingEnds() {
        try (Kvm kvm = Kvm.open()) {
            // nop; nop; nop; mov x0, #0x20000; str w0, [x0]
            Vcpu vcpu = load(kvm, "1f2003d5 1f2003d5 1f2003d5 4000a0d2 000000b9");
            vcpu.arm64().setGuestDebug(GuestDebug.none().withSingleStep());
            stop(vcpu, SINGLE_STEP, ENTRY + 4);
            stop(vcpu, SINGLE_STEP, ENTRY + 8);
            vcpu.arm64().setGuestDebug(GuestDebug.none());
            assertInstanceOf(Exit.Mmio.class, vcpu.run());
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.ARM64, capability = Capability.SET_GUEST_DEBUG)
    void aBreakpointInstructionIsAStop() {
        try (Kvm kvm = Kvm.open()) {
            // nop; brk #0x123
            Vcpu vcpu = load(kvm, "1f2003d5 602420d4");
            vcpu.arm64().setGuestDebug(GuestDebug.none().withSoftwareBreakpoints());
            assertEquals(0x123, stop(vcpu, BRK, ENTRY + 4).hsr() & 0xffff);
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.ARM64, capability = Capability.GUEST_DEBUG_HW_BPS)
    void theInstructionAtABreakpointIsAStop() {
        try (Kvm kvm = Kvm.open()) {
            // nop; nop; nop; nop; mov x0, #0x20000; str w0, [x0]
            Vcpu vcpu = load(kvm, "1f2003d5 1f2003d5 1f2003d5 1f2003d5 4000a0d2 000000b9");
            vcpu.arm64().setGuestDebug(GuestDebug.none().withBreakpoint(ENTRY + 12).withBreakpoint(ENTRY + 4));
            stop(vcpu, BREAKPOINT, ENTRY + 4);
            vcpu.arm64().setGuestDebug(GuestDebug.none().withBreakpoint(ENTRY + 12));
            stop(vcpu, BREAKPOINT, ENTRY + 12);
            vcpu.arm64().setGuestDebug(GuestDebug.none());
            assertInstanceOf(Exit.Mmio.class, vcpu.run());
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.ARM64, capability = Capability.GUEST_DEBUG_HW_WPS)
    void anAccessThatIsWatchedIsAStop() {
        try (Kvm kvm = Kvm.open()) {
            // mov x0, #0x8000; ldr w1, [x0, #4]; str w1, [x0]; str w1, [x0, #4]
            Vcpu vcpu = load(kvm, "000090d2 010440b9 010000b9 010400b9");
            vcpu.arm64().setGuestDebug(GuestDebug.none().withWatchpoint(Watch.WRITE, 0x8004, 4));
            assertEquals(0x8004, stop(vcpu, WATCHPOINT, ENTRY + 12).far());
            vcpu.arm64().setOneReg(CoreRegister.PC, ENTRY);
            vcpu.arm64().setGuestDebug(GuestDebug.none().withWatchpoint(Watch.READ_WRITE, 0x8000, 0x1000));
            assertEquals(0x8004, stop(vcpu, WATCHPOINT, ENTRY + 4).far());
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.ARM64, capability = Capability.GUEST_DEBUG_HW_BPS)
    void moreThanTheProcessorHasIsRefused() {
        try (Kvm kvm = Kvm.open()) {
            Vcpu vcpu = load(kvm, "1f2003d5");
            int has = vcpu.vm().checkExtension(Capability.GUEST_DEBUG_HW_BPS);
            assertTrue(has < 16, "a processor with all 16 has nothing to be refused");
            GuestDebug debug = GuestDebug.none();
            for (int i = 0; i <= has; i++) {
                debug = debug.withBreakpoint(ENTRY + 4 * i);
            }
            GuestDebug tooMany = debug;
            assertRefused(() -> vcpu.arm64().setGuestDebug(tooMany), "KVM_CAP_GUEST_DEBUG_HW_BPS");
        }
    }
}
