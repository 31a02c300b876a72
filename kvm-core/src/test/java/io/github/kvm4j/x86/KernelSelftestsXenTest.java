package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.Set;

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
import io.github.kvm4j.exit.X86Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;

/** What the kernel's selftests x86/xen_vmcall_test and x86/xen_shinfo_test are about; and Hyper-V's eventfds. */
@RequiresKvm(arch = Architecture.X86, capability = Capability.XEN_HVM)
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KernelSelftestsXenTest {

    private static final int HYPERCALL_MSR = 0x40000000;
    private static final long SHARED_INFO = 0x8000;
    private static final long VCPU_INFO = 0x9000;
    private static final long RUNSTATE = 0xa000;

    /** In the shared page: a bit for each port. */
    private static final long PENDING = SHARED_INFO + 0x800;

    private Kvm kvm;
    private Vm vm;
    private Vcpu vcpu;

    @BeforeEach
    void start() {
        kvm = Kvm.open();
        vm = kvm.createVm();
        vm.memory().add(0, RealModeGuest.MEMORY_SIZE);
        vm.x86().createIrqchip();
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    private void configure(XenConfigFlag... flags) {
        vm.x86().xen().setHvmConfig(flags.length == 0 ? Set.of() : EnumSet.of(flags[0], flags), HYPERCALL_MSR);
        vcpu = vm.createVcpu(0);
        vcpu.x86().setCpuid2(kvm.x86().getSupportedCpuid());
    }

    /** xen_vmcall_test: the guest's hypercall is an exit with its number and arguments, and gets its answer. */
    @Test
    void xenVmcallIsAnExit() {
        configure(XenConfigFlag.INTERCEPT_HCALL);
        // mov eax, 0x11; mov ebx, 0x22; vmmcall; hlt
        RealModeGuest.load(vm, vcpu, "66 b8 11 00 00 00 66 bb 22 00 00 00 0f 01 d9 f4");
        Exit exit = vcpu.run();
        assertTrue(exit instanceof X86Exit.Xen, exit::toString);
        X86Exit.Xen call = (X86Exit.Xen) exit;
        assertEquals(0x11, call.number());
        assertEquals(0x22, call.argument(0));
        call.answer(0x1234);
        vcpu.kick();
        vcpu.run();
        assertEquals(0x1234, vcpu.x86().getRegs().rax);
    }

    /** xen_shinfo_test: what is set is read; an event sets its bit in the pages that the guest shares. */
    @Test
    void xenShinfoAttributesAndEvents() {
        configure(XenConfigFlag.INTERCEPT_HCALL, XenConfigFlag.EVTCHN_SEND);
        X86Xen xen = vm.x86().xen();
        xen.setLongMode(true);
        assertTrue(xen.getLongMode());
        assertEquals(-1, xen.getSharedInfo());
        xen.setSharedInfo(SHARED_INFO / 4096);
        assertEquals(SHARED_INFO / 4096, xen.getSharedInfo());
        xen.setVersion(0x40011);
        assertEquals(0x40011, xen.getVersion());
        assertEquals("EINVAL",
                assertThrows(KvmException.class, () -> xen.setUpcallVector(3)).errnoName(), "an exception's vector");
        xen.setUpcallVector(0x40);
        assertEquals(0x40, xen.getUpcallVector());
        if ((vm.checkExtension(Capability.XEN_HVM) & 1 << 6) != 0) {
            xen.setRunstateUpdateFlag(true);
            assertTrue(xen.getRunstateUpdateFlag());
        }

        X86VcpuXen mine = vcpu.x86().xen();
        assertEquals(-1, mine.getVcpuInfo());
        mine.setVcpuInfo(VCPU_INFO);
        assertEquals(VCPU_INFO, mine.getVcpuInfo());
        mine.setVcpuTimeInfo(VCPU_INFO + 0x100);
        assertEquals(VCPU_INFO + 0x100, mine.getVcpuTimeInfo());
        mine.setVcpuId(7);
        assertEquals(7, mine.getVcpuId());
        mine.setUpcallVector(0x41);
        assertEquals(0x41, mine.getUpcallVector());

        xen.sendEvent(5, vcpu.id());
        assertEquals(1 << 5, bytes(PENDING, 1)[0]);
        assertEquals(1, bytes(VCPU_INFO, 1)[0], "evtchn_upcall_pending");
        assertEquals("EINVAL", assertThrows(KvmException.class, () -> xen.sendEvent(5, 99)).errnoName());

        xen.assignEventChannel(11, 2, 12, vcpu.id());
        assertEquals("EEXIST", assertThrows(KvmException.class, () -> xen.assignEventChannel(11, 2, 12, vcpu.id()))
                .errnoName());
        xen.deassignEventChannel(11);
        assertEquals("ENOENT", assertThrows(KvmException.class, () -> xen.deassignEventChannel(11)).errnoName());
        xen.assignEventChannel(11, 2, 12, vcpu.id());
        xen.resetEventChannels();
        xen.assignEventChannel(11, 2, 12, vcpu.id());

        XenTimer timer = new XenTimer(9, Long.MAX_VALUE / 2);
        mine.setTimer(timer);
        assertEquals(timer, mine.getTimer());
    }

    private byte[] bytes(long address, int count) {
        return vm.memory().read(address, count);
    }

    /** xen_shinfo_test: the times of a vCPU's states. */
    @Test
    void xenRunstateIsKept() {
        configure(XenConfigFlag.INTERCEPT_HCALL);
        X86VcpuXen mine = vcpu.x86().xen();
        assertEquals(-1, mine.getRunstateAddress());
        mine.setRunstateAddress(RUNSTATE);
        assertEquals(RUNSTATE, mine.getRunstateAddress());
        mine.setRunstateCurrent(1);
        assertEquals(1, mine.getRunstate().state());
        XenRunstate set = new XenRunstate(3, 100, 10, 20, 30, 40);
        mine.setRunstate(set);
        XenRunstate read = mine.getRunstate();
        assertEquals(3, read.state());
        assertEquals(10, read.running());
        assertEquals(20, read.runnable());
        assertEquals(30, read.blocked());
        assertEquals("EINVAL",
                assertThrows(KvmException.class, () -> mine.setRunstate(new XenRunstate(3, 100, 1, 1, 1, 1)))
                        .errnoName(),
                "the times do not add up");
        mine.adjustRunstate(new XenRunstate(-1, 6, 1, 2, 3, 0));
        assertEquals(22, mine.getRunstate().runnable());
    }

    /** The kernel looks at what it is given: no eventfd, and a connection that has none. */
    @Test
    @RequiresKvm(capability = Capability.HYPERV_EVENTFD)
    void hypervEventFdIsLookedAt() {
        assertThrows(IllegalArgumentException.class, () -> vm.x86().assignHypervEventFd(1 << 24, 0));
        assertEquals("EBADF",
                assertThrows(KvmException.class, () -> vm.x86().assignHypervEventFd(5, 1_000_000)).errnoName());
        assertEquals("ENOENT", assertThrows(KvmException.class, () -> vm.x86().deassignHypervEventFd(5)).errnoName());
    }

    @Test
    @RequiresKvm(capability = Capability.HYPERV_SYNIC2)
    void hypervSynicIsEnabledWithALocalApic() {
        configure();
        vcpu.x86().options().hypervSynic2();
        vcpu.x86().options().hypervEnforceCpuid(true);
    }
}
