package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.HypervExit;
import io.github.kvm4j.exit.TdxExit;

/** The exits of which there are several kinds with one reason, out of run pages that are laid out by x86's C table. */
class HypervTdxExitTest extends ExitPages {

    /** TDVMCALL_STATUS_SUBFUNC_UNSUPPORTED, which KVM presets. */
    private static final long UNSUPPORTED = 0x8000_0000_0000_0003L;

    HypervTdxExitTest() {
        super("x86_64");
    }

    @Test
    void aChangeOfTheInterruptControllerHasItsRegisters() {
        c.reason(kvm_h.KVM_EXIT_HYPERV()).put("hyperv.type", 1).put("hyperv.u.synic.msr", 0x4000_0080L)
                .put("hyperv.u.synic.control", 1).put("hyperv.u.synic.evt_page", 0x2001)
                .put("hyperv.u.synic.msg_page", 0x3001);
        HypervExit.Synic exit = decode(HypervExit.Synic.class);
        assertEquals(0x4000_0080, exit.msr());
        assertEquals(1, exit.control());
        assertEquals(0x2001, exit.eventPage());
        assertEquals(0x3001, exit.messagePage());
        assertWantsNoAnswer();
        assertKept(exit, "Synic[MSR 0x40000080, control 0x1, events 0x2001, messages 0x3001]",
                () -> c.put("hyperv.u.synic.control", 0),
                "Synic[MSR 0x40000080, control 0x0, events 0x2001, messages 0x3001]");
    }

    private HypervExit.Hypercall hypercall() {
        c.reason(kvm_h.KVM_EXIT_HYPERV()).put("hyperv.type", 2).put("hyperv.u.hcall.input", 0x1_0001_805cL);
        putAll("hyperv.u.hcall.params", 2, 0x5000);
        return decode(HypervExit.Hypercall.class);
    }

    @Test
    void aHypercallHasItsInputAndParameters() {
        HypervExit.Hypercall call = hypercall();
        assertEquals(0x1_0001_805cL, call.input());
        assertEquals(0x805c, call.code());
        assertWords(call::parameter, 2, 0x5000);
        assertKept(call, "Hypercall[input 0x10001805c, parameters 5000 5001]",
                () -> c.put("hyperv.u.hcall.params", 0, 1), "Hypercall[input 0x10001805c, parameters 1 5001]");
        assertRefuses(call, exit -> exit.answer(0));
    }

    @Test
    void aHypercallIsAnsweredAndOneThatIsNotHasAnInvalidCode() {
        hypercall().answer(0x1_0000_0000L);
        assertHandsOver(Map.of("hyperv.u.hcall.result", 0x1_0000_0000L));
        decode(HypervExit.Hypercall.class);
        assertHandsOver(Map.of("hyperv.u.hcall.result", 2L));
    }

    private HypervExit.Syndbg syndbg() {
        c.reason(kvm_h.KVM_EXIT_HYPERV()).put("hyperv.type", 3).put("hyperv.u.syndbg.msr", 0x4000_00f1L)
                .put("hyperv.u.syndbg.control", 0x40_0001L).put("hyperv.u.syndbg.send_page", 0x6000)
                .put("hyperv.u.syndbg.recv_page", 0x7000).put("hyperv.u.syndbg.pending_page", 0x8000);
        return decode(HypervExit.Syndbg.class);
    }

