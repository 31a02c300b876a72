package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.bindings.kvm_coalesced_mmio;
import io.github.kvm4j.bindings.kvm_coalesced_mmio_ring;
import io.github.kvm4j.bindings.kvm_coalesced_mmio_zone;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.CoalescedIo;
import io.github.kvm4j.memory.CoalescedZone;
import io.github.kvm4j.testing.FakeLibc;

/** The ring's protocol, with a kernel that the test plays, and what is refused. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CoalescedIoCallsTest {

    private static final int PAGE = 2;
    private static final String RING = "vCPU 0 from " + PAGE * 4096;
    private static final int SIZE = 170;
    private static final CoalescedZone ZONE = CoalescedZone.mmio(0xd0000, 0x1000);
    private static final CoalescedZone PORTS = CoalescedZone.pio(0x10, 4);

    private final FakeLibc libc = new FakeLibc().withCapability(kvm_h.KVM_CAP_COALESCED_MMIO(), PAGE);
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final Vm vm = kvm.createVm();
    private final CoalescedIo io = vm.coalescedIo();
    private final List<Long> written = Collections.synchronizedList(new ArrayList<>());

    @AfterEach
    void close() {
        kvm.close();
    }

    private void open() {
        vm.createVcpu(0);
        register();
    }

    private void register() {
        io.register(ZONE, (_, _, value) -> written.add(value));
    }

    private MemorySegment ring() {
        return libc.mapping(RING);
    }

    private int first() {
        return kvm_coalesced_mmio_ring.first(ring());
    }

    /** What the kernel does; false when the ring is full. */
    private boolean push(long address, boolean port, int size, long value) {
        MemorySegment ring = ring();
        int last = kvm_coalesced_mmio_ring.last(ring);
        if ((last + 1) % SIZE == kvm_coalesced_mmio_ring.first(ring)) {
            return false;
        }
        MemorySegment entry = ring.asSlice(8 + last * 24L, 24);
        kvm_coalesced_mmio.phys_addr(entry, address);
        kvm_coalesced_mmio.len(entry, size);
        kvm_coalesced_mmio.pio(entry, port ? 1 : 0);
        entry.set(ValueLayout.JAVA_LONG, 16, value);
        ValueLayout.JAVA_INT.varHandle().setRelease(ring, kvm_coalesced_mmio_ring.last$offset(), (last + 1) % SIZE);
        return true;
    }

    private boolean push(long value) {
        return push(ZONE.address() + 8, false, 8, value);
    }

    @Test
    void zonesAreRegisteredAsTheyAreAndUnregisteredAlike() {
        List<List<Long>> calls = new ArrayList<>();
        for (Ioctl ioctl : List.of(Ioctl.KVM_REGISTER_COALESCED_MMIO, Ioctl.KVM_UNREGISTER_COALESCED_MMIO)) {
            libc.answering(ioctl, call -> {
                calls.add(List.of(kvm_coalesced_mmio_zone.addr(call.argument()),
                        (long) kvm_coalesced_mmio_zone.size(call.argument()),
                        (long) kvm_coalesced_mmio_zone.pio(call.argument())));
                return 0;
            });
        }
        io.register(ZONE, (_, _, _) -> {
        });
        io.register(PORTS, (_, _, _) -> {
        });
        assertEquals(List.of(ZONE, PORTS), io.zones());
        io.unregister(ZONE);
        assertEquals(List.of(PORTS), io.zones());
        io.unregister(PORTS);
        List<Long> zone = List.of(0xd0000L, 0x1000L, 0L);
        List<Long> ports = List.of(0x10L, 4L, 1L);
        assertEquals(List.of(zone, ports, zone, ports), calls);
    }

    @Test
    void theRingIsMappedWhenThereIsAZoneAndAVcpuAndUnmappedBeforeTheVmIsClosed() {
        vm.createVcpu(0);
        assertEquals(0, io.drain());
        assertTrue(!libc.mapped().contains(RING));
        io.register(ZONE, (_, _, value) -> written.add(value));
        assertTrue(libc.mapped().contains(RING));
        Vm other = kvm.createVm();
        other.coalescedIo().register(ZONE, (_, _, _) -> {
        });
        assertEquals(0, other.coalescedIo().drain());
        vm.close();
        other.createVcpu(0);
        other.createVcpu(1);
        assertEquals(1, libc.mapped().stream().filter(RING::equals).count());
        other.close();
        List<String> calls = libc.calls();
        assertTrue(calls.indexOf("munmap(" + RING + ")") > calls.indexOf("close(vCPU 0)"), calls::toString);
        assertTrue(calls.indexOf("munmap(" + RING + ")") < calls.indexOf("close(VM)"), calls::toString);
        assertEquals(List.of(), libc.mapped());
    }

    @Test
    void theRingOutlivesTheVcpuThatItWasMappedWith() {
        open();
        push(1);
        vm.createVcpu(1);
        // the fake's name for what is mapped stays
        MemorySegment ring = ring();
        vm.createVcpu(2).close();
        assertEquals(1, io.drain());
        assertEquals(1, kvm_coalesced_mmio_ring.first(ring));
    }

    @Test
    void writesAreDeliveredInOrderAndTheRingGoesRound() {
        open();
        long next = 0;
        for (int round = 0; round < 10; round++) {
            int count = 0;
            while (push(next)) {
                next++;
                count++;
            }
            assertEquals(SIZE - 1, count);
            assertEquals(count, io.drain());
        }
        assertEquals(0, io.drain());
        assertEquals(LongStream.range(0, next).boxed().toList(), written);
    }

    @Test
    void aWriteHasTheBytesThatItsSizeSays() {
        open();
        for (int size = 1; size <= 8; size++) {
            push(ZONE.address(), false, size, 0xfedc_ba98_7654_3210L);
        }
        io.drain();
        assertEquals(List.of(0x10L, 0x3210L, 0x54_3210L, 0x7654_3210L, 0x98_7654_3210L, 0xba98_7654_3210L,
                0xdc_ba98_7654_3210L, 0xfedc_ba98_7654_3210L), written);
    }

    @Test
    void eachZoneHasItsOwnHandler() {
        open();
        List<String> ports = new ArrayList<>();
        io.register(PORTS, (address, size, value) -> ports.add(address + " " + size + " " + value));
        push(PORTS.address() + 3, true, 1, 5);
        push(ZONE.address() + 0xfff, false, 1, 6);
        assertEquals(2, io.drain());
        assertEquals(List.of("19 1 5"), ports);
        assertEquals(List.of(6L), written);
        push(0x10, false, 1, 7);
        assertTrue(assertThrows(IllegalStateException.class, io::drain).getMessage().contains("MMIO 0x10"));
    }

    @Test
    void anIndexBeyondTheRingIsNotFollowed() {
        open();
        for (int index : new int[]{SIZE, SIZE + 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            kvm_coalesced_mmio_ring.last(ring(), index);
            IllegalStateException e = assertThrows(IllegalStateException.class, io::drain);
            assertTrue(e.getMessage().contains(Integer.toUnsignedString(index)), e.getMessage());
            kvm_coalesced_mmio_ring.last(ring(), 0);
            kvm_coalesced_mmio_ring.first(ring(), index);
            assertThrows(IllegalStateException.class, io::drain);
            kvm_coalesced_mmio_ring.first(ring(), 0);
        }
        for (int size : new int[]{0, 9, -1, Integer.MIN_VALUE}) {
            push(ZONE.address(), false, size, 1);
            assertThrows(IllegalStateException.class, io::drain);
            kvm_coalesced_mmio_ring.last(ring(), 0);
            kvm_coalesced_mmio_ring.first(ring(), 0);
        }
        assertEquals(List.of(), written);
    }

    @Test
    void aHandlerThatThrowsHasHadItsWrite() {
        vm.createVcpu(0);
        io.register(ZONE, (_, _, value) -> {
            if (value == 1) {
                throw new UnsupportedOperationException("one");
            }
            written.add(value);
        });
        push(0);
        push(1);
        push(2);
        assertThrows(UnsupportedOperationException.class, io::drain);
        assertEquals(2, first());
        assertEquals(1, io.drain());
        assertEquals(List.of(0L, 2L), written);
    }

    /** What is left of a zone that is none any more would be in no zone: so all is delivered, whoever throws. */
    @Test
    void aHandlerThatThrowsLeavesNothingOfAnUnregisteredZone() {
        vm.createVcpu(0);
        io.register(ZONE, (_, _, value) -> {
            if (value < 2) {
                throw new UnsupportedOperationException("" + value);
            }
            written.add(value);
        });
        io.register(PORTS, (_, _, value) -> written.add(value));
        push(0);
        push(PORTS.address(), true, 1, 7);
        push(1);
        push(2);
        UnsupportedOperationException e = assertThrows(UnsupportedOperationException.class, () -> io.unregister(ZONE));
        assertEquals("0", e.getMessage());
        assertEquals(List.of("1"), Stream.of(e.getSuppressed()).map(Throwable::getMessage).toList());
        assertEquals(List.of(7L, 2L), written);
        assertEquals(List.of(PORTS), io.zones());
        push(PORTS.address(), true, 1, 8);
        assertEquals(1, io.drain());
        assertEquals(List.of(7L, 2L, 8L), written);
    }

    @Test
    void aHandlerMayThrowTheSameExceptionAgain() {
        vm.createVcpu(0);
        RuntimeException same = new UnsupportedOperationException();
        io.register(ZONE, (_, _, _) -> {
            throw same;
        });
        push(0);
        push(1);
        assertSame(same, assertThrows(UnsupportedOperationException.class, () -> io.unregister(ZONE)));
        assertEquals(2, first());
        assertEquals(List.of(), io.zones());
    }

    @Test
    void aHandlerMayDrainAndCloseWithoutHarm() {
        vm.createVcpu(0);
        io.register(ZONE, (_, _, value) -> {
            assertEquals(0, io.drain());
            assertThrows(IllegalStateException.class, () -> io.unregister(ZONE));
            written.add(value);
            if (value == 1) {
                vm.close();
            }
        });
        push(0);
        push(1);
        push(2);
        assertThrows(ClosedException.class, io::drain);
        assertEquals(List.of(0L, 1L), written);
        assertThrows(ClosedException.class, io::drain);
    }

    @Test
    void severalThreadsDeliverInOrder() throws InterruptedException {
        open();
        int count = 20_000;
        List<Thread> threads = new ArrayList<>();
        CountDownLatch done = new CountDownLatch(1);
        for (int i = 0; i < 3; i++) {
            threads.add(Thread.ofPlatform().start(() -> {
                while (done.getCount() > 0) {
                    io.drain();
                }
            }));
        }
        for (long i = 0; i < count;) {
            if (push(i)) {
                i++;
            } else {
                Thread.onSpinWait();
            }
        }
        while (written.size() < count) {
            Thread.onSpinWait();
        }
        done.countDown();
        for (Thread thread : threads) {
            assertTrue(thread.join(java.time.Duration.ofSeconds(30)));
        }
        assertEquals(LongStream.range(0, count).boxed().toList(), written);
    }

    @Test
    void closingWhileOthersDrainIsSafe() throws Exception {
        for (int round = 0; round < 30; round++) {
            Vm other = kvm.createVm();
            other.createVcpu(0);
            other.coalescedIo().register(ZONE, (_, _, _) -> {
            });
            CountDownLatch started = new CountDownLatch(2);
            List<Throwable> ends = Collections.synchronizedList(new ArrayList<>());
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                threads.add(Thread.ofPlatform().start(() -> {
                    started.countDown();
                    try {
                        while (true) {
                            other.coalescedIo().drain();
                        }
                    } catch (Throwable t) {
                        ends.add(t);
                    }
                }));
            }
            assertTrue(started.await(10, TimeUnit.SECONDS));
            other.close();
            for (Thread thread : threads) {
                assertTrue(thread.join(java.time.Duration.ofSeconds(30)));
            }
            assertEquals(List.of(ClosedException.class, ClosedException.class),
                    ends.stream().map(Object::getClass).toList());
        }
    }

    @Test
    void whatMakesNoZoneIsRefused() {
        open();
        assertThrows(IllegalArgumentException.class, () -> CoalescedZone.mmio(0, 0));
        assertThrows(IllegalArgumentException.class, () -> CoalescedZone.mmio(0, -1));
        assertThrows(IllegalArgumentException.class, () -> CoalescedZone.mmio(-4, 5));
        assertThrows(IllegalArgumentException.class, () -> CoalescedZone.pio(0xfffe, 3));
        assertThrows(IllegalArgumentException.class, () -> CoalescedZone.pio(-1, 1));
        assertThrows(IllegalArgumentException.class, () -> CoalescedZone.pio(0, Integer.MIN_VALUE));
        assertEquals(4, CoalescedZone.mmio(-4, 4).size());
        assertEquals(2, CoalescedZone.pio(0xfffe, 2).size());
        for (CoalescedZone overlapping : List.of(ZONE, CoalescedZone.mmio(0xcffff, 2),
                CoalescedZone.mmio(0xd0fff, 1), CoalescedZone.mmio(0, 0x7fff_ffff))) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                    () -> io.register(overlapping, (_, _, _) -> {
                    }));
            assertTrue(e.getMessage().contains(overlapping.toString()) && e.getMessage().contains(ZONE.toString()),
                    e.getMessage());
        }
        io.register(CoalescedZone.mmio(0xd1000, 1), (_, _, _) -> {
        });
        io.register(CoalescedZone.pio(0xd000, 1), (_, _, _) -> {
        });
        assertThrows(IllegalArgumentException.class, () -> io.unregister(CoalescedZone.mmio(0xd0000, 0x10)));
    }

    @Test
    void whatIsLackingIsNamed() {
        libc.withoutCapability(kvm_h.KVM_CAP_COALESCED_PIO());
        assertEquals(Capability.COALESCED_PIO, assertThrows(UnsupportedCapabilityException.class,
                () -> io.register(PORTS, (_, _, _) -> {
                })).capability());
        libc.withoutCapability(kvm_h.KVM_CAP_COALESCED_MMIO());
        assertEquals(Capability.COALESCED_MMIO, assertThrows(UnsupportedCapabilityException.class,
                () -> io.register(ZONE, (_, _, _) -> {
                })).capability());
        assertEquals(0, libc.count("KVM_REGISTER_COALESCED_MMIO"));
    }

    @Test
    void aRefusedZoneIsNone() {
        libc.answering(Ioctl.KVM_REGISTER_COALESCED_MMIO, () -> -Errno.ENOSPC.number());
        KvmException e = assertThrows(KvmException.class, () -> io.register(ZONE, (_, _, _) -> {
        }));
        assertTrue(e.getMessage().contains("zones"), e.getMessage());
        assertEquals(List.of(), io.zones());
    }

    @Test
    void aVcpuWhoseRingCannotBeMappedIsClosed() {
        io.register(ZONE, (_, _, _) -> {
        });
        int before = libc.calls().size();
        vm.createVcpu(0);
        int mmap = libc.calls().indexOf("mmap(" + RING + ")") - before;
        FakeLibc failing = new FakeLibc().withCapability(kvm_h.KVM_CAP_COALESCED_MMIO(), PAGE);
        try (Kvm other = Kvm.open(Path.of("/dev/kvm"), new Host(failing)); Vm its = other.createVm()) {
            its.coalescedIo().register(ZONE, (_, _, _) -> {
            });
            failing.failing(failing.calls().size() + mmap, Errno.ENOMEM);
            assertEquals("ENOMEM", assertThrows(KvmException.class, () -> its.createVcpu(0)).errnoName());
            assertEquals(List.of("Kvm", "VM"), failing.openFds());
        }
    }

    @Test
    void aVcpuThatIsBeingClosedIsNotTheOneToMapItFrom() {
        Vcpu first = vm.createVcpu(0);
        vm.createVcpu(1);
        libc.onClosed("vCPU 0", this::register);
        first.close();
        assertTrue(libc.mapped().contains("vCPU 1 from " + PAGE * 4096), () -> libc.mapped().toString());
    }

    @Test
    void noVcpuIsLeftToMapItFromAndTheNextOneServes() {
        Vcpu first = vm.createVcpu(0);
        libc.onClosed("vCPU 0", this::register);
        first.close();
        vm.createVcpu(1);
        assertTrue(libc.mapped().contains("vCPU 1 from " + PAGE * 4096), () -> libc.mapped().toString());
    }
}
