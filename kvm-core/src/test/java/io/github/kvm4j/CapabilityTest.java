package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import io.github.kvm4j.Capability.Enabling;
import io.github.kvm4j.Capability.Scope;
import io.github.kvm4j.Capability.Target;
import io.github.kvm4j.Capability.ValueKind;
import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.kvm_enable_cap;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.riscv.kvm_riscv_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.unsafe.RawIoctls;

/** The table of capabilities is the header's, complete, and says of itself what this machine's KVM says. */
class CapabilityTest {

    private static final int IN_LINUX_7_2 = 244;

    /** By kernel name, the numbers that the generated classes give it: one each. */
    private static Map<String, Integer> header() throws ReflectiveOperationException {
        Map<String, Integer> numbers = new TreeMap<>();
        for (Class<?> header : List.of(kvm_h.class, kvm_x86_h.class, kvm_arm64_h.class, kvm_riscv_h.class)) {
            for (Method method : header.getMethods()) {
                if (method.getName().startsWith("KVM_CAP_")) {
                    int number = ((Number) method.invoke(null)).intValue();
                    Integer before = numbers.put(method.getName(), number);
                    assertTrue(before == null || before == number, method::toString);
                }
            }
        }
        return numbers;
    }

    private static Set<Capability> enabledOn(Target target) {
        return where(capability -> capability.enabling().filter(enabling -> enabling.on() == target).isPresent());
    }

