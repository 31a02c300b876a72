package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.X86Exit;
import io.github.kvm4j.exit.X86Exit.Msr.Cause;
import io.github.kvm4j.exit.X86RunFlag;
import io.github.kvm4j.internal.sys.Architecture;

/** The exits of x86, out of run pages that are laid out by its C table. */
class X86ExitTest extends ExitPages {

    X86ExitTest() {
        super("x86_64");
    }

    private <T extends X86Exit.Msr> T msr(int reason, Class<T> kind) {
        c.reason(reason).put("msr.reason", 2).put("msr.index", 0xc000_0102L).put("msr.data", 0x1122_3344_5566_7788L)
                .put("msr.error", 0);
        return decode(kind);
    }

    private X86Exit.Rdmsr rdmsr() {
        return msr(kvm_h.KVM_EXIT_X86_RDMSR(), X86Exit.Rdmsr.class);
    }

    private X86Exit.Wrmsr wrmsr() {
        return msr(kvm_h.KVM_EXIT_X86_WRMSR(), X86Exit.Wrmsr.class);
    }

    @Test
    void aRegisterReadIsAnswered() {
        X86Exit.Rdmsr read = rdmsr();
        assertEquals(0xc000_0102, read.index());
        assertEquals(2, read.reason());
        assertEquals("Rdmsr[0xc0000102, NO_SUCH_MSR]", read.toString());
        read.answer(-5);
        assertHandsOver(Map.of("msr.data", -5L, "msr.error", 0L));
    }

    @Test
    void aRegisterReadThatIsRefusedOrNotAnsweredIsAProtectionFault() {
        rdmsr().answer(7);
        decoder.complete();
        rdmsr();
        assertHandsOver(Map.of("msr.data", 0L, "msr.error", 1L));
        X86Exit.Rdmsr read = rdmsr();
        read.answer(7);
        read.refuse();
        assertHandsOver(Map.of("msr.data", 7L, "msr.error", 1L));
        assertRefuses(rdmsr(), exit -> exit.answer(1));
        decode(X86Exit.Rdmsr.class);
        assertRefuses(rdmsr(), X86Exit.Msr::refuse);
    }

    @Test
    void aRegisterWriteIsAccepted() {
        X86Exit.Wrmsr write = wrmsr();
        assertEquals(0x1122_3344_5566_7788L, write.value());
        assertEquals("Wrmsr[0xc0000102, NO_SUCH_MSR]: 1122334455667788", write.toString());
        write.accept();
        c.put("msr.error", 9);
        assertHandsOver(Map.of("msr.error", 0L));
    }

    @Test
    void aRegisterWriteThatIsRefusedOrNotAnsweredIsAProtectionFault() {
        wrmsr().accept();
        decoder.complete();
        wrmsr();
        assertHandsOver(Map.of("msr.error", 1L));
        X86Exit.Wrmsr write = wrmsr();
        write.accept();
        write.refuse();
        assertHandsOver(Map.of("msr.error", 1L));
        assertRefuses(wrmsr(), X86Exit.Wrmsr::accept);
    }

    @ParameterizedTest
    @CsvSource({"1, INVALID", "2, NO_SUCH_MSR", "4, FILTERED", "0, UNKNOWN", "3, UNKNOWN", "8, UNKNOWN"})
    void aRegisterAccessHasItsCause(int reason, Cause cause) {
        rdmsr();
        c.put("msr.reason", reason);
        X86Exit.Rdmsr read = decode(X86Exit.Rdmsr.class);
        assertEquals(cause, read.cause());
        assertEquals(reason, read.reason());
    }

