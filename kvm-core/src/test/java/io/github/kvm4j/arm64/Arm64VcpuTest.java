package io.github.kvm4j.arm64;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.RequiresKvm;

/** arm64's vCPUs on the KVM at hand. */
@RequiresKvm(arch = Architecture.ARM64)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Arm64VcpuTest {

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
    void aVcpuThatIsNotInitialisedDoesNotRun() {
        Vcpu vcpu = vm.createVcpu(0);
        KvmException e = assertThrows(KvmException.class, vcpu::run);
        assertEquals("ENOEXEC", e.errnoName());
        assertTrue(e.getMessage().contains("KVM_ARM_VCPU_INIT"), e::getMessage);
        assertTrue(Set.of("ENOEXEC", "EPERM").contains(errno(() -> vcpu.arm64().getOneReg(CoreRegister.PC))));
    }

    @Test
    void aFeatureThatNobodyKnowsIsRefused() {
        Vcpu vcpu = vm.createVcpu(0);
        VcpuInit unknown = new VcpuInit(target().target(), 1L << 40);
        assertTrue(Set.of("ENOENT", "EINVAL").contains(errno(() -> vcpu.arm64().init(unknown))));
        assertEquals("EINVAL", errno(() -> vcpu.arm64().init(new VcpuInit(0x7fff))));
    }

    @Test
    void coreRegistersKeepWhatIsWritten() {
        Arm64Vcpu vcpu = vcpu().arm64();
        for (int i = 0; i <= 30; i++) {
            vcpu.setOneReg(CoreRegister.x(i), 0x0123_4567_89ab_cdefL * (i + 1));
        }
        vcpu.setOneReg(CoreRegister.SP, 0x8000);
        vcpu.setOneReg(CoreRegister.ELR_EL1, -2);
        byte[] vector = HexFormat.of().parseHex("00112233445566778899aabbccddeeff");
        vcpu.setOneRegBytes(CoreRegister.V31, vector);
        vcpu.setOneReg(CoreRegister.FPSR, 0x8000_0000L);
        for (int i = 0; i <= 30; i++) {
            assertEquals(0x0123_4567_89ab_cdefL * (i + 1), vcpu.getOneReg(CoreRegister.x(i)));
        }
        assertEquals(0x8000, vcpu.getOneReg(CoreRegister.SP));
        assertEquals(-2, vcpu.getOneReg(CoreRegister.ELR_EL1));
        assertArrayEquals(vector, vcpu.getOneRegBytes(CoreRegister.V31));
        assertArrayEquals(new byte[16], vcpu.getOneRegBytes(CoreRegister.V30));
        // 4 bytes, zero-extended.
        assertEquals(0x8000_0000L, vcpu.getOneReg(CoreRegister.FPSR));
        assertArrayEquals(new byte[]{0, 0, 0, (byte) 0x80}, vcpu.getOneRegBytes(CoreRegister.FPSR));
    }

    @Test
    void aWrongSizeNeverReachesTheKernel() {
        Arm64Vcpu vcpu = vcpu().arm64();
        assertTrue(assertThrows(IllegalArgumentException.class, () -> vcpu.getOneReg(CoreRegister.V0)).getMessage()
                .contains("16 bytes"));
        assertThrows(IllegalArgumentException.class, () -> vcpu.setOneReg(CoreRegister.V0, 1));
        assertThrows(IllegalArgumentException.class, () -> vcpu.setOneRegBytes(CoreRegister.PC, new byte[4]));
        assertThrows(IllegalArgumentException.class, () -> vcpu.getOneRegBytes(new OtherRegister(0x60f0000000100000L)));
    }

    @Test
    void everyListedRegisterHasATypeAndCanBeRead() {
        Vcpu vcpu = vcpu();
        List<Arm64Register> list = vcpu.arm64().getRegList();
        assertTrue(list.size() > 200, () -> list.size() + " registers");
        assertEquals(list.size(), vcpu.getRegList().length);
        for (Arm64Register register : list) {
            assertTrue(!(register instanceof OtherRegister), register::toString);
            assertEquals(register.size(), vcpu.arm64().getOneRegBytes(register).length);
        }
        assertTrue(list.containsAll(List.of(CoreRegister.X0, CoreRegister.PC, CoreRegister.V31, CoreRegister.FPCR,
                SystemRegister.MPIDR_EL1, SystemRegister.SCTLR_EL1, SystemRegister.VBAR_EL1, SystemRegister.TPIDR_EL0,
                SystemRegister.CNTV_CTL_EL0, SystemRegister.CNTV_CVAL_EL0, SystemRegister.CNTVCT_EL0,
                FirmwareRegister.PSCI_VERSION)), list::toString);
    }

    @Test
    void registersOfVcpusTellThemApart() {
        Vcpu one = vm.createVcpu(0);
        Vcpu two = vm.createVcpu(1);
        one.arm64().init(target());
        two.arm64().init(target());
        assertNotEquals(one.arm64().getOneReg(SystemRegister.MPIDR_EL1),
                two.arm64().getOneReg(SystemRegister.MPIDR_EL1));
        long psci = one.arm64().getOneReg(FirmwareRegister.PSCI_VERSION);
        assertTrue(psci >>> 16 >= 1, () -> "PSCI version 0x" + Long.toHexString(psci));
        assertEquals("ENOENT", errno(() -> one.arm64().getOneReg(new SystemRegister(3, 7, 15, 15, 7))));
    }

    @Test
    void aResetTakesTheRegistersBack() {
        Arm64Vcpu vcpu = vcpu().arm64();
        vcpu.setOneReg(CoreRegister.X5, 5);
        vcpu.setOneReg(SystemRegister.TPIDR_EL1, 7);
        vcpu.init(target());
        assertEquals(0, vcpu.getOneReg(CoreRegister.X5));
        assertNotEquals(7, vcpu.getOneReg(SystemRegister.TPIDR_EL1));
    }

    @Test
    void timerInterruptsCanBeChosenUntilTheFirstRun() {
        Arm64Vcpu vcpu = vcpu().arm64();
        assertEquals(27, vcpu.getTimerIrq(Arm64Timer.VIRTUAL));
        assertEquals(30, vcpu.getTimerIrq(Arm64Timer.PHYSICAL));
        assertEquals("EINVAL", errno(() -> vcpu.setTimerIrq(Arm64Timer.VIRTUAL, 20)), "no interrupt controller yet");
        VgicV3.create(vm);
        vcpu.setTimerIrq(Arm64Timer.VIRTUAL, 20);
        assertEquals(20, vcpu.getTimerIrq(Arm64Timer.VIRTUAL));
        assertEquals("EINVAL", errno(() -> vcpu.setTimerIrq(Arm64Timer.VIRTUAL, 40)));
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
        vgic.setDistributorAddress(0x0800_0000);
        vgic.addRedistributorRegion(0, 0x0810_0000, 1);
        vgic.init();
        assertEquals("ENXIO", errno(vcpu.arm64()::getPmuIrq));
        vcpu.arm64().setPmuIrq(23);
        vcpu.arm64().initPmu();
        assertEquals(23, vcpu.arm64().getPmuIrq());
        assertEquals("EBUSY", errno(() -> vcpu.arm64().setPmuIrq(24)));
    }

    @Test
    void withoutAPerformanceMonitorThereIsNothingToMakeReady() {
        assertEquals("ENODEV", errno(vcpu().arm64()::initPmu));
    }

    @Test
    void onlySveIsFinalized() {
        Arm64Vcpu vcpu = vcpu().arm64();
        if (vm.has(Capability.ARM_SVE)) {
            assertTrue(Set.of("EINVAL", "EPERM").contains(errno(() -> vcpu.finalizeFeature(VcpuFeature.SVE))));
        } else {
            assertTrue(assertThrows(KvmException.class, () -> vcpu.finalizeFeature(VcpuFeature.SVE)).getMessage()
                    .contains("KVM_CAP_ARM_SVE"));
        }
    }

    @Test
    @RequiresKvm(capability = Capability.ARM_SVE)
    void aVcpuWithSveIsFinalizedAndHasItsRegisters() {
        Arm64Vcpu vcpu = vm.createVcpu(0).arm64();
        vcpu.init(target().with(VcpuFeature.SVE));
        assertEquals("EPERM", errno(vcpu::getRegList));
        assertTrue((vcpu.getOneRegBytes(SveRegister.VECTOR_LENGTHS)[0] & 1) == 1, "128 bits is always there");
        vcpu.finalizeFeature(VcpuFeature.SVE);
        byte[] vector = new byte[256];
        vector[1] = 42;
        SveRegister z3 = new SveRegister(SveRegister.Kind.Z, 3, 0);
        vcpu.setOneRegBytes(z3, vector);
        assertArrayEquals(vector, vcpu.getOneRegBytes(z3));
        assertTrue(vcpu.getRegList().contains(z3));
        assertEquals("EPERM", errno(() -> vcpu.setOneRegBytes(SveRegister.VECTOR_LENGTHS, new byte[64])));
    }

    @Test
    @RequiresKvm(capability = Capability.COUNTER_OFFSET)
    void theGuestsCounterIsShifted() {
        Arm64Vcpu vcpu = vcpu().arm64();
        vm.arm64().setCounterOffset(0);
        long host = vcpu.getOneReg(SystemRegister.CNTVCT_EL0);
        vm.arm64().setCounterOffset(1L << 40);
        long shifted = vcpu.getOneReg(SystemRegister.CNTVCT_EL0);
        assertTrue(host - shifted > (1L << 40) - (1L << 36), () -> host + " " + shifted);
    }

    @Test
    @RequiresKvm(capability = Capability.ARM_SUPPORTED_REG_MASK_RANGES)
    void writableBitsOfFeatureRegistersAreTold() {
        WritableMasks masks = vm.arm64().getRegWritableMasks();
        assertNotEquals(0, masks.of(SystemRegister.ID_AA64DFR0_EL1));
        assertThrows(IllegalArgumentException.class, () -> masks.of(SystemRegister.SCTLR_EL1));
        // What is writable keeps what is written.
        Arm64Vcpu vcpu = vcpu().arm64();
        long value = vcpu.getOneReg(SystemRegister.ID_AA64ISAR0_EL1);
        long atomics = 0xfL << 20; // Atomic, which may be lowered
        assumeTrue((masks.of(SystemRegister.ID_AA64ISAR0_EL1) & atomics) != 0, "Atomic is not writable in this kernel");
        vcpu.setOneReg(SystemRegister.ID_AA64ISAR0_EL1, value & ~atomics);
        assertEquals(value & ~atomics, vcpu.getOneReg(SystemRegister.ID_AA64ISAR0_EL1));
    }

    /** vCPU 0 asks the firmware to start vCPU 1 elsewhere, which writes its argument to the device. */
    @Test
    void aVcpuStartsAnother() {
        vm.memory().add(0, 0x10000);
        // mov w0, #0xc4000003 (CPU_ON); mov x1, #1; mov x2, #0x2000; mov x3, #77; hvc #0; str w0, [x4]; b .
        vm.memory().write(ENTRY, HexFormat.of()
                .parseHex("0080b852000c0011210080d2020084d2a30980d2020000d404a0a1d2800000b900000014"));
        // mov x4, #0x0d000000; str w0, [x4, #4]; b .
        vm.memory().write(0x2000, HexFormat.of().parseHex("04a0a1d2800400b900000014"));
        Vcpu one = vm.createVcpu(0);
        Vcpu two = vm.createVcpu(1);
        one.arm64().init(target());
        two.arm64().init(target().with(VcpuFeature.POWER_OFF));
        one.arm64().setOneReg(CoreRegister.PC, ENTRY);
        CompletableFuture<Exit> second = Concurrent.call(() -> two.run().copy());
        Exit.Mmio started = assertInstanceOf(Exit.Mmio.class, one.run());
        assertEquals(0x0d00_0000, started.address());
        assertEquals(0, started.value(), "CPU_ON's result");
        Exit.Mmio running = assertInstanceOf(Exit.Mmio.class, Concurrent.finish(second));
        assertEquals(0x0d00_0004, running.address());
        assertEquals(77, running.value());
    }
}
