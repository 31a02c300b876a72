package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
        assertKept(sbi(1), "RiscvExit.Sbi[extension 0x1, function 0x7, arguments 10 11 12 13 14 15]",
                () -> c.put("riscv_sbi.args", 0, 0x99),
                "RiscvExit.Sbi[extension 0x1, function 0x7, arguments 99 11 12 13 14 15]");
        assertRefuses(sbi(1), call -> call.answer(0, 0));
    }
}