    @Test
    void aDebuggerRequestIsAnsweredAndOneThatIsNotHasDoneNothing() {
        HypervExit.Syndbg exit = syndbg();
        assertEquals(0x4000_00f1, exit.msr());
        assertEquals(0x40_0001L, exit.control());
        assertEquals(0x6000, exit.sendPage());
        assertEquals(0x7000, exit.receivePage());
        assertEquals(0x8000, exit.pendingPage());
        assertEquals("Syndbg[MSR 0x400000f1, control 0x400001, send 0x6000, receive 0x7000, pending 0x8000]",
                exit.toString());
        exit.answer(0x40_0001);
        assertHandsOver(Map.of("hyperv.u.syndbg.status", 0x40_0001L));
        syndbg();
        assertHandsOver(Map.of("hyperv.u.syndbg.status", 0L));
        assertRefuses(syndbg(), request -> request.answer(1));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4, -1})
    void aNewKindOfHypervExitIsUnknown(int type) {
        c.reason(kvm_h.KVM_EXIT_HYPERV()).put("hyperv.type", type);
        Exit.Unknown exit = decode(Exit.Unknown.class);
        assertEquals(kvm_h.KVM_EXIT_HYPERV(), exit.reason());
        assertEquals((byte) type, exit.payload()[0]);
        assertWantsNoAnswer();
    }

    private <T extends TdxExit> T tdx(long number, Class<T> kind) {
        c.reason(kvm_h.KVM_EXIT_TDX()).put("tdx.flags", 0).put("tdx.nr", number).put("tdx.unknown.ret", UNSUPPORTED);
        putAll("tdx.unknown.data", 5, 0x70);
        T exit = decode(kind);
        assertEquals(number, exit.number());
        assertEquals(0, exit.flags());
        return exit;
    }

    @Test
    void aRequestForAQuoteHasItsMemory() {
        c.put("tdx.get_quote.gpa", 0);
        TdxExit.GetQuote exit = tdx(0x10002, TdxExit.GetQuote.class);
        assertEquals(0x70, exit.address());
        assertEquals(0x71, exit.size());
        assertKept(exit, "GetQuote[0x70, 113 bytes]", () -> c.put("tdx.get_quote.size", 8), "GetQuote[0x70, 8 bytes]");
        exit.answer(0);
        assertHandsOver(Map.of("tdx.get_quote.ret", 0L));
        assertRefuses(tdx(0x10002, TdxExit.GetQuote.class), quote -> quote.answer(0));
    }

    @Test
    void theQuestionForCallsIsAnsweredWithRegisters() {
        TdxExit.GetTdvmcallInfo exit = tdx(0x10000, TdxExit.GetTdvmcallInfo.class);
        assertEquals(0x70, exit.leaf());
        assertEquals("GetTdvmcallInfo[leaf 112]", exit.toString());
        assertWantsNoAnswer();
        decode(TdxExit.GetTdvmcallInfo.class);
        exit.answer(1, 2, 3, 4);
        assertHandsOver(Map.of("tdx.get_tdvmcall_info.ret", 0L, "tdx.get_tdvmcall_info.r11", 1L,
                "tdx.get_tdvmcall_info.r12", 2L, "tdx.get_tdvmcall_info.r13", 3L, "tdx.get_tdvmcall_info.r14", 4L));
        assertRefuses(tdx(0x10000, TdxExit.GetTdvmcallInfo.class), info -> info.answer(0, 0, 0, 0));
    }

    @Test
    void theNotificationHasItsVector() {
        TdxExit.SetupEventNotify exit = tdx(0x10004, TdxExit.SetupEventNotify.class);
        assertEquals(0x70, exit.vector());
        assertEquals("SetupEventNotify[vector 0x70]", exit.toString());
        exit.answer(1);
        assertHandsOver(Map.of("tdx.setup_event_notify.ret", 1L));
    }

    @Test
    void anotherCallHasItsWordsAndIsUnsupportedUnlessAnswered() {
        TdxExit.Other exit = tdx(0x10005, TdxExit.Other.class);
        assertWords(exit::data, TdxExit.Other.WORDS, 0x70);
        assertKept(exit, "Other[TDVMCALL 0x10005, flags 0x0, data 70 71 72 73 74]",
                () -> c.put("tdx.unknown.data", 4, 0), "Other[TDVMCALL 0x10005, flags 0x0, data 70 71 72 73 0]");
        assertHandsOver(Map.of("tdx.unknown.ret", UNSUPPORTED));
        decode(TdxExit.Other.class);
        exit.answer(0);
        assertHandsOver(Map.of("tdx.unknown.ret", 0L));
    }
}
