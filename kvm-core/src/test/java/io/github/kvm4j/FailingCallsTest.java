package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_msrs;
import io.github.kvm4j.bindings.x86.kvm_nested_state;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.X86Exit;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.Backing;
import io.github.kvm4j.memory.CoalescedZone;
import io.github.kvm4j.memory.GuestMemfd;
import io.github.kvm4j.memory.GuestMemfdFlag;
import io.github.kvm4j.memory.HostOption;
import io.github.kvm4j.memory.MemoryAttribute;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.memory.RegionOptions;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.ExitHypercall;
import io.github.kvm4j.x86.GuestDebug;
import io.github.kvm4j.x86.MachineCheck;
import io.github.kvm4j.x86.Msr;
import io.github.kvm4j.x86.MsrFilter;
import io.github.kvm4j.x86.PitFlag;
import io.github.kvm4j.x86.PmuEventFilter;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;
import io.github.kvm4j.x86.SyncReg;
import io.github.kvm4j.x86.XenConfigFlag;
import io.github.kvm4j.x86.XsaveComponent;

/** Whichever call fails, in a whole life from open to close: nothing is left over, and the exception names the call. */
class FailingCallsTest {

    private static final int GROUP = kvm_h.KVM_DEV_VFIO_FILE();
    private static final int ADD = kvm_h.KVM_DEV_VFIO_FILE_ADD();

    private static final Path PATH = Path.of("/dev/kvm");

    /** One whose capabilities that are sets of bits have those used here. */
    private static FakeLibc fake() {
        return new FakeLibc().withCapability(kvm_h.KVM_CAP_SET_GUEST_DEBUG2(), Integer.MAX_VALUE)
                .withCapability(kvm_h.KVM_CAP_SYNC_REGS(), 7)
                .withCapability(kvm_h.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2(), 3)
                .withCapability(kvm_h.KVM_CAP_DIRTY_LOG_RING_ACQ_REL(), 1 << 20)
                .withCapability(kvm_h.KVM_CAP_MEMORY_ATTRIBUTES(), 8)
                .answering(Ioctl.KVM_GET_MSRS, call -> kvm_msrs.nmsrs(call.argument()))
                .answering(Ioctl.KVM_SET_MSRS, call -> kvm_msrs.nmsrs(call.argument()))
                .answering(Ioctl.KVM_GET_NESTED_STATE, call -> {
                    kvm_nested_state.size(call.argument(), (int) kvm_nested_state.sizeof());
                    return 0;
                });
    }