    @Test
    void aDebugEventHasItsRegisters() {
        assumeTrue(Architecture.ON_X86, "its payload is the host architecture's own");
        c.reason(kvm_h.KVM_EXIT_DEBUG()).put("debug.arch.exception", 1).put("debug.arch.pc", 0xffff_ffff_8100_0000L)
                .put("debug.arch.dr6", 0xffff_4ff0L).put("debug.arch.dr7", 0x400);
        X86Exit.Debug exit = decode(X86Exit.Debug.class);
        assertEquals(1, exit.exception());
        assertEquals(0xffff_ffff_8100_0000L, exit.pc());
        assertEquals(0xffff_4ff0L, exit.dr6());
        assertEquals(0x400, exit.dr7());
        assertWantsNoAnswer();
        assertKept(exit, "Debug[exception 1 at 0xffffffff81000000, DR6 0xffff4ff0, DR7 0x400]",
                () -> c.put("debug.arch.exception", 3),
                "Debug[exception 3 at 0xffffffff81000000, DR6 0xffff4ff0, DR7 0x400]");
        assertTrue(exit instanceof Exit.Debug);
    }

    @Test
    void theEndOfAnInterruptHasItsVector() {
        c.reason(kvm_h.KVM_EXIT_IOAPIC_EOI()).put("eoi.vector", 0xfe);
        X86Exit.IoapicEoi exit = decode(X86Exit.IoapicEoi.class);
        assertEquals(0xfe, exit.vector());
        assertWantsNoAnswer();
        assertKept(exit, "IoapicEoi[vector 0xfe]", () -> c.put("eoi.vector", 0x30), "IoapicEoi[vector 0x30]");
    }

    @Test
    void aLowerTaskPriorityIsThatOfTheRunPage() {
        c.reason(kvm_h.KVM_EXIT_SET_TPR()).put("cr8", 5);
        X86Exit.SetTpr exit = decode(X86Exit.SetTpr.class);
        assertEquals(5, exit.cr8());
        assertWantsNoAnswer();
        assertKept(exit, "SetTpr[CR8 5]", () -> c.put("cr8", 4), "SetTpr[CR8 4]");
    }

    @Test
    void anAccessToTheTaskPriorityHasItsPlace() {
        c.reason(kvm_h.KVM_EXIT_TPR_ACCESS()).put("tpr_access.rip", 0x8000_0000L).put("tpr_access.is_write", 1);
        X86Exit.TprAccess exit = decode(X86Exit.TprAccess.class);
        assertTrue(exit.isWrite());
        assertEquals(0x8000_0000L, exit.rip());
        assertWantsNoAnswer();
        assertKept(exit, "TprAccess[write at 0x80000000]", () -> c.put("tpr_access.is_write", 0),
                "TprAccess[read at 0x80000000]");
    }

    @Test
    void aNotifyWindowSaysWhetherTheStateIsLost() {
        c.reason(kvm_h.KVM_EXIT_NOTIFY()).put("notify.flags", 1);
        X86Exit.Notify exit = decode(X86Exit.Notify.class);
        assertTrue(exit.isContextInvalid());
        assertEquals(1, exit.flags());
        assertWantsNoAnswer();
        assertKept(exit, "Notify[flags 0x1]", () -> c.put("notify.flags", 2), "Notify[flags 0x2]");
        assertFalse(exit.isContextInvalid());
    }

    @Test
    void anExceptionHasItsErrorCode() {
        c.reason(kvm_h.KVM_EXIT_EXCEPTION()).put("ex.exception", 14).put("ex.error_code", 0x15);
        X86Exit.Exception exit = decode(X86Exit.Exception.class);
        assertEquals(14, exit.exception());
        assertEquals(0x15, exit.errorCode());
        assertWantsNoAnswer();
        assertKept(exit, "Exception[14, error code 0x15]", () -> c.put("ex.exception", 13),
                "Exception[13, error code 0x15]");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = {"KVM_EXIT_(IRQ_WINDOW_OPEN|X86_BUS_LOCK|AP_RESET_HOLD|NMI)"})
    void theseSayNoMore(ExitReason reason) {
        c.reason(reason.number());
        Exit exit = decode(reason.type().orElseThrow());
        assertEquals(reason.type().get().getSimpleName(), exit.toString());
        assertWantsNoAnswer();
    }

