package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;
import io.github.kvm4j.x86.Sregs2;
import io.github.kvm4j.x86.SyncReg;
import io.github.kvm4j.x86.SyncRegs;

/** Which calls registers in the run page save, and which they do not. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SyncRegsCallsTest {

    private final FakeLibc libc = new FakeLibc().withCapability(kvm_h.KVM_CAP_SYNC_REGS(),
            (int) (SyncReg.REGS.bit() | SyncReg.EVENTS.bit()));
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final Vcpu vcpu = kvm.createVm().createVcpu(0);
    private final SyncRegs sync = vcpu.x86().syncRegs();
    private final Regs regs = new Regs();

    @AfterEach
    void close() {
        kvm.close();
    }

    private void assertGets(int expected, String when) {
        long before = libc.count("KVM_GET_REGS");
        sync.getRegs(regs);
        assertEquals(expected, libc.count("KVM_GET_REGS") - before, when);
    }

    @Test
    void registersAreReadWithoutACallAfterARunUntilAnotherCallIsMade() {
        sync.enable(EnumSet.of(SyncReg.REGS));
        assertGets(1, "before the first run");
        vcpu.run();
        assertGets(0, "after a run");
        assertGets(0, "after a run");
        vcpu.x86().interrupts().setCr8(1);
        assertGets(0, "the page's own fields change no register");
        vcpu.x86().interrupts().nmi();
        assertGets(1, "after a call");
        assertGets(1, "until the next run");
        vcpu.run();
        vcpu.x86().getSregs();
        assertGets(1, "after a call");
        vcpu.run();
        vcpu.getOneReg(kvm_h.KVM_REG_X86() | kvm_h.KVM_REG_SIZE_U64());
        assertGets(1, "after a call");
        vcpu.run();
        sync.enable(EnumSet.of(SyncReg.REGS));
        assertGets(1, "before the first run with them");
    }

    @Test
    void whatIsWrittenIsReadWithoutACall() {
        sync.enable(EnumSet.of(SyncReg.REGS));
        regs.rbx = 0x1234;
        sync.setRegs(regs);
        regs.rbx = 0;
        assertGets(0, "what waits");
        assertEquals(0x1234, regs.rbx);
        assertEquals(0, libc.count("KVM_SET_REGS"));
    }

    @Test
    void aKindThatTheKernelDoesNotHaveIsRefused() {
        UnsupportedCapabilityException e = assertThrows(UnsupportedCapabilityException.class,
                () -> sync.enable(EnumSet.of(SyncReg.REGS, SyncReg.SREGS)));
        assertEquals(Capability.SYNC_REGS, e.capability());
        assertTrue(e.getMessage().contains("SREGS"), e.getMessage());
        sync.enable(EnumSet.of(SyncReg.REGS, SyncReg.EVENTS));
    }

    /** Whichever of their two structures is asked for. */
    @Test
    void theIoctlsOfSpecialRegistersAreRefusedWhileTheseWait() {
        libc.withCapability(kvm_h.KVM_CAP_SYNC_REGS(), (int) SyncReg.SREGS.bit());
        sync.enable(EnumSet.of(SyncReg.SREGS));
        sync.setSregs(new Sregs());
        for (Runnable call : List.<Runnable>of(vcpu.x86()::getSregs, () -> vcpu.x86().setSregs(new Sregs()),
                vcpu.x86()::getSregs2, () -> vcpu.x86().setSregs2(new Sregs2()))) {
            assertThrows(IllegalStateException.class, call::run);
        }
        assertEquals(0, libc.count("KVM_GET_SREGS") + libc.count("KVM_SET_SREGS") + libc.count("KVM_GET_SREGS2")
                + libc.count("KVM_SET_SREGS2"));
        vcpu.run();
        vcpu.x86().setSregs2(new Sregs2());
    }

    /** Or a value that the kernel refuses would be refused for ever. */
    @Test
    void aRunThatFailsWithdrawsWhatIsWritten() {
        sync.enable(EnumSet.of(SyncReg.REGS));
        vcpu.run();
        sync.setRegs(regs);
        libc.answering(Ioctl.KVM_RUN, () -> -Errno.EINVAL.number());
        assertThrows(KvmException.class, vcpu::run);
        vcpu.x86().getRegs();
        assertGets(1, "after a run that may not have filled the page");
    }

    /** A vCPU that waits for its INIT takes nothing, and the page has its own registers instead. */
    @Test
    void aRunThatDoesNotTakeWhatIsWrittenDropsIt() {
        sync.enable(EnumSet.of(SyncReg.REGS));
        vcpu.run();
        sync.setRegs(regs);
        libc.answering(Ioctl.KVM_RUN, () -> -Errno.EAGAIN.number());
        vcpu.run();
        vcpu.x86().setRegs(vcpu.x86().getRegs());
    }

    @ParameterizedTest
    @EnumSource(names = {"EINTR", "EAGAIN"})
    void aCompletionThatDoesNotTakeWhatIsWrittenDropsItToo(Errno errno) {
        sync.enable(EnumSet.of(SyncReg.REGS));
        vcpu.run();
        sync.setRegs(regs);
        libc.answering(Ioctl.KVM_RUN, () -> -errno.number());
        vcpu.completePending(exit -> fail(exit::toString));
        vcpu.x86().setRegs(vcpu.x86().getRegs());
        assertEquals(0, kvm_run.kvm_dirty_regs(libc.mapping("vCPU 0")));
    }
}
