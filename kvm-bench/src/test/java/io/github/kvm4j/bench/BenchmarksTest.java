package io.github.kvm4j.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

import com.sun.management.ThreadMXBean;

/** That the benchmarks work, and that the hot calls allocate nothing. How long anything takes is not asked. */
class BenchmarksTest {

    private static final int ROUNDS = 200;
    private static final int CALLS = 1000;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

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
        var once = new OptionsBuilder().forks(0).mode(Mode.SingleShotTime).warmupIterations(0).measurementIterations(1)
                .shouldFailOnError(true).verbosity(VerboseMode.SILENT).build();

        List<String> names = new Runner(once).run().stream().map(result -> result.getParams().getBenchmark())
                .map(name -> name.substring(getClass().getPackageName().length() + 1)).distinct().toList();

        assertEquals(List.of("BareCall.c", "BareCall.ffm", "BareCall.jna", "BareCall.jni", "BareCall.kvm4j",
                "CallCost.compareAndSetAndReleaseStore", "CallCost.compareAndSetAndVolatileStore", "CallCost.downcall",
                "CallCost.downcallWithErrno", "CallCost.fullFence", "CompletePending.kvm4j", "DirtyLogHarvest.c",
                "DirtyLogHarvest.kvm4j", "DirtyLogHarvest.read", "ImmediateExit.c",
                "ImmediateExit.ffm",
                "ImmediateExit.kvm4j", "KickRoundTrip.c", "KickRoundTrip.kvm4j", "LifeCycle.c", "LifeCycle.kvm4j",
                "MemoryAccess.getKvm4j", "MemoryAccess.getSegment", "MemoryAccess.putKvm4j", "MemoryAccess.putSegment",
                "MemoryCopy.inKvm4j", "MemoryCopy.inSegment", "MemoryCopy.outKvm4j", "MemoryCopy.outSegment",
                "MmioExit.c", "MmioExit.ffm", "MmioExit.kvm4j", "PortIoExit.c", "PortIoExit.ffm", "PortIoExit.kvm4j",
                "Registers.getC", "Registers.getFfm", "Registers.getKvm4j", "Registers.setC", "Registers.setFfm",
                "Registers.setKvm4j", "SyncRegisters.changeByIoctlC", "SyncRegisters.changeByIoctlKvm4j",
                "SyncRegisters.changeInPageC", "SyncRegisters.changeInPageKvm4j", "SyncRegisters.readByIoctlC",
                "SyncRegisters.readByIoctlKvm4j", "SyncRegisters.readInPageC", "SyncRegisters.readInPageKvm4j"),
                names);
    }

    @Test
    void portIoExitAllocatesNothing() {
        assertAllocatesNothing(new PortIoExit.Kvm4j(), new PortIoExit()::kvm4j);
    }

    @Test
    void mmioExitAllocatesNothing() {
        assertAllocatesNothing(new MmioExit.Kvm4j(), new MmioExit()::kvm4j);
    }

    @Test
    void harvestingTheDirtyLogAllocatesNothing() {
        assertAllocatesNothing(new DirtyLogHarvest.Kvm4j(), new DirtyLogHarvest()::kvm4j);
    }

    @Test
    void accessToGuestMemoryAllocatesNothing() {
        assertAllocatesNothing(new MemoryAccess.Kvm4j("2 regions"), guest -> guest.get(1));
        assertAllocatesNothing(new MemoryAccess.Kvm4j("2 regions"), guest -> guest.put(1));
    }

    @Test
    void copiesOfGuestMemoryAllocateNothing() {
        assertAllocatesNothing(new MemoryCopy.Kvm4j("4 KiB"), guest -> guest.write(1));
        assertAllocatesNothing(new MemoryCopy.Kvm4j("4 KiB"), guest -> guest.read(1));
    }

    /** More than is copied in one go. */
    @Test
    void longCopiesAllocateNothing() {
        assertAllocatesNothing(new MemoryCopy.Kvm4j("17 MiB"), guest -> guest.write(1));
        assertAllocatesNothing(new MemoryCopy.Kvm4j("17 MiB"), guest -> guest.read(1));
    }

    @Test
    void kickAllocatesNothing() {
        assertAllocatesNothing(new ImmediateExit.Kvm4j(), new ImmediateExit()::kvm4j);
    }

    @Test
    void registersAllocateNothing() {
        Registers registers = new Registers();
        assertAllocatesNothing(new Registers.Kvm4j(), registers::getKvm4j);
        assertAllocatesNothing(new Registers.Kvm4j(), registers::setKvm4j);
    }

    @Test
    void registersInTheRunPageAllocateNothing() {
        SyncRegisters registers = new SyncRegisters();
        assertAllocatesNothing(new SyncRegisters.InPage(), registers::changeInPageKvm4j);
    }

    @Test
    void completingWhatIsPendingAllocatesNothing() {
        assertAllocatesNothing(new ImmediateExit.Kvm4j(), new CompletePending()::kvm4j);
    }

    /** As soon as it is compiled: the interpreter allocates where the compilers find that nobody would see it. */
    private static <G extends Kvm4jGuest> void assertAllocatesNothing(G guest, Consumer<G> call) {
        guest.setUp();
        try {
            long allocated = 0;
            for (int round = 0; round < ROUNDS; round++) {
                long before = THREADS.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < CALLS; i++) {
                    call.accept(guest);
                }
                allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
                if (allocated == 0) {
                    return;
                }
            }
            fail(CALLS + " calls allocate " + allocated + " bytes, after " + ROUNDS * CALLS + " calls to warm up");
        } finally {
            guest.close();
        }
    }
}