    private static void wholeLife(FakeLibc libc) {
        try (Kvm kvm = Kvm.open(PATH, new Host(libc)); Vm vm = kvm.createVm()) {
            MemoryRegion region = vm.memory().setFlags(vm.memory().add(0, 0x10000),
                    Set.of(MemoryFlag.LOG_DIRTY_PAGES));
            vm.dirtyLog().enableManualProtect(true);
            vm.dirtyLog().clear(vm.dirtyLog().get(region));
            vm.dirtyRings().enable(4096);
            MemoryRegion high = vm.memory().add(0x100000, 0x1000,
                    RegionOptions.of(Backing.memfd("ram")).with(HostOption.DONT_DUMP));
            vm.memory().move(high, 0x200000);
            vm.memory().remove(vm.memory().regions().getLast());
            GuestMemfd memfd = vm.memory().createGuestMemfd(0x2000, Set.of(GuestMemfdFlag.MMAP));
            memfd.allocate(0, 0x1000);
            vm.memory().add(0x300000, 0x1000, RegionOptions.of(Backing.guestMemfd(memfd, 0x1000)));
            vm.memory().add(0x400000, 0x1000,
                    RegionOptions.of(Backing.guestMemfd(memfd, 0, Backing.anonymous())));
            CoalescedZone zone = CoalescedZone.mmio(0xd0000, 8);
            vm.coalescedIo().register(zone, (_, _, _) -> {
            });
            vm.x86().setTssAddress(0xfffb_d000L);
            vm.x86().setIdentityMapAddress(0xfffb_c000L);
            vm.x86().setBootCpuId(0);
            vm.x86().createIrqchip();
            vm.x86().enableUserSpaceMsr(Set.of(X86Exit.Msr.Cause.FILTERED));
            vm.x86().setMsrFilter(MsrFilter.allowing().deny(MsrFilter.Access.READ, 0x174));
            vm.x86().enableHypercallExits(Set.of(ExitHypercall.MAP_GPA_RANGE));
            vm.x86().createPit2(Set.of(PitFlag.SPEAKER_DUMMY));
            vm.x86().time().setTscKhz(vm.x86().time().getTscKhz());
            vm.x86().time().setClock(vm.x86().time().getClock());
            vm.x86().setPmuEventFilter(PmuEventFilter.denying());
            vm.x86().setNrMmuPages(1000);
            vm.x86().irqchip().setPicMaster(vm.x86().irqchip().getPicMaster());
            vm.x86().irqchip().setPicSlave(vm.x86().irqchip().getPicSlave());
            vm.x86().irqchip().setIoapic(vm.x86().irqchip().getIoapic());
            vm.x86().irqchip().setPit2(vm.x86().irqchip().getPit2());
            vm.x86().irqchip().setPitReinjection(true);
            vm.x86().xen().setHvmConfig(Set.of(XenConfigFlag.INTERCEPT_HCALL), 0x40000000);
            vm.x86().xen().setLongMode(vm.x86().xen().getLongMode());
            vm.x86().xen().sendEvent(1, 0);
            vm.x86().assignHypervEventFd(1, 2);
            vm.setIrqLine(1, true);
            vm.setIrqLineStatus(1, false);
            vm.x86().tdx().finalizeVm();
            vm.x86().openSev().launchFinish();
            kvm.x86().getMsrIndexList();
            kvm.x86().getFeatureMsrs(kvm.x86().getMsrFeatureIndexList());
            kvm.x86().getXcompGuestSupp();
            kvm.x86().requestXcompGuestPerm(XsaveComponent.XTILEDATA);
            kvm.x86().getXcompGuestPerm();
            Device device = vm.createDevice(DeviceType.VFIO);
            device.setAttribute(GROUP, ADD, new byte[4]);
            device.getAttribute(GROUP, ADD, 4);
            device.hasAttribute(GROUP, ADD);
            Vcpu vcpu = vm.createVcpu(0);
            vcpu.x86().setCpuid2(kvm.x86().getSupportedCpuid());
            vcpu.x86().getCpuid2();
            kvm.x86().getEmulatedCpuid();
            kvm.x86().getSupportedHvCpuid();
            vcpu.x86().getSupportedHvCpuid();
            Sregs sregs = vcpu.x86().getSregs();
            vcpu.x86().setSregs(sregs);
            Regs regs = vcpu.x86().getRegs();
            vcpu.x86().setRegs(regs);
            vcpu.x86().setVcpuEvents(vcpu.x86().getVcpuEvents());
            vcpu.x86().setGuestDebug(GuestDebug.none().withSingleStep().withInterruptsBlocked());
            vcpu.x86().setSregs2(vcpu.x86().getSregs2());
            vcpu.x86().setDebugRegs(vcpu.x86().getDebugRegs());
            vcpu.x86().fpu().setFpu(vcpu.x86().fpu().getFpu());
            vcpu.x86().fpu().setXsave(vcpu.x86().fpu().getXsave());
            vcpu.x86().fpu().setXcrs(vcpu.x86().fpu().getXcrs());
            vcpu.x86().msrs().setMsrs(vcpu.x86().msrs().getMsrs(Msr.IA32_TSC.index(), Msr.LSTAR.index()));
            vcpu.x86().apic().setLapic(vcpu.x86().apic().getLapic());
            vcpu.x86().apic().setTprAccessReporting(false);
            vcpu.x86().apic().setVapicAddress(0);
            vcpu.x86().time().setTscKhz(vcpu.x86().time().getTscKhz());
            vcpu.x86().time().setTscOffset(vcpu.x86().time().getTscOffset());
            vcpu.x86().time().kvmclockCtrl();
            vcpu.x86().machineChecks().setup(1, kvm.x86().getMceCapSupported());
            vcpu.x86().machineChecks().setMce(new MachineCheck(0, MachineCheck.VALID, 0, 0, 0));
            vcpu.x86().nested().setNestedState(vcpu.x86().nested().getNestedState());
            vcpu.x86().options().hypervEnlightenedVmcs();
            vcpu.x86().xen().setVcpuId(vcpu.x86().xen().getVcpuId());
            vcpu.x86().translate(0);
            vcpu.setMpState(vcpu.getMpState());
            vcpu.x86().interrupts().smi();
            vcpu.x86().interrupts().nmi();
            vcpu.x86().interrupts().inject(0x20);
            vcpu.enable(Capability.ENFORCE_PV_FEATURE_CPUID, 1);
            vcpu.x86().syncRegs().enable(EnumSet.of(SyncReg.REGS));
            vcpu.x86().syncRegs().getRegs(regs);
            vcpu.x86().syncRegs().setRegs(regs);
            vm.coalescedIo().unregister(zone);
            vcpu.preFaultMemory(0, 0x1000);
            vm.setMemoryAttributes(0, 0x1000, Set.of(MemoryAttribute.PRIVATE));
            if (!(vcpu.run() instanceof Exit.Hlt)) {
                throw new AssertionError("the fake guest halts");
            }
        }
    }

