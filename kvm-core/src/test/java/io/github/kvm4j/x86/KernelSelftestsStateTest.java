package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.MpState;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.UserModeGuest;

/** What the kernel's selftest x86/state_test is about: a guest is saved between two instructions, and goes on elsewhere. */
@RequiresKvm(arch = Architecture.X86)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KernelSelftestsStateTest {

    private static final int MEMORY = (int) RealModeGuest.MEMORY_SIZE;
    private static final int[] SAVED = {Msr.IA32_TSC.index(), Msr.STAR.index(), Msr.LSTAR.index(),
            Msr.KERNEL_GS_BASE.index(), Msr.IA32_SYSENTER_CS.index(), Msr.IA32_PAT.index()};

    /** All that a vCPU has, in the order in which it is read. */
    private record Saved(byte[] memory, MpState mpState, Regs regs, Sregs sregs, Xsave xsave, Xcrs xcrs,
            DebugRegs debugRegs, Msrs msrs, VcpuEvents events, Cpuid cpuid) {

        static Saved of(Vm vm, Vcpu vcpu) {
            X86Vcpu x86 = vcpu.x86();
            return new Saved(vm.memory().read(0, MEMORY), vcpu.getMpState(), x86.getRegs(), x86.getSregs(),
                    x86.fpu().getXsave(),
                    x86.fpu().getXcrs(), x86.getDebugRegs(), x86.msrs().getMsrs(SAVED), x86.getVcpuEvents(),
                    x86.getCpuid2());
        }

        /** Into a vCPU that has not run, in the order that the kernel needs. */
        void restore(Vm vm, Vcpu vcpu) {
            X86Vcpu x86 = vcpu.x86();
            vm.memory().write(0, memory);
            x86.setCpuid2(cpuid);
            vcpu.setMpState(mpState);
            x86.setRegs(regs);
            x86.setSregs(sregs);
            x86.fpu().setXcrs(xcrs);
            x86.fpu().setXsave(xsave);
            x86.setDebugRegs(debugRegs);
            x86.msrs().setMsrs(msrs);
            x86.setVcpuEvents(events);
        }
    }

    /** Lets the guest make so many port writes, then completes the last one, and moves it. Empty when it has finished. */
    private static OptionalInt writes(Vcpu vcpu, int count, List<Integer> values) {
        for (int i = 0; i < count; i++) {
            Exit exit = vcpu.run();
            if (!(exit instanceof Exit.Io io) || io.port() != 0x10) {
                return exit instanceof Exit.Io io ? OptionalInt.of(io.port()) : OptionalInt.of(0);
            }
            values.add(io.value());
        }
        vcpu.completePending(exit -> {
            throw new AssertionError(exit);
        });
        return OptionalInt.empty();
    }

    private static Kvm open() {
        return Kvm.open();
    }

    /** In real mode: 1000 additions, each told by a port write; every 150 it moves to another VM. */
    @Test
    void stateOfARealModeGuestGoesOnInAnotherVm() {
        List<Integer> values = new ArrayList<>();
        try (Kvm kvm = open()) {
            Vm vm = kvm.createVm();
            vm.memory().add(0, MEMORY);
            Vcpu vcpu = vm.createVcpu(0);
            vcpu.x86().setCpuid2(kvm.x86().getSupportedCpuid());
            // xor eax, eax; mov ecx, 1000; again: add eax, ecx; out 0x10, al; dec ecx; jnz again; hlt
            RealModeGuest.load(vm, vcpu, "66 31 c0 66 b9 e8 03 00 00 66 01 c8 e6 10 66 49 75 f7 f4");
            byte[] marker = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
            Xsave xsave = vcpu.x86().fpu().getXsave();
            xsave.setXmm(5, marker);
            vcpu.x86().fpu().setXsave(xsave);
            vcpu.x86().msrs().setMsr(Msr.LSTAR, 0x12345678);
            int moves = 0;
            while (writes(vcpu, 150, values).isEmpty()) {
                Saved saved = Saved.of(vm, vcpu);
                vm.close();
                vm = kvm.createVm();
                vm.memory().add(0, MEMORY);
                vcpu = vm.createVcpu(0);
                saved.restore(vm, vcpu);
                assertEquals(saved.regs, vcpu.x86().getRegs());
                assertEquals(saved.sregs, vcpu.x86().getSregs());
                assertEquals(saved.xsave, vcpu.x86().fpu().getXsave());
                assertEquals(saved.events, vcpu.x86().getVcpuEvents());
                moves++;
            }
            assertEquals(6, moves);
            assertEquals(500500, vcpu.x86().getRegs().rax);
            assertArrayEquals(marker, vcpu.x86().fpu().getXsave().xmm(5));
            assertEquals(0x12345678, vcpu.x86().msrs().getMsr(Msr.LSTAR));
        }
        assertSums(values, 1000);
    }

    private static void assertSums(List<Integer> values, int count) {
        assertEquals(count, values.size());
        int sum = 0;
        for (int i = 0; i < count; i++) {
            sum += count - i;
            assertEquals(sum & 0xff, values.get(i), "addition " + i);
        }
    }

    /** In ring 3 of long mode: the sum goes through XMM3 across each port write, at every 70th of which it moves. */
    @Test
    void stateOfALongModeGuestGoesOnInAnotherVm() {
        List<Integer> values = new ArrayList<>();
        // xor eax, eax; mov ecx, 300; again: add eax, ecx; movd xmm3, eax; out 0x10, al; movd eax, xmm3; dec ecx;
        // jnz again; out 0x11, al
        UserModeGuest guest = new UserModeGuest(
                "31 c0 b9 2c 01 00 00 01 c8 66 0f 6e d8 e6 10 66 0f 7e d8 ff c9 75 f0 e6"
                        + " 11 eb fe");
        try {
            Sregs sregs = guest.vcpu.x86().getSregs();
            sregs.cr4 |= Cr4.bits(Cr4.OSFXSR, Cr4.OSXMMEXCPT);
            guest.vcpu.x86().setSregs(sregs);
            int moves = 0;
            for (OptionalInt end = writes(guest.vcpu, 70, values); end.isEmpty(); end = writes(guest.vcpu, 70,
                    values)) {
                Saved saved = Saved.of(guest.vm, guest.vcpu);
                guest.close();
                guest = new UserModeGuest("f4");
                assertNotEquals(saved.regs, guest.vcpu.x86().getRegs());
                saved.restore(guest.vm, guest.vcpu);
                moves++;
            }
            assertEquals(4, moves);
            assertEquals(45150, guest.vcpu.x86().getRegs().rax & 0xffff_ffffL);
            assertTrue(Efer.in(guest.vcpu.x86().getSregs().efer).contains(Efer.LMA));
        } finally {
            guest.close();
        }
        assertSums(values, 300);
    }
}
