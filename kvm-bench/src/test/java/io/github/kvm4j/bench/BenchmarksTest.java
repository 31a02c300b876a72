package io.github.kvm4j.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** That the benchmarks work, and that the hot calls allocate nothing. How long anything takes is not asked. */
class BenchmarksTest {

    @BeforeAll
    static void requireKvm() {
        Path device = Path.of("/dev/kvm");
        if (!System.getProperty("kvm.tests", "").equals("required")) {
            assumeTrue(Files.isReadable(device) && Files.isWritable(device), "/dev/kvm cannot be opened");
        }
    }

    static void requireC() {
        assumeTrue(NativeLibrary.isThere(), "no C compiler was found when kvm-bench was built");
    }

    @Test
    void everyBenchmarkRunsOnce() throws Exception {
        requireC();
        var once = new OptionsBuilder().exclude("Memory").forks(0).mode(Mode.SingleShotTime).warmupIterations(0)
                .measurementIterations(1)
                .shouldFailOnError(true).verbosity(VerboseMode.SILENT).build();

        List<String> names = new Runner(once).run().stream().map(result -> result.getParams().getBenchmark())
                .map(name -> name.substring(getClass().getPackageName().length() + 1)).distinct().toList();

        assertEquals(List.of("BareCall.c", "BareCall.ffm", "BareCall.jna", "BareCall.jni", "BareCall.kvm4j",
                "CallCost.compareAndSetAndReleaseStore", "CallCost.compareAndSetAndVolatileStore", "CallCost.downcall",
                "CallCost.downcallWithErrno", "CallCost.fullFence", "CompletePending.kvm4j", "DirtyLogHarvest.c",
                "DirtyLogHarvest.kvm4j", "DirtyLogHarvest.read", "ImmediateExit.c",
                "ImmediateExit.ffm",
                "ImmediateExit.kvm4j", "KickRoundTrip.c", "KickRoundTrip.kvm4j", "LifeCycle.c", "LifeCycle.kvm4j",
                "MmioExit.c", "MmioExit.ffm", "MmioExit.kvm4j", "PortIoExit.c", "PortIoExit.ffm", "PortIoExit.kvm4j",
                "Registers.getC", "Registers.getFfm", "Registers.getKvm4j", "Registers.setC", "Registers.setFfm",
                "Registers.setKvm4j", "SyncRegisters.changeByIoctlC", "SyncRegisters.changeByIoctlKvm4j",
                "SyncRegisters.changeInPageC", "SyncRegisters.changeInPageKvm4j", "SyncRegisters.readByIoctlC",
                "SyncRegisters.readByIoctlKvm4j", "SyncRegisters.readInPageC", "SyncRegisters.readInPageKvm4j"),
                names);
    }

    @Test
    void portIoExitAllocatesNothing() {
        Allocation.assertNone(new PortIoExit.Kvm4j(), new PortIoExit()::kvm4j);
    }

    @Test
    void mmioExitAllocatesNothing() {
        Allocation.assertNone(new MmioExit.Kvm4j(), new MmioExit()::kvm4j);
    }

    @Test
    void harvestingTheDirtyLogAllocatesNothing() {
        Allocation.assertNone(new DirtyLogHarvest.Kvm4j(), new DirtyLogHarvest()::kvm4j);
    }

    @Test
    void kickAllocatesNothing() {
        Allocation.assertNone(new ImmediateExit.Kvm4j(), new ImmediateExit()::kvm4j);
    }

    @Test
    void registersAllocateNothing() {
        Registers registers = new Registers();
        Allocation.assertNone(new Registers.Kvm4j(), registers::getKvm4j);
        Allocation.assertNone(new Registers.Kvm4j(), registers::setKvm4j);
    }

    @Test
    void registersInTheRunPageAllocateNothing() {
        SyncRegisters registers = new SyncRegisters();
        Allocation.assertNone(new SyncRegisters.InPage(), registers::changeInPageKvm4j);
    }

    @Test
    void completingWhatIsPendingAllocatesNothing() {
        Allocation.assertNone(new ImmediateExit.Kvm4j(), new CompletePending()::kvm4j);
    }
}
