package io.github.kvm4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
@RequiresKvm
class UserModeTest {

    /** A billion turns; an emulated machine has fewer. */
    private static final int TURNS = 1_000_000_000 / Integer.getInteger("kvm.tests.divisor", 1);

    @Test
    @EnabledOnOs(architectures = "amd64", disabledReason = "the guest's code is for x86")
    void theSumIsInTheExtendedStateAndRing3IsFast(@TempDir Path folder, TestReporter reporter) throws Exception {
        ExampleRun run = ExampleRun.of(folder, UserMode.class, "-Dturns=" + TURNS);
        reporter.publishEntry("UserMode", run.out());
        assertEquals(0, run.status(), run::err);
        long sum = (long) TURNS * (TURNS + 1) / 2;
        List<String> lines = run.out().lines().toList();
        assertTrue(lines.getFirst().startsWith("ring 3: " + TURNS + " turns in "), run::out);
        assertEquals("xmm0: [" + sum + ", 0]", lines.get(1));
        boolean avx = Files.readString(Path.of("/proc/cpuinfo")).contains(" avx ");
        assertEquals(avx ? 4 : 3, lines.size(), run::out);
        if (avx) {
            assertEquals("ymm1: [" + sum + ", " + sum + ", " + sum + ", " + sum + "]", lines.get(2));
        }
        assertTrue(lines.getLast().startsWith("ring 0: " + TURNS / 1000 + " turns in "), run::out);
        if (Integer.getInteger("kvm.tests.divisor", 1) == 1) {
            // A turn is a cycle; a nanosecond or two leave time for a machine that is busy. Emulated it would take 1000.
            double each = Double.parseDouble(lines.getFirst().replaceAll(".*, ([0-9.]+) ns each", "$1"));
            assertTrue(each < 5, run::out);
        }
    }
}
