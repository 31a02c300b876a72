package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.lang.ref.WeakReference;
import java.lang.reflect.Field;
import java.nio.file.Path;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.FakeLibc;

/** What is closed is not kept by the one that it was created from, which may live for long. */
class ForgettingTest {

    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(new FakeLibc()));
    private final Vm vm = kvm.createVm();

    @AfterEach
    void close() {
        kvm.close();
    }

    /** Whether the garbage collector lets go of it; it gets the chance a few times. */
    private static Object collected(WeakReference<?> reference) {
        for (int i = 0; i < 50 && reference.get() != null; i++) {
            System.gc();
            Concurrent.pause(10);
        }
        return reference.get();
    }

    /** What the owner has of a vCPU or device: its descriptor. */
    private static WeakReference<Object> descriptor(Object of) {
        try {
            Field field = of.getClass().getDeclaredField("fd");
            field.setAccessible(true);
            return new WeakReference<>(field.get(of));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** The VM's state refers to the memory, which it unmaps. */
    private WeakReference<GuestMemory> memoryOfAClosedVm() {
        try (Vm closed = kvm.createVm()) {
            closed.memory().add(0, 0x1000);
            return new WeakReference<>(closed.memory());
        }
    }

    private WeakReference<Object> closedVcpu() {
        try (Vcpu vcpu = vm.createVcpu(0)) {
            return descriptor(vcpu);
        }
    }

    private WeakReference<Object> closedDevice() {
        try (Device device = vm.createDevice(DeviceType.VFIO)) {
            return descriptor(device);
        }
    }

    private WeakReference<Object> openDevice() {
        return descriptor(vm.createDevice(DeviceType.VFIO));
    }

    @Test
    void aClosedVmIsForgottenByItsKvm() {
        assertNull(collected(memoryOfAClosedVm()));
    }

    @Test
    void aClosedVcpuIsForgottenByItsVm() {
        assertNull(collected(closedVcpu()));
    }

    @Test
    void aClosedDeviceIsForgottenByItsVm() {
        assertNull(collected(closedDevice()));
        assertNotNull(collected(openDevice()), "what is open is kept, to be closed");
    }
}
