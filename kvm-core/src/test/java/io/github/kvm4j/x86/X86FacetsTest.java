package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.MpState;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
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
