package io.github.kvm4j.arm64;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.arm64.kvm_smccc_filter;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RequiresKvm;

/** Attributes of arm64's vCPUs and VMs: timers, the performance monitor, stolen time, hypercalls that are forwarded. */
@RequiresKvm(arch = Architecture.ARM64)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Arm64AttributesTest {

    private static final long ENTRY = 0x1000;

    private Kvm kvm;
    private Vm vm;

    @BeforeEach
    void open() {
        kvm = Kvm.open();
        vm = kvm.createVm();
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    private VcpuInit target() {
        return vm.arm64().getPreferredTarget().with(VcpuFeature.PSCI_0_2);
    }

    private Vcpu vcpu() {
        Vcpu vcpu = vm.createVcpu(0);
        vcpu.arm64().init(target());
        return vcpu;
    }

    private static String errno(Runnable call) {
        return assertThrows(KvmException.class, call::run).errnoName();
    }

    @Test
    void timerInterruptsCanBeChosenUntilTheFirstRun() {
        Vcpu whole = vcpu();
        Arm64Vcpu vcpu = whole.arm64();
        assertEquals(27, vcpu.getTimerIrq(Arm64Timer.VIRTUAL));
        assertEquals(30, vcpu.getTimerIrq(Arm64Timer.PHYSICAL));
        assertEquals("EINVAL", errno(() -> vcpu.setTimerIrq(Arm64Timer.VIRTUAL, 20)), "no interrupt controller yet");
        VgicV3.create(vm);
        vcpu.setTimerIrq(Arm64Timer.VIRTUAL, 20);
        assertEquals(20, vcpu.getTimerIrq(Arm64Timer.VIRTUAL));
        assertEquals("EINVAL", errno(() -> whole.setAttribute(1, 0, new byte[]{40, 0, 0, 0})));
    }

    @Test
    void whatNoAttributeHoldsNeverReachesTheKernel() {
        Arm64Vcpu vcpu = vcpu().arm64();
        for (int interrupt : new int[]{15, 32, -1}) {
            assertThrows(IllegalArgumentException.class, () -> vcpu.setTimerIrq(Arm64Timer.VIRTUAL, interrupt));
        }
        for (int interrupt : new int[]{15, 1020, -1}) {
            assertThrows(IllegalArgumentException.class, () -> vcpu.setPmuIrq(interrupt));
        }
        assertThrows(IllegalArgumentException.class, () -> vcpu.setPmuNrCounters(32));
        assertThrows(IllegalArgumentException.class, () -> vcpu.setPmuNrCounters(-1));
        assertThrows(IllegalArgumentException.class, () -> vcpu.setPvTimeAddress(0x1020));
    }

    @Test
    void attributesAreAskedForByTheirNumbers() {
        Vcpu vcpu = vcpu();
        assertTrue(vcpu.hasAttribute(1, Arm64Timer.VIRTUAL.attribute()));
        assertTrue(!vcpu.hasAttribute(99, 0));
        assertArrayEquals(new byte[]{27, 0, 0, 0}, vcpu.getAttribute(1, 0, 4));
        assertEquals("ENXIO", errno(() -> vcpu.setAttribute(99, 0, new byte[4])));
    }

    @Test
    @RequiresKvm(capability = Capability.ARM_PMU_V3)
    void aPerformanceMonitorIsMadeReady() {
        VgicV3 vgic = VgicV3.create(vm);
        Vcpu vcpu = vm.createVcpu(0);
        vcpu.arm64().init(target().with(VcpuFeature.PMU_V3));
        assertEquals("ENODEV", errno(vcpu.arm64()::initPmu), "the interrupt controller is not ready");
        vgic.setDistributorAddress(0x0800_0000);
        vgic.addRedistributorRegion(0, 0x0810_0000, 1);
        vgic.init();
        assertEquals("ENXIO", errno(vcpu.arm64()::getPmuIrq));
        assertEquals("ENXIO", errno(vcpu.arm64()::initPmu), "no interrupt");
        vcpu.arm64().setPmuIrq(23);
        vcpu.arm64().initPmu();
        assertEquals(23, vcpu.arm64().getPmuIrq());
        assertEquals("EBUSY", errno(() -> vcpu.arm64().setPmuIrq(24)));
    }

    @Test
    void withoutAPerformanceMonitorThereIsNothingToMakeReady() {
        Arm64Vcpu vcpu = vcpu().arm64();
        assertEquals("EINVAL", errno(vcpu::getPmuIrq), "no interrupt controller");
        VgicV3.create(vm);
        assertEquals("ENODEV", errno(vcpu::getPmuIrq));
        for (Runnable call : List.<Runnable>of(vcpu::initPmu, () -> vcpu.setPmuIrq(23), () -> vcpu.setPmu(0),
                () -> vcpu.setPmuNrCounters(0),
                () -> vcpu.setPmuFilter(new PmuEventFilter(PmuEventFilter.Action.DENY, 0, 1)))) {
            assertEquals("ENODEV", errno(call));
        }
    }

    @Test
    @RequiresKvm(capability = Capability.ARM_PMU_V3)
    void aPerformanceMonitorThatIsNotReadyIsToldByTheFirstRun() {
        Vcpu vcpu = vm.createVcpu(0);
        vcpu.arm64().init(target().with(VcpuFeature.PMU_V3));
        KvmException e = assertThrows(KvmException.class, vcpu::run);
        assertEquals("EINVAL", e.errnoName());
        assertTrue(e.getMessage().contains("the PMU is not ready"), e::getMessage);
    }

    /** PMCEID0_EL0 says which of the first 32 events there are to count; 0x11, processor cycles, every PMU has. */
    @Test
    @RequiresKvm(capability = Capability.ARM_PMU_V3)
    void aFilterTakesEventsAwayFromThePerformanceMonitor() {
        vm.memory().add(0, 0x10000);
        // mrs x0, PMCEID0_EL0; mov x4, #0x0d000000; str w0, [x4]; b .
        vm.memory().write(ENTRY, HexFormat.of().parseHex("c09c3bd504a0a1d2800000b900000014"));
        Vcpu vcpu = vm.createVcpu(0);
        vcpu.arm64().init(target().with(VcpuFeature.PMU_V3));
        vcpu.arm64().setOneReg(CoreRegister.PC, ENTRY);
        PmuEventFilter cycles = new PmuEventFilter(PmuEventFilter.Action.DENY, 0x11, 1);
        vcpu.arm64().setPmuFilter(cycles);
        vcpu.arm64().initPmu();
        Exit.Mmio events = assertInstanceOf(Exit.Mmio.class, vcpu.run());
        assertEquals(0x0d00_0000, events.address());
        assertTrue(events.value() != 0, "the others are left");
        assertEquals(0, events.value() & 1 << 0x11, () -> "events 0x" + Long.toHexString(events.value()));
        assertEquals("EBUSY", errno(() -> vcpu.arm64().setPmuFilter(cycles)));
    }

    /** On a host whose sysfs names its PMU. */
    @Test
    @RequiresKvm(capability = Capability.ARM_PMU_V3)
    void thePerformanceMonitorAndItsCountersAreChosen() throws IOException {
        Vcpu vcpu = vm.createVcpu(0);
        Arm64Vcpu arm64 = vcpu.arm64();
        arm64.init(target().with(VcpuFeature.PMU_V3));
        assertEquals("ENXIO", errno(() -> arm64.setPmu(0x7fff_ffff)), "no such PMU");
        // KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_SET_NR_COUNTERS
        assumeTrue(vcpu.hasAttribute(0, 4), "the number of counters cannot be set in this kernel");
        arm64.setPmu(hostPmu());
        long counters = counters(arm64);
        assertTrue(counters > 0, () -> counters + " counters");
        arm64.setPmuNrCounters((int) counters - 1);
        assertEquals(counters - 1, counters(arm64));
        assumeTrue(counters < 31, "the host's PMU has all counters that there can be");
        assertEquals("EINVAL", errno(() -> arm64.setPmuNrCounters((int) counters + 1)));
    }

    /** PMCR_EL0.N. */
    private static long counters(Arm64Vcpu vcpu) {
        return vcpu.getOneReg(SystemRegister.PMCR_EL0) >> 11 & 0x1f;
    }

    private static int hostPmu() throws IOException {
        Path devices = Path.of("/sys/bus/event_source/devices");
        assumeTrue(Files.isDirectory(devices), "no sysfs");
        try (Stream<Path> all = Files.list(devices)) {
            Path pmu = all.filter(path -> path.getFileName().toString().startsWith("armv8")).findFirst().orElseThrow();
            return Integer.parseInt(Files.readString(pmu.resolve("type")).strip());
        }
    }

    @Test
    @RequiresKvm(capability = Capability.STEAL_TIME)
    void stolenTimeHasItsPlaceInMemoryOnce() {
        vm.memory().add(0, 0x10000);
        Arm64Vcpu vcpu = vcpu().arm64();
        assertEquals("EINVAL", errno(() -> vcpu.setPvTimeAddress(0x10000)), "beyond memory");
        vcpu.setPvTimeAddress(0x8040);
        assertEquals("EEXIST", errno(() -> vcpu.setPvTimeAddress(0x8040)));
    }

    /** A hypercall that KVM would answer itself with "not supported" comes to the VMM. */
    @Test
    @RequiresKvm(capability = Capability.COUNTER_OFFSET) // as old as the filter, which no capability tells of
    void anAttributeOfTheVmForwardsHypercalls() {
        assertTrue(vm.hasAttribute(kvm_arm64_h.KVM_ARM_VM_SMCCC_CTRL(), kvm_arm64_h.KVM_ARM_VM_SMCCC_FILTER()));
        byte[] filter;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment structure = kvm_smccc_filter.allocate(arena);
            kvm_smccc_filter.base(structure, 0xc600_0000);
            kvm_smccc_filter.nr_functions(structure, 1);
            kvm_smccc_filter.action(structure, (byte) kvm_arm64_h.KVM_SMCCC_FILTER_FWD_TO_USER());
            filter = structure.toArray(ValueLayout.JAVA_BYTE);
        }
        vm.setAttribute(kvm_arm64_h.KVM_ARM_VM_SMCCC_CTRL(), kvm_arm64_h.KVM_ARM_VM_SMCCC_FILTER(), filter);
        assertEquals("EEXIST", errno(() -> vm.setAttribute(kvm_arm64_h.KVM_ARM_VM_SMCCC_CTRL(),
                kvm_arm64_h.KVM_ARM_VM_SMCCC_FILTER(), filter)), "it is there already");
        vm.memory().add(0, 0x10000);
        // mov w0, #0xc6000000; hvc #0; mov x4, #0x0d000000; str w0, [x4]; b .
        vm.memory().write(ENTRY, HexFormat.of().parseHex("00c0b852020000d404a0a1d2800000b900000014"));
        Vcpu vcpu = vcpu();
        vcpu.arm64().setOneReg(CoreRegister.PC, ENTRY);
        Exit.Hypercall call = assertInstanceOf(Exit.Hypercall.class, vcpu.run());
        assertEquals(0xc600_0000L, call.number());
        vcpu.arm64().setOneReg(CoreRegister.X0, 77);
        assertEquals(77, assertInstanceOf(Exit.Mmio.class, vcpu.run()).value());
    }
}
