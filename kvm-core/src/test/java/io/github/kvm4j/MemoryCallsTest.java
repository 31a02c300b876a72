package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.bindings.kvm_create_guest_memfd;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_memory_attributes;
import io.github.kvm4j.bindings.kvm_pre_fault_memory;
import io.github.kvm4j.bindings.kvm_userspace_memory_region2;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.Backing;
import io.github.kvm4j.memory.GuestMemfd;
import io.github.kvm4j.memory.GuestMemfdFlag;
import io.github.kvm4j.memory.HostOption;
import io.github.kvm4j.memory.MemoryAttribute;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.memory.RegionOptions;
import io.github.kvm4j.testing.Concurrent;
import io.github.kvm4j.testing.FakeLibc;

/** What the calls about guest-physical ranges give the kernel, and what they do with its answers. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MemoryCallsTest {

    private static final long PIECE = 64 << 20;

    private final FakeLibc libc = new FakeLibc().withCapability(kvm_h.KVM_CAP_MEMORY_ATTRIBUTES(), 8);
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final Vm vm = kvm.createVm();
    private final Vcpu vcpu = vm.createVcpu(0);
    private final List<List<Long>> asked = new ArrayList<>();

    @AfterEach
    void close() {
        kvm.close();
    }

    /** Does so many bytes at the most. */
    private long preFault(MemorySegment request, long most) {
        long gpa = kvm_pre_fault_memory.gpa(request);
        long size = kvm_pre_fault_memory.size(request);
        asked.add(List.of(gpa, size));
        long done = Math.min(size, most);
        kvm_pre_fault_memory.gpa(request, gpa + done);
        kvm_pre_fault_memory.size(request, size - done);
        return 0;
    }

    @Test
    void whatTheKernelLeavesOfAPreFaultIsAskedForAgain() {
        int[] calls = new int[1];
        libc.answering(Ioctl.KVM_PRE_FAULT_MEMORY, call -> switch (calls[0]++ % 4) {
            case 1 -> -Errno.EINTR.number();
            case 2 -> -Errno.EAGAIN.number();
            default -> preFault(call.argument(), 0x3000);
        });
        vcpu.preFaultMemory(0x10000, 0x8000);
        assertEquals(List.of(List.of(0x10000L, 0x8000L), List.of(0x13000L, 0x5000L), List.of(0x16000L, 0x2000L)),
                asked);
    }

    @Test
    void aLargePreFaultGoesInPieces() {
        libc.answering(Ioctl.KVM_PRE_FAULT_MEMORY, call -> preFault(call.argument(), Long.MAX_VALUE));
        vcpu.preFaultMemory(0x1000, 2 * PIECE + 0x1000);
        assertEquals(
                List.of(List.of(0x1000L, PIECE), List.of(0x1000 + PIECE, PIECE), List.of(0x1000 + 2 * PIECE, 0x1000L)),
                asked);
    }

    @Test
    void aPreFaultThatFailsNamesItsAddressAndOneThatGetsNowhereEnds() {
        libc.answering(Ioctl.KVM_PRE_FAULT_MEMORY,
                call -> kvm_pre_fault_memory.gpa(call.argument()) >= 0x12000
                        ? -Errno.ENOENT.number()
                        : preFault(call.argument(), 0x1000));
        KvmException e = assertThrows(KvmException.class, () -> vcpu.preFaultMemory(0x10000, 0x4000));
        assertEquals("KVM_PRE_FAULT_MEMORY(0x12000)", e.call());
        assertEquals("ENOENT", e.errnoName());
        libc.answering(Ioctl.KVM_PRE_FAULT_MEMORY, () -> -Errno.EINTR.number());
        assertEquals("EINTR",
                assertThrows(KvmException.class, () -> vcpu.preFaultMemory(0, 0x1000)).errnoName());
        libc.answering(Ioctl.KVM_PRE_FAULT_MEMORY, () -> 0);
        assertThrows(KvmException.class, () -> vcpu.preFaultMemory(0, 0x1000));
    }

    @Test
    void aVcpuThatIsClosedMeanwhileEndsItsPreFault() {
        Thread[] closer = new Thread[1];
        libc.answering(Ioctl.KVM_PRE_FAULT_MEMORY, () -> {
            if (closer[0] == null) {
                closer[0] = Thread.ofPlatform().start(vcpu::close);
            }
            return -Errno.EAGAIN.number();
        });
        try {
            vcpu.preFaultMemory(0, 1L << 40);
        } catch (ClosedException e) {
            assertTrue(e.getMessage().contains("vCPU 0"), e.getMessage());
            return;
        }
        throw new AssertionError("it went on");
    }

    @Test
    void attributesAreSetForARange() {
        libc.answering(Ioctl.KVM_SET_MEMORY_ATTRIBUTES, call -> {
            asked.add(List.of(kvm_memory_attributes.address(call.argument()),
                    kvm_memory_attributes.size(call.argument()), kvm_memory_attributes.attributes(call.argument()),
                    kvm_memory_attributes.flags(call.argument())));
            return 0;
        });
        vm.setMemoryAttributes(0x10000, 0x2000, Set.of(MemoryAttribute.PRIVATE));
        vm.setMemoryAttributes(-4096, 4096, Set.of());
        assertEquals(List.of(List.of(0x10000L, 0x2000L, 8L, 0L), List.of(-4096L, 4096L, 0L, 0L)), asked);
        assertEquals(kvm_h.KVM_MEMORY_ATTRIBUTE_PRIVATE(), MemoryAttribute.PRIVATE.bit());
    }

    @Test
    void rangesThatAreNotOfWholePagesAreRefused() {
        for (long[] range : new long[][]{{1, 4096}, {0, 1}, {0, 0}, {0, -4096}, {-4096, 8192},
                {4096, Long.MIN_VALUE}}) {
            assertThrows(IllegalArgumentException.class, () -> vcpu.preFaultMemory(range[0], range[1]));
            assertThrows(IllegalArgumentException.class,
                    () -> vm.setMemoryAttributes(range[0], range[1], Set.of()));
        }
        assertEquals(0, libc.count("KVM_PRE_FAULT_MEMORY") + libc.count("KVM_SET_MEMORY_ATTRIBUTES"));
    }

    @Test
    void whatIsLackingIsNamed() {
        libc.withoutCapability(kvm_h.KVM_CAP_PRE_FAULT_MEMORY());
        assertEquals(Capability.PRE_FAULT_MEMORY, assertThrows(UnsupportedCapabilityException.class,
                () -> vcpu.preFaultMemory(0, 4096)).capability());
        for (int value : new int[]{0, 1}) {
            libc.withCapability(kvm_h.KVM_CAP_MEMORY_ATTRIBUTES(), value);
            assertEquals(Capability.MEMORY_ATTRIBUTES, assertThrows(UnsupportedCapabilityException.class,
                    () -> vm.setMemoryAttributes(0, 4096, Set.of(MemoryAttribute.PRIVATE))).capability());
        }
        assertEquals(0, libc.count("KVM_PRE_FAULT_MEMORY") + libc.count("KVM_SET_MEMORY_ATTRIBUTES"));
    }

    private List<Long> region2(MemorySegment request) {
        return List.of((long) kvm_userspace_memory_region2.slot(request),
                (long) kvm_userspace_memory_region2.flags(request),
                kvm_userspace_memory_region2.guest_phys_addr(request),
                kvm_userspace_memory_region2.memory_size(request), kvm_userspace_memory_region2.userspace_addr(request),
                kvm_userspace_memory_region2.guest_memfd_offset(request));
    }

    private static final Set<GuestMemfdFlag> BOTH = Set.of(GuestMemfdFlag.MMAP, GuestMemfdFlag.INIT_SHARED);

    private GuestMemfd memfd(long size) {
        libc.withCapability(kvm_h.KVM_CAP_GUEST_MEMFD_FLAGS(), 3);
        return vm.memory().createGuestMemfd(size, BOTH);
    }

    @Test
    void aGuestMemfdIsCreatedClosedOnExecAndMappedIfItCanBe() {
        libc.withoutCloseOnExec().withCapability(kvm_h.KVM_CAP_GUEST_MEMFD_FLAGS(), 3);
        libc.answering(Ioctl.KVM_CREATE_GUEST_MEMFD, call -> {
            asked.add(List.of(kvm_create_guest_memfd.size(call.argument()),
                    kvm_create_guest_memfd.flags(call.argument())));
            return FakeLibc.AS_USUAL;
        });
        GuestMemfd mapped = vm.memory().createGuestMemfd(0x3000, BOTH);
        assertTrue(libc.calls().contains("fcntl(guest_memfd, F_SETFD 1)"));
        assertEquals(0x3000, mapped.segment().orElseThrow().byteSize());
        GuestMemfd hidden = vm.memory().createGuestMemfd(0x1000, Set.of());
        assertTrue(hidden.segment().isEmpty());
        assertEquals(List.of(List.of(0x3000L, 3L), List.of(0x1000L, 0L)), asked);
        assertEquals(1, libc.mapped().stream().filter("guest_memfd"::equals).count());
        hidden.close();
        hidden.close();
        assertTrue(hidden.isClosed());
        assertEquals(1, libc.openFds().stream().filter("guest_memfd"::equals).count());
    }

    @Test
    void regionsHaveTheirPartOfAGuestMemfd() {
        libc.answering(Ioctl.KVM_SET_USER_MEMORY_REGION2, call -> {
            asked.add(region2(call.argument()));
            return 0;
        });
        GuestMemfd memfd = memfd(0x4000);
        long base = memfd.segment().orElseThrow().address();
        MemoryRegion region = vm.memory().add(0x10000, 0x2000, RegionOptions.of(Backing.guestMemfd(memfd, 0x1000)));
        MemoryRegion both = vm.memory().add(0x20000, 0x1000,
                RegionOptions.of(Backing.guestMemfd(memfd, 0x3000, Backing.anonymous())));
        long bit = kvm_h.KVM_MEM_GUEST_MEMFD();
        assertEquals(List.of(List.of(0L, bit, 0x10000L, 0x2000L, base + 0x1000, 0x1000L),
                List.of(1L, bit, 0x20000L, 0x1000L, both.segment().address(), 0x3000L)), asked);
        vm.memory().putLong(0x10008, 7);
        assertEquals(7, memfd.segment().orElseThrow().get(ValueLayout.JAVA_LONG, 0x1008));
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> vm.memory().add(0x30000, 0x2000,
                RegionOptions.of(Backing.guestMemfd(memfd, 0))));
        assertTrue(e.getMessage().contains("0x10000"), e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> vm.memory().move(region, 0x40000));
        assertThrows(IllegalArgumentException.class,
                () -> vm.memory().setFlags(region, Set.of(MemoryFlag.LOG_DIRTY_PAGES)));
        assertThrows(IllegalStateException.class, memfd::close);
        vm.memory().remove(region);
        vm.memory().add(0x30000, 0x2000, RegionOptions.of(Backing.guestMemfd(memfd, 0)));
        vm.memory().remove(both);
        vm.memory().remove(vm.memory().regions().getFirst());
        memfd.close();
        assertThrows(ClosedException.class,
                () -> vm.memory().add(0x30000, 0x2000, RegionOptions.of(Backing.guestMemfd(memfd, 0))));
    }

    @Test
    void whatNoRegionCanHaveOfAGuestMemfdIsRefused() {
        GuestMemfd memfd = memfd(0x2000);
        for (long offset : new long[]{-0x1000, 0x800, 0x1000, 0x2000, Long.MAX_VALUE - 0xfff}) {
            assertThrows(IllegalArgumentException.class, () -> vm.memory().add(0x10000, 0x2000,
                    RegionOptions.of(Backing.guestMemfd(memfd, offset))), () -> Long.toHexString(offset));
        }
        assertThrows(IllegalArgumentException.class, () -> vm.memory().add(0x10000, 0x4000,
                RegionOptions.of(Backing.guestMemfd(memfd, 0, Backing.anonymous()))));
        Backing backing = Backing.guestMemfd(memfd, 0);
        assertThrows(IllegalArgumentException.class, () -> kvm.createVm().memory().add(0, 0x2000,
                RegionOptions.of(backing)));
        assertThrows(IllegalArgumentException.class,
                () -> RegionOptions.of(backing).with(MemoryFlag.LOG_DIRTY_PAGES));
        assertThrows(IllegalArgumentException.class, () -> RegionOptions.of(backing).withHugetlb(2 << 20));
        assertThrows(IllegalArgumentException.class, () -> RegionOptions.of(backing).with(HostOption.MERGEABLE));
        assertThrows(IllegalArgumentException.class, () -> Backing.guestMemfd(memfd, 0, backing));
        GuestMemfd hidden = vm.memory().createGuestMemfd(0x2000, Set.of());
        assertThrows(IllegalArgumentException.class, () -> Backing.guestMemfd(hidden, 0));
        for (long size : new long[]{0, -0x1000, 0x1001}) {
            assertThrows(IllegalArgumentException.class, () -> vm.memory().createGuestMemfd(size, Set.of()));
        }
        assertEquals(0, libc.count("KVM_SET_USER_MEMORY_REGION2"));
    }

    @Test
    void holesArePunchedAndMemoryAllocatedWithinTheFile() {
        GuestMemfd memfd = memfd(0x4000);
        memfd.punchHole(0x1000, 0x2000);
        memfd.allocate(0, 0x4000);
        assertEquals(List.of("fallocate(guest_memfd, 3, 4096, 8192)", "fallocate(guest_memfd, 1, 0, 16384)"),
                libc.calls().stream().filter(call -> call.startsWith("fallocate")).toList());
        for (long[] range : new long[][]{{0, 0}, {0, 1}, {1, 0x1000}, {0x4000, 0x1000}, {-0x1000, 0x1000},
                {0x1000, Long.MAX_VALUE - 0xfff}}) {
            assertThrows(IllegalArgumentException.class, () -> memfd.punchHole(range[0], range[1]));
        }
        libc.failingEvery("fallocate");
        assertEquals("fallocate(guest_memfd, FALLOC_FL_PUNCH_HOLE)",
                assertThrows(KvmException.class, () -> memfd.punchHole(0, 0x1000)).call());
    }

    @Test
    void aGuestMemfdIsClosedAfterTheVcpusAndBeforeTheVm() {
        vm.memory().add(0x10000, 0x2000, RegionOptions.of(Backing.guestMemfd(memfd(0x2000), 0)));
        vm.close();
        List<String> calls = libc.calls();
        int unmapped = calls.indexOf("munmap(guest_memfd)");
        int closed = calls.indexOf("close(guest_memfd)");
        assertTrue(calls.indexOf("close(vCPU 0)") < unmapped && unmapped < closed
                && closed < calls.indexOf("close(VM)"), calls::toString);
        assertThrows(ClosedException.class, () -> vm.memory().getLong(0x10000));
    }

    /** Its memory is unmapped before its descriptor is closed, and that waits for whoever is in a system call with it. */
    @Test
    void noRegionCanHaveAGuestMemfdThatIsBeingClosed() throws IOException {
        GuestMemfd memfd = memfd(0x2000);
        MemorySegment segment = memfd.segment().orElseThrow();
        Pipe pipe = Pipe.open();
        try (Pipe.SourceChannel source = pipe.source(); Pipe.SinkChannel sink = pipe.sink()) {
            CompletableFuture<Integer> blocked = Concurrent.call(() -> {
                try {
                    return source.read(segment.asByteBuffer());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            Concurrent.assertWaits(blocked);
            Thread closer = Thread.ofPlatform().daemon().start(memfd::close);
            Concurrent.await(() -> Arrays.stream(closer.getStackTrace())
                    .anyMatch(frame -> frame.getClassName().endsWith(".SharedMapping")));
            RegionOptions options = RegionOptions.of(Backing.guestMemfd(memfd, 0));
            assertThrows(ClosedException.class, () -> vm.memory().add(0x10000, 0x2000, options));
            assertThrows(ClosedException.class, () -> vm.memory().builder().region(0x10000, 0x2000, options).build());
            assertEquals(0, libc.count("KVM_SET_USER_MEMORY_REGION2"));
            sink.write(ByteBuffer.wrap(new byte[1]));
            assertEquals(1, Concurrent.finish(blocked));
            Concurrent.await(() -> !closer.isAlive());
            assertTrue(memfd.isClosed());
        }
    }

    @Test
    void whatAGuestMemfdLacksIsNamed() {
        libc.withCapability(kvm_h.KVM_CAP_GUEST_MEMFD_FLAGS(), 1);
        assertEquals(Capability.GUEST_MEMFD_FLAGS, assertThrows(UnsupportedCapabilityException.class,
                () -> vm.memory().createGuestMemfd(0x1000, BOTH)).capability());
        libc.withoutCapability(kvm_h.KVM_CAP_USER_MEMORY2());
        GuestMemfd memfd = vm.memory().createGuestMemfd(0x1000, Set.of(GuestMemfdFlag.MMAP));
        assertEquals(Capability.USER_MEMORY2, assertThrows(UnsupportedCapabilityException.class,
                () -> vm.memory().add(0, 0x1000, RegionOptions.of(Backing.guestMemfd(memfd, 0)))).capability());
        libc.withoutCapability(kvm_h.KVM_CAP_GUEST_MEMFD());
        assertEquals(Capability.GUEST_MEMFD, assertThrows(UnsupportedCapabilityException.class,
                () -> vm.memory().createGuestMemfd(0x1000, Set.of())).capability());
    }
}
