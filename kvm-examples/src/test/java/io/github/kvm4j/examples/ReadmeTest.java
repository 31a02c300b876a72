package io.github.kvm4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

/** The README, word for word. */
class ReadmeTest {

    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    @Test
    @Tag("slow")
    @RequiresKvm
    @EnabledOnOs(architectures = "amd64", disabledReason = "the guest's code is for x86")
    void theFirstProgramRuns(@TempDir Path folder) throws IOException, InterruptedException {
        assumeTrue(ModuleLayer.boot().findModule("jdk.compiler").isPresent(), "this Java has no compiler");
        assumeTrue(Files.exists(ROOT.resolve("README.md")), "the sources are not here");
        String readme = Files.readString(ROOT.resolve("README.md"));
        int start = readme.indexOf("```java\n") + "```java\n".length();
        Path program = Files.writeString(folder.resolve("Guest.java"),
                readme.substring(start, readme.indexOf("```", start)));
        ExampleRun run = ExampleRun.of(folder, ExampleRun.MODULAR
                ? List.of("--add-modules", "io.github.kvm4j", program.toString())
                : List.of(program.toString()));
        assertEquals("the guest says K\n", run.out(), run::err);
        assertEquals(0, run.status());
    }

    @Test
    void continuousIntegrationCallsTheTwoCommands() throws IOException {
        String readme = Files.readString(ROOT.resolve("README.md"));
        String ci = Files.readString(ROOT.resolve(".ci/run"));
        assertTrue(readme.contains("\n    mvn verify\n") && ci.contains("mvn -B -ntp verify"));
        assertTrue(
                readme.contains("\n    mvn -q compile exec:exec\n") && ci.contains("mvn -q -B -ntp compile exec:exec"));
    }

    @Test
    void everyExampleOfTheTableIsThere() throws IOException {
        List<String> rows = Files.readAllLines(ROOT.resolve("README.md")).stream()
                .filter(line -> line.matches("\\| `[A-Z]\\w+` \\|.*")).map(line -> line.split("`")[1]).toList();
        assertEquals(List.of("Hello", "LongMode", "UserMode", "Firmware", "KvmInfo"), rows);
        for (String name : rows) {
            assertTrue(Files.exists(Path.of("src/main/java/io/github/kvm4j/examples", name + ".java")), name);
        }
    }
}
