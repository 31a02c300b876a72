package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.LongStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.bindings.kvm_dirty_gfn;
import io.github.kvm4j.bindings.kvm_enable_cap;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.DirtyPages;
import io.github.kvm4j.memory.DirtyRingOverflowException;
import io.github.kvm4j.memory.DirtyRings;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.testing.DependsOnHost;
import io.github.kvm4j.testing.FakeLibc;
import io.github.kvm4j.testing.Rounds;

/** The rings' protocol, with a kernel that the test plays. */
@DependsOnHost
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DirtyRingsCallsTest {

    private static final int BYTES = 4096;
    private static final int ENTRIES = 256;
    private static final int PAGES = 100;

    /** What the kernel leaves free, where nothing goes wrong. */
    private static final int RESERVE = 64;
    private static final int DIRTY = 1;
    private static final int RESET = 2;

    private final FakeLibc libc = new FakeLibc().withCapability(kvm_h.KVM_CAP_DIRTY_LOG_RING_ACQ_REL(), 1 << 20)
            .withCapability(kvm_h.KVM_CAP_DIRTY_LOG_RING(), 1 << 20);
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final Vm vm = kvm.createVm();
    private final DirtyRings rings = vm.dirtyRings();
    private final MemoryRegion region = vm.memory().add(7, 0x10000, PAGES * 4096L, Set.of(MemoryFlag.LOG_DIRTY_PAGES));
    private final Map<MemoryRegion, DirtyPages> dirty = new HashMap<>();

    /** How far the kernel is with each ring, in writing and in resetting. */
    private final Map<Integer, long[]> kernel = new HashMap<>();

    @BeforeEach
    void resetAsTheKernelDoes() {
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> reset(Integer.MAX_VALUE));
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    private MemorySegment ring(int vcpu) {
        return libc.mapping("vCPU " + vcpu + " from " + 64 * 4096);
    }

    private MemorySegment entry(int vcpu, long index) {
        return ring(vcpu).asSlice(index % ENTRIES * 16, 16);
    }

    private void push(int vcpu, int slot, long offset) {
        assertEquals(0, kvm_dirty_gfn.flags(entry(vcpu, kernel.getOrDefault(vcpu, new long[2])[0])),
                "the ring is full");
        pushOver(vcpu, slot, offset);
    }

    /** Whether there is room or not, which the kernel does not ask here. */
    private void pushOver(int vcpu, int slot, long offset) {
        long[] state = kernel.computeIfAbsent(vcpu, _ -> new long[2]);
        MemorySegment entry = entry(vcpu, state[0]++);
        kvm_dirty_gfn.slot(entry, slot);
        kvm_dirty_gfn.offset(entry, offset);
        kvm_dirty_gfn.flags(entry, DIRTY);
    }

    /** As many as it can, in the rings' order. */
    private long reset(int most) {
        long count = 0;
        for (Map.Entry<Integer, long[]> ring : kernel.entrySet()) {
            if (libc.mapped().contains("vCPU " + ring.getKey() + " from " + 64 * 4096)) {
                long[] state = ring.getValue();
                while (count < most && state[1] < state[0]
                        && (kvm_dirty_gfn.flags(entry(ring.getKey(), state[1])) & RESET) != 0) {
                    kvm_dirty_gfn.flags(entry(ring.getKey(), state[1]++), 0);
                    count++;
                }
            } else {
                // a closed vCPU's, all read: the kernel has it until the VM is gone
                long[] state = ring.getValue();
                long its = Math.min(most - count, state[0] - state[1]);
                state[1] += its;
                count += its;
            }
        }
        return count;
    }

    private List<Long> pages() {
        List<Long> pages = new ArrayList<>();
        dirty.get(region).forEach(pages::add);
        return pages;
    }

    @Test
    void theRingsAreEnabledAndMappedWithEachVcpuAndUnmappedBeforeItsDescriptorIsClosed() {
        List<List<Long>> enabled = new ArrayList<>();
        libc.answering(Ioctl.KVM_ENABLE_CAP, call -> {
            enabled.add(List.of((long) kvm_enable_cap.cap(call.argument()), kvm_enable_cap.args(call.argument(), 0)));
            return 0;
        });
        rings.enable(BYTES);
        assertEquals(List.of(List.of((long) kvm_h.KVM_CAP_DIRTY_LOG_RING_ACQ_REL(), 4096L)), enabled);
        assertEquals(BYTES, rings.size());
        vm.createVcpu(0);
        vm.createVcpu(1);
        assertEquals(BYTES, ring(0).byteSize());
        assertEquals(BYTES, ring(1).byteSize());
        vm.close();
        List<String> calls = libc.calls();
        assertTrue(calls.indexOf("munmap(vCPU 0 from 262144)") < calls.indexOf("close(vCPU 0)"), calls::toString);
        assertTrue(calls.contains("munmap(vCPU 1 from 262144)"));
        assertEquals(List.of(), libc.mapped());
    }

    @Test
    void theOlderCapabilityDoesOnX86() {
        libc.withoutCapability(kvm_h.KVM_CAP_DIRTY_LOG_RING_ACQ_REL());
        List<Integer> enabled = new ArrayList<>();
        libc.answering(Ioctl.KVM_ENABLE_CAP, call -> {
            enabled.add(kvm_enable_cap.cap(call.argument()));
            return 0;
        });
        if (io.github.kvm4j.internal.sys.Architecture.ON_X86) {
            rings.enable(BYTES);
            assertEquals(List.of(kvm_h.KVM_CAP_DIRTY_LOG_RING()), enabled);
        } else {
            assertThrows(UnsupportedCapabilityException.class, () -> rings.enable(BYTES));
        }
    }

    @Test
    void withoutEitherCapabilityItSaysSo() {
        libc.withoutCapability(kvm_h.KVM_CAP_DIRTY_LOG_RING_ACQ_REL())
                .withoutCapability(kvm_h.KVM_CAP_DIRTY_LOG_RING());
        UnsupportedCapabilityException e = assertThrows(UnsupportedCapabilityException.class,
                () -> rings.enable(BYTES));
        assertEquals(Capability.DIRTY_LOG_RING_ACQ_REL, e.capability());
    }

    @Test
    void aSizeThatNoRingCanHaveIsRefused() {
        for (int bytes : new int[]{0, -4096, 16, 2048, 4097, 12288, 1 << 21, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            assertThrows(IllegalArgumentException.class, () -> rings.enable(bytes), () -> "" + bytes);
        }
        assertThrows(IllegalStateException.class, () -> rings.harvest(dirty));
        assertThrows(IllegalStateException.class, rings::enableBitmap);
        assertEquals(0, libc.count("KVM_ENABLE_CAP"));
        vm.createVcpu(0);
        assertThrows(IllegalStateException.class, () -> rings.enable(BYTES));
    }

    @Test
    void theGenericWayToEnableThemDoesTheSame() {
        vm.enable(Capability.DIRTY_LOG_RING_ACQ_REL, BYTES);
        vm.createVcpu(0);
        push(0, 7, 3);
        assertEquals(1, rings.harvest(dirty));
        assertThrows(IllegalStateException.class, () -> rings.enable(BYTES));
    }

    @Test
    void theBitmapComesAfterTheRingsAndBeforeTheMemory() {
        rings.enable(BYTES);
        assertThrows(IllegalStateException.class, rings::enableBitmap);
        Vm other = kvm.createVm();
        other.dirtyRings().enable(BYTES);
        other.dirtyRings().enableBitmap();
        assertEquals(3, libc.count("KVM_ENABLE_CAP"));
    }

    @Test
    void entriesAreTakenInOrderUntilOneThatIsNotDirty() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        assertEquals(0, rings.harvest(dirty));
        assertEquals(0, libc.count("KVM_RESET_DIRTY_RINGS"));
        push(0, 7, 99);
        push(0, 7, 0);
        push(0, 7, 64);
        kvm_dirty_gfn.flags(entry(0, 1), 0); // not written to the end yet
        assertEquals(1, rings.harvest(dirty));
        assertEquals(List.of(99L), pages());
        assertEquals(DIRTY, kvm_dirty_gfn.flags(entry(0, 2)));
        kvm_dirty_gfn.flags(entry(0, 1), DIRTY);
        assertEquals(2, rings.harvest(dirty));
        assertEquals(List.of(0L, 64L, 99L), pages());
        assertEquals(2, libc.count("KVM_RESET_DIRTY_RINGS"));
    }

    @Test
    void theRingsGoRoundManyTimes() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        vm.createVcpu(1);
        for (int round = 0; round < 10; round++) {
            for (int i = 0; i < ENTRIES - RESERVE; i++) {
                push(0, 7, (round + i) % PAGES);
            }
            push(1, 7, round);
            dirty.clear();
            assertEquals(ENTRIES - RESERVE + 1, rings.harvest(dirty));
            assertEquals(LongStream.range(0, PAGES).boxed().toList(), pages());
        }
    }

    @Test
    void whatIsHarvestedButNotResetIsNotHarvestedAgain() {
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> -Errno.EIO.number());
        rings.enable(BYTES);
        vm.createVcpu(0);
        for (int i = 0; i < ENTRIES - RESERVE; i++) {
            push(0, 7, i % PAGES);
        }
        assertEquals("KVM_RESET_DIRTY_RINGS",
                assertThrows(KvmException.class, () -> rings.harvest(dirty)).call());
        assertEquals(PAGES, dirty.get(region).count(), "they are not lost");
        dirty.clear();
        assertThrows(KvmException.class, () -> rings.harvest(dirty));
        assertEquals(Map.of(), dirty);
        resetAsTheKernelDoes();
        assertEquals(0, rings.harvest(dirty));
        push(0, 7, 1);
        assertEquals(1, rings.harvest(dirty));
    }

    @Test
    void theResetGoesOnWhenASignalHasInterruptedIt() {
        int[] calls = new int[1];
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> switch (calls[0]++ % 4) {
            case 0 -> -Errno.EINTR.number();
            case 1 -> 0;
            default -> reset(3);
        });
        rings.enable(BYTES);
        vm.createVcpu(0);
        for (int i = 0; i < 20; i++) {
            push(0, 7, i);
        }
        assertEquals(20, rings.harvest(dirty));
        assertEquals(0, kvm_dirty_gfn.flags(entry(0, 19)));
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> -Errno.EINTR.number());
        push(0, 7, 1);
        assertEquals("EINTR", assertThrows(KvmException.class, () -> rings.harvest(dirty)).errnoName());
    }

    @Test
    void aResetByARawIoctlIsNoObstacle() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        push(0, 7, 1);
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> {
            reset(Integer.MAX_VALUE);
            return 0;
        });
        assertEquals(1, rings.harvest(dirty));
        push(0, 7, 2);
        assertEquals(1, rings.harvest(dirty));
    }

    @Test
    void whatIsInNoRegionIsLeftOut() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        push(0, 6, 1);
        push(0, 7, PAGES);
        push(0, 7, -1);
        push(0, 7, Long.MIN_VALUE);
        push(0, 0x1_0007, 5);
        push(0, -1, 5);
        push(0, 7, 2);
        assertEquals(7, rings.harvest(dirty));
        assertEquals(List.of(2L), pages());
        assertEquals(Set.of(region), dirty.keySet());
    }

    @Test
    void aClosedVcpusEntriesAreKept() {
        rings.enable(BYTES);
        Vcpu vcpu = vm.createVcpu(0);
        push(0, 7, 1);
        push(0, 7, 2);
        vcpu.close();
        assertFalse(libc.mapped().contains("vCPU 0 from 262144"));
        assertEquals(2, rings.harvest(dirty));
        assertEquals(List.of(1L, 2L), pages());
        assertEquals(0, rings.harvest(dirty));
    }

    /** A map that does something when it gets a region. */
    private static final class Hostile extends HashMap<MemoryRegion, DirtyPages> {
        private static final long serialVersionUID = 1;
        private final transient Runnable action;

        Hostile(Runnable action) {
            this.action = action;
        }

        @Override
        public DirtyPages computeIfAbsent(MemoryRegion key,
                Function<? super MemoryRegion, ? extends DirtyPages> function) {
            action.run();
            return super.computeIfAbsent(key, function);
        }
    }

    /** What it reads to the end of its own ring is reset too, and counted by the kernel with what was harvested. */
    @Test
    void aVcpuThatIsClosedDuringTheHarvestDoesNotMakeItEndEarly() {
        rings.enable(BYTES);
        Vcpu closing = vm.createVcpu(0);
        vm.createVcpu(1);
        for (int i = 0; i < 3; i++) {
            push(0, 7, i);
        }
        for (int i = 0; i < 5; i++) {
            push(1, 6, i);
        }
        MemoryRegion other = vm.memory().add(6, 0x1000_0000, PAGES * 4096L, Set.of(MemoryFlag.LOG_DIRTY_PAGES));
        int[] calls = new int[1];
        // interrupted by a signal, twice
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> reset(calls[0]++ < 2 ? 4 : Integer.MAX_VALUE));
        int[] regions = new int[1];
        Map<MemoryRegion, DirtyPages> into = new Hostile(() -> {
            if (regions[0]++ == 1) {
                push(0, 7, 50);
                push(0, 7, 51);
                closing.close();
            }
        });
        assertEquals(8, rings.harvest(into));
        assertEquals(5, into.get(other).count());
        for (int i = 0; i < 5; i++) {
            assertEquals(0, kvm_dirty_gfn.flags(entry(1, i)), "its page may be copied, and is not protected yet");
        }
        assertEquals(2, rings.harvest(dirty));
        assertEquals(List.of(50L, 51L), pages());
    }

    @Test
    void whatIsLeftOfARegionIsTakenForTheNextInItsSlot() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        push(0, 7, 5);
        push(0, 7, 60);
        vm.memory().remove(region);
        MemoryRegion next = vm.memory().add(7, 0x10000, 50 * 4096L, Set.of(MemoryFlag.LOG_DIRTY_PAGES));
        assertEquals(2, rings.harvest(dirty));
        assertEquals(Set.of(next), dirty.keySet());
        assertTrue(dirty.get(next).isDirty(5));
        assertEquals(1, dirty.get(next).count());
    }

    /** Seen with a guest that is emulated: what has no room goes over the oldest. */
    @Test
    void aRingThatHadNoRoomIsReportedAndGoesOnAllTheSame() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        for (int i = 0; i < ENTRIES + 7; i++) {
            pushOver(0, 7, i % PAGES);
        }
        DirtyRingOverflowException e = assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
        assertTrue(e.getMessage().contains("4096 bytes"), e.getMessage());
        assertEquals(PAGES, dirty.get(region).count(), "what there is comes");
        assertEquals(0, rings.harvest(dirty), "reported once");
        for (int round = 0; round < 5; round++) {
            dirty.clear();
            for (int i = 0; i < ENTRIES - RESERVE; i++) {
                push(0, 7, i % PAGES);
            }
            assertEquals(ENTRIES - RESERVE, rings.harvest(dirty));
            assertEquals(PAGES, dirty.get(region).count());
            assertEquals(kernel.get(0)[0], kernel.get(0)[1], "the kernel has them all back");
        }
    }

    @Test
    void aRingThatIsFullToTheLastEntryMayHaveLostSome() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        for (int i = 0; i < ENTRIES - 1; i++) {
            push(0, 7, i % PAGES);
        }
        assertEquals(ENTRIES - 1, rings.harvest(dirty));
        for (int i = 0; i < ENTRIES; i++) {
            push(0, 7, i % PAGES);
        }
        assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
    }

    @Test
    void whatTheKernelHasGoneOverBeforeItTookItBackIsReadAgain() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        for (int i = 0; i < 200; i++) {
            push(0, 7, i % 50);
        }
        int[] calls = new int[1];
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> {
            if (calls[0]++ == 0) {
                for (int i = 200; i < ENTRIES + 5; i++) {
                    pushOver(0, 7, i < ENTRIES ? 50 : 60 + i - ENTRIES);
                }
            }
            return reset(Integer.MAX_VALUE);
        });
        assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
        assertEquals(LongStream.concat(LongStream.range(0, 50), LongStream.range(60, 65)).boxed().toList(), pages());
        dirty.clear();
        assertEquals(ENTRIES - 200, rings.harvest(dirty));
        assertEquals(List.of(50L), pages());
        for (int i = 0; i < PAGES; i++) {
            push(0, 7, i);
        }
        assertEquals(PAGES, rings.harvest(dirty));
        assertEquals(kernel.get(0)[0], kernel.get(0)[1]);
    }

    /** What the kernel has taken back and put in again is left for its turn. */
    @Test
    void onlyWhatTheKernelHasGoneOverIsReadAgain() {
        rings.enable(BYTES);
        vm.createVcpu(0);
        for (int i = 0; i < 200; i++) {
            push(0, 7, 0);
        }
        int[] calls = new int[1];
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> {
            if (calls[0]++ > 0) {
                return reset(Integer.MAX_VALUE);
            }
            long count = reset(10);
            for (int i = 200; i < ENTRIES + 15; i++) {
                pushOver(0, 7, i < ENTRIES ? 1 : 10 + i - ENTRIES);
            }
            return count;
        });
        assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
        assertEquals(List.of(0L, 20L, 21L, 22L, 23L, 24L), pages());
        dirty.clear();
        assertEquals(ENTRIES - 200 + 10, rings.harvest(dirty));
        assertEquals(LongStream.concat(LongStream.of(1), LongStream.range(10, 20)).boxed().toList(), pages());
        push(0, 7, 1);
        assertEquals(1, rings.harvest(dirty));
        assertEquals(kernel.get(0)[0], kernel.get(0)[1]);
    }

    @Test
    void overrunsOfSeveralRingsAreReportedTogether() {
        rings.enable(BYTES);
        for (int vcpu = 0; vcpu < 2; vcpu++) {
            vm.createVcpu(vcpu);
            for (int i = 0; i < ENTRIES + 7; i++) {
                pushOver(vcpu, 7, i % PAGES);
            }
        }
        assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
        assertEquals(0, rings.harvest(dirty));
    }

    @Test
    void aVcpuThatIsClosedDuringTheResetDoesNotMakeItEndEarly() {
        rings.enable(BYTES);
        Vcpu closing = vm.createVcpu(0);
        vm.createVcpu(1);
        for (int i = 0; i < 5; i++) {
            push(1, 7, i);
        }
        int[] calls = new int[1];
        libc.onIoctl(Ioctl.KVM_RESET_DIRTY_RINGS, () -> {
            if (calls[0] == 0) {
                push(0, 7, 50);
                push(0, 7, 51);
                closing.close();
            }
        });
        // interrupted by a signal
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> reset(calls[0]++ == 0 ? 5 : Integer.MAX_VALUE));
        assertEquals(5, rings.harvest(dirty));
        for (int i = 0; i < 5; i++) {
            assertEquals(0, kvm_dirty_gfn.flags(entry(1, i)), "its page may be copied, and is not protected yet");
        }
        assertEquals(2, rings.harvest(dirty));
    }

    @Test
    void aClosedVcpusRingMayHaveHadNoRoomEither() {
        rings.enable(BYTES);
        Vcpu vcpu = vm.createVcpu(0);
        for (int i = 0; i < ENTRIES + 7; i++) {
            pushOver(0, 7, i % PAGES);
        }
        vcpu.close();
        assertThrows(DirtyRingOverflowException.class, () -> rings.harvest(dirty));
        assertEquals(PAGES, dirty.get(region).count());
        assertEquals(0, rings.harvest(dirty));
    }

    /** Whatever went before, what is written to then is harvested, and the kernel gets all of it back. */
    @Test
    @Tag("slow")
    void noOverrunIsTheLast() {
        Random random = new Random(3);
        rings.enable(BYTES);
        vm.createVcpu(0);
        vm.createVcpu(1);
        for (int round = 0; round < Rounds.of(3000); round++) {
            int[] more = {random.nextInt(3)};
            libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> {
                if (more[0]-- > 0) {
                    pushOver(2, random);
                }
                return switch (random.nextInt(4)) {
                    case 0 -> -Errno.EINTR.number();
                    case 1 -> reset(random.nextInt(100));
                    default -> reset(Integer.MAX_VALUE);
                };
            });
            pushOver(2, random);
            harvestWhatever();
            resetAsTheKernelDoes();
            int harvests = 0;
            while (harvestWhatever() > 0) {
                assertTrue(++harvests < 10, "it never ends");
            }
            dirty.clear();
            pushOver(0, 7, 3);
            pushOver(1, 7, 99);
            harvestWhatever();
            assertEquals(List.of(3L, 99L), pages(), "round " + round);
            for (long[] state : kernel.values()) {
                assertEquals(state[0], state[1], "round " + round);
            }
        }
    }

    private void pushOver(int vcpus, Random random) {
        for (int vcpu = 0; vcpu < vcpus; vcpu++) {
            for (int i = random.nextInt(150); i > 0; i--) {
                pushOver(vcpu, 7, random.nextInt(PAGES));
            }
        }
    }

    private int harvestWhatever() {
        try {
            return rings.harvest(dirty);
        } catch (DirtyRingOverflowException _) {
            return 1;
        }
    }

    /** A map that fails, or that closes what is being read, breaks nothing. */
    @Test
    void aMapThatFailsLosesNothing() {
        rings.enable(BYTES);
        Vcpu vcpu = vm.createVcpu(0);
        push(0, 7, 1);
        push(0, 7, 2);
        assertThrows(UnsupportedOperationException.class, () -> rings.harvest(new Hostile(() -> {
            throw new UnsupportedOperationException();
        })));
        rings.harvest(new Hostile(vcpu::close));
        rings.harvest(dirty);
        assertEquals(List.of(1L, 2L), pages());
        vm.createVcpu(1);
        push(1, 7, 3);
        assertThrows(ClosedException.class, () -> rings.harvest(new Hostile(vm::close)));
        assertThrows(ClosedException.class, () -> {
            vm.close();
            rings.harvest(dirty);
        });
    }
}
