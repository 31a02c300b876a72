package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.DependsOnHost;
import io.github.kvm4j.testing.FakeLibc;

/** Opening, owning and closing, on a C library that keeps a book of what is open and mapped. */
@DependsOnHost
class LifecycleTest {

    /** A vCPU's memory for its state; the VM's own is a page. */
    private static final String SCRATCH = "munmap(anonymous 20480)";

    private static final Path PATH = Path.of("/dev/kvm");
    private final FakeLibc libc = new FakeLibc();

    private Kvm open() {
        return Kvm.open(PATH, new Host(libc));
    }

    private List<String> releases() {
        return libc.calls().stream().filter(call -> call.startsWith("close") || call.startsWith("munmap")).toList();
    }

    @Test
    void closingKvmClosesAllBelowItChildrenFirstAndYoungestFirst() {
        Kvm kvm = open();
        Vm first = kvm.createVm();
        first.memory().add(0, 0x1000);
        first.createVcpu(0);
        first.createVcpu(1);
        first.createDevice(DeviceType.VFIO);
        Vm second = kvm.createVm();
        kvm.close();
        assertTrue(first.isClosed() && second.isClosed());
        assertEquals(List.of("close(VM)", "munmap(vCPU 1)", SCRATCH, "close(vCPU 1)", "munmap(vCPU 0)",
                SCRATCH, "close(vCPU 0)", "close(device)", "close(VM)", "munmap(anonymous 4096)",
                "close(Kvm)"), releases());
        assertEquals(List.of(), libc.openFds());
        assertEquals(List.of(), libc.mapped());
    }

