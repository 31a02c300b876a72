package io.github.kvm4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresKvm
class HelloTest {

    @Test
    void guestSaysHello(@TempDir Path folder) throws Exception {
        ExampleRun run = ExampleRun.of(folder, Hello.class);
        assertEquals("Hello from a guest of kvm4j!\n", run.out(), run::err);
        assertEquals(0, run.status(), run::err);
    }
}
