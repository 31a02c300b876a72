package io.github.kvm4j.riscv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

import org.junit.jupiter.api.Test;

/** Ids, held against those that the kernel's documentation spells out (section 4.68). */
class RiscvRegisterTest {

    private static void assertId(String id, int size, RiscvRegister register) {
        assertEquals(id, Long.toHexString(register.id()), register::toString);
        assertEquals(size, register.size(), register::toString);
    }

    @Test
    void registersHaveTheDocumentedIds() {
        assertId("8030000001000000", 8, ConfigRegister.ISA);
        assertId("8030000001000002", 8, ConfigRegister.MVENDORID);
        assertId("8030000002000000", 8, CoreRegister.PC);
        assertId("8030000002000001", 8, CoreRegister.RA);
        assertId("8030000002000002", 8, CoreRegister.SP);
        assertId("803000000200000a", 8, CoreRegister.A0);
        assertId("803000000200001f", 8, CoreRegister.T6);
        assertId("8030000002000020", 8, CoreRegister.MODE);
        assertId("8030000003000000", 8, ControlRegister.SSTATUS);
        assertId("8030000003000008", 8, ControlRegister.SATP);
        assertId("8030000003010000", 8, ControlRegister.SISELECT);
        assertId("8030000003020000", 8, ControlRegister.SSTATEEN0);
        assertId("8030000004000000", 8, TimerRegister.FREQUENCY);
        assertId("8030000004000003", 8, TimerRegister.STATE);
        assertId("802000000500001f", 4, new FloatRegister(FloatRegister.Precision.SINGLE, 31));
        assertId("8020000005000020", 4, new FloatRegister(FloatRegister.Precision.SINGLE, FloatRegister.FCSR));
        assertId("8030000006000000", 8, new FloatRegister(FloatRegister.Precision.DOUBLE, 0));
        assertId("8020000006000020", 4, new FloatRegister(FloatRegister.Precision.DOUBLE, FloatRegister.FCSR));
        assertId("8030000007000000", 8, IsaExtension.A);
        assertId("8030000007000008", 8, IsaExtension.SSTC);
        assertId("8030000008000009", 8, SbiExtension.DBCN);
        assertId("8030000009000004", 8, VectorControlRegister.VLENB);
        assertId("8040000009000006", 16, new VectorRegister(0, 16));
        assertId("8050000009000025", 32, new VectorRegister(31, 32));
        assertId("803000000a000001", 8, SbiStateRegister.STA_SHMEM_HI);
        assertId("803000000a010002", 8, SbiStateRegister.FWFT_MISALIGNED_DELEG_VALUE);
        assertId("803000000a010003", 8, SbiStateRegister.FWFT_POINTER_MASKING_ENABLE);
    }

    @Test
    void anIdGivesTheRegisterThatHasIt() {
        List<RiscvRegister> registers = new ArrayList<>();
        for (RiscvRegister[] group : List.of(ConfigRegister.values(), CoreRegister.values(), ControlRegister.values(),
                TimerRegister.values(), VectorControlRegister.values(), IsaExtension.values(), SbiExtension.values(),
                SbiStateRegister.values())) {
            registers.addAll(List.of(group));
        }
        for (int i = 0; i < 32; i++) {
            registers.add(new VectorRegister(i, 16));
            registers.add(new FloatRegister(FloatRegister.Precision.SINGLE, i));
            registers.add(new FloatRegister(FloatRegister.Precision.DOUBLE, i));
        }
        registers.add(new FloatRegister(FloatRegister.Precision.DOUBLE, FloatRegister.FCSR));
        for (RiscvRegister register : registers) {
            assertEquals(register, RiscvRegister.of(register.id()));
        }
        assertEquals(registers.size(), new HashSet<>(registers.stream().map(RiscvRegister::id).toList()).size());
    }

    @Test
    void anIdThatNoTypeHasIsOther() {
        for (long id : new long[]{0x8030000002000021L, 0x8030000005000000L, 0x8030000009000026L, 0x80300000ff000000L,
                0x803000000700ffffL}) {
            assertEquals(id, assertInstanceOf(OtherRegister.class, RiscvRegister.of(id)).id());
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new FloatRegister(FloatRegister.Precision.DOUBLE, 33));
        assertThrows(IllegalArgumentException.class, () -> new VectorRegister(32, 16));
        assertThrows(IllegalArgumentException.class, () -> new VectorRegister(0, 24));
        assertThrows(IllegalArgumentException.class, () -> new VectorRegister(0, 0));
        assertThrows(IllegalArgumentException.class, () -> new VectorRegister(0, 1 << 16));
        assertThrows(IllegalArgumentException.class, () -> new VectorRegister(0, Integer.MIN_VALUE));
        assertEquals(1 << 15, new VectorRegister(0, 1 << 15).size(), "what an id has room for");
        assertThrows(NullPointerException.class, () -> new FloatRegister(null, 0));
    }
}
