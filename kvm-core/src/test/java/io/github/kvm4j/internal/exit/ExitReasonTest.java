package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_hyperv_exit;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.bindings.x86.kvm_xen_exit;
import io.github.kvm4j.exit.Exit;

/** Every exit reason of the header is accounted for. */
class ExitReasonTest {

    /** The names in the bindings, but for those of a reason's own numbers (KVM_EXIT_IO_IN: KVM_EXIT_IO and more). */
    private static Set<String> reasonsOfTheHeader() {
        Set<String> names = Arrays.stream(kvm_h.class.getMethods()).map(Method::getName)
                .filter(name -> name.startsWith("KVM_EXIT_")).collect(Collectors.toCollection(TreeSet::new));
        Set<String> details = names.stream()
                .filter(name -> names.stream().anyMatch(other -> name.startsWith(other + "_")))
                .collect(Collectors.toSet());
        names.removeAll(details);
        return names;
    }

    @Test
    void everyReasonOfTheHeaderHasALine() throws ReflectiveOperationException {
        Set<String> lines = Arrays.stream(ExitReason.values()).map(Enum::name)
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(reasonsOfTheHeader(), lines);
        for (ExitReason reason : ExitReason.values()) {
            assertEquals(kvm_h.class.getMethod(reason.name()).invoke(null), reason.number());
        }
        Set<Integer> numbers = Arrays.stream(ExitReason.values()).map(ExitReason::number).collect(Collectors.toSet());
        assertEquals(IntStream.range(0, 44).boxed().collect(Collectors.toSet()), numbers);
        assertEquals(numbers.size() - 1, ExitDecoder.LAST);
        assertEquals(List.of(ExitReason.KVM_EXIT_INTR),
                Arrays.stream(ExitReason.values()).filter(reason -> reason.type().isEmpty()).toList());
        System.out.println("exit reasons: " + lines.size() + ", with a type: "
                + Arrays.stream(ExitReason.values()).filter(reason -> reason.type().isPresent()).count());
    }

    @ParameterizedTest
    @EnumSource
    void aReasonComesAsItsTypeOrAsUnknown(ExitReason reason) {
        MemorySegment page = Arena.ofAuto().allocate(3 * 4096, 4096);
        kvm_run.exit_reason(page, reason.number());
        // What the types with bounds, and those of several kinds, want.
        switch (reason) {
            case KVM_EXIT_IO -> {
                kvm_run.io.size(kvm_run.io(page), (byte) 1);
                kvm_run.io.count(kvm_run.io(page), 1);
            }
            case KVM_EXIT_MMIO -> kvm_run.mmio.len(kvm_run.mmio(page), 1);
            case KVM_EXIT_LOONGARCH_IOCSR -> kvm_run.iocsr_io.len(kvm_run.iocsr_io(page), 1);
            case KVM_EXIT_XEN -> kvm_xen_exit.type(kvm_run.xen(page), kvm_h.KVM_EXIT_XEN_HCALL());
            case KVM_EXIT_HYPERV -> kvm_hyperv_exit.type(kvm_run.hyperv(page), kvm_h.KVM_EXIT_HYPERV_SYNIC());
            default -> {
            }
        }
        Exit exit = new ExitDecoder(new RunPage(page)).decode();
        if (reason.type().isPresent()) {
            assertInstanceOf(reason.type().get(), exit);
            assertEquals("", reason.withoutType());
        } else {
            assertEquals(reason.number(), assertInstanceOf(Exit.Unknown.class, exit).reason());
            assertEquals("Unknown[" + reason + "]", exit.toString());
            assertNotEquals("", reason.withoutType());
        }
    }
}
