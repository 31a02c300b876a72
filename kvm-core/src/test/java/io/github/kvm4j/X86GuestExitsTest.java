package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_irq_routing;
import io.github.kvm4j.bindings.kvm_irq_routing_entry;
import io.github.kvm4j.bindings.kvm_irq_routing_msi;
import io.github.kvm4j.bindings.kvm_msi;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.X86Exit;
import io.github.kvm4j.exit.X86Exit.Msr.Cause;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.testing.KvmKind;
import io.github.kvm4j.testing.ModuleParameter;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.x86.ExitHypercall;
import io.github.kvm4j.x86.Regs;

/** The exits of x86 that must be asked for, taken by real guests. What asks is a raw ioctl where there is no method yet. */
@RequiresKvm(arch = Architecture.X86)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class X86GuestExitsTest {

    /** A register that neither KVM nor a processor has. */
    private static final int NO_MSR = 0x1234_5678;

    /** Where the handler of an exception is put. */
    private static final int HANDLER = 0x500;

    private static <T extends Exit> T run(Vcpu vcpu, Class<T> kind) {
        return assertInstanceOf(kind, vcpu.run());
    }

    /** A run that is kicked when it lasts longer. */
    private static Exit runAtMost(Vcpu vcpu, Duration limit) {
        Thread kicker = Thread.ofPlatform().daemon().start(() -> {
            try {
                Thread.sleep(limit);
                vcpu.kick();
            } catch (InterruptedException e) {
                // not needed any more
            }
        });
        Exit exit = vcpu.run();
        kicker.interrupt();
        return exit;
    }

    @Test
    void memoryMappedAccessesOfEightBytes() {
        // mov ax, 0x2000; mov ds, ax; movq mm0, [0]; movq [8], mm0; hlt
        try (RealModeGuest guest = new RealModeGuest("b8 00 20 8e d8 0f 6f 06 00 00 0f 7f 06 08 00 f4")) {
            Exit.Mmio read = run(guest.vcpu, Exit.Mmio.class);
            assertTrue(read.isRead() && read.size() == 8 && read.address() == 0x20000, read::toString);
            read.answer(0xfedc_ba98_7654_3210L);
            Exit.Mmio write = run(guest.vcpu, Exit.Mmio.class);
            assertTrue(write.isWrite() && write.size() == 8 && write.address() == 0x20008, write::toString);
            assertEquals(0xfedc_ba98_7654_3210L, write.value());
            run(guest.vcpu, Exit.Hlt.class);
        }
    }

    @Test
    @RequiresKvm(capability = Capability.EXIT_ON_EMULATION_FAILURE, notOn = {KvmKind.EMULATED_SVM, KvmKind.HARDWARE})
    void anInstructionThatCannotBeEmulatedIsAnInternalErrorWithItsBytes() {
        // xrstor [0x2000]
        try (RealModeGuest guest = new RealModeGuest("0f ae 2e 00 20 f4")) {
            guest.vm.enable(Capability.EXIT_ON_EMULATION_FAILURE, 1);
            RealModeGuest.handle(guest.vm, 6, HANDLER, "f4");
            Exit exit = guest.vcpu.run();
            Exit.InternalError error = assertInstanceOf(Exit.InternalError.class, exit);
            assertEquals(kvm_h.KVM_INTERNAL_ERROR_EMULATION(), error.suberror());
            assertTrue(error.hasInstruction(), error::toString);
            assertArrayEquals(new byte[]{0x0f, (byte) 0xae, 0x2e, 0x00, 0x20}, Arrays.copyOf(error.instruction(), 5));
        }
    }

    /** KVM's emulator, which every access to a device goes through, has no floating point. */
    @Test
    @RequiresKvm(capability = Capability.EXIT_ON_EMULATION_FAILURE)
    void aFloatingPointLoadFromADeviceIsAnInternalErrorWithItsBytes() {
        // mov ax, 0x2000; mov ds, ax; fld dword [0]; hlt
        try (RealModeGuest guest = new RealModeGuest("b8 00 20 8e d8 d9 06 00 00 f4")) {
            guest.vm.x86().options().exitOnEmulationFailure(true);
            Exit.InternalError error = run(guest.vcpu, Exit.InternalError.class);
            assertEquals(kvm_h.KVM_INTERNAL_ERROR_EMULATION(), error.suberror());
            assertTrue(error.hasInstruction(), error::toString);
            assertArrayEquals(new byte[]{(byte) 0xd9, 0x06, 0x00, 0x00}, Arrays.copyOf(error.instruction(), 4));
            // As a VMM does that knows better: it goes on behind it.
            Regs regs = guest.vcpu.x86().getRegs();
            assertEquals(RealModeGuest.ENTRY + 5, regs.rip);
            regs.rip += 4;
            guest.vcpu.x86().setRegs(regs);
            run(guest.vcpu, Exit.Hlt.class);
        }
    }

    private static RealModeGuest msrGuest(String code) {
        // mov ecx, NO_MSR; ...
        RealModeGuest guest = new RealModeGuest("66 b9 78 56 34 12" + code);
        guest.vm.x86().enableUserSpaceMsr(EnumSet.complementOf(EnumSet.of(Cause.UNKNOWN)));
        RealModeGuest.handle(guest.vm, 13, HANDLER, "f4");
        return guest;
    }

    private static void assertProtectionFault(Vcpu vcpu) {
        run(vcpu, Exit.Hlt.class);
        assertEquals(HANDLER + 1, vcpu.x86().getRegs().rip);
    }

    @Test
    @RequiresKvm(capability = Capability.X86_USER_SPACE_MSR)
    void aReadOfAnUnknownRegisterIsAnswered() {
        // rdmsr; hlt
        try (RealModeGuest guest = msrGuest("0f 32 f4")) {
            X86Exit.Rdmsr read = run(guest.vcpu, X86Exit.Rdmsr.class);
            assertEquals(NO_MSR, read.index());
            assertEquals(Cause.NO_SUCH_MSR, read.cause());
            read.answer(0x1122_3344_8877_6655L);
            run(guest.vcpu, Exit.Hlt.class);
            assertEquals(0x8877_6655L, guest.vcpu.x86().getRegs().rax);
            assertEquals(0x1122_3344L, guest.vcpu.x86().getRegs().rdx);
            assertEquals(RealModeGuest.ENTRY + 9, guest.vcpu.x86().getRegs().rip);
        }
    }

    @Test
    @RequiresKvm(capability = Capability.X86_USER_SPACE_MSR)
    void aReadOfARegisterThatIsNotAnsweredIsAProtectionFault() {
        try (RealModeGuest guest = msrGuest("0f 32 f4")) {
            run(guest.vcpu, X86Exit.Rdmsr.class);
            assertProtectionFault(guest.vcpu);
        }
    }

    @Test
    @RequiresKvm(capability = Capability.X86_USER_SPACE_MSR)
    void aWriteOfARegisterIsAcceptedOrElseAProtectionFault() {
        // mov eax, 0x11223344; mov edx, 0x55667788; wrmsr; wrmsr; hlt
        try (RealModeGuest guest = msrGuest("66 b8 44 33 22 11 66 ba 88 77 66 55 0f 30 0f 30 f4")) {
            X86Exit.Wrmsr write = run(guest.vcpu, X86Exit.Wrmsr.class);
            assertEquals(NO_MSR, write.index());
            assertEquals(0x5566_7788_1122_3344L, write.value());
            write.accept();
            run(guest.vcpu, X86Exit.Wrmsr.class);
            assertProtectionFault(guest.vcpu);
        }
    }

    @Test
    @RequiresKvm(capability = Capability.EXIT_HYPERCALL, notOn = KvmKind.PVM)
    void aHypercallIsAnsweredAndOneThatIsNotIsUnknown() {
        // mov eax, 12 (KVM_HC_MAP_GPA_RANGE); mov ebx, 0x2000; mov ecx, 3; mov edx, 0; vmcall; again: vmcall; hlt
        String call = "66 b8 0c 00 00 00 66 bb 00 20 00 00 66 b9 03 00 00 00 66 ba 00 00 00 00 0f 01 c1";
        try (RealModeGuest guest = new RealModeGuest(call + call + "f4")) {
            guest.vm.x86().enableHypercallExits(Set.of(ExitHypercall.MAP_GPA_RANGE));
            Exit exit = runAtMost(guest.vcpu, Duration.ofSeconds(2));
            Exit.Hypercall first = assertInstanceOf(Exit.Hypercall.class, exit);
            assertEquals(kvm_x86_h.KVM_HC_MAP_GPA_RANGE(), first.number());
            assertEquals(0x2000, first.argument(0));
            assertEquals(3, first.argument(1));
            assertEquals(0, first.flags());
            first.answer(0x77);
            run(guest.vcpu, Exit.Hypercall.class);
            run(guest.vcpu, Exit.Hlt.class);
            assertEquals(-kvm_x86_h.KVM_ENOSYS(), (int) guest.vcpu.x86().getRegs().rax);
        }
    }

    /** A VM with a local APIC in the kernel, and a vCPU that enables it, writes to a port, and waits for an interrupt. */
    @Test
    @RequiresKvm(capability = Capability.SPLIT_IRQCHIP)
    void theEndOfALevelInterruptOfAnIoApicOfOnesOwnIsAnExit() {
        int vector = 0x40;
        // level-triggered, asserted
        int message = 0xc000 | vector;
        int doorbell = 0xfee0_0000;
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm(); Arena arena = Arena.ofConfined()) {
            vm.x86().enableSplitIrqchip(24);
            vm.memory().add(0, RealModeGuest.MEMORY_SIZE);
            Vcpu vcpu = vm.createVcpu(0);
            // mov dword [0xfee000f0], 0x1ff; out 0x10, al; sti; again: nop; jmp again
            RealModeGuest.load(vm, vcpu, "67 66 c7 05 f0 00 e0 fe ff 01 00 00 e6 10 fb 90 eb fd");
            RealModeGuest.flat(vcpu);
            // mov dword [0xfee000b0], 0; iret
            RealModeGuest.handle(vm, vector, HANDLER, "67 66 c7 05 b0 00 e0 fe 00 00 00 00 cf");
            MemorySegment table = arena.allocate(kvm_irq_routing.sizeof() + kvm_irq_routing_entry.sizeof(), 8);
            kvm_irq_routing.nr(table, 1);
            MemorySegment entry = table.asSlice(kvm_irq_routing.sizeof());
            kvm_irq_routing_entry.type(entry, kvm_h.KVM_IRQ_ROUTING_MSI());
            MemorySegment route = kvm_irq_routing_entry.u.msi(kvm_irq_routing_entry.u(entry));
            kvm_irq_routing_msi.address_lo(route, doorbell);
            kvm_irq_routing_msi.data(route, message);
            vm.unsafe().ioctl("KVM_SET_GSI_ROUTING", table);
            run(vcpu, Exit.Io.class);
            MemorySegment msi = kvm_msi.allocate(arena);
            kvm_msi.address_lo(msi, doorbell);
            kvm_msi.data(msi, message);
            assertEquals(1, vm.unsafe().ioctl("KVM_SIGNAL_MSI", msi));
            assertEquals(vector, run(vcpu, X86Exit.IoapicEoi.class).vector());
        }
    }

    @Test
    @RequiresKvm(capability = Capability.VAPIC)
    void anAccessToTheTaskPriorityIsReported() {
        // With AVIC the processor has the task priority, and KVM does not see the accesses.
        assumeFalse(ModuleParameter.isOn("kvm_amd", "avic"), "the local APIC is AVIC's");
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.x86().createIrqchip();
            vm.memory().add(0, RealModeGuest.MEMORY_SIZE);
            Vcpu vcpu = vm.createVcpu(0);
            // again: mov eax, [0xfee00080]; jmp again
            RealModeGuest.load(vm, vcpu, "67 66 8b 05 80 00 e0 fe eb f6");
            RealModeGuest.flat(vcpu);
            vcpu.x86().apic().setTprAccessReporting(true);
            // No exit of another kind may come in between: KVM has the payload in the run page from the access on, and an
            // emulator that goes on to a port writes that exit's over it (seen: kernel 6.18, PVM).
            X86Exit.TprAccess access = run(vcpu, X86Exit.TprAccess.class);
            assertEquals(RealModeGuest.ENTRY, access.rip());
            assertTrue(!access.isWrite(), access::toString);
        }
    }

    @Test
    @RequiresKvm(capability = Capability.DIRTY_LOG_RING)
    void aFullDirtyRingIsAnExitUntilItIsHarvested() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            vm.enable(Capability.DIRTY_LOG_RING, 4096);
            vm.memory().add(0, RealModeGuest.MEMORY_SIZE);
            vm.memory().add(0x10_0000, 0x40_0000, Set.of(MemoryFlag.LOG_DIRTY_PAGES));
            Vcpu vcpu = vm.createVcpu(0);
            // mov edi, 0x100000; again: mov [edi], al; add edi, 0x1000; jmp again
            RealModeGuest.load(vm, vcpu, "66 bf 00 00 10 00 67 88 07 66 81 c7 00 10 00 00 eb f4");
            RealModeGuest.flat(vcpu);
            run(vcpu, Exit.DirtyRingFull.class);
            long pages = (vcpu.x86().getRegs().rdi - 0x10_0000) / 4096;
            assertTrue(pages > 100, "pages written: " + pages);
            run(vcpu, Exit.DirtyRingFull.class);
        }
    }
}
