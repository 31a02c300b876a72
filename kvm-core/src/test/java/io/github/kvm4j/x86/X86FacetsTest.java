package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.MpState;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.bindings.x86.kvm_sev_cmd;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.KvmKind;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.UserModeGuest;

/** The parts of x86's vCPU and VM on the KVM at hand, beside their round trips: what they do and what is refused. */
@RequiresKvm(arch = Architecture.X86)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class X86FacetsTest extends OneVcpu {

    private static KvmException refused(Runnable call) {
        KvmException e = assertThrows(KvmException.class, call::run);
        assertEquals("EINVAL", e.errnoName());
        return e;
    }

    @Test
    void withoutALocalApicInTheKernelItIsNamed() {
        assertTrue(refused(x86.apic()::getLapic).getMessage().contains("no local APIC in the kernel"));
        assertTrue(refused(() -> x86.apic().setLapic(new Lapic())).getMessage().contains("no local APIC"));
        assertTrue(refused(() -> x86.apic().setVapicAddress(0x1000)).getMessage().contains("no local APIC"));
        assertTrue(refused(() -> vcpu.setMpState(MpState.HALTED)).getMessage().contains("local APIC"));
    }

    @Test
    void aTranslationFollowsThePageTables() {
        assertEquals(new Translation(true, 0x1234), x86.translate(0x1234));
        try (UserModeGuest guest = new UserModeGuest("f4")) {
            assertEquals(new Translation(true, 0x12345), guest.vcpu.x86().translate(0x12345));
            Translation nowhere = guest.vcpu.x86().translate(0x4000_0000);
            assertEquals(new Translation(false, -1), nowhere);
        }
    }

    @Test
    @RequiresKvm(capability = Capability.GET_TSC_KHZ)
    void theTimeStampCounterHasAFrequency() {
        int khz = x86.time().getTscKhz();
        assertTrue(khz > 100_000, () -> khz + " kHz");
        x86.time().setTscKhz(khz);
        assertEquals(khz, x86.time().getTscKhz());
    }

    @Test
    @RequiresKvm(capability = Capability.ADJUST_CLOCK)
    void theClockGoesOnAndIsSetBack() {
        X86VmTime time = vm.x86().time();
        long first = time.getClock().clock();
        long second = time.getClock().clock();
        assertTrue(second > first, () -> first + ", " + second);
        long hour = 3600_000_000_000L;
        time.setClock(VmClock.of(second + hour));
        assertTrue(time.getClock().clock() > second + hour);
        time.setClock(VmClock.of(first));
        long back = time.getClock().clock();
        assertTrue(back >= first && back < first + hour / 2, () -> first + ", " + back);
    }

    /** Where Intel's processors have their own structures; the guest runs with them and without an interrupt controller. */
    @Test
    @RequiresKvm(capability = {Capability.SET_TSS_ADDR, Capability.SET_IDENTITY_MAP_ADDR})
    void thePagesThatIntelsProcessorsNeedAreGivenTheirPlace() {
        try (Vm other = kvm.createVm()) {
            other.memory().add(0, RealModeGuest.MEMORY_SIZE);
            other.x86().setIdentityMapAddress(0xfffb_c000L);
            other.x86().setTssAddress(0xfffb_d000L);
            Vcpu guest = other.createVcpu(0);
            RealModeGuest.load(other, guest, "f4");
            assertTrue(guest.run() instanceof Exit.Hlt);
        }
    }

    /** The second ioctl has what the first has, and in front of anything more. */
    @Test
    @RequiresKvm(capability = Capability.XSAVE2)
    void theExtendedStateIsTheSameByBothIoctls() {
        Xsave xsave = x86.fpu().getXsave();
        xsave.setXmm(3, new byte[]{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
        x86.fpu().setXsave(xsave);
        int size = vm.checkExtension(Capability.XSAVE2);
        assertTrue(size >= Xsave.MIN_SIZE, () -> size + " bytes");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment second = arena.allocate(size, Long.BYTES);
            vcpu.unsafe().ioctl("KVM_GET_XSAVE2", second);
            assertEquals(x86.fpu().getXsave(), Xsave.of(second.toArray(ValueLayout.JAVA_BYTE)));
        }
    }

    /** On a host of another vendor, or without its firmware's driver. */
    @Test
    void sevThatThisHostLacksIsNamed() {
        assumeFalse(Files.exists(Path.of("/dev/sev")), "this host has SEV's firmware");
        KvmException e = assertThrows(KvmException.class, vm.x86()::openSev);
        assertEquals("open(/dev/sev)", e.call());
        assertEquals("ENOENT", e.errnoName());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment command = kvm_sev_cmd.allocate(arena);
            assertThrows(KvmException.class, () -> vm.unsafe().ioctl("KVM_MEMORY_ENCRYPT_OP", command));
        }
    }

    @Test
    @RequiresKvm(capability = Capability.VCPU_ATTRIBUTES, notOn = KvmKind.PVM)
    void theOffsetOfTheTimeStampCounterIsSet() {
        long offset = x86.time().getTscOffset() + (1L << 50);
        x86.time().setTscOffset(offset);
        // A host whose counters are not stable corrects it with each ioctl.
        assertTrue(Math.abs(offset - x86.time().getTscOffset()) < 1L << 40);
    }

    @Test
    @RequiresKvm(capability = Capability.VAPIC)
    void theVapicsAddressIsTaken() {
        try (Vm other = kvm.createVm()) {
            other.memory().add(0, RealModeGuest.MEMORY_SIZE);
            other.x86().createIrqchip();
            X86Apic apic = other.createVcpu(0).x86().apic();
            apic.setTprAccessReporting(true);
            apic.setVapicAddress(0x3000);
            refused(() -> apic.setVapicAddress(0x4000_0000));
            apic.setVapicAddress(0);
            apic.setTprAccessReporting(false);
        }
    }

    @Test
    @RequiresKvm(capability = Capability.SYS_ATTRIBUTES)
    void theComponentsThatGuestsMayHaveIncludeThoseOfThisHost() {
        long supported = kvm.x86().getXsaveLayout().components().stream().mapToLong(XsaveComponent::bit).sum();
        assertEquals(supported, supported & kvm.x86().getXcompGuestSupp());
    }

    /** x87 takes no permission: asking for it changes nothing in this process, whatever the host has. */
    @Test
    @RequiresKvm(capability = Capability.SYS_ATTRIBUTES)
    void whatGuestsAreOfferedIsPermitted() {
        long offered = kvm.x86().getXsaveLayout().components().stream().mapToLong(XsaveComponent::bit).sum();
        long permitted = kvm.x86().getXcompGuestPerm();
        assertEquals(offered, offered & permitted);
        assertEquals(3, permitted & 3, "x87 and SSE");
        KvmException e = assertThrows(KvmException.class,
                () -> kvm.x86().requestXcompGuestPerm(XsaveComponent.X87));
        assertEquals("EOPNOTSUPP", e.errnoName());
        assertTrue(e.getMessage().contains("takes no permission"), e::getMessage);
        assertEquals("EINVAL",
                assertThrows(KvmException.class, () -> kvm.x86().requestXcompGuestPerm(64)).errnoName());
        assertEquals(permitted, kvm.x86().getXcompGuestPerm());
    }

    @Test
    @RequiresKvm(capability = Capability.PMU_EVENT_FILTER)
    void aPmuEventFilterIsTakenAndEnded() {
        vm.x86().setPmuEventFilter(PmuEventFilter.allowing().event(0xc0, 0).fixedCounters(1));
        PmuEventFilter many = PmuEventFilter.denying();
        for (int i = 0; i < 301; i++) {
            many = many.event(i, 0);
        }
        PmuEventFilter tooMany = many;
        assertEquals("E2BIG",
                assertThrows(KvmException.class, () -> vm.x86().setPmuEventFilter(tooMany)).errnoName());
        vm.x86().setPmuEventFilter(PmuEventFilter.denying());
    }

    @Test
    @RequiresKvm(capability = Capability.MMU_SHADOW_CACHE_CONTROL)
    void theShadowPageTablesAreLimited() {
        vm.x86().setNrMmuPages(64);
        RealModeGuest.load(vm, vcpu, "f4");
        assertTrue(vcpu.run() instanceof Exit.Hlt);
    }

    /** An MSR by its id is the one by its number; a register that the vCPU does not have is no register. */
    @Test
    @RequiresKvm(capability = Capability.ONE_REG)
    void registersByTheirIdsAreTheMsrs() {
        x86.setCpuid2(kvm.x86().getSupportedCpuid());
        x86.setOneReg(X86Register.msr(Msr.LSTAR), 0x1234_5678_9abcL);
        assertEquals(0x1234_5678_9abcL, x86.msrs().getMsr(Msr.LSTAR));
        x86.msrs().setMsr(Msr.LSTAR, 0x4321);
        assertEquals(0x4321, x86.getOneReg(X86Register.msr(Msr.LSTAR)));
        for (X86Register register : x86.getRegList()) {
            x86.setOneReg(register, x86.getOneReg(register));
        }
        assertEquals("EINVAL",
                assertThrows(KvmException.class, () -> x86.getOneReg(X86Register.msr(0x1234_5678))).errnoName());
        assertEquals("EINVAL", assertThrows(KvmException.class,
                () -> x86.setOneReg(X86Register.msr(Msr.LSTAR), 1L << 56)).errnoName());
    }

    @Test
    void whatTheVmLacksIsSaid() {
        KvmException pit = assertThrows(KvmException.class, vm.x86().irqchip()::getPit2);
        assertEquals("ENXIO", pit.errnoName());
        assertEquals("ENXIO", assertThrows(KvmException.class, vm.x86().irqchip()::getIoapic).errnoName());
        assertThrows(IllegalStateException.class, () -> vm.x86().options().disableExits(Set.of(DisabledExit.HLT)));
    }

    /** The registers of the FPU are the first part of the extended state. */
    @Test
    @RequiresKvm(capability = Capability.XSAVE)
    void theFpuIsPartOfTheExtendedState() {
        Xsave xsave = x86.fpu().getXsave();
        byte[] value = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
        xsave.setXmm(9, value);
        xsave.setFcw(0x27f);
        x86.fpu().setXsave(xsave);
        Fpu fpu = x86.fpu().getFpu();
        assertEquals(Fpu.hex(value), Fpu.hex(fpu.xmm[9]));
        assertEquals(0x27f, fpu.fcw);
    }

    /** Edges of a pin of the PIC and IOAPIC: the guest, halted in the kernel, takes each. */
    @Test
    @RequiresKvm(capability = {Capability.IRQCHIP, Capability.IRQ_INJECT_STATUS})
    void anInterruptLineWakesTheGuest() {
        try (Vm other = kvm.createVm()) {
            KvmException none = assertThrows(KvmException.class, () -> other.setIrqLine(5, true));
            assertEquals("ENXIO", none.errnoName());
            other.memory().add(0, RealModeGuest.MEMORY_SIZE);
            other.x86().createIrqchip();
            Vcpu guest = other.createVcpu(0);
            // The first PIC's lines are vectors from 0x20 on, and its line 5 is not masked.
            Pic pic = other.x86().irqchip().getPicMaster();
            pic.irqBase = 0x20;
            pic.imr = 0xff & ~(1 << 5);
            other.x86().irqchip().setPicMaster(pic);
            RealModeGuest.handle(other, 0x25, 0x2000, "e6 10 cf");
            // sti; again: hlt; jmp again
            RealModeGuest.load(other, guest, "fb f4 eb fd");
            assertTrue(other.setIrqLineStatus(5, true) > 0);
            other.setIrqLine(5, false);
            Exit exit = guest.run();
            assertTrue(exit instanceof Exit.Io io && io.port() == 0x10, exit::toString);
            assertEquals(1 << 5, other.x86().irqchip().getPicMaster().isr);
        }
    }
}
