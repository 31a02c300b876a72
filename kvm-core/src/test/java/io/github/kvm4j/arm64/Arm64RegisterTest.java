package io.github.kvm4j.arm64;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;

/** Ids, held against those that the kernel's documentation spells out (section 4.68) and those that the header computes. */
class Arm64RegisterTest {

    @ParameterizedTest
    @CsvSource({"X0, 6030000000100000, 8", "X30, 603000000010003c, 8", "SP, 603000000010003e, 8",
            "PC, 6030000000100040, 8", "PSTATE, 6030000000100042, 8", "SP_EL1, 6030000000100044, 8",
            "ELR_EL1, 6030000000100046, 8", "SPSR_EL1, 6030000000100048, 8", "SPSR_ABT, 603000000010004a, 8",
            "SPSR_UND, 603000000010004c, 8", "SPSR_IRQ, 603000000010004e, 8", "SPSR_FIQ, 6030000000100050, 8",
            "V0, 6040000000100054, 16", "V31, 60400000001000d0, 16", "FPSR, 60200000001000d4, 4",
            "FPCR, 60200000001000d5, 4"})
    void coreRegistersHaveTheDocumentedIds(CoreRegister register, String id, int size) {
        assertEquals(id, Long.toHexString(register.id()));
        assertEquals(size, register.size());
    }

    @Test
    void numberedCoreRegistersAreFoundByTheirNumbers() {
        assertSame(CoreRegister.X0, CoreRegister.x(0));
        assertSame(CoreRegister.X30, CoreRegister.x(30));
        assertSame(CoreRegister.V0, CoreRegister.v(0));
        assertSame(CoreRegister.V31, CoreRegister.v(31));
        assertThrows(IllegalArgumentException.class, () -> CoreRegister.x(31));
        assertThrows(IllegalArgumentException.class, () -> CoreRegister.v(32));
        assertThrows(IllegalArgumentException.class, () -> CoreRegister.x(-1));
    }

    /** What the header's own macros give. */
    @Test
    void otherRegistersHaveTheHeadersIds() {
        assertEquals(kvm_arm64_h.KVM_REG_ARM_TIMER_CTL(), new SystemRegister(3, 3, 14, 3, 1).id());
        assertEquals(kvm_arm64_h.KVM_REG_ARM_PTIMER_CVAL(), new SystemRegister(3, 3, 14, 2, 2).id());
        assertEquals(kvm_arm64_h.KVM_REG_ARM_TIMER_CVAL(), SystemRegister.CNTV_CVAL_EL0.id());
        assertEquals(kvm_arm64_h.KVM_REG_ARM_TIMER_CNT(), SystemRegister.CNTVCT_EL0.id());
        assertEquals(kvm_arm64_h.KVM_REG_ARM_PSCI_VERSION(), FirmwareRegister.PSCI_VERSION.id());
        assertEquals(kvm_arm64_h.KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3(),
                FirmwareRegister.SMCCC_ARCH_WORKAROUND_3.id());
        assertEquals(kvm_arm64_h.KVM_REG_ARM_VENDOR_HYP_BMAP(), FirmwareFeatureRegister.VENDOR_HYPERVISOR.id());
        assertEquals(0x603000000013c005L, SystemRegister.MPIDR_EL1.id());
        // 0x6020 0000 0011 00 <csselr:8>, and the SVE ids: as the documentation has them.
        assertEquals(0x6020000000110002L, new CacheSizeRegister(2).id());
        assertEquals(0x6080000000150000L | 31 << 5, new SveRegister(SveRegister.Kind.Z, 31, 0).id());
        assertEquals(0x6050000000150400L | 15 << 5 | 3, new SveRegister(SveRegister.Kind.P, 15, 3).id());
        assertEquals(0x6050000000150600L, new SveRegister(SveRegister.Kind.FFR, 0, 0).id());
        assertEquals(0x606000000015ffffL, SveRegister.VECTOR_LENGTHS.id());
        assertEquals(64, SveRegister.VECTOR_LENGTHS.size());
    }

