package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.KvmKind;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;

/**
 * What the kernel's selftests x86/feature_msrs_test, x86/msrs_test, x86/platform_info_test, x86/tsc_msrs_test,
 * x86/kvm_pv_test, x86/kvm_clock_test and steal_time are about.
 */
@RequiresKvm(arch = Architecture.X86)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KernelSelftestsMsrTest extends OneVcpu {

    private static final String RDMSR = "0f 32 f4";
    private static final String WRMSR = "0f 30 f4";
    private static final long RDMSR_END = RealModeGuest.ENTRY + 3;
    private static final int PROTECTION_FAULT = 13;
    private static final int HANDLER = 0x2000;
    private static final long HANDLER_END = HANDLER + 1;
    private static final long CLOCK = 0x5000;
    private static final long STEAL_TIME = 0x6000;
    private static final int ENABLED = 1;

    @BeforeEach
    void start() {
        x86.setCpuid2(kvm.x86().getSupportedCpuid());
        RealModeGuest.handle(vm, PROTECTION_FAULT, HANDLER, "f4");
    }

    private Regs runUntilHlt(String code, int msr, long value) {
        RealModeGuest.load(vm, vcpu, code);
        Regs regs = x86.getRegs();
        regs.rcx = Integer.toUnsignedLong(msr);
        regs.rax = value & 0xffff_ffffL;
        regs.rdx = value >>> 32;
        x86.setRegs(regs);
        assertTrue(vcpu.run() instanceof Exit.Hlt);
        return x86.getRegs();
    }

    /** The guest reads a register. */
    private long guestReads(int msr) {
        Regs regs = runUntilHlt(RDMSR, msr, 0);
        assertEquals(RDMSR_END, regs.rip, "RDMSR faults");
        return regs.rdx << 32 | regs.rax;
    }

    private void guestWrites(int msr, long value) {
        assertEquals(RDMSR_END, runUntilHlt(WRMSR, msr, value).rip, "WRMSR faults");
    }

    private void assertGuestFaults(String code, int msr, long value) {
        assertEquals(HANDLER_END, runUntilHlt(code, msr, value).rip, "no general protection fault");
    }

    /** feature_msrs_test: each of the list can be read, on the system and on the vCPU that has its CPUID; another cannot. */
    @Test
    @RequiresKvm(capability = Capability.GET_MSR_FEATURES)
    void featureMsrsAreReadable() {
        int[] list = kvm.x86().getMsrFeatureIndexList();
        assertTrue(list.length > 0);
        Msrs values = kvm.x86().getFeatureMsrs(list);
        assertArrayEquals(list, values.indices());
        PartialMsrException e = assertThrows(PartialMsrException.class,
                () -> kvm.x86().getFeatureMsrs(list[0], 0x1234_5678));
        assertEquals(0x1234_5678, e.failed());
        assertEquals(1, e.done());
        assertEquals(values.get(list[0]), e.read().get(list[0]));
    }

    /** What is in the list of those to save can be read from a vCPU that has the host's CPUID, all at once. */
    @Test
    void msrsOfTheIndexListAreReadableAtOnce() {
        int[] list = kvm.x86().getMsrIndexList();
        assertTrue(list.length > 20);
        Msrs values;
        try {
            values = x86.msrs().getMsrs(list);
        } catch (PartialMsrException e) {
            // Those that need an interrupt controller of Hyper-V's, say, are listed all the same.
            values = e.read();
        }
        assertTrue(values.size() > 10, () -> "few");
        assertEquals(values.get(Msr.IA32_PAT), OptionalLong.of(x86.msrs().getMsr(Msr.IA32_PAT)));
    }

    /** More than the kernel takes at once, which a vCPU of few registers gets by naming them again. */
    @Test
    void msrsMoreThanTheKernelTakesAtOnceAreRead() {
        int[] some = {Msr.IA32_PAT.index(), Msr.LSTAR.index(), Msr.STAR.index()};
        x86.msrs().setMsr(Msr.LSTAR, 0x1234);
        Msrs values = x86.msrs().getMsrs(IntStream.range(0, 600).map(i -> some[i % some.length]).toArray());
        assertArrayEquals(some, values.indices());
        assertEquals(0x1234, values.get(Msr.LSTAR).orElseThrow());
        assertEquals(x86.msrs().getMsr(Msr.IA32_PAT), values.get(Msr.IA32_PAT).orElseThrow());
    }

    /** msrs_test: what the guest may write the host may, and comes back; what faults in the guest the host is refused. */
    @Test
    void msrsTheHostIsHeldToTheGuestsRules() {
        long canonical = 0xffff_8000_1234_5678L;
        for (Msr msr : List.of(Msr.LSTAR, Msr.CSTAR, Msr.KERNEL_GS_BASE)) {
            guestWrites(msr.index(), canonical);
            assertEquals(canonical, x86.msrs().getMsr(msr));
            assertEquals(canonical, guestReads(msr.index()));
            // Not canonical with 57 bits either. (A guest's own write need not come to KVM.)
            long wrong = 1L << 56;
            PartialMsrException e = assertThrows(PartialMsrException.class, () -> x86.msrs().setMsr(msr, wrong));
            assertEquals(msr.index(), e.failed());
            assertTrue(e.getMessage().contains(msr.name()) && e.getMessage().contains("0x100000000000000"),
                    e.getMessage());
            assertEquals(canonical, x86.msrs().getMsr(msr));
        }
        assertGuestFaults(RDMSR, 0x1234_5678, 0);
        assertThrows(PartialMsrException.class, () -> x86.msrs().getMsr(0x1234_5678));
        // A memory type that there is not.
        assertGuestFaults(WRMSR, Msr.IA32_PAT.index(), 2);
        assertThrows(PartialMsrException.class, () -> x86.msrs().setMsr(Msr.IA32_PAT, 2));
    }

    /** platform_info_test: readable by default, and a fault when that is switched off. */
    @Test
    @RequiresKvm(capability = Capability.MSR_PLATFORM_INFO)
    void platformInfoIsReadableWhenEnabled() {
        int msr = Msr.PLATFORM_INFO.index();
        long ratio = 0x1500;
        x86.msrs().setMsr(msr, x86.msrs().getMsr(msr) | ratio);
        vm.x86().options().msrPlatformInfo(true);
        assertEquals(ratio, guestReads(msr) & ratio);
        vm.x86().options().msrPlatformInfo(false);
        assertGuestFaults(RDMSR, msr, 0);
        vm.x86().options().msrPlatformInfo(true);
        assertEquals(ratio, guestReads(msr) & ratio);
    }

    /** tsc_msrs_test: the host's write of the counter leaves the adjustment alone, and the guest's changes it. */
    @Test
    @RequiresKvm(notOn = KvmKind.PVM)
    void tscMsrsCounterAndAdjustment() {
        x86.msrs().setMsr(Msr.IA32_TSC_ADJUST, 0);
        long start = 1L << 45;
        x86.msrs().setMsr(Msr.IA32_TSC, start);
        assertEquals(0, x86.msrs().getMsr(Msr.IA32_TSC_ADJUST));
        assertNear(start, guestReads(Msr.IA32_TSC.index()));

        guestWrites(Msr.IA32_TSC_ADJUST.index(), start);
        assertEquals(start, x86.msrs().getMsr(Msr.IA32_TSC_ADJUST));
        assertNear(2 * start, x86.msrs().getMsr(Msr.IA32_TSC));
        assertNear(2 * start, guestReads(Msr.IA32_TSC.index()));

        guestWrites(Msr.IA32_TSC.index(), start);
        assertNear(start, guestReads(Msr.IA32_TSC.index()));
        assertNear(0, x86.msrs().getMsr(Msr.IA32_TSC_ADJUST));
    }

    /** Within what a counter counts in some minutes, either way. */
    private static void assertNear(long expected, long counter) {
        assertTrue(Math.abs(counter - expected) < 1L << 40, () -> counter + " instead of " + expected);
    }

    /** kvm_pv_test: without KVM's features in CPUID its registers fault, when that is enforced. */
    @Test
    @RequiresKvm(capability = Capability.ENFORCE_PV_FEATURE_CPUID)
    void kvmPvFeaturesAreEnforced() {
        x86.setCpuid2(new Cpuid(kvm.x86().getSupportedCpuid().entries().stream()
                .map(entry -> entry.function() == kvm_x86_h.KVM_CPUID_FEATURES()
                        ? new CpuidEntry(entry.function(), entry.index(), entry.flags(), 0, entry.ebx(), entry.ecx(),
                                entry.edx())
                        : entry)
                .toList()));
        x86.options().enforcePvFeatureCpuid(true);
        for (Msr msr : List.of(Msr.KVM_SYSTEM_TIME_NEW, Msr.KVM_WALL_CLOCK_NEW, Msr.KVM_ASYNC_PF_EN,
                Msr.KVM_STEAL_TIME, Msr.KVM_PV_EOI_EN, Msr.KVM_POLL_CONTROL)) {
            assertGuestFaults(RDMSR, msr.index(), 0);
            assertGuestFaults(WRMSR, msr.index(), 0);
        }
        x86.options().enforcePvFeatureCpuid(false);
        assertEquals(0, guestReads(Msr.KVM_SYSTEM_TIME_NEW.index()));
    }

    private long longAt(long address) {
        return vm.memory().getLong(address);
    }

    /** kvm_clock_test: the clock that is set is the one that the guest finds in its page. */
    @Test
    @RequiresKvm(capability = Capability.ADJUST_CLOCK)
    void kvmClockIsSetAndSeen() {
        long second = 1_000_000_000L;
        long clock = 1000 * second;
        vm.x86().time().setClock(VmClock.of(clock));
        VmClock read = vm.x86().time().getClock();
        assertTrue(read.clock() >= clock && read.clock() < clock + 60 * second, read::toString);

        guestWrites(Msr.KVM_SYSTEM_TIME_NEW.index(), CLOCK | ENABLED);
        int version = (int) longAt(CLOCK);
        assertTrue(version != 0 && version % 2 == 0, () -> "version " + version);
        long systemTime = longAt(CLOCK + 16);
        assertTrue(systemTime >= clock && systemTime < clock + 60 * second, () -> "system time " + systemTime);
        assertTrue(longAt(CLOCK + 24) != 0, "no scale");

        vm.x86().time().setClock(VmClock.of(2 * clock));
        guestReads(Msr.KVM_SYSTEM_TIME_NEW.index());
        long later = longAt(CLOCK + 16);
        assertTrue(later >= 2 * clock && later < 2 * clock + 60 * second, () -> "system time " + later);
    }

    /** With the host's time of then the clock has gone on since. */
    @Test
    @RequiresKvm(capability = Capability.ADJUST_CLOCK)
    void kvmClockWithRealtimeHasGoneOn() {
        VmClock clock = vm.x86().time().getClock();
        assumeTrue(clock.flags().contains(ClockFlag.REALTIME),
                "this host's clock source does not give the time");
        long minute = 60_000_000_000L;
        vm.x86().time().setClock(
                new VmClock(clock.clock(), clock.flags(), clock.realtime() - 10 * minute, clock.hostTsc()));
        long gone = vm.x86().time().getClock().clock() - clock.clock();
        assertTrue(gone >= 10 * minute && gone < 11 * minute, () -> "" + gone);
    }

    /** The guest is told that it was paused: bit 1 of the flags in its clock's page. */
    @Test
    @RequiresKvm(capability = Capability.KVMCLOCK_CTRL)
    void kvmclockCtrlTellsTheGuest() {
        assertEquals("EINVAL", assertThrows(KvmException.class, x86.time()::kvmclockCtrl).errnoName());
        guestWrites(Msr.KVM_SYSTEM_TIME_NEW.index(), CLOCK | ENABLED);
        assertEquals(0, vm.memory().read(CLOCK + 29, 1)[0] & 2);
        x86.time().kvmclockCtrl();
        guestReads(Msr.KVM_SYSTEM_TIME_NEW.index());
        assertEquals(2, vm.memory().read(CLOCK + 29, 1)[0] & 2);
    }

    /** steal_time: the guest finds in its page how long its thread has had to wait; reserved bits of the register fault. */
    @Test
    void stealTimeIsSeen() throws IOException {
        int features = kvm.x86().getSupportedCpuid().find(kvm_x86_h.KVM_CPUID_FEATURES()).orElseThrow().eax();
        assumeTrue((features >> kvm_x86_h.KVM_FEATURE_STEAL_TIME() & 1) != 0,
                "this host does not account for steal time");
        assertGuestFaults(WRMSR, Msr.KVM_STEAL_TIME.index(), STEAL_TIME | 2 | ENABLED);
        guestWrites(Msr.KVM_STEAL_TIME.index(), STEAL_TIME | ENABLED);
        int version = (int) longAt(STEAL_TIME + 8);
        assertTrue(version != 0 && version % 2 == 0, () -> "version " + version);
        assertEquals(STEAL_TIME | ENABLED, x86.msrs().getMsr(Msr.KVM_STEAL_TIME));

        long stolen = longAt(STEAL_TIME);
        long waited = waited();
        AtomicBoolean enough = new AtomicBoolean();
        for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
            Thread.ofPlatform().daemon().start(() -> {
                while (!enough.get()) {
                    Thread.onSpinWait();
                }
            });
        }
        try {
            while (waited() - waited < 1_000_000) {
                guestReads(Msr.KVM_STEAL_TIME.index());
            }
        } finally {
            enough.set(true);
        }
        long delay = waited() - waited;
        guestReads(Msr.KVM_STEAL_TIME.index());
        long now = longAt(STEAL_TIME) - stolen;
        assertTrue(now >= delay && now <= waited(), () -> now + " ns stolen; waited for " + delay);
    }

    /** How long this thread has waited for a processor, in nanoseconds, as the scheduler counts it. */
    private static long waited() throws IOException {
        return Long.parseLong(Files.readString(Path.of("/proc/thread-self/schedstat")).split(" ")[1]);
    }
}
