package io.github.kvm4j.arm64;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Field;
import java.util.HashSet;
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
        assertEquals("ENOEXEC", errno(() -> vcpu.arm64().getOneReg(CoreRegister.PC)));
        assertEquals("ENOEXEC", errno(() -> vcpu.arm64().setOneReg(CoreRegister.PC, 0)));
        assertEquals("ENOEXEC", errno(vcpu.arm64()::getRegList));
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
                FirmwareRegister.PSCI_VERSION)), list::toString);
    }

    /** What the library names exists: a wrong number would name another register, or none. */
    @Test
    void everyNamedSystemRegisterIsListed() throws IllegalAccessException {
        VcpuInit init = target();
        boolean pmu = vm.has(Capability.ARM_PMU_V3);
        Arm64Vcpu vcpu = vm.createVcpu(0).arm64();
        vcpu.init(pmu ? init.with(VcpuFeature.PMU_V3) : init);
        Set<SystemRegister> named = new HashSet<>();
        for (Field field : SystemRegister.class.getFields()) {
            named.add((SystemRegister) field.get(null));
        }
        assertTrue(named.size() > 40, named::toString);
        if (!pmu) {
            named.remove(SystemRegister.PMCR_EL0);
        }
        if (!vm.has(Capability.COUNTER_OFFSET)) { // Linux 6.4; before, the physical timer is not listed
            named.removeAll(Set.of(SystemRegister.CNTP_CTL_EL0, SystemRegister.CNTP_CVAL_EL0,
                    SystemRegister.CNTPCT_EL0));
        }
        named.removeAll(Set.copyOf(vcpu.getRegList()));
        assertEquals(Set.of(), named);
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
    void onlySveIsFinalized() {
        Arm64Vcpu vcpu = vm.createVcpu(0).arm64();
        if (vm.has(Capability.ARM_SVE)) {
            assertEquals("ENOEXEC", errno(() -> vcpu.finalizeFeature(VcpuFeature.SVE)), "not initialised");
            vcpu.init(target());
            assertEquals("EINVAL", errno(() -> vcpu.finalizeFeature(VcpuFeature.SVE)), "a vCPU without it");
            assertEquals("EINVAL", errno(() -> vcpu.finalizeFeature(VcpuFeature.PSCI_0_2)));
        } else {
            assertTrue(assertThrows(KvmException.class, () -> vcpu.finalizeFeature(VcpuFeature.SVE)).getMessage()
                    .contains("KVM_CAP_ARM_SVE"));
        }
    }

    @Test
    @RequiresKvm(capability = Capability.ARM_SVE)
    void aVcpuWithSveIsFinalizedAndHasItsRegisters() {
        Vcpu whole = vm.createVcpu(0);
        Arm64Vcpu vcpu = whole.arm64();
        vcpu.init(target().with(VcpuFeature.SVE));
        SveRegister z3 = new SveRegister(SveRegister.Kind.Z, 3, 0);
        assertEquals("EPERM", errno(vcpu::getRegList));
        assertEquals("EPERM", errno(() -> vcpu.getOneRegBytes(z3)));
        assertTrue(assertThrows(KvmException.class, whole::run).getMessage().contains("EPERM"));
        assertTrue((vcpu.getOneRegBytes(SveRegister.VECTOR_LENGTHS)[0] & 1) == 1, "128 bits is always there");
        vcpu.finalizeFeature(VcpuFeature.SVE);
        assertEquals("EPERM", errno(() -> vcpu.finalizeFeature(VcpuFeature.SVE)), "complete already");
        byte[] vector = new byte[256];
        vector[1] = 42;
        vcpu.setOneRegBytes(z3, vector);
        assertArrayEquals(vector, vcpu.getOneRegBytes(z3));
        assertTrue(vcpu.getRegList().containsAll(List.of(z3, SveRegister.VECTOR_LENGTHS)));
        for (Arm64Register register : vcpu.getRegList()) {
            assertTrue(!(register instanceof OtherRegister), register::toString);
            assertEquals(register.size(), vcpu.getOneRegBytes(register).length);
        }
        assertTrue(!vcpu.getRegList().contains(CoreRegister.V0), "Z0 has it");
        assertEquals("EPERM", errno(() -> vcpu.setOneRegBytes(SveRegister.VECTOR_LENGTHS, new byte[64])));
    }

    @Test
    @RequiresKvm(capability = Capability.ARM_PTRAUTH_ADDRESS)
    void aVcpuWithPointerAuthenticationHasItsKeys() {
        Arm64Vcpu vcpu = vm.createVcpu(0).arm64();
        assertEquals("EINVAL", errno(() -> vcpu.init(target().with(VcpuFeature.PTRAUTH_ADDRESS))), "both or none");
        vcpu.init(target().with(VcpuFeature.PTRAUTH_ADDRESS, VcpuFeature.PTRAUTH_GENERIC));
        SystemRegister apiaKeyLo = new SystemRegister(3, 0, 2, 1, 0);
        assertTrue(vcpu.getRegList().contains(apiaKeyLo));
        vcpu.setOneReg(apiaKeyLo, 0x0123_4567_89ab_cdefL);
        assertEquals(0x0123_4567_89ab_cdefL, vcpu.getOneReg(apiaKeyLo));
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
