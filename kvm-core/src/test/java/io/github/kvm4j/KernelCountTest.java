package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.RequiresKvm;

/** The kernel's own count: debugfs has a directory for every VM, named after its creator and descriptor. */
@RequiresKvm
class KernelCountTest {

    @TempDir
    private Path debugfs;

    @BeforeEach
    void mount() throws IOException, InterruptedException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root can mount debugfs");
        assumeTrue(call("mount", "-t", "debugfs", "none", debugfs.toString()) == 0, "debugfs cannot be mounted");
        assumeTrue(Files.isDirectory(debugfs.resolve("kvm")), "this kernel's debugfs has no kvm");
    }

    @AfterEach
    void unmount() throws IOException, InterruptedException {
        call("umount", debugfs.toString());
    }

    private static int call(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }

    /** The process in the name is, to the kernel, the thread that created the VM. */
    private long vmsOfThisProcess() throws IOException {
        try (Stream<Path> entries = Files.list(debugfs.resolve("kvm"))) {
            return entries.map(entry -> entry.getFileName().toString()).filter(name -> name.matches("\\d+-\\d+"))
                    .filter(name -> Files.exists(Path.of("/proc/self/task", name.substring(0, name.indexOf('-')))))
                    .count();
        }
    }

    @Test
    void theKernelHasLetGoOfAVmWhenCloseReturns() throws IOException {
        long before = vmsOfThisProcess();
        try (Kvm kvm = Kvm.open()) {
            Vm vm = kvm.createVm();
            vm.memory().add(0, 0x100000);
            vm.createVcpu(0);
            vm.createVcpu(1);
            if (!Architecture.ON_RISCV) { // whose kernel has no VFIO
                vm.createDevice(DeviceType.VFIO);
            }
            assertEquals(before + 1, vmsOfThisProcess());
            vm.close();
            assertEquals(before, vmsOfThisProcess());
            for (int i = 0; i < 10; i++) {
                kvm.createVm().createVcpu(0);
            }
            assertTrue(vmsOfThisProcess() == before + 10);
        }
        assertEquals(before, vmsOfThisProcess());
    }
}
