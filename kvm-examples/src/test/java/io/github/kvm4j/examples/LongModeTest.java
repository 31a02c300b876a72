package io.github.kvm4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
@RequiresKvm
class LongModeTest {

    @Test
    @EnabledOnOs(architectures = "amd64", disabledReason = "the guest's code is for x86")
    void guestComputesWithWhatItReadsFromTheDevice(@TempDir Path folder) throws Exception {
        ExampleRun run = ExampleRun.of(folder, LongMode.class);
        assertEquals("""
                guest starts at 0x10000 in 64-bit mode
                guest writes 8 bytes to 0x20000000: 3000000000
                guest reads 8 bytes from 0x20000008: 9000000000000000000
                guest writes 4 bytes to port 0x500: 0x95545e00
                guest writes 4 bytes to port 0x500: 0x7ce66c51
                guest halts; it has reported 9000000003000000000
                """, run.out(), run::err);
        assertEquals(0, run.status(), run::err);
    }
}
