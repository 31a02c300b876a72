package io.github.kvm4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of the classes of the bindings a program loads what it uses, and none of another architecture. */
class BindingClassesTest {

    private static final String BINDINGS = "io.github.kvm4j.bindings.";

    @Test
    @Tag("slow")
    @RequiresKvm
    void helloLoadsWhatItUses(@TempDir Path folder) throws IOException, InterruptedException {
        Path log = folder.resolve("load");
        ExampleRun run = ExampleRun.of(folder, Hello.class, "-Xlog:class+load:file=" + log);
        assertEquals(0, run.status(), run::err);
        List<String> loaded = Files.readAllLines(log).stream().filter(line -> line.contains(BINDINGS))
                .map(line -> line.substring(line.indexOf(BINDINGS) + BINDINGS.length()).split(" ")[0]).toList();
        List<String> others = loaded.stream().filter(name -> name.matches("(arm64|riscv|s390|powerpc)\\..*")).toList();
        System.out.println("Hello loads " + loaded.size() + " classes of the bindings");
        if (System.getProperty("os.arch").equals("amd64")) {
            assertEquals(List.of(), others);
            // struct kvm_run alone, with what is nested and embedded in it, is 55.
            assertTrue(loaded.size() <= 70, loaded::toString);
        }
        assertTrue(loaded.contains("kvm_h"), loaded::toString);
    }
}