    private X86Exit.SnpReqCerts certificates() {
        c.reason(kvm_h.KVM_EXIT_SNP_REQ_CERTS()).put("snp_req_certs.gpa", 0x1_0000_0000L)
                .put("snp_req_certs.npages", 4).put("snp_req_certs.ret", 0);
        return decode(X86Exit.SnpReqCerts.class);
    }

    @Test
    void aRequestForCertificatesIsAnsweredInEachWay() {
        X86Exit.SnpReqCerts request = certificates();
        assertEquals(0x1_0000_0000L, request.address());
        assertEquals(4, request.pages());
        assertEquals("SnpReqCerts[0x100000000, 4 pages]", request.toString());
        assertHandsOver(Map.of("snp_req_certs.ret", 5L));
        certificates().answer();
        assertHandsOver(Map.of("snp_req_certs.ret", 0L));
        certificates().needPages(9);
        assertHandsOver(Map.of("snp_req_certs.ret", 28L, "snp_req_certs.npages", 9L));
        certificates().retry();
        assertHandsOver(Map.of("snp_req_certs.ret", 11L));
        assertRefuses(certificates(), X86Exit.SnpReqCerts::answer);
    }

    private X86Exit.Xen xen() {
        c.reason(kvm_h.KVM_EXIT_XEN()).put("xen.type", 1).put("xen.u.hcall.longmode", 1).put("xen.u.hcall.cpl", 3)
                .put("xen.u.hcall.input", 17);
        putAll("xen.u.hcall.params", 6, 0x40);
        return decode(X86Exit.Xen.class);
    }

    @Test
    void aXenCallHasItsArguments() {
        X86Exit.Xen call = xen();
        assertEquals(17, call.number());
        assertTrue(call.isLongMode());
        assertEquals(3, call.cpl());
        assertWords(call::argument, X86Exit.Xen.ARGUMENTS, 0x40);
        assertKept(call, "Xen[call 17, 64-bit, CPL 3, arguments 40 41 42 43 44 45]",
                () -> c.put("xen.u.hcall.longmode", 0).put("xen.u.hcall.params", 0, 0),
                "Xen[call 17, 32-bit, CPL 3, arguments 0 41 42 43 44 45]");
        assertRefuses(call, exit -> exit.answer(0));
    }

    @Test
    void aXenCallIsAnsweredAndOneThatIsNotIsUnknownToTheGuest() {
        xen().answer(0x4000_0001);
        assertHandsOver(Map.of("xen.u.hcall.result", 0x4000_0001L));
        decode(X86Exit.Xen.class);
        assertHandsOver(Map.of("xen.u.hcall.result", -38L));
    }

    @Test
    void aNewKindOfXenExitIsUnknown() {
        xen();
        c.put("xen.type", 2);
        Exit.Unknown exit = decode(Exit.Unknown.class);
        assertEquals(kvm_h.KVM_EXIT_XEN(), exit.reason());
        assertEquals(2, exit.payload()[0]);
        assertWantsNoAnswer();
        decode(Exit.Unknown.class);
        xen();
    }

    @Test
    void theFlagsOfTheRunHaveNames() {
        assumeTrue(Architecture.ON_X86, "the bits are x86's");
        c.reason(kvm_h.KVM_EXIT_HLT()).put("flags", 1 | 4);
        Exit exit = decode(Exit.Hlt.class);
        assertTrue(X86RunFlag.SMM.in(exit));
        assertFalse(X86RunFlag.BUS_LOCK.in(exit));
        assertTrue(X86RunFlag.GUEST_MODE.in(exit));
        c.put("flags", 2);
        assertTrue(X86RunFlag.BUS_LOCK.in(decode(Exit.Hlt.class)));
    }
}
