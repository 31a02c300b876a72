package io.github.kvm4j.arm64;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.HexFormat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Device;
import io.github.kvm4j.DeviceType;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RequiresKvm;

/** The in-kernel GICv3, up to an interrupt that a guest takes. */
@RequiresKvm(arch = Architecture.ARM64)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VgicV3Test {

    private static final long DISTRIBUTOR = 0x0800_0000;
    private static final long REDISTRIBUTORS = 0x0810_0000;

    /** KVM_DEV_ARM_VGIC_GRP_NR_IRQS. */
    private static final int NR_IRQS_GROUP = 3;

    /** GICD_TYPER, whose low five bits are a 32nd of the number of interrupts, less one. */
    private static final int TYPER = 4;
    /** GICD_ISENABLER1, of the first shared interrupts. */
    private static final int ENABLE_SHARED = 0x104;
    /** GICR_ISENABLER0, in the second frame of a redistributor. */
    private static final int ENABLE_PRIVATE = 0x1_0100;

    private Kvm kvm;
    private Vm vm;

    @BeforeEach
    void open() {
        kvm = Kvm.open();
        vm = kvm.createVm();
        assumeTrue(vm.canCreateDevice(DeviceType.ARM_VGIC_V3), "this host has no GICv3");
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    private VgicV3 ready(int vcpus) {
        VgicV3 vgic = VgicV3.create(vm);
        for (int i = 0; i < vcpus; i++) {
            vm.createVcpu(i).arm64().init(vm.arm64().getPreferredTarget().with(VcpuFeature.PSCI_0_2));
        }
        vgic.setDistributorAddress(DISTRIBUTOR);
        vgic.addRedistributorRegion(0, REDISTRIBUTORS, vcpus);
        vgic.setNrIrqs(96);
        vgic.init();
        return vgic;
    }

    private static String errno(Runnable call) {
        return assertThrows(KvmException.class, call::run).errnoName();
    }

    @Test
    void registersKeepWhatIsWritten() {
        VgicV3 vgic = ready(2);
        assertEquals(96 / 32 - 1, vgic.getDistributorRegister(TYPER) & 0x1f);
        vgic.setDistributorRegister(ENABLE_SHARED, 0x8000_0001);
        assertEquals(0x8000_0001, vgic.getDistributorRegister(ENABLE_SHARED));
        vgic.setRedistributorRegister(1, ENABLE_PRIVATE, 1 << 20);
        assertTrue((vgic.getRedistributorRegister(1, ENABLE_PRIVATE) & 1 << 20) != 0);
        assertEquals(0, vgic.getRedistributorRegister(0, ENABLE_PRIVATE) & 1 << 20);
        // Where there is no register.
        assertEquals(0, vgic.getDistributorRegister(0xc000));
        assertEquals("EINVAL", errno(() -> vgic.getRedistributorRegister(7, ENABLE_PRIVATE)));
    }

    @Test
    void whatIsMissingOrTwiceIsRefused() {
        VgicV3 vgic = VgicV3.create(vm);
        assertTrue(assertThrows(KvmException.class, () -> VgicV3.create(vm)).getMessage().contains("no second one"));
        vm.createVcpu(0).arm64().init(vm.arm64().getPreferredTarget());
        vgic.setDistributorAddress(DISTRIBUTOR);
        assertEquals("EEXIST", errno(() -> vgic.setDistributorAddress(DISTRIBUTOR)));
        assertEquals("E2BIG", errno(() -> vgic.addRedistributorRegion(0, 1L << 48, 1)));
        assertEquals("EINVAL", errno(() -> vgic.addRedistributorRegion(3, REDISTRIBUTORS, 1)));
    }

    @Test
    void whatNoAttributeHoldsNeverReachesTheKernel() {
        VgicV3 vgic = VgicV3.create(vm);
        assertThrows(IllegalArgumentException.class, () -> vgic.setDistributorAddress(DISTRIBUTOR + 0x1000));
        for (int irqs : new int[]{32, 65, 993, 1024, -64}) {
            assertThrows(IllegalArgumentException.class, () -> vgic.setNrIrqs(irqs));
        }
        assertThrows(IllegalArgumentException.class, () -> vgic.addRedistributorRegion(0, 0x0810_1000, 1));
        assertThrows(IllegalArgumentException.class, () -> vgic.addRedistributorRegion(0, REDISTRIBUTORS, 0));
        assertThrows(IllegalArgumentException.class, () -> vgic.addRedistributorRegion(0, REDISTRIBUTORS, 4096));
        assertThrows(IllegalArgumentException.class, () -> vgic.addRedistributorRegion(4096, REDISTRIBUTORS, 1));
        assertThrows(IllegalArgumentException.class, () -> vgic.getDistributorRegister(0x1_0000));
        assertThrows(IllegalArgumentException.class, () -> vgic.setDistributorRegister(2, 0));
        assertThrows(IllegalArgumentException.class, () -> vgic.getRedistributorRegister(0, 0x2_0000));
        assertThrows(IllegalArgumentException.class, () -> vgic.setRedistributorRegister(0, -4, 0));
    }

    /** The kernel's documentation has 1024. */
    @Test
    void thereAreAtMost992Interrupts() {
        VgicV3 vgic = VgicV3.create(vm);
        byte[] documented = {0, 4, 0, 0};
        assertEquals("EINVAL", errno(() -> vgic.device().setAttribute(NR_IRQS_GROUP, 0, documented)));
        vgic.setNrIrqs(992);
        assertEquals("EBUSY", errno(() -> vgic.setNrIrqs(992)), "set already");
        vm.createVcpu(0).arm64().init(vm.arm64().getPreferredTarget());
        vgic.init();
        assertEquals(992 / 32 - 1, vgic.getDistributorRegister(TYPER) & 0x1f);
    }

    /** Nothing before the first run looks at the addresses. */
    @Test
    void theFirstRunTellsOfAMissingAddress() {
        for (boolean distributor : new boolean[]{true, false}) {
            try (Vm other = kvm.createVm()) {
                VgicV3 vgic = VgicV3.create(other);
                Vcpu vcpu = vcpu(other);
                if (distributor) {
                    vgic.setDistributorAddress(DISTRIBUTOR);
                } else {
                    vgic.addRedistributorRegion(0, REDISTRIBUTORS, 1);
                }
                vgic.init();
                assertRunFails("ENXIO", "lacks an address", vcpu);
            }
        }
    }

    @Test
    void theFirstRunTellsOfAControllerThatIsNotReady() {
        VgicV3 vgic = VgicV3.create(vm);
        Vcpu vcpu = vcpu(vm);
        vgic.setDistributorAddress(DISTRIBUTOR);
        vgic.addRedistributorRegion(0, REDISTRIBUTORS, 1);
        assertRunFails("EBUSY", "KVM_DEV_ARM_VGIC_CTRL_INIT", vcpu);
    }

    @Test
    void theFirstRunTellsOfFramesThatOverlap() {
        VgicV3 vgic = VgicV3.create(vm);
        Vcpu vcpu = vcpu(vm);
        vgic.addRedistributorRegion(0, REDISTRIBUTORS, 1);
        vgic.setDistributorAddress(REDISTRIBUTORS + 0x10000);
        vgic.init();
        assertRunFails("EINVAL", "overlap", vcpu);
    }

    @Test
    void theFirstRunTellsOfTwoTimersWithOneInterrupt() {
        VgicV3 vgic = VgicV3.create(vm);
        Vcpu vcpu = vcpu(vm);
        vgic.setDistributorAddress(DISTRIBUTOR);
        vgic.addRedistributorRegion(0, REDISTRIBUTORS, 1);
        vgic.init();
        vcpu.arm64().setTimerIrq(Arm64Timer.VIRTUAL, 20);
        vcpu.arm64().setTimerIrq(Arm64Timer.PHYSICAL, 20);
        assertRunFails("EINVAL", "two timers", vcpu);
    }

    private Vcpu vcpu(Vm of) {
        Vcpu vcpu = of.createVcpu(0);
        vcpu.arm64().init(of.arm64().getPreferredTarget());
        return vcpu;
    }

    private static void assertRunFails(String errno, String fragment, Vcpu vcpu) {
        KvmException e = assertThrows(KvmException.class, vcpu::run);
        assertEquals(errno, e.errnoName());
        assertTrue(e.getMessage().contains(fragment), e::getMessage);
    }

    @Test
    void theDeviceIsTheVms() {
        VgicV3 vgic = ready(1);
        Device device = vgic.device();
        assertEquals(DeviceType.ARM_VGIC_V3.number(), device.type());
        vm.close();
        assertThrows(IllegalStateException.class, () -> vgic.getDistributorRegister(TYPER));
    }

    /** The guest waits for its virtual timer, whose interrupt has been moved to number 20, and acknowledges it. */
    @Test
    void aTimerInterruptArrivesUnderTheChosenNumber() {
        vm.memory().add(0, 0x10000);
        VgicV3 vgic = VgicV3.create(vm);
        Vcpu vcpu = vm.createVcpu(0);
        vcpu.arm64().init(vm.arm64().getPreferredTarget().with(VcpuFeature.PSCI_0_2));
        vgic.setDistributorAddress(DISTRIBUTOR);
        vgic.addRedistributorRegion(0, REDISTRIBUTORS, 1);
        vgic.init();
        vcpu.arm64().setTimerIrq(Arm64Timer.VIRTUAL, 20);
        // mov x0, #1; msr ICC_SRE_EL1, x0; isb; mov x0, #0xff; msr ICC_PMR_EL1, x0; mov x0, #1; msr ICC_IGRPEN1_EL1, x0
        // mov x1, #0x08000000; mov w0, #2; str w0, [x1] (GICD_CTLR); mov x1, #0x08110000; mov w0, #-1
        // str w0, [x1, #0x80] (GICR_IGROUPR0); mov w0, #1 << 20; str w0, [x1, #0x100] (GICR_ISENABLER0)
        // mov x0, #1000; msr CNTV_TVAL_EL0, x0; mov x0, #1; msr CNTV_CTL_EL0, x0; isb
        // wfi; mrs x5, ICC_IAR1_EL1; mov x4, #0x0d000000; str w5, [x4]; b .
        vm.memory().write(0x1000, HexFormat.of().parseHex(("200080d2 a0cc18d5 df3f03d5 e01f80d2 004618d5 200080d2 "
                + "e0cc18d5 0100a1d2 40008052 200000b9 2102a1d2 00008012 208000b9 0002a052 200001b9 007d80d2 00e31bd5 "
                + "200080d2 20e31bd5 df3f03d5 7f2003d5 05cc38d5 04a0a1d2 850000b9 00000014").replace(" ", "")));
        vcpu.arm64().setOneReg(CoreRegister.PC, 0x1000);
        Exit.Mmio acknowledged = assertInstanceOf(Exit.Mmio.class, vcpu.run());
        assertEquals(0x0d00_0000, acknowledged.address());
        assertEquals(20, acknowledged.value());
        assertEquals("EBUSY", errno(() -> vcpu.arm64().setTimerIrq(Arm64Timer.VIRTUAL, 21)));
    }
}