    private static List<String> callsOfAWholeLife() {
        FakeLibc libc = fake();
        wholeLife(libc);
        assertEquals(List.of(), libc.openFds());
        assertEquals(List.of(), libc.mapped());
        return libc.calls();
    }

    static IntStream everyCall() {
        return IntStream.range(0, callsOfAWholeLife().size());
    }

    @ParameterizedTest
    @MethodSource("everyCall")
    void aFailingCallLeavesNothingAndIsNamed(int index) {
        String call = callsOfAWholeLife().get(index);
        String name = call.contains("(") ? call.substring(0, call.indexOf('(')) : call;
        for (Errno errno : List.of(Errno.EIO, Errno.ENOMEM)) {
            FakeLibc libc = fake().failing(index, errno);
            KvmException e = assertThrows(KvmException.class, () -> wholeLife(libc), call);
            assertTrue(e.call().startsWith(name), () -> e + " instead of " + name);
            assertEquals(errno.number(), e.errno());
            assertTrue(e.getMessage().contains(name) && e.getMessage().contains(errno.name()), e.getMessage());
            assertEquals(List.of(), libc.openFds(), call);
            assertEquals(List.of(), libc.mapped(), call);
        }
    }

    /** Some of them are repeated, and then succeed. */
    @ParameterizedTest
    @MethodSource("everyCall")
    void anInterruptedCallLeavesNothing(int index) {
        String call = callsOfAWholeLife().get(index);
        FakeLibc libc = fake().failing(index, Errno.EINTR);
        if (Stream.of("KVM_CREATE_VM", "KVM_RUN", "KVM_PRE_FAULT_MEMORY", "fallocate").anyMatch(call::startsWith)) {
            wholeLife(libc);
        } else {
            assertEquals("EINTR", assertThrows(KvmException.class, () -> wholeLife(libc), call).errnoName());
        }
        assertEquals(List.of(), libc.openFds(), call);
        assertEquals(List.of(), libc.mapped(), call);
    }

    @Test
    void aWholeLifeMakesTheCallsThatItShould() {
        List<String> calls = callsOfAWholeLife();
        for (String call : List.of("open(/dev/kvm)", "KVM_GET_API_VERSION", "KVM_CREATE_VM", "KVM_CREATE_VCPU",
                "mmap(vCPU 0)", "KVM_SET_USER_MEMORY_REGION", "KVM_CREATE_DEVICE", "KVM_ENABLE_CAP",
                "KVM_X86_SET_MSR_FILTER", "KVM_SET_GUEST_DEBUG", "KVM_NMI", "KVM_INTERRUPT", "pthread_sigmask",
                "KVM_RUN",
                "munmap(vCPU 0)",
                "close(vCPU 0)", "close(device)", "close(VM)", "munmap(anonymous 65536)", "close(Kvm)")) {
            assertTrue(calls.contains(call), () -> call + " not in " + calls);
        }
    }
}
