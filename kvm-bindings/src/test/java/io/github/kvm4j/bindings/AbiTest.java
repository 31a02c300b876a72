package io.github.kvm4j.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The generated classes against what C compilers said of the same headers: the tables in
 * {@code src/test/resources/abi}, which {@code abi/tables.sh} writes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AbiTest {

    private static final String BINDINGS = "io.github.kvm4j.bindings";

    private static final Map<String, String> PACKAGES = Map.of("x86_64", BINDINGS + ".x86", "aarch64",
            BINDINGS + ".arm64", "riscv64", BINDINGS + ".riscv", "s390x", BINDINGS + ".s390", "powerpc64le",
            BINDINGS + ".powerpc");

    /** Lines of {@code exceptions.tsv}: architecture and difference, where * stands for anything, and the reason. */
    private final Map<String, Pattern> exceptions = CTable.lines("exceptions.tsv").stream()
            .map(line -> line.split("\t")[0]).collect(Collectors.toMap(pattern -> pattern, AbiTest::glob));
    private final Set<String> usedExceptions = new HashSet<>();
    private final Set<String> compared = new HashSet<>();

    /** Architectures whose packages are complete: what is neutral holds for them. */
    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64", "riscv64"})
    void bindingsAreWhatTheCompilerSays(String arch) {
        compare(CTable.read(arch), BINDINGS, PACKAGES.get(arch));
    }

    /** Architectures of which the bindings have the ioctls that no other has. */
    @ParameterizedTest
    @ValueSource(strings = {"s390x", "powerpc64le"})
    void foreignIoctlsAreWhatTheCompilerSays(String arch) {
        compare(CTable.read(arch), PACKAGES.get(arch));
    }

    @ParameterizedTest
    @ValueSource(strings = {"libc-x86_64", "libc-aarch64", "libc-riscv64"})
    void libcIsWhatTheCompilerSays(String table) {
        compare(CTable.read(table), BINDINGS + ".libc");
    }

    /** 44 exit reasons, without a gap, and of 151 ioctls some that the architecture lacks. */
    @ParameterizedTest
    @CsvSource({"x86_64, 119", "aarch64, 89", "riscv64, 81"})
    void tablesAreComplete(String arch, int ioctls) {
        var table = CTable.read(arch);
        assertEquals(ioctls, table.count("ioctl"), "ioctls");
        assertEquals(151, ioctls + table.absentIoctls().size(), "ioctls of the header");
        var reasons = table.constants().values().stream().filter(constant -> constant.kind().equals("exit"))
                .map(constant -> (int) constant.value()).sorted().toList();
        assertEquals(IntStream.rangeClosed(0, 43).boxed().toList(), reasons, "exit reasons");
    }

    /** asm/kvm.h switches some capabilities off: only x86 has all of them. */
    @Test
    void headerHas244Capabilities() {
        assertEquals(List.of(244L, 236L, 235L),
                Stream.of("x86_64", "aarch64", "riscv64").map(arch -> CTable.read(arch).count("cap")).toList());
    }

    @Test
    void everyIoctlOfTheHeaderHasANumberSomewhere() {
        var ioctls = new TreeSet<String>();
        for (String arch : PACKAGES.keySet()) {
            CTable.read(arch).constants().forEach((name, constant) -> {
                if (constant.kind().equals("ioctl")) {
                    ioctls.add(name);
                }
            });
        }
        assertEquals(151, ioctls.size());
        var packages = new ArrayList<>(PACKAGES.values());
        packages.add(BINDINGS);
        ioctls.removeAll(JavaBindings.of(packages.toArray(String[]::new)).constants().keySet());
        assertEquals(Set.of(), ioctls);
    }

    @AfterAll
    void everyExceptionIsNeeded() {
        // A test chosen alone (-Dtest=AbiTest#...) does not reach the others' exceptions.
        if (compared.size() == PACKAGES.size() + 3) {
            assertEquals(exceptions.keySet(), usedExceptions, "exceptions.tsv");
        }
    }

    private void compare(CTable table, String... packages) {
        var bindings = JavaBindings.of(packages);
        var differences = AbiComparison.of(table, bindings);
        var mismatches = differences.stream().filter(difference -> !excepted(table.name() + " " + difference.key()))
                .toList();
        System.out.printf(
                "ABI of %-12s %3d ioctls, %2d exit reasons, %3d capabilities, %4d constants in all, %3d structures, "
                        + "%4d fields; %2d excepted, %d mismatches%n",
                table.name() + ":", table.count("ioctl"), table.count("exit"), table.count("cap"),
                table.constants().size(), table.structs().size(),
                table.structs().values().stream().mapToInt(struct -> struct.fields().size()).sum(),
                differences.size() - mismatches.size(), mismatches.size());
        compared.add(table.name());
        assertEquals("", mismatches.stream().map(m -> m.key() + ": " + m.what()).collect(Collectors.joining("\n")));
    }

    private boolean excepted(String difference) {
        boolean excepted = false;
        for (var exception : exceptions.entrySet()) {
            if (exception.getValue().matcher(difference).matches()) {
                usedExceptions.add(exception.getKey());
                excepted = true;
            }
        }
        return excepted;
    }

    private static Pattern glob(String pattern) {
        return Pattern
                .compile(Stream.of(pattern.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*")));
    }
}
