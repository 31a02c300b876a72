package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.bindings.kvm_enable_cap;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.exit.X86Exit.Msr.Cause;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.DisabledExit;
import io.github.kvm4j.x86.ExitHypercall;
import io.github.kvm4j.x86.HypervVmcsVersions;
import io.github.kvm4j.x86.Quirk;
import io.github.kvm4j.x86.X2ApicFlag;
import io.github.kvm4j.x86.X86VcpuOptions;
import io.github.kvm4j.x86.X86VmOptions;

/** Capabilities that are enabled: what reaches the kernel, and what does not. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EnableCapTest {

    /** A call as the kernel sees it. */
    private record Enabled(String on, int capability, int flags, List<Long> arguments) {
    }

    private final FakeLibc libc = new FakeLibc();
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final Vm vm = kvm.createVm();
    private final List<Enabled> enabled = new ArrayList<>();

    EnableCapTest() {
        libc.answering(Ioctl.KVM_ENABLE_CAP, call -> {
            MemorySegment request = call.argument();
            List<Long> arguments = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                arguments.add(kvm_enable_cap.args(request, i));
            }
            enabled.add(new Enabled(call.on(), kvm_enable_cap.cap(request), kvm_enable_cap.flags(request), arguments));
            return 0;
        });
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    private void assertRefused(Class<? extends RuntimeException> kind, Runnable call, String... parts) {
        RuntimeException e = assertThrows(kind, call::run);
        for (String part : parts) {
            assertTrue(e.getMessage().contains(part), () -> part + " in: " + e.getMessage());
        }
        assertEquals(List.of(), enabled);
    }

    @Test
    void theNumberAndTheArgumentsReachTheKernel() {
        vm.enable(Capability.MAX_VCPU_ID, 77);
        vm.enable(Capability.VM_DISABLE_NX_HUGE_PAGES);
        vm.createVcpu(0).enable(Capability.ENFORCE_PV_FEATURE_CPUID, 1);
        assertEquals(List.of(new Enabled("VM", kvm_h.KVM_CAP_MAX_VCPU_ID(), 0, List.of(77L, 0L, 0L, 0L)),
                new Enabled("VM", kvm_h.KVM_CAP_VM_DISABLE_NX_HUGE_PAGES(), 0, List.of(0L, 0L, 0L, 0L)),
                new Enabled("vCPU 0", kvm_h.KVM_CAP_ENFORCE_PV_FEATURE_CPUID(), 0, List.of(1L, 0L, 0L, 0L))),
                enabled);
    }

    @Test
    void theTypedOnesOfX86ReachTheKernel() {
        vm.x86().enableSplitIrqchip(24);
        vm.x86().enableUserSpaceMsr(Set.of(Cause.INVALID, Cause.FILTERED));
        vm.x86().enableUserSpaceMsr(Set.of());
        vm.x86().enableHypercallExits(Set.of(ExitHypercall.MAP_GPA_RANGE));
        long msrs = kvm_h.KVM_MSR_EXIT_REASON_INVAL() | kvm_h.KVM_MSR_EXIT_REASON_FILTER();
        assertEquals(List.of(new Enabled("VM", kvm_h.KVM_CAP_SPLIT_IRQCHIP(), 0, List.of(24L, 0L, 0L, 0L)),
                new Enabled("VM", kvm_h.KVM_CAP_X86_USER_SPACE_MSR(), 0, List.of(msrs, 0L, 0L, 0L)),
                new Enabled("VM", kvm_h.KVM_CAP_X86_USER_SPACE_MSR(), 0, List.of(0L, 0L, 0L, 0L)),
                new Enabled("VM", kvm_h.KVM_CAP_EXIT_HYPERCALL(), 0,
                        List.of(1L << kvm_x86_h.KVM_HC_MAP_GPA_RANGE(), 0L, 0L, 0L))),
                enabled);
    }

    private Enabled onVm(int capability, long argument) {
        return new Enabled("VM", capability, 0, List.of(argument, 0L, 0L, 0L));
    }

    @Test
    void theOptionsOfX86ReachTheKernel() {
        X86VmOptions options = vm.x86().options();
        options.disableExits(Set.of(DisabledExit.HLT, DisabledExit.APERFMPERF));
        options.x2apicApi(Set.of(X2ApicFlag.USE_32BIT_IDS, X2ApicFlag.DISABLE_BROADCAST_QUIRK));
        options.exceptionPayload(true);
        options.exceptionPayload(false);
        options.maxVcpuId(9);
        options.notifyVmexit(-1, true);
        options.notifyVmexit(0x10, false);
        options.busLockExit(true);
        options.busLockExit(false);
        options.haltPoll(-1);
        options.disableQuirks(Set.of(Quirk.LINT0_REENABLED, Quirk.SLOT_ZAP_ALL));
        options.pmu(false);
        options.pmu(true);
        options.apicBusCycles(40);
        options.tripleFaultEvent(true);
        options.exitOnEmulationFailure(true);
        options.msrPlatformInfo(false);
        options.disableNxHugePages();
        assertEquals(List.of(onVm(kvm_h.KVM_CAP_X86_DISABLE_EXITS(), 1 << 1 | 1 << 4),
                onVm(kvm_h.KVM_CAP_X2APIC_API(), 3), onVm(kvm_h.KVM_CAP_EXCEPTION_PAYLOAD(), 1),
                onVm(kvm_h.KVM_CAP_EXCEPTION_PAYLOAD(), 0), onVm(kvm_h.KVM_CAP_MAX_VCPU_ID(), 9),
                onVm(kvm_h.KVM_CAP_X86_NOTIFY_VMEXIT(), 0xffffffff00000003L),
                onVm(kvm_h.KVM_CAP_X86_NOTIFY_VMEXIT(), 0x1000000001L),
                onVm(kvm_h.KVM_CAP_X86_BUS_LOCK_EXIT(), kvm_h.KVM_BUS_LOCK_DETECTION_EXIT()),
                onVm(kvm_h.KVM_CAP_X86_BUS_LOCK_EXIT(), kvm_h.KVM_BUS_LOCK_DETECTION_OFF()),
                onVm(kvm_h.KVM_CAP_HALT_POLL(), 0xffffffffL),
                onVm(kvm_h.KVM_CAP_DISABLE_QUIRKS2(), 1 | 1 << 7), onVm(kvm_h.KVM_CAP_PMU_CAPABILITY(), 1),
                onVm(kvm_h.KVM_CAP_PMU_CAPABILITY(), 0), onVm(kvm_h.KVM_CAP_X86_APIC_BUS_CYCLES_NS(), 40),
                onVm(kvm_h.KVM_CAP_X86_TRIPLE_FAULT_EVENT(), 1),
                onVm(kvm_h.KVM_CAP_EXIT_ON_EMULATION_FAILURE(), 1), onVm(kvm_h.KVM_CAP_MSR_PLATFORM_INFO(), 0),
                onVm(kvm_h.KVM_CAP_VM_DISABLE_NX_HUGE_PAGES(), 0)), enabled);
    }

    @Test
    @SuppressWarnings("restricted")
    void theOptionsOfAnX86VcpuReachTheKernel() {
        X86VcpuOptions options = vm.createVcpu(3).x86().options();
        options.enforcePvFeatureCpuid(true);
        options.hypervSynic();
        options.hypervSynic2();
        options.hypervEnforceCpuid(false);
        options.hypervDirectTlbflush();
        assertEquals(List.of(kvm_h.KVM_CAP_ENFORCE_PV_FEATURE_CPUID(), kvm_h.KVM_CAP_HYPERV_SYNIC(),
                kvm_h.KVM_CAP_HYPERV_SYNIC2(), kvm_h.KVM_CAP_HYPERV_ENFORCE_CPUID(),
                kvm_h.KVM_CAP_HYPERV_DIRECT_TLBFLUSH()), enabled.stream().map(Enabled::capability).toList());
        assertEquals(List.of(1L, 0L, 0L, 0L, 0L), enabled.stream().map(call -> call.arguments().getFirst()).toList());
        assertEquals(Set.of("vCPU 3"), enabled.stream().map(Enabled::on).collect(Collectors.toSet()));
        libc.answering(Ioctl.KVM_ENABLE_CAP, call -> {
            assertEquals(kvm_h.KVM_CAP_HYPERV_ENLIGHTENED_VMCS(), kvm_enable_cap.cap(call.argument()));
            MemorySegment.ofAddress(kvm_enable_cap.args(call.argument(), 0)).reinterpret(2)
                    .set(ValueLayout.JAVA_SHORT, 0, (short) 0xc801);
            return 0;
        });
        assertEquals(new HypervVmcsVersions(1, 0xc8), options.hypervEnlightenedVmcs());
        libc.withoutCapability(kvm_h.KVM_CAP_HYPERV_ENLIGHTENED_VMCS());
        assertEquals(Capability.HYPERV_ENLIGHTENED_VMCS, assertThrows(UnsupportedCapabilityException.class,
                options::hypervEnlightenedVmcs).capability());
    }

    @Test
    void whatCannotBeEnabledThereIsRefused() {
        Vcpu vcpu = vm.createVcpu(0);
        assertRefused(IllegalArgumentException.class, () -> vm.enable(Capability.USER_MEMORY), "KVM_CAP_USER_MEMORY",
                "not one that KVM_ENABLE_CAP enables");
        assertRefused(IllegalArgumentException.class, () -> vm.enable(Capability.HYPERV_SYNIC), "Vcpu.enable()");
        assertRefused(IllegalArgumentException.class, () -> vcpu.enable(Capability.X2APIC_API, 1), "Vm.enable()");
        assertRefused(IllegalArgumentException.class, () -> vcpu.enable(Capability.HYPERV_ENLIGHTENED_VMCS, 0x1000),
                "takes an address", "unsafe()");
        assertRefused(IllegalArgumentException.class, () -> vm.x86().enableUserSpaceMsr(Set.of(Cause.UNKNOWN)),
                "UNKNOWN");
        assertRefused(IllegalArgumentException.class, () -> vm.x86().enableSplitIrqchip(-1), "-1");
    }

    /** 0 would be "off". */
    @Test
    void anArgumentThatIsLeftOutOrTooManyIsRefused() {
        assertRefused(IllegalArgumentException.class, () -> vm.enable(Capability.EXIT_ON_EMULATION_FAILURE),
                "takes 1 arguments", "0: off, 1: on", "was given 0");
        assertRefused(IllegalArgumentException.class, () -> vm.enable(Capability.EXIT_ON_EMULATION_FAILURE, 1, 2),
                "was given 2");
    }

    @Test
    void whatComesBeforeTheFirstVcpuIsRefusedAfterIt() {
        vm.createVcpu(0).close();
        assertRefused(IllegalStateException.class, () -> vm.x86().enableSplitIrqchip(24),
                "KVM_ENABLE_CAP(KVM_CAP_SPLIT_IRQCHIP) must come before the first vCPU");
        vm.enable(Capability.X2APIC_API, 1);
        assertEquals(1, enabled.size());
    }

    @Test
    void aCapabilityThatIsNotThereIsNamed() {
        libc.withoutCapability(kvm_h.KVM_CAP_X86_USER_SPACE_MSR());
        UnsupportedCapabilityException e = assertThrows(UnsupportedCapabilityException.class,
                () -> vm.x86().enableUserSpaceMsr(Set.of(Cause.INVALID)));
        assertEquals(Capability.X86_USER_SPACE_MSR, e.capability());
        libc.withoutCapability(kvm_h.KVM_CAP_ENFORCE_PV_FEATURE_CPUID());
        Vcpu vcpu = vm.createVcpu(0);
        assertRefused(UnsupportedCapabilityException.class,
                () -> vcpu.enable(Capability.ENFORCE_PV_FEATURE_CPUID, 1), "KVM_CAP_ENFORCE_PV_FEATURE_CPUID");
    }

    /** Its value is 0 as long as it is off. */
    @Test
    void aCapabilityThatIsReportedAsAbsentUntilItIsEnabledIsTriedAllTheSame() {
        libc.withoutCapability(kvm_h.KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE());
        vm.enable(Capability.ARM_EAGER_SPLIT_CHUNK_SIZE, 4096);
        assertEquals(1, enabled.size());
    }

    @Test
    void aRefusalOfTheKernelNamesTheCapability() {
        libc.answering(Ioctl.KVM_ENABLE_CAP, () -> -Errno.EINVAL.number());
        KvmException e = assertThrows(KvmException.class, () -> vm.enable(Capability.X2APIC_API, -1));
        assertEquals("KVM_ENABLE_CAP(KVM_CAP_X2APIC_API)", e.call());
        assertEquals("EINVAL", e.errnoName());
        assertTrue(e.getMessage().contains("does not take these arguments"), e.getMessage());
    }
}
