package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.bindings.x86.kvm_regs;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.programs.SyncRegisters;
import io.github.kvm4j.testing.ChildJvm;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;

/** Registers in the run page: the same as by ioctl, taken by the next run, and never stale. After the kernel's selftest. */
@RequiresKvm(arch = Architecture.X86, capability = Capability.SYNC_REGS)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SyncRegsTest {

    /** Counts in BL, and tells it to a port. */
    // again: out 0x10, al; inc bl; jmp again
    private static final String COUNT = "e6 10 fe c3 eb fa";

    private static SyncRegs enabled(Vcpu vcpu, Set<SyncReg> kinds) {
        SyncRegs sync = vcpu.x86().syncRegs();
        sync.enable(kinds);
        return sync;
    }

    private static void run(Vcpu vcpu) {
        assertInstanceOf(Exit.Io.class, vcpu.run());
    }

    private static Regs regs(SyncRegs sync) {
        Regs regs = new Regs();
        sync.getRegs(regs);
        return regs;
    }

    private static Sregs sregs(SyncRegs sync) {
        Sregs sregs = new Sregs();
        sync.getSregs(sregs);
        return sregs;
    }

    private static VcpuEvents events(SyncRegs sync) {
        VcpuEvents events = new VcpuEvents();
        sync.getVcpuEvents(events);
        return events;
    }

    /** By the ioctl, whatever waits in the page. */
    private static long rbxOfTheVcpu(Vcpu vcpu) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment regs = kvm_regs.allocate(arena);
            vcpu.unsafe().ioctl("KVM_GET_REGS", regs);
            return kvm_regs.rbx(regs);
        }
    }

    @Test
    void whatIsReadIsWhatTheIoctlsRead() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = enabled(guest.vcpu, EnumSet.allOf(SyncReg.class));
            assertEquals(guest.vcpu.x86().getRegs(), regs(sync), "before the first run");
            for (int i = 0; i < 20; i++) {
                run(guest.vcpu);
                Regs regs = regs(sync);
                Sregs sregs = sregs(sync);
                VcpuEvents events = events(sync);
                assertEquals(i, regs.rbx);
                assertEquals(guest.vcpu.x86().getRegs(), regs);
                assertEquals(guest.vcpu.x86().getSregs(), sregs);
                assertEquals(guest.vcpu.x86().getVcpuEvents(), events);
            }
        }
    }

    @Test
    void whatIsWrittenIsTakenByTheNextRun() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = enabled(guest.vcpu, EnumSet.of(SyncReg.REGS));
            run(guest.vcpu);
            Regs regs = regs(sync);
            regs.rbx = 0x77;
            sync.setRegs(regs);
            assertEquals(regs, regs(sync));
            assertEquals(0, rbxOfTheVcpu(guest.vcpu), "not yet");
            assertEquals(regs, regs(sync), "nor is it forgotten for another call");
            run(guest.vcpu);
            assertEquals(0x78, regs(sync).rbx);
            run(guest.vcpu);
            assertEquals(0x79, regs(sync).rbx, "once");
        }
    }

    @Test
    void whatIsWrittenBeforeTheFirstRunIsTakenToo() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = enabled(guest.vcpu, EnumSet.of(SyncReg.REGS));
            Regs regs = regs(sync);
            regs.rbx = 0x40;
            sync.setRegs(regs);
            run(guest.vcpu);
            assertEquals(0x40, rbxOfTheVcpu(guest.vcpu));
        }
    }

    @Test
    void aRunThatIsKickedTakesWhatIsWritten() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = enabled(guest.vcpu, EnumSet.of(SyncReg.REGS));
            run(guest.vcpu);
            Regs regs = regs(sync);
            regs.rbx = 0x33;
            sync.setRegs(regs);
            guest.vcpu.kick();
            assertInstanceOf(Exit.Interrupted.class, guest.vcpu.run());
            assertEquals(0x33, rbxOfTheVcpu(guest.vcpu));
            assertEquals(0x33, regs(sync).rbx);
        }
    }

    @Test
    void completingWhatIsPendingTakesWhatIsWritten() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = enabled(guest.vcpu, EnumSet.of(SyncReg.REGS));
            run(guest.vcpu);
            Regs regs = regs(sync);
            regs.rbx = 0x33;
            sync.setRegs(regs);
            guest.vcpu.completePending(exit -> fail(exit.toString()));
            assertEquals(0x33, regs(sync).rbx);
            assertEquals(RealModeGuest.ENTRY + 2, regs(sync).rip, "behind the instruction that was completed");
            assertEquals(guest.vcpu.x86().getRegs(), regs(sync));
        }
    }

    @Test
    void theIoctlsAreRefusedWhileTheirRegistersWait() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            X86Vcpu vcpu = guest.vcpu.x86();
            SyncRegs sync = enabled(guest.vcpu, EnumSet.allOf(SyncReg.class));
            run(guest.vcpu);
            Regs regs = regs(sync);
            Sregs sregs = sregs(sync);
            VcpuEvents events = events(sync);
            sync.setRegs(regs);
            assertThrows(IllegalStateException.class, vcpu::getRegs);
            IllegalStateException e = assertThrows(IllegalStateException.class, () -> vcpu.setRegs(regs));
            assertTrue(e.getMessage().contains("next run()"), e.getMessage());
            vcpu.setSregs(vcpu.getSregs());
            sync.setSregs(sregs);
            assertThrows(IllegalStateException.class, vcpu::getSregs);
            assertThrows(IllegalStateException.class, () -> vcpu.setSregs(sregs));
            vcpu.setVcpuEvents(vcpu.getVcpuEvents());
            sync.setVcpuEvents(events);
            assertThrows(IllegalStateException.class, vcpu::getVcpuEvents);
            assertThrows(IllegalStateException.class, () -> vcpu.setVcpuEvents(events));
            run(guest.vcpu);
            vcpu.setRegs(vcpu.getRegs());
            vcpu.setSregs(vcpu.getSregs());
            vcpu.setVcpuEvents(vcpu.getVcpuEvents());
        }
    }

    @Test
    void whatTheIoctlsWriteIsReadAtOnce() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = enabled(guest.vcpu, EnumSet.allOf(SyncReg.class));
            run(guest.vcpu);
            Regs regs = regs(sync);
            regs.rbx = 0x55;
            guest.vcpu.x86().setRegs(regs);
            assertEquals(0x55, regs(sync).rbx);
            Sregs sregs = sregs(sync);
            sregs.fs.base = 0x5550;
            sregs.fs.selector = 0x555;
            guest.vcpu.x86().setSregs(sregs);
            assertEquals(sregs, sregs(sync));
            guest.vcpu.x86().interrupts().nmi();
            assertEquals(guest.vcpu.x86().getVcpuEvents(), events(sync));
        }
    }

    @Test
    void specialRegistersAndEventsAreTaken() {
        // out 0x10, al; mov al, fs:[0]; hlt; the handler of NMIs: out 0x11, al
        try (RealModeGuest guest = new RealModeGuest("e6 10 64 a0 00 00 f4")) {
            RealModeGuest.handle(guest.vm, 2, 0x500, "e6 11");
            guest.vm.memory().write(0x3000, new byte[]{0x66});
            SyncRegs sync = enabled(guest.vcpu, EnumSet.of(SyncReg.SREGS, SyncReg.EVENTS));
            run(guest.vcpu);
            Sregs sregs = sregs(sync);
            sregs.fs.base = 0x3000;
            sregs.fs.selector = 0x300;
            sync.setSregs(sregs);
            assertEquals(sregs, sregs(sync));
            assertInstanceOf(Exit.Hlt.class, guest.vcpu.run());
            assertEquals(0x66, guest.vcpu.x86().getRegs().rax & 0xff);
            assertEquals(0x3000, sregs(sync).fs.base);
            VcpuEvents events = events(sync);
            events.nmiPending = 1;
            sync.setVcpuEvents(events);
            assertEquals(events, events(sync));
            assertEquals(0x11, assertInstanceOf(Exit.Io.class, guest.vcpu.run()).port());
        }
    }

    @Test
    void allKindsAreTakenTogether() {
        // out 0x10, al; hlt; the handler of NMIs: mov al, fs:[0]; out 0x11, al
        try (RealModeGuest guest = new RealModeGuest("e6 10 f4")) {
            RealModeGuest.handle(guest.vm, 2, 0x500, "64 a0 00 00 e6 11");
            guest.vm.memory().write(0x3000, new byte[]{0x66});
            SyncRegs sync = enabled(guest.vcpu, EnumSet.allOf(SyncReg.class));
            run(guest.vcpu);
            Regs regs = regs(sync);
            regs.rbx = 0x44;
            Sregs sregs = sregs(sync);
            sregs.fs.base = 0x3000;
            sregs.fs.selector = 0x300;
            VcpuEvents events = events(sync);
            events.nmiPending = 1;
            sync.setVcpuEvents(events);
            sync.setRegs(regs);
            sync.setSregs(sregs);
            Exit.Io io = assertInstanceOf(Exit.Io.class, guest.vcpu.run());
            assertEquals(0x11, io.port());
            assertEquals(0x66, io.value());
            assertEquals(0x44, regs(sync).rbx);
        }
    }

    @Test
    void anInterruptThatIsDeliveredIsNeitherReadNorDeliveredAgain() {
        // sti; again: out 0x10, al; jmp again; the handler: out 0x11, al; iret
        try (RealModeGuest guest = new RealModeGuest("fb e6 10 eb fc")) {
            RealModeGuest.handle(guest.vm, 0x20, 0x500, "e6 11 cf");
            SyncRegs sync = enabled(guest.vcpu, EnumSet.of(SyncReg.SREGS));
            run(guest.vcpu);
            guest.vcpu.x86().interrupts().inject(0x20);
            guest.vcpu.kick();
            assertInstanceOf(Exit.Interrupted.class, guest.vcpu.run());
            Sregs waiting = sregs(sync);
            assertEquals(1L << 0x20, waiting.interruptBitmap[0]);
            assertEquals(guest.vcpu.x86().getSregs(), waiting);
            sync.setSregs(waiting);
            assertEquals(waiting, sregs(sync), "what waits is what is read");
            assertEquals(0x11, assertInstanceOf(Exit.Io.class, guest.vcpu.run()).port());
            assertEquals(0, sregs(sync).interruptBitmap[0], "delivered");
            run(guest.vcpu);
            Sregs delivered = sregs(sync);
            assertEquals(guest.vcpu.x86().getSregs(), delivered);
            sync.setSregs(delivered);
            for (int i = 0; i < 3; i++) {
                assertEquals(0x10, assertInstanceOf(Exit.Io.class, guest.vcpu.run()).port());
            }
        }
    }

    @Test
    void theTaskPriorityThatIsWrittenStays() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = enabled(guest.vcpu, EnumSet.of(SyncReg.SREGS));
            run(guest.vcpu);
            Sregs sregs = sregs(sync);
            sregs.cr8 = 6;
            sync.setSregs(sregs);
            run(guest.vcpu);
            assertEquals(6, sregs(sync).cr8);
            assertEquals(6, guest.vcpu.x86().getSregs().cr8);
        }
    }

    @Test
    void whatTheKernelRefusesIsRefusedByTheRunAndUndone() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = enabled(guest.vcpu, EnumSet.of(SyncReg.REGS, SyncReg.SREGS));
            run(guest.vcpu);
            Sregs before = sregs(sync);
            Sregs wrong = before.copy();
            wrong.cr4 = -1;
            sync.setSregs(wrong);
            KvmException e = assertThrows(KvmException.class, guest.vcpu::run);
            assertEquals("KVM_RUN", e.call());
            assertEquals("EINVAL", e.errnoName());
            assertTrue(e.getMessage().contains("syncRegs()"), e.getMessage());
            assertEquals(before, sregs(sync));
            assertEquals(before, guest.vcpu.x86().getSregs());
            run(guest.vcpu);
            assertEquals(1, regs(sync).rbx);
        }
    }

    /** In the order of the kernel: general registers, special registers, events. */
    @Test
    void whatIsTakenBeforeWhatIsRefusedStaysAndTheRestIsDropped() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = enabled(guest.vcpu, EnumSet.allOf(SyncReg.class));
            run(guest.vcpu);
            Regs regs = regs(sync);
            Sregs sregs = sregs(sync);
            VcpuEvents events = events(sync);
            Regs newRegs = regs.copy();
            newRegs.rbx = 0x44;
            Sregs wrong = sregs.copy();
            wrong.fs.base = 0x3000;
            wrong.cr4 = -1;
            VcpuEvents newEvents = events.copy();
            newEvents.nmiPending = 1;
            sync.setRegs(newRegs);
            sync.setSregs(wrong);
            sync.setVcpuEvents(newEvents);
            assertEquals("EINVAL", assertThrows(KvmException.class, guest.vcpu::run).errnoName());
            assertEquals(newRegs, regs(sync));
            assertEquals(sregs, sregs(sync));
            assertEquals(events, events(sync));
            run(guest.vcpu);
            assertEquals(0x45, regs(sync).rbx);
        }
    }

    @Test
    void aFieldOutOfItsRangeLeavesThePageAsItWas() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = enabled(guest.vcpu, EnumSet.allOf(SyncReg.class));
            run(guest.vcpu);
            Sregs before = sregs(sync);
            Sregs wrong = before.copy();
            wrong.cs.base = 0x1230;
            wrong.ldt.dpl = 9;
            assertThrows(IllegalArgumentException.class, () -> sync.setSregs(wrong));
            assertEquals(before, sregs(sync));
            Sregs wrongPriority = before.copy();
            wrongPriority.cs.base = 0x1230;
            wrongPriority.cr8 = 16;
            assertThrows(IllegalArgumentException.class, () -> sync.setSregs(wrongPriority));
            assertEquals(before, sregs(sync));
            VcpuEvents events = events(sync);
            VcpuEvents wrongEvents = events.copy();
            wrongEvents.exceptionVector = 3;
            wrongEvents.interruptVector = 256;
            assertThrows(IllegalArgumentException.class, () -> sync.setVcpuEvents(wrongEvents));
            assertEquals(events, events(sync));
            run(guest.vcpu);
        }
    }

    @Test
    void whatIsNotEnabledIsNeitherInThePageNorReadNorWritten() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = guest.vcpu.x86().syncRegs();
            byte pattern = 0x5a;
            sync.regs.fill(pattern);
            run(guest.vcpu);
            sync.enable(EnumSet.of(SyncReg.SREGS));
            run(guest.vcpu);
            assertEquals(-1, sync.regs.mismatch(Arena.ofAuto().allocate(sync.regs.byteSize()).fill(pattern)));
            IllegalStateException e = assertThrows(IllegalStateException.class, () -> sync.getRegs(new Regs()));
            assertTrue(e.getMessage().contains("REGS are not enabled"), e.getMessage());
            assertThrows(IllegalStateException.class, () -> sync.setRegs(new Regs()));
            assertThrows(IllegalStateException.class, () -> sync.getVcpuEvents(new VcpuEvents()));
            assertThrows(IllegalStateException.class, () -> sync.setVcpuEvents(new VcpuEvents()));
            sync.enable(EnumSet.of(SyncReg.REGS));
            assertThrows(IllegalStateException.class, () -> sync.getSregs(new Sregs()));
            assertThrows(IllegalStateException.class, () -> sync.setSregs(new Sregs()));
            run(guest.vcpu);
            assertEquals(2, kvm_regs.rbx(sync.regs));
        }
    }

    /** Linux 6.12 looks at 32 of the 64. */
    @Test
    void bitsThatTheKernelDoesNotKnowAreRefusedByTheRun() {
        try (RealModeGuest guest = new RealModeGuest(COUNT)) {
            SyncRegs sync = guest.vcpu.x86().syncRegs();
            sync.select(1L << 31);
            assertEquals("EINVAL", assertThrows(KvmException.class, guest.vcpu::run).errnoName());
            sync.select(0);
            run(guest.vcpu);
            assertNotEquals(0, guest.vcpu.x86().getRegs().rip);
        }
    }

    @Test
    void eachVcpuHasItsOwn() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.memory().add(0, RealModeGuest.MEMORY_SIZE);
            Vcpu one = vm.createVcpu(0);
            Vcpu two = vm.createVcpu(1);
            RealModeGuest.load(vm, one, COUNT);
            RealModeGuest.load(vm, two, COUNT);
            SyncRegs sync = enabled(one, EnumSet.of(SyncReg.REGS));
            run(one);
            run(one);
            run(two);
            assertEquals(1, regs(sync).rbx);
            assertThrows(IllegalStateException.class, () -> two.x86().syncRegs().getRegs(new Regs()));
        }
    }

    /** Nor does what else there is at an exit: in a JVM that has room for nothing. */
    @Test
    @Tag("slow")
    void readingAndWritingAllocatesNothing() {
        // The emulated machines' JVMs are given another collector.
        ChildJvm jvm = ChildJvm.run(SyncRegisters.class, "-XX:-UseSerialGC", "-XX:+UnlockExperimentalVMOptions",
                "-XX:+UseEpsilonGC",
                "-Xmx24m");
        assertEquals(0, jvm.status(), jvm::output);
        assertTrue(jvm.output().contains("exits, "), jvm::output);
    }
}
