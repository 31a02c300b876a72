package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.X86Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;

/** Interrupts by controllers of the caller's own, and what the run page has for them. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class X86InterruptsTest {

    private static final int HANDLER = 0x500;
    private static final int VECTOR = 0x20;
    private static final int NMI_VECTOR = 2;

    private static <T extends Exit> T run(RealModeGuest guest, Class<T> kind) {
        return assertInstanceOf(kind, guest.vcpu.run());
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void aWindowIsAnExitAndAnInterruptIsTaken() {
        // out 0x10, al; sti; again: nop; jmp again; the handler: in al, 0x20; hlt
        try (RealModeGuest guest = new RealModeGuest("e6 10 fb 90 eb fd")) {
            RealModeGuest.handle(guest.vm, VECTOR, HANDLER, "e4 20 f4");
            X86Interrupts interrupts = guest.vcpu.x86().interrupts();
            run(guest, Exit.Io.class);
            assertFalse(interrupts.isInterruptFlagSet());
            assertFalse(interrupts.isReadyForInjection());
            interrupts.requestWindow(true);
            run(guest, X86Exit.IrqWindowOpen.class);
            assertTrue(interrupts.isInterruptFlagSet());
            assertTrue(interrupts.isReadyForInjection());
            assertTrue(guest.vcpu.x86().getRegs().rip > RealModeGuest.ENTRY + 2, "behind STI");
            interrupts.requestWindow(false);
            interrupts.inject(VECTOR);
            Exit.Io handler = run(guest, Exit.Io.class);
            assertTrue(handler.isIn() && handler.port() == 0x20, handler::toString);
            assertFalse(interrupts.isInterruptFlagSet(), "in the handler");
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void aWindowThatIsAskedForOpensAgainAndAgain() {
        // sti; again: nop; jmp again
        try (RealModeGuest guest = new RealModeGuest("fb 90 eb fd")) {
            guest.vcpu.x86().interrupts().requestWindow(true);
            run(guest, X86Exit.IrqWindowOpen.class);
            run(guest, X86Exit.IrqWindowOpen.class);
            guest.vcpu.x86().interrupts().requestWindow(false);
            guest.vcpu.kick();
            run(guest, Exit.Interrupted.class);
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void anInterruptEndsAHalt() {
        // sti; hlt; the handler: mov bx, 0x1234; iret; and behind the first: cli; hlt
        try (RealModeGuest guest = new RealModeGuest("fb f4 fa f4")) {
            RealModeGuest.handle(guest.vm, VECTOR, HANDLER, "bb 34 12 cf");
            run(guest, Exit.Hlt.class);
            assertTrue(guest.vcpu.x86().interrupts().isReadyForInjection());
            guest.vcpu.x86().interrupts().inject(VECTOR);
            run(guest, Exit.Hlt.class);
            assertEquals(0x1234, guest.vcpu.x86().getRegs().rbx);
            assertEquals(RealModeGuest.ENTRY + 4, guest.vcpu.x86().getRegs().rip);
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.USER_NMI)
    void anNmiIsTakenThoughInterruptsAreDisabled() {
        // cli; out 0x10, al; nop; hlt; the handler: hlt
        try (RealModeGuest guest = new RealModeGuest("fa e6 10 90 f4")) {
            RealModeGuest.handle(guest.vm, NMI_VECTOR, HANDLER, "f4");
            run(guest, Exit.Io.class);
            guest.vcpu.x86().interrupts().nmi();
            run(guest, Exit.Hlt.class);
            assertEquals(HANDLER + 1, guest.vcpu.x86().getRegs().rip);
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.IRQCHIP)
    void anInterruptIsRefusedWhereThePicIsTheKernels() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.x86().createIrqchip();
            X86Interrupts interrupts = vm.createVcpu(0).x86().interrupts();
            KvmException e = assertThrows(KvmException.class, () -> interrupts.inject(VECTOR));
            assertEquals("ENXIO", e.errnoName());
            assertTrue(e.getMessage().contains("in the kernel"), e.getMessage());
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, capability = Capability.SPLIT_IRQCHIP)
    void aSecondInterruptOfTheCallersPicIsRefusedUntilTheFirstIsTaken() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.x86().enableSplitIrqchip(24);
            assertEquals("EEXIST", assertThrows(KvmException.class, () -> vm.x86().enableSplitIrqchip(24)).errnoName());
            X86Interrupts interrupts = vm.createVcpu(0).x86().interrupts();
            interrupts.inject(VECTOR);
            assertEquals("EEXIST", assertThrows(KvmException.class, () -> interrupts.inject(VECTOR)).errnoName());
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void theTaskPriorityGoesBothWays() {
        // out 0x10, al; hlt
        try (RealModeGuest guest = new RealModeGuest("e6 10 f4")) {
            X86Interrupts interrupts = guest.vcpu.x86().interrupts();
            interrupts.setCr8(7);
            assertEquals(7, interrupts.cr8());
            run(guest, Exit.Io.class);
            assertEquals(7, interrupts.cr8());
            assertEquals(7, guest.vcpu.x86().getSregs().cr8);
            Sregs sregs = guest.vcpu.x86().getSregs();
            sregs.cr8 = 3;
            guest.vcpu.x86().setSregs(sregs);
            run(guest, Exit.Hlt.class);
            assertEquals(3, interrupts.cr8());
            assertThrows(IllegalArgumentException.class, () -> interrupts.setCr8(16));
            assertThrows(IllegalArgumentException.class, () -> interrupts.setCr8(-1));
            for (long wrong : new long[]{16, -1, 1L << 32}) {
                sregs.cr8 = wrong;
                IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                        () -> guest.vcpu.x86().setSregs(sregs));
                assertTrue(e.getMessage().contains("CR8"), e.getMessage());
            }
            assertEquals(3, guest.vcpu.x86().getSregs().cr8);
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void theApicBaseIsWhatTheLastRunLeft() {
        try (RealModeGuest guest = new RealModeGuest("e6 10 f4")) {
            X86Interrupts interrupts = guest.vcpu.x86().interrupts();
            run(guest, Exit.Io.class);
            Sregs sregs = guest.vcpu.x86().getSregs();
            assertEquals(sregs.apicBase, interrupts.apicBase());
            assertTrue(sregs.apicBase != 0);
            sregs.apicBase ^= 0x1000_0000;
            guest.vcpu.x86().setSregs(sregs);
            assertTrue(sregs.apicBase != interrupts.apicBase());
            run(guest, Exit.Hlt.class);
            assertEquals(sregs.apicBase, interrupts.apicBase());
        }
    }
}
