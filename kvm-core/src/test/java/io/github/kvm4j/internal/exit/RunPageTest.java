package io.github.kvm4j.internal.exit;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.testing.CRunPage;

/**
 * {@link RunPage} and the exits take x86's offsets: they are every architecture's, but for what the debug exit and the
 * registers behind the union hold.
 */
class RunPageTest {

    private static final MemoryLayout X86 = io.github.kvm4j.bindings.x86.kvm_run.layout();

    static Stream<Arguments> others() {
        return Stream.of(Arguments.of("arm64", io.github.kvm4j.bindings.arm64.kvm_run.layout()),
                Arguments.of("riscv", io.github.kvm4j.bindings.riscv.kvm_run.layout()));
    }

    /** Name, offset and size of every field, into the union and the structures in it. */
    private static List<String> fields(GroupLayout layout, long offset, String path) {
        List<String> fields = new ArrayList<>();
        for (MemoryLayout member : layout.memberLayouts()) {
            if (member.name().isEmpty()) {
                continue;
            }
            String name = member.name().get();
            long at = offset + layout.byteOffset(groupElement(name));
            boolean own = path.isEmpty() && name.equals("s") || name.equals("arch");
            if (own) {
                continue;
            }
            // The name that jextract gives to what has none holds a line number; the layout within counts.
            String shown = name.contains("$anon") ? path : path + "." + name;
            if (member instanceof GroupLayout group) {
                fields.addAll(fields(group, at, shown));
            } else {
                fields.add(shown + " at " + at + ", " + member.byteSize() + " bytes");
            }
        }
        return fields;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("others")
    void theOffsetsAreTheSameOnEveryArchitecture(String name, GroupLayout layout) {
        List<String> x86 = fields((GroupLayout) X86, 0, "");
        assertEquals(x86, fields(layout, 0, ""));
        assertEquals(true, x86.size() > 100, "fields looked at: " + x86.size());
    }

    /** The same of what C compilers say, whose tables the tests of the exits use. */
    @ParameterizedTest
    @ValueSource(strings = {"aarch64", "riscv64"})
    void theCOffsetsAreTheSameOnEveryArchitecture(String table) {
        Map<String, String> x86 = common("x86_64");
        assertEquals(x86, common(table));
        assertEquals(true, x86.size() > 150, "fields looked at: " + x86.size());
    }

    private static Map<String, String> common(String table) {
        Map<String, String> layout = new TreeMap<>(new CRunPage(table).layout());
        layout.keySet().removeIf(name -> name.startsWith("debug") || name.startsWith("s.regs"));
        return layout;
    }
}