    @Test
    void guestMemoryIsUnmappedAfterTheVmIsGone() {
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            vm.memory().add(0, 0x5000);
        }
        List<String> releases = releases();
        assertTrue(releases.indexOf("munmap(anonymous 20480)") > releases.indexOf("close(VM)"), releases::toString);
    }

    @Test
    void closingTwiceReleasesOnce() {
        Kvm kvm = open();
        Vm vm = kvm.createVm();
        Vcpu vcpu = vm.createVcpu(0);
        Device device = vm.createDevice(DeviceType.VFIO);
        for (int i = 0; i < 2; i++) {
            vcpu.close();
            device.close();
            vm.close();
            kvm.close();
        }
        assertEquals(List.of("munmap(vCPU 0)", SCRATCH, "close(vCPU 0)", "close(device)", "close(VM)",
                "close(Kvm)"), releases());
    }

    @Test
    void aFailingStepOfCloseDoesNotStopTheOthers() {
        Kvm kvm = open();
        Vm vm = kvm.createVm();
        vm.createVcpu(0);
        vm.memory().add(0, 0x1000);
        int next = libc.calls().size();
        libc.failing(next, Errno.EIO); // munmap of the run page
        KvmException e = assertThrows(KvmException.class, vm::close);
        assertEquals("munmap(vCPU 0's run page)", e.call());
        assertEquals(List.of("Kvm"), libc.openFds());
        assertEquals(List.of(), libc.mapped());
        vm.close();
        kvm.close();
    }

    @Test
    void severalFailingStepsOfCloseAreAllReported() {
        Kvm kvm = open();
        kvm.createVm();
        kvm.createVm();
        libc.failingEvery("close");
        KvmException e = assertThrows(KvmException.class, kvm::close);
        assertEquals("close(VM)", e.call());
        assertEquals(2, e.getSuppressed().length);
        assertEquals(List.of(), libc.openFds());
    }

    @Test
    void aDescriptorWithoutCloseOnExecGetsIt() {
        libc.withoutCloseOnExec();
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            vm.createVcpu(0);
            vm.createDevice(DeviceType.VFIO);
        }
        for (String what : List.of("Kvm", "VM", "vCPU 0", "device")) {
            assertTrue(libc.calls().contains("fcntl(" + what + ", F_SETFD 1)"), () -> what + ": " + libc.calls());
        }
    }

    @Test
    void createVmIsRepeatedWhenInterrupted() {
        AtomicInteger tries = new AtomicInteger();
        libc.answering(Ioctl.KVM_CREATE_VM, () -> {
            if (tries.incrementAndGet() < 4) {
                return -Errno.EINTR.number();
            }
            return libc.newFd("VM");
        });
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            assertFalse(vm.isClosed());
            assertSame(kvm, vm.kvm());
        }
        assertEquals(4, tries.get());
    }

    @Test
    void createVmGivesUpWhenInterruptedForEver() {
        AtomicInteger tries = new AtomicInteger();
        libc.answering(Ioctl.KVM_CREATE_VM, () -> {
            tries.incrementAndGet();
            return -Errno.EINTR.number();
        });
        try (Kvm kvm = open()) {
            KvmException e = assertThrows(KvmException.class, kvm::createVm);
            assertEquals("EINTR", e.errnoName());
        }
        assertEquals(10, tries.get());
    }

    @Test
    void createVmSaysWhoIsBusy() {
        libc.answering(Ioctl.KVM_CREATE_VM, () -> -Errno.EBUSY.number());
        try (Kvm kvm = open()) {
            KvmException e = assertThrows(KvmException.class, kvm::createVm);
            assertEquals("KVM_CREATE_VM", e.call());
            assertEquals("EBUSY", e.errnoName());
            assertTrue(e.getMessage().contains("another hypervisor"), e.getMessage());
        }
    }

    @Test
    void anotherApiVersionIsRefused() {
        libc.answering(Ioctl.KVM_GET_API_VERSION, () -> 13);
        KvmException e = assertThrows(KvmException.class, this::open);
        assertTrue(e.getMessage().contains("version 13") && e.getMessage().contains("needs 12"), e.getMessage());
        assertEquals(List.of(), libc.openFds());
    }

    @Test
    void aRunPageThatIsTooSmallIsRefused() {
        libc.answering(Ioctl.KVM_GET_VCPU_MMAP_SIZE, () -> 1024);
        assertThrows(IllegalStateException.class, this::open);
        assertEquals(List.of(), libc.openFds());
    }

    @Test
    void aMissingDeviceIsExplained() {
        libc.refusingToOpen(Errno.ENOENT);
        KvmException e = assertThrows(KvmException.class, this::open);
        assertEquals("open(/dev/kvm)", e.call());
        assertEquals("ENOENT", e.errnoName());
        assertTrue(e.getMessage().contains("modprobe"), e.getMessage());
    }

    @Test
    void aForbiddenDeviceIsExplained() {
        libc.refusingToOpen(Errno.EACCES);
        KvmException e = assertThrows(KvmException.class, this::open);
        assertEquals("EACCES", e.errnoName());
        assertTrue(e.getMessage().contains("group kvm"), e.getMessage());
    }

    @Test
    void aBusyDeviceIsNamed() {
        libc.refusingToOpen(Errno.EBUSY);
        KvmException e = assertThrows(KvmException.class, this::open);
        assertTrue(e.getMessage().contains("open(/dev/kvm)") && e.getMessage().contains("EBUSY"), e.getMessage());
    }

    @Test
    void runFailsWithTheErrnoOfTheKernel() {
        libc.answering(Ioctl.KVM_RUN, () -> -Errno.ENOEXEC.number());
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            KvmException e = assertThrows(KvmException.class, () -> vm.createVcpu(0).run());
            assertEquals("KVM_RUN", e.call());
            assertEquals("ENOEXEC", e.errnoName());
        }
        assertEquals(List.of(), libc.openFds());
        assertEquals(List.of(), libc.mapped());
    }

    @Test
    void aCapabilityThatIsLackingIsNamed() {
        libc.answering(Ioctl.KVM_CREATE_DEVICE, () -> -Errno.ENOTTY.number());
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            UnsupportedCapabilityException e = assertThrows(UnsupportedCapabilityException.class,
                    () -> vm.createDevice(DeviceType.VFIO));
            assertEquals(Capability.DEVICE_CTRL, e.capability());
            assertTrue(e.getMessage().contains("KVM_CREATE_DEVICE needs KVM_CAP_DEVICE_CTRL"), e.getMessage());
            assertFalse(vm.canCreateDevice(DeviceType.VFIO));
        }
    }

    /** As x86 kernels before 6.5: they have devices, and do not announce it. */
    @Test
    void aDeviceIsTriedForWhateverTheCapabilitySays() {
        libc.withoutCapability(kvm_h.KVM_CAP_DEVICE_CTRL());
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            assertTrue(vm.canCreateDevice(DeviceType.VFIO));
            vm.createDevice(DeviceType.VFIO);
        }
    }

    @Test
    void memoryThatTheHostCannotMapIsExplained() {
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            libc.failing(libc.calls().size(), Errno.ENOMEM);
            KvmException e = assertThrows(KvmException.class, () -> vm.memory().add(0, 1L << 42));
            assertEquals("mmap(guest memory, 4398046511104 bytes)", e.call());
            assertTrue(e.getMessage().contains("ENOMEM") && e.getMessage().contains("address space"), e.getMessage());
            assertEquals(List.of(), vm.memory().regions());
        }
    }

    @Test
    void aGuestThatCannotBeStoppedKeepsItsMemoryUntilItCan() throws InterruptedException {
        CountDownLatch inTheGuest = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        libc.onIoctl(Ioctl.KVM_RUN, () -> {
            inTheGuest.countDown();
            Concurrent.await(leave);
        });
        Kvm kvm = open();
        Vm vm = kvm.createVm();
        MemorySegment memory = vm.memory().add(0, 0x3000).segment();
        Vcpu vcpu = vm.createVcpu(0);
        Thread runner = Thread.ofPlatform().start(vcpu::run);
        inTheGuest.await();
        libc.failingEvery("tgkill");
        KvmException e = assertThrows(KvmException.class, kvm::close);
        assertTrue(e.call().startsWith("tgkill"), e.getMessage());
        assertTrue(libc.mapped().contains("anonymous 12288"), "the memory of a guest that runs");
        assertEquals(0, memory.get(ValueLayout.JAVA_INT, 0));
        leave.countDown();
        runner.join();
        libc.failingEvery(null);
        kvm.close();
        assertEquals(List.of(), libc.openFds());
        assertEquals(List.of(), libc.mapped());
    }

    @Test
    @Tag("slow")
    void kvmClosesAlsoTheVmsThatNobodyHasAnyMore() {
        Kvm kvm = open();
        kvm.createVm().createVcpu(0);
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        kvm.close();
        assertEquals(List.of(), libc.openFds());
        assertEquals(List.of(), libc.mapped());
    }

    @Test
    void withoutImmediateExitNothingIsOpened() {
        libc.withoutCapability(kvm_h.KVM_CAP_IMMEDIATE_EXIT());
        UnsupportedCapabilityException e = assertThrows(UnsupportedCapabilityException.class, this::open);
        assertEquals(Capability.IMMEDIATE_EXIT, e.capability());
        assertEquals(List.of(), libc.openFds());
    }

    @Test
    void devicesAreClosedYoungestFirst() {
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            vm.createDevice(DeviceType.VFIO);
            vm.createDevice(DeviceType.VFIO);
        }
        assertEquals(List.of("close(device 2)", "close(device)", "close(VM)", "close(Kvm)"), releases());
    }

    @Test
    void aVcpuThatTheKernelHasMadeKeepsItsIdTakenThoughItsCreationFailed() {
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            libc.failingEvery("mmap(vCPU");
            assertThrows(KvmException.class, () -> vm.createVcpu(0));
            libc.failingEvery(null);
            assertThrows(IllegalArgumentException.class, () -> vm.createVcpu(0));
        }
        assertEquals(1, libc.count("KVM_CREATE_VCPU"));
    }

    @Test
    void aFailedVcpuLeavesItsIdFree() {
        try (Kvm kvm = open(); Vm vm = kvm.createVm()) {
            libc.answering(Ioctl.KVM_CREATE_VCPU, () -> -Errno.ENOMEM.number());
            assertThrows(KvmException.class, () -> vm.createVcpu(0));
            libc.answering(Ioctl.KVM_CREATE_VCPU, () -> libc.newFd("vCPU 0"));
            assertEquals(0, vm.createVcpu(0).id());
        }
    }

    @Test
    void guestMemoryOfAClosedVmIsRefusedNotRead() {
        MemorySegment segment;
        Vm vm;
        try (Kvm kvm = open()) {
            vm = kvm.createVm();
            segment = vm.memory().add(0, 0x1000).segment();
            segment.set(ValueLayout.JAVA_INT, 0, 42);
        }
        assertThrows(IllegalStateException.class, () -> segment.get(ValueLayout.JAVA_INT, 0));
        assertThrows(ClosedException.class, () -> vm.memory().segment(0, 4));
    }
}
