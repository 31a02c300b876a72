package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;

import io.github.kvm4j.testing.KvmKind;
import io.github.kvm4j.testing.RequiresKvm;

/** docs/parity.md names tests that there are, and that run somewhere. */
class ParityTest {

    private static final Path PAGE = Path.of("..", "docs", "parity.md");
    private static final Path CLASSES = Path.of("target", "test-classes");
    private static final Path EXPECTED = Path.of("..", ".ci", "expected");
    private static final Pattern NAME = Pattern.compile("`(\\w+)#(\\w+)`");
    private static final int CLAIMS = 95;

    private record Named(String type, String method) {
    }

    private static List<Named> named() throws IOException {
        return NAME.matcher(Files.readString(PAGE)).results()
                .map(match -> new Named(match.group(1), match.group(2))).toList();
    }

    /** By simple name, without initializing them. */
    private static Map<String, Class<?>> testClasses() throws IOException {
        Map<String, Class<?>> classes = new HashMap<>();
        try (Stream<Path> files = Files.walk(CLASSES)) {
            for (Path file : files.filter(path -> path.toString().endsWith("Test.class")).toList()) {
                String name = CLASSES.relativize(file).toString().replace('/', '.').replaceFirst("\\.class$", "");
                try {
                    Class<?> type = Class.forName(name, false, ParityTest.class.getClassLoader());
                    Class<?> other = classes.put(type.getSimpleName(), type);
                    assertTrue(other == null, () -> type + " and " + other);
                } catch (ClassNotFoundException e) {
                    throw new AssertionError(e);
                }
            }
        }
        return classes;
    }

    private static Set<String> recorded() throws IOException {
        Set<String> names = new HashSet<>();
        for (String list : List.of("host-pvm.txt", "amd64-7.2.txt")) {
            for (String line : Files.readAllLines(EXPECTED.resolve(list))) {
                names.add(line.split(" ")[0]);
            }
        }
        return names;
    }

    /** Whether it is known to work on a processor's own virtualization alone, which no machine of CI's has. */
    private static boolean isForHardware(List<RequiresKvm> needs) {
        Set<KvmKind> notOn = needs.stream().flatMap(need -> Stream.of(need.notOn())).collect(Collectors.toSet());
        return notOn.contains(KvmKind.PVM) && notOn.contains(KvmKind.EMULATED_SVM);
    }

    @Test
    void everyTestThatIsNamedIsThereAndRunsSomewhere() throws IOException {
        Map<String, Class<?>> classes = testClasses();
        Set<String> recorded = recorded();
        Set<String> missing = new TreeSet<>();
        Set<String> nowhere = new TreeSet<>();
        for (Named named : named()) {
            Class<?> type = classes.get(named.type);
            Method method = type == null
                    ? null
                    : Arrays.stream(type.getDeclaredMethods()).filter(each -> each.getName().equals(named.method)
                            && (each.isAnnotationPresent(Test.class) || each.isAnnotationPresent(TestFactory.class)
                                    || each.isAnnotationPresent(ParameterizedTest.class)))
                            .findFirst().orElse(null);
            if (method == null) {
                missing.add(named.type + "#" + named.method);
                continue;
            }
            List<RequiresKvm> needs = Stream.of(type, method).map(each -> each.getAnnotation(RequiresKvm.class))
                    .filter(Objects::nonNull).toList();
            if (!needs.isEmpty() && !recorded.contains(type.getName() + "#" + named.method) && !isForHardware(needs)) {
                nowhere.add(named.type + "#" + named.method);
            }
        }
        assertEquals(Set.of(), missing, "not there");
        assertEquals(Set.of(), nowhere, "not recorded");
    }

    @Test
    void everyClaimHasATest() throws IOException {
        List<String> claims = Files.readAllLines(PAGE).stream()
                .filter(line -> line.startsWith("| ") && !line.matches("\\| (claim|selftest) \\|.*")).toList();
        assertEquals(List.of(), claims.stream().filter(line -> NAME.matcher(line).results()
                .map(MatchResult::group).findAny().isEmpty()).toList());
        assertEquals(CLAIMS, claims.size());
    }
}
