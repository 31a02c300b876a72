package io.github.kvm4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FirmwareTest {

    private static final Path SEABIOS = Path.of("/usr/share/seabios/bios.bin");
    private static final int IMAGE_SIZE = 128 << 10;

    @TempDir
    private Path folder;

    @Test
    @Tag("slow")
    @RequiresKvm
    @EnabledOnOs(architectures = "amd64", disabledReason = "SeaBIOS is for x86")
    void seaBiosRunsUntilItHasFoundNothingToBootFrom() throws Exception {
        assumeTrue(Files.isReadable(SEABIOS), "there is no " + SEABIOS + " (apt install seabios)");
        ExampleRun run = ExampleRun.of(folder, Firmware.class, "-Dfirmware=" + SEABIOS);
        assertEquals(0, run.status(), run::err);
        List<String> log = run.out().lines().toList();
        assertTrue(log.getFirst().startsWith("SeaBIOS (version"), run::out);
        assertTrue(log.getLast().contains("No bootable device"), run::out);
        assertTrue(log.size() >= 40, run::out);
        assertTrue(log.contains("RamSize: 0x04000000 [cmos]"), run::out);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    @Tag("slow")
    @RequiresKvm
    @EnabledOnOs(architectures = "amd64", disabledReason = "the guest's code is for x86")
    void timeLimitEndsAnImageThatSpins(int seconds) throws Exception {
        byte[] image = new byte[IMAGE_SIZE];
        for (int i = 0; i < image.length; i += 2) {
            image[i] = (byte) 0xeb; // jmp $
            image[i + 1] = (byte) 0xfe;
        }
        Path file = Files.write(folder.resolve("spins.bin"), image);
        ExampleRun run = ExampleRun.of(folder, Firmware.class, "-Dfirmware=" + file, "-Dseconds=" + seconds);
        assertEquals(1, run.status(), run::err);
        assertTrue(run.err().contains("within the time limit, -Dseconds=" + seconds), run::err);
        // The upper bound is below the default limit, and leaves time for a slow machine to start a JVM.
        assertTrue(run.time().toSeconds() >= seconds && run.time().toSeconds() < 50, run.time()::toString);
    }

    @Test
    void withoutAnImageItSaysHowToGetOne() throws Exception {
        assertFails("apt install seabios");
        assertFails("apt install seabios", "-Dfirmware=");
    }

    @Test
    void imageThatCannotBeReadIsNamed() throws Exception {
        Path missing = folder.resolve("missing.bin");
        assertFails("cannot read the firmware image " + missing, "-Dfirmware=" + missing);
        assertFails("cannot read the firmware image " + folder, "-Dfirmware=" + folder);
    }

    @Test
    void imageOfAnOddSizeIsRefused() throws Exception {
        Path odd = Files.write(folder.resolve("odd.bin"), new byte[IMAGE_SIZE - 1]);
        assertFails("it has 131071 bytes, not 128 or 256 KiB", "-Dfirmware=" + odd);
    }

    @Test
    void timeLimitThatIsNoNumberIsRefused() throws Exception {
        Path image = Files.write(folder.resolve("zeros.bin"), new byte[IMAGE_SIZE]);
        assertFails("-Dseconds=soon", "-Dfirmware=" + image, "-Dseconds=soon");
    }

    /** One line, no stack trace. */
    private void assertFails(String message, String... options) throws Exception {
        ExampleRun run = ExampleRun.of(folder, Firmware.class, options);
        assertEquals(1, run.status(), run::err);
        assertTrue(run.err().startsWith("Firmware: ") && run.err().contains(message), run::err);
        assertEquals(1, run.err().lines().count(), run::err);
        assertEquals("", run.out());
    }
}
