package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.exit.Arm64Exit;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.LoongarchExit;

/** The exits of arm64 and LoongArch, out of run pages that are laid out by the C table of aarch64. */
class Arm64ExitTest extends ExitPages {

    Arm64ExitTest() {
        super("aarch64");
    }

    @Test
    void anAccessWithoutSyndromeHasItsAddress() {
        c.reason(kvm_h.KVM_EXIT_ARM_NISV()).put("arm_nisv.esr_iss", 0x9200_0006L).put("arm_nisv.fault_ipa",
                0x900_0000L);
        Arm64Exit.Nisv exit = decode(Arm64Exit.Nisv.class);
        assertEquals(0x9200_0006L, exit.syndrome());
        assertEquals(0x900_0000L, exit.address());
        assertWantsNoAnswer();
        assertKept(exit, "Nisv[0x9000000, syndrome 0x92000006]", () -> c.put("arm_nisv.esr_iss", 1),
                "Nisv[0x9000000, syndrome 0x1]");
        c.reason(kvm_h.KVM_EXIT_ARM_LDST64B());
        assertEquals("Ldst64b[0x9000000, syndrome 0x1]", decode(Arm64Exit.Ldst64b.class).toString());
        assertWantsNoAnswer();
    }

    @Test
    void anExternalAbortHasWhatIsKnownOfIt() {
        c.reason(kvm_h.KVM_EXIT_ARM_SEA()).put("arm_sea.flags", 1).put("arm_sea.esr", 0x9200_0010L)
                .put("arm_sea.gva", -4096).put("arm_sea.gpa", 0x4000_1000L);
        Arm64Exit.Sea exit = decode(Arm64Exit.Sea.class);
        assertEquals(0x9200_0010L, exit.syndrome());
        assertEquals(-4096, exit.virtualAddress());
        assertEquals(0x4000_1000L, exit.address());
        assertEquals(1, exit.flags());
        assertTrue(exit.isAddressValid());
        assertWantsNoAnswer();
        assertKept(exit, "Sea[syndrome 0x92000010, guest-virtual 0xfffffffffffff000, guest-physical 0x40001000]",
                () -> c.put("arm_sea.flags", 2),
                "Sea[syndrome 0x92000010, guest-virtual 0xfffffffffffff000, guest-physical unknown]");
        assertFalse(exit.isAddressValid());
    }

    /** A decoder on arm64 makes this object; here it stands alone. */
    @Test
    void aDebugEventHasItsSyndromeAndTheUpperHalfWhereTheKernelGivesIt() {
        c.reason(kvm_h.KVM_EXIT_DEBUG()).put("debug.arch.hsr", 0xca00_0022L).put("debug.arch.hsr_high", 0x11)
                .put("debug.arch.far", -8).put("flags", 0);
        ArmStop exit = new ArmStop();
        RunPage run = new RunPage(c.page);
        exit.enter(run);
        assertEquals(0xca00_0022L, exit.hsr());
        assertEquals(-8, exit.far());
        c.put("flags", 1);
        exit.enter(run);
        assertEquals("Debug[HSR 0x11ca000022, FAR 0xfffffffffffffff8]", exit.toString());
    }

    private LoongarchExit.Iocsr iocsr(boolean write, int length) {
        c.reason(kvm_h.KVM_EXIT_LOONGARCH_IOCSR()).put("iocsr_io.phys_addr", 0x1020).put("iocsr_io.len", length)
                .put("iocsr_io.is_write", write ? 1 : 0);
        putAll("iocsr_io.data", 8, 1);
        return decode(LoongarchExit.Iocsr.class);
    }

    @Test
    void aLoongarchRegisterWriteHasItsValueInItsWidth() {
        LoongarchExit.Iocsr exit = iocsr(true, 4);
        assertTrue(exit.isWrite() && !exit.isRead());
        assertEquals(0x1020, exit.address());
        assertEquals(4, exit.size());
        assertEquals(0x0403_0201L, exit.value());
        assertThrows(() -> exit.answer(1));
        assertWantsNoAnswer();
        assertEquals("Iocsr[write 0x1020, 4 bytes: 4030201]", exit.toString());
    }

    @Test
    void aLoongarchRegisterReadIsAnsweredAndOneThatIsNotReadsAsAllOnes() {
        iocsr(false, 2).answer(0x12345);
        decoder.complete();
        assertEquals(0x45, c.get("iocsr_io.data", 0));
        assertEquals(0x23, c.get("iocsr_io.data", 1));
        iocsr(false, 1);
        decoder.complete();
        assertEquals(0xff, c.get("iocsr_io.data", 0));
        assertRefuses(iocsr(false, 8), exit -> exit.answer(0));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 9, -1})
    void aLoongarchAccessOfAnImpossibleLengthIsUnknownAndReadsAsAllOnes(int length) {
        c.reason(kvm_h.KVM_EXIT_LOONGARCH_IOCSR()).put("iocsr_io.len", length).put("iocsr_io.is_write", 0);
        putAll("iocsr_io.data", 8, 1);
        assertEquals(kvm_h.KVM_EXIT_LOONGARCH_IOCSR(), decode(Exit.Unknown.class).reason());
        decoder.complete();
        assertEquals(0xff, c.get("iocsr_io.data", 0) & 0xff);
        assertEquals(0xff, c.get("iocsr_io.data", 7) & 0xff);
    }

    private static void assertThrows(org.junit.jupiter.api.function.Executable call) {
        org.junit.jupiter.api.Assertions.assertThrows(IllegalStateException.class, call);
    }
}
