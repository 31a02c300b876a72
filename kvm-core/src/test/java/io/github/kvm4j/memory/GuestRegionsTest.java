package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.HugePages;
import io.github.kvm4j.testing.ProcessState;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.Rounds;
import io.github.kvm4j.testing.TestGuest;
import io.github.kvm4j.testing.TestGuest.Program;

/** Regions as a guest sees them that reads a number at {@code DEVICE + 4} and writes one more to {@code DEVICE}. */
@RequiresKvm
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GuestRegionsTest {

    private static final long READ = TestGuest.DEVICE + 4;
    private static final long WRITTEN = TestGuest.DEVICE;
    private static final long SIZE = 0x10000;
    private static final long GIB = 1L << 30;

    @TempDir
    private Path folder;

    private static void assertStops(TestGuest guest) {
        Exit exit = guest.vcpu.run();
        assertTrue(exit instanceof Exit.Hlt || exit instanceof Exit.SystemEvent, exit::toString);
    }

    private static Exit.Mmio access(TestGuest guest) {
        return assertInstanceOf(Exit.Mmio.class, guest.vcpu.run());
    }

    @Test
    void aGuestUsesMemoryOfEveryBacking() throws IOException {
        Path file = folder.resolve("file");
        byte[] contents = new byte[(int) SIZE];
        contents[4] = 41;
        Files.write(file, contents);
        for (Backing backing : List.of(Backing.anonymous(), Backing.memfd("ram"), Backing.privateFile(file, 0),
                Backing.sharedFile(file, 0))) {
            try (TestGuest guest = new TestGuest(Program.ECHO)) {
                GuestMemory memory = guest.vm.memory();
                memory.add(TestGuest.DEVICE, SIZE, RegionOptions.of(backing));
                memory.putInt(READ, 41);
                assertStops(guest);
                assertEquals(42, memory.getInt(WRITTEN), backing::toString);
            }
            int inFile = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).getInt(0);
            boolean shared = backing instanceof Backing.File its && its.shared();
            assertEquals(shared ? 42 : 0, inFile, backing::toString);
        }
    }

    @Test
    void aGuestUsesHugePagesOfThePool() {
        try (HugePages _ = HugePages.reserve(1); TestGuest guest = new TestGuest(Program.ECHO)) {
            GuestMemory memory = guest.vm.memory();
            memory.add(TestGuest.DEVICE, HugePages.size(), RegionOptions.anonymous().withHugetlb(HugePages.size()));
            memory.putInt(READ, 41);
            assertStops(guest);
            assertEquals(42, memory.getInt(WRITTEN));
        }
    }

    @Test
    @RequiresKvm(capability = Capability.READONLY_MEM)
    void aWriteToAReadOnlySlotIsAnExit() {
        try (TestGuest guest = new TestGuest(Program.ECHO)) {
            GuestMemory memory = guest.vm.memory();
            MemoryRegion region = memory.add(TestGuest.DEVICE, SIZE, Set.of(MemoryFlag.READONLY));
            memory.putInt(READ, 41);
            memory.putInt(WRITTEN, 7);
            Exit.Mmio write = access(guest);
            assertTrue(write.isWrite(), write::toString);
            assertEquals(WRITTEN, write.address());
            assertEquals(42, write.value());
            assertEquals(7, memory.getInt(WRITTEN));
            assertThrows(IllegalArgumentException.class, () -> memory.setFlags(region, Set.of()));
        }
    }

    @Test
    void aMovedRegionIsWhereItWasMovedTo() {
        try (TestGuest guest = new TestGuest(Program.ECHO)) {
            GuestMemory memory = guest.vm.memory();
            MemoryRegion region = memory.add(0x10_0000, SIZE);
            memory.putInt(0x10_0004, 41);
            Exit.Mmio read = access(guest);
            assertTrue(read.isRead(), read::toString);
            read.answer(1);
            memory.move(region, TestGuest.DEVICE);
            assertStops(guest);
            assertEquals(2, memory.getInt(WRITTEN));
            assertEquals(41, memory.getInt(READ));
        }
    }

    @Test
    void aRemovedRegionIsNoMemoryAnyMore() {
        try (TestGuest guest = new TestGuest(Program.ECHO)) {
            GuestMemory memory = guest.vm.memory();
            MemoryRegion region = memory.add(TestGuest.DEVICE, SIZE, RegionOptions.of(Backing.memfd("kvm4j-gone")));
            memory.putInt(READ, 41);
            memory.remove(region);
            Exit.Mmio read = access(guest);
            assertTrue(read.isRead(), read::toString);
            read.answer(5);
            assertEquals(6, access(guest).value());
            MemoryRegion again = memory.add(TestGuest.DEVICE, SIZE);
            assertEquals(region.slot(), again.slot());
        }
    }

    /** The guest turns, and counts in memory of its own. */
    @Test
    void regionsComeMoveAndGoWhileAGuestRuns() {
        try (TestGuest guest = new TestGuest(Program.SPIN)) {
            GuestMemory memory = guest.vm.memory();
            var running = Concurrent.call(guest.vcpu::run);
            MemoryRegion region = memory.add(0x100_0000, SIZE);
            memory.putLong(0x100_0000, 42);
            for (int i = 0; i < Rounds.of(200); i++) {
                region = memory.move(region, 0x100_0000 + (i % 2 + 1) * SIZE);
                memory.remove(memory.add(0x200_0000, SIZE));
                assertEquals(42, memory.getLong(region.guestAddress()));
            }
            short turns = memory.getShort(TestGuest.TURNS);
            Concurrent.await(() -> memory.getShort(TestGuest.TURNS) != turns);
            guest.vcpu.kick();
            assertInstanceOf(Exit.Interrupted.class, Concurrent.finish(running));
        }
    }

    @Test
    void whatTheKernelRefusesLeavesNothing() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            int mappings = ProcessState.mappings();
            // Above what any processor has, or by a slot that the kernel does not have: the library's; here, the kernel's.
            long top = (1L << 52) - SIZE;
            try {
                MemoryRegion region = vm.memory().add(top, SIZE);
                vm.memory().putInt(top, 1); // this KVM has so wide addresses
                vm.memory().remove(region);
            } catch (KvmException e) {
                assertTrue(e.getMessage().contains("address space"), e.getMessage());
            } catch (IllegalArgumentException e) {
                assertTrue(e.getMessage().contains("address space"), e.getMessage());
            }
            assertEquals(List.of(), vm.memory().regions());
            assertTrue(ProcessState.mappings() <= mappings + 2);
        }
    }

    /** As a machine with a hole for devices below 4 GiB has it. What it costs is printed. */
    @Test
    void sixtyFourGibibytesAreThereAtOnce() throws IOException {
        RegionOptions unreserved = RegionOptions.anonymous().with(HostOption.NO_RESERVE);
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            long resident = ProcessState.residentKib();
            long available = availableKib();
            long start = System.nanoTime();
            vm.memory().builder().region(0, 3 * GIB, unreserved).region(4 * GIB, 61 * GIB, unreserved).build();
            long millis = (System.nanoTime() - start) / 1_000_000;
            long[] ends = {0, 3 * GIB - 8, 4 * GIB, 65 * GIB - 8};
            for (long address : ends) {
                vm.memory().putLong(address, ~address);
            }
            for (long address : ends) {
                assertEquals(~address, vm.memory().getLong(address));
            }
            GuestAddressException e = assertThrows(GuestAddressException.class, () -> vm.memory().getLong(3 * GIB - 4));
            assertTrue(e.getMessage().contains("no memory at 0xc0000000"), e.getMessage());
            assertThrows(GuestAddressException.class, () -> vm.memory().getByte(4 * GIB - 1));
            assertThrows(GuestAddressException.class, () -> vm.memory().getByte(65 * GIB));
            long more = ProcessState.residentKib() - resident;
            System.out.println("64 GiB in 2 regions: " + millis + " ms; resident " + more
                    + " KiB more, MemAvailable " + (available - availableKib()) + " KiB less");
            assertTrue(more < 64 << 10, "resident " + more + " KiB more");
            assertTrue(Rounds.onEmulatedMachine() || millis < 200, millis + " ms");
        }
    }

    private static long availableKib() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"))) {
            return lines.filter(line -> line.startsWith("MemAvailable:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElseThrow();
        }
    }
}