    @Test
    void anIdGivesTheRegisterThatHasIt() {
        List<Arm64Register> registers = new ArrayList<>(List.of(CoreRegister.values()));
        registers.addAll(List.of(SystemRegister.MPIDR_EL1, SystemRegister.CNTV_CTL_EL0,
                new SystemRegister(2, 7, 15, 15, 7),
                new CacheSizeRegister(0), FirmwareRegister.PSCI_VERSION, FirmwareFeatureRegister.STANDARD,
                new SveRegister(SveRegister.Kind.Z, 0, 0), new SveRegister(SveRegister.Kind.P, 15, 31),
                new SveRegister(SveRegister.Kind.FFR, 0, 1), SveRegister.VECTOR_LENGTHS));
        for (Arm64Register register : registers) {
            assertEquals(register, Arm64Register.of(register.id()));
        }
        assertEquals(registers.size(), new HashSet<>(registers.stream().map(Arm64Register::id).toList()).size());
    }

    @Test
    void anIdThatNoTypeHasIsOther() {
        // A core register between two, a system register of 32 bits, a group that does not exist, SVE's Z below P's base.
        for (long id : new long[]{0x6030000000100001L, 0x6020000000130000L, 0x60300000ffff0000L, 0x6080000000150700L}) {
            assertEquals(id, assertInstanceOf(OtherRegister.class, Arm64Register.of(id)).id());
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new SystemRegister(4, 0, 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> new SystemRegister(3, 8, 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> new SystemRegister(3, 0, 16, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> new SystemRegister(3, 0, 0, 16, 0));
        assertThrows(IllegalArgumentException.class, () -> new SystemRegister(3, 0, 0, 0, 8));
        assertThrows(IllegalArgumentException.class, () -> new CacheSizeRegister(256));
        assertThrows(IllegalArgumentException.class, () -> new SveRegister(SveRegister.Kind.P, 16, 0));
        assertThrows(IllegalArgumentException.class, () -> new SveRegister(SveRegister.Kind.Z, 0, 32));
        assertThrows(IllegalArgumentException.class, () -> new SveRegister(SveRegister.Kind.VECTOR_LENGTHS, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> new SveRegister(SveRegister.Kind.VECTOR_LENGTHS, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new FirmwareRegister(0x10000));
    }

    @Test
    void systemRegistersAreNamedOrNumbered() {
        assertEquals("MPIDR_EL1", new SystemRegister(3, 0, 0, 0, 5).toString());
        assertEquals("S3_1_C11_C0_2", new SystemRegister(3, 1, 11, 0, 2).toString());
        assertEquals(List.of("Z3", "FFR", "VECTOR_LENGTHS"),
                List.of(new SveRegister(SveRegister.Kind.Z, 3, 0).toString(),
                        new SveRegister(SveRegister.Kind.FFR, 0, 0).toString(), SveRegister.VECTOR_LENGTHS.toString()));
    }

    @Test
    void aFilterHasEventsOfTheArchitecture() {
        assertEquals("0000ffff00000000", hex(new PmuEventFilter(PmuEventFilter.Action.ALLOW, 0, 0xffff)));
        assertEquals("1100010001000000", hex(new PmuEventFilter(PmuEventFilter.Action.DENY, 0x11, 1)));
        assertEquals("ffff010001000000", hex(new PmuEventFilter(PmuEventFilter.Action.DENY, 0xffff, 1)));
        for (int[] range : new int[][]{{-1, 1}, {0x10000, 1}, {0, 0}, {0, -1}, {0, 0x10000}, {0xffff, 2}}) {
            assertThrows(IllegalArgumentException.class,
                    () -> new PmuEventFilter(PmuEventFilter.Action.DENY, range[0], range[1]));
        }
    }

    private static String hex(PmuEventFilter filter) {
        return HexFormat.of().formatHex(filter.bytes());
    }
}
