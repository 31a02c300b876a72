package io.github.kvm4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresKvm
class HelloTest {

    private static final String SAID = "Hello from a guest of kvm4j!\n";

    @Test
    @Tag("slow")
    void guestSaysHello(@TempDir Path folder) throws Exception {
        ExampleRun run = ExampleRun.of(folder, Hello.class);
        assertEquals(SAID, run.out(), run::err);
        assertEquals(0, run.status(), run::err);
    }

    /** Without the time that another JVM takes to start. */
    @Test
    void guestSaysHelloInThisJvm() {
        PrintStream before = System.out;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setOut(new PrintStream(said, false, StandardCharsets.UTF_8));
        try {
            Hello.main(new String[0]);
        } finally {
            System.setOut(before);
        }
        assertEquals(SAID, said.toString(StandardCharsets.UTF_8));
    }
}
