package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.x86.Cpuid;
import io.github.kvm4j.x86.GuestDebug;
import io.github.kvm4j.x86.MsrFilter;
import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.Sregs;
import io.github.kvm4j.x86.VcpuEvents;

/** Every public method of a closed object throws IllegalStateException, but for the few that need no descriptor. */
class UseAfterCloseTest {

    /** What tells or remembers, without a system call; and close itself. */
    private static final Set<String> HARMLESS = Set.of("close", "isClosed", "kvm", "vm", "id", "type", "memory",
            "unsafe", "syncRegs", "interrupts",
            "kick", "vcpuMmapSize", "regions", "slot", "guestAddress", "size", "flags", "segment()", "toString",
            "equals", "hashCode");

    /** The parts of one architecture each; the host's is harmless, the others are refused without a word about closing. */
    private static final Set<String> FACETS = Set.of("x86", "arm64", "riscv");

    private final FakeLibc libc = new FakeLibc();
    private final List<Object> closed = new ArrayList<>();

    UseAfterCloseTest() {
        Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
        Vm vm = kvm.createVm();
        MemoryRegion region = vm.memory().add(0, 0x1000);
        Vcpu vcpu = vm.createVcpu(0);
        Device device = vm.createDevice(DeviceType.VFIO);
        kvm.close();
        closed.addAll(List.of(kvm, kvm.x86(), vm, vm.x86(), vm.memory(), region, vcpu, vcpu.x86(),
                vcpu.x86().syncRegs(), vcpu.x86().interrupts(), device));
    }

    private static boolean harmless(Method method) {
        return HARMLESS.contains(method.getName()) || FACETS.contains(method.getName())
                || method.getParameterCount() == 0 && HARMLESS.contains(method.getName() + "()");
    }

    @TestFactory
    Stream<DynamicTest> everyMethodRefuses() {
        return closed.stream().flatMap(object -> Arrays.stream(object.getClass().getMethods())
                .filter(method -> method.getDeclaringClass() == object.getClass()
                        && !Modifier.isStatic(method.getModifiers())
                        && (!FACETS.contains(method.getName())
                                || method.getName().equals(Architecture.hostPackage())))
                .map(method -> DynamicTest.dynamicTest(object.getClass().getSimpleName() + "." + method.getName()
                        + Arrays.toString(method.getParameterTypes()), () -> check(object, method))));
    }

    private void check(Object object, Method method) throws ReflectiveOperationException {
        int before = libc.calls().size();
        Object[] arguments = Arrays.stream(method.getParameterTypes()).map(UseAfterCloseTest::argument).toArray();
        if (harmless(method)) {
            method.invoke(object, arguments);
        } else {
            InvocationTargetException e = assertThrows(InvocationTargetException.class,
                    () -> method.invoke(object, arguments));
            assertTrue(e.getCause() instanceof IllegalStateException, () -> e.getCause().toString());
            assertTrue(e.getCause().getMessage().contains("closed"), e.getCause()::getMessage);
        }
        assertEquals(before, libc.calls().size(), "a system call was made");
    }

    private static Object argument(Class<?> type) {
        if (type == int.class) {
            return 1;
        }
        if (type == long.class) {
            return 0x1000L;
        }
        if (type == byte[].class) {
            return new byte[1]; // the size of the register whose id is the long below
        }
        if (type == Set.class) {
            return Set.of();
        }
        if (type == Consumer.class) {
            return (Consumer<Object>) exit -> {
            };
        }
        if (type == Capability.class) {
            return Capability.USER_MEMORY;
        }
        if (type == DeviceType.class) {
            return DeviceType.VFIO;
        }
        if (type == Regs.class) {
            return new Regs();
        }
        if (type == Sregs.class) {
            return new Sregs();
        }
        if (type == Cpuid.class) {
            return new Cpuid(List.of());
        }
        if (type == VcpuEvents.class) {
            return new VcpuEvents();
        }
        if (type == MsrFilter.class) {
            return MsrFilter.allowing();
        }
        if (type == GuestDebug.class) {
            return GuestDebug.none();
        }
        if (type == long[].class) {
            return new long[0];
        }
        if (type == boolean.class) {
            return true;
        }
        if (type == Object.class) {
            return "";
        }
        throw new AssertionError("no argument of " + type);
    }

    @Test
    void allPublicTypesWithALifeAreLookedAt() {
        List<String> names = closed.stream().map(object -> object.getClass().getSimpleName()).toList();
        assertTrue(
                names.containsAll(List.of("Kvm", "Vm", "Vcpu", "Device", "X86Kvm", "X86Vm", "X86Vcpu",
                        "SyncRegs", "X86Interrupts", "GuestMemory")));
    }
}
