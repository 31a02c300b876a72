package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.exit.RiscvExit;

/** The exits of RISC-V, out of run pages that are laid out by the C table of riscv64. */
class RiscvExitTest extends ExitPages {

    RiscvExitTest() {
        super("riscv64");
    }

    private RiscvExit.Sbi sbi(long extension) {
        c.reason(kvm_h.KVM_EXIT_RISCV_SBI()).put("riscv_sbi.extension_id", extension).put("riscv_sbi.function_id", 7);
        for (int i = 0; i < 6; i++) {
            c.put("riscv_sbi.args", i, 0x10 + i);
        }
        return decode(RiscvExit.Sbi.class);
    }

    @Test
    void anSbiCallHasItsArguments() {
        RiscvExit.Sbi call = sbi(0xffff_ffff_0a00_0000L);
        assertEquals(0xffff_ffff_0a00_0000L, call.extension());
        assertEquals(7, call.function());
        for (int i = 0; i < RiscvExit.Sbi.ARGUMENTS; i++) {
            assertEquals(0x10 + i, call.argument(i));
        }
        assertThrows(IndexOutOfBoundsException.class, () -> call.argument(6));
        assertThrows(IndexOutOfBoundsException.class, () -> call.argument(-1));
    }

    @Test
    void anSbiCallIsAnswered() {
        sbi(1).answer(-3, 0x1234);
        assertEquals(0xa5a5a5a5a5a5a5a5L, c.get("riscv_sbi.ret", 0), "not before the next run");
        decoder.complete();
        assertEquals(-3, c.get("riscv_sbi.ret", 0));
        assertEquals(0x1234, c.get("riscv_sbi.ret", 1));
        assertEquals(0x15, c.get("riscv_sbi.args", 5), "and nothing else is written");
    }

    @Test
    void anUnansweredSbiCallIsNotSupported() {
        sbi(1).answer(0, 1);
        decoder.complete();
        decode(RiscvExit.Sbi.class);
        decoder.complete();
        assertEquals(-2, c.get("riscv_sbi.ret", 0));
        assertEquals(0, c.get("riscv_sbi.ret", 1));
    }

    @Test
    void anSbiCallIsKeptByItsCopyAndAnsweredWhileItIsCurrent() {
        assertKept(sbi(1), "Sbi[extension 0x1, function 0x7, arguments 10 11 12 13 14 15]",
                () -> c.put("riscv_sbi.args", 0, 0x99),
                "Sbi[extension 0x1, function 0x7, arguments 99 11 12 13 14 15]");
        assertRefuses(sbi(1), call -> call.answer(0, 0));
    }

    private RiscvExit.Csr csr() {
        c.reason(kvm_h.KVM_EXIT_RISCV_CSR()).put("riscv_csr.csr_num", 0x15).put("riscv_csr.new_value", -2)
                .put("riscv_csr.write_mask", 0xff00);
        return decode(RiscvExit.Csr.class);
    }

    @Test
    void aRegisterAccessSaysWhatIsWritten() {
        RiscvExit.Csr csr = csr();
        assertEquals(0x15, csr.number());
        assertEquals(-2, csr.newValue());
        assertEquals(0xff00, csr.writeMask());
        assertKept(csr, "Csr[0x15, new value 0xfffffffffffffffe, mask 0xff00]", () -> c.put("riscv_csr.csr_num", 0xfff),
                "Csr[0xfff, new value 0xfffffffffffffffe, mask 0xff00]");
        assertRefuses(csr, access -> access.answer(0));
    }

    @Test
    void aRegisterAccessIsAnsweredAndOneThatIsNotReadsAsZero() {
        csr().answer(-9);
        assertHandsOver(Map.of("riscv_csr.ret_value", -9L));
        decode(RiscvExit.Csr.class);
        assertHandsOver(Map.of("riscv_csr.ret_value", 0L));
    }

    @Test
    void aBreakpointSaysNoMore() {
        assertEquals("Debug", new Bare.Debug().toString());
    }
}
