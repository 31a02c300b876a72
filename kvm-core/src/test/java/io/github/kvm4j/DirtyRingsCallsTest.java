package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.kvm4j.bindings.kvm_dirty_gfn;
import io.github.kvm4j.bindings.kvm_enable_cap;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.memory.DirtyPages;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.testing.DependsOnHost;

/** The rings' protocol, with a kernel that the test plays. */
@DependsOnHost
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DirtyRingsCallsTest extends PlayedDirtyRings {

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