    private static Set<Capability> where(Predicate<Capability> condition) {
        return Arrays.stream(Capability.values()).filter(condition)
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(Capability.class)));
    }

    private static <T> Set<T> minus(Set<T> all, Set<T> others) {
        Set<T> rest = new HashSet<>(all);
        rest.removeAll(others);
        return rest;
    }

    @Test
    void everyCapabilityOfTheHeaderHasOneConstantWithItsNumber() throws ReflectiveOperationException {
        Map<String, Integer> constants = new TreeMap<>();
        for (Capability capability : Capability.values()) {
            constants.put(capability.kernelName(), capability.number());
        }
        assertEquals(Set.of(), minus(header().entrySet(), constants.entrySet()), "of the header alone");
        assertEquals(Set.of(), minus(constants.entrySet(), header().entrySet()), "of the enum alone");
        assertEquals(IN_LINUX_7_2, constants.size());
        assertEquals(IN_LINUX_7_2, new HashSet<>(constants.values()).size(), "distinct numbers");
        System.out
                .println(constants.size() + " capabilities, " + enabledOn(Target.VM).size() + " to be enabled on a VM, "
                        + enabledOn(Target.VCPU).size() + " on a vCPU");
    }

    @Test
    void ofFindsEachByItsNumber() {
        for (Capability capability : Capability.values()) {
            assertEquals(Optional.of(capability), Capability.of(capability.number()));
        }
        assertEquals(Optional.empty(), Capability.of(-1));
        assertEquals(Optional.empty(), Capability.of(Integer.MAX_VALUE));
    }

    @Test
    void everyConstantDescribesItself() {
        Set<String> descriptions = new HashSet<>();
        for (Capability capability : Capability.values()) {
            assertPhrase(capability, capability.description());
            assertTrue(descriptions.add(capability.description()), () -> capability + ": a description used before");
            assertFalse(capability.architectures().isEmpty(), capability::name);
        }
    }

    private static void assertPhrase(Capability capability, String phrase) {
        assertTrue(phrase.length() > 3 && phrase.equals(phrase.strip()) && !phrase.endsWith("."),
                () -> capability + ": " + phrase);
    }

    @Test
    void everyEnablingFitsTheStructure() {
        long arguments = kvm_enable_cap.args$layout().elementCount();
        for (Capability capability : where(each -> each.enabling().isPresent())) {
            Enabling enabling = capability.enabling().orElseThrow();
            assertTrue(enabling.arguments().size() <= arguments, capability::name);
            enabling.arguments().forEach(argument -> assertPhrase(capability, argument));
            Capability ioctl = enabling.on() == Target.VM ? Capability.ENABLE_CAP_VM : Capability.ENABLE_CAP;
            assertTrue(capability.architectures().stream().anyMatch(ioctl.architectures()::contains),
                    () -> capability + ": no architecture with " + ioctl);
        }
        assertThrows(IllegalArgumentException.class,
                () -> new Enabling(Target.VM, List.of("1", "2", "3", "4", "5"), false));
        assertThrows(IllegalArgumentException.class, () -> new Enabling(Target.VCPU, List.of(), true));
    }

    /** As many as the enable_cap functions of Linux 7.2 (generic code and the architectures') have cases for. */
    @Test
    void whatCanBeEnabledIsWhatTheKernelHasCasesFor() {
        assertEquals(51, enabledOn(Target.VM).size());
        assertEquals(18, enabledOn(Target.VCPU).size());
        assertEquals(21, where(
                each -> each.enabling().filter(Enabling::beforeFirstVcpu).isPresent()).size());
    }

    @Test
    @RequiresKvm
    void aBooleanIsZeroOrOne() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            assertEquals(Map.of(), answers(vm, where(each -> each.valueKind() == ValueKind.BOOLEAN
                    && vm.checkExtension(each) != 0 && vm.checkExtension(each) != 1)));
        }
    }

    private static Map<Capability, Integer> answers(Vm vm, Set<Capability> capabilities) {
        return capabilities.stream().collect(Collectors.toMap(each -> each, vm::checkExtension));
    }

    @Test
    @RequiresKvm
    void whatIsOfTheSystemIsTheSameOnAVm() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            assertEquals(Map.of(), answers(vm, where(each -> each.scope() == Scope.SYSTEM
                    && kvm.checkExtension(each) != vm.checkExtension(each))));
        }
    }

    /** Asked with all arguments 0, which many take: none that the table does not know of is taken. */
    @Test
    @Tag("slow")
    @RequiresKvm
    void theKernelTakesNothingThatTheTableDoesNotKnow() {
        try (Kvm kvm = Kvm.open()) {
            Set<Capability> onVm = where(each -> takenByVm(kvm, each, false));
            Set<Capability> onVmWithVcpu = where(each -> takenByVm(kvm, each, true));
            Set<Capability> onVcpu = where(each -> takenByVcpu(kvm, each));
            System.out.println("Taken with arguments 0: " + onVm.size() + " on a VM, " + onVcpu.size() + " on a vCPU");
            assertTrue(onVm.size() > 1, onVm::toString);
            assertEquals(Set.of(), minus(onVm, enabledOn(Target.VM)));
            assertEquals(Set.of(), minus(onVcpu, enabledOn(Target.VCPU)));
            onVm.removeIf(each -> each.enabling().filter(Enabling::beforeFirstVcpu).isPresent());
            // Linux 6.1 takes it, to no effect on the vCPUs that there are.
            onVmWithVcpu.remove(Capability.X86_DISABLE_EXITS);
            assertEquals(onVm, onVmWithVcpu, "with a vCPU, all but those that must come before it");
        }
    }

    private static boolean takenByVm(Kvm kvm, Capability capability, boolean withVcpu) {
        try (Vm vm = kvm.createVm()) {
            if (withVcpu) {
                vm.createVcpu(0);
            }
            return taken(vm.unsafe(), capability);
        }
    }

    private static boolean takenByVcpu(Kvm kvm, Capability capability) {
        try (Vm vm = kvm.createVm()) {
            return taken(vm.createVcpu(0).unsafe(), capability);
        }
    }

    private static boolean taken(RawIoctls ioctls, Capability capability) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = kvm_enable_cap.allocate(arena);
            kvm_enable_cap.cap(argument, capability.number());
            ioctls.ioctl("KVM_ENABLE_CAP", argument);
            return true;
        } catch (KvmException e) {
            return false;
        }
    }
}
