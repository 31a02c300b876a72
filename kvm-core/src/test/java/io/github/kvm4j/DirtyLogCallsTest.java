package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.kvm4j.bindings.kvm_clear_dirty_log;
import io.github.kvm4j.bindings.kvm_dirty_log;
import io.github.kvm4j.bindings.kvm_enable_cap;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_userspace_memory_region;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.DirtyLog;
import io.github.kvm4j.memory.DirtyPages;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.testing.FakeLibc;

/** What the calls about dirty pages give the kernel, and what is refused before. */
class DirtyLogCallsTest {

    private static final int PAGES = 1000;

    private final FakeLibc libc = new FakeLibc();
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final Vm vm = kvm.createVm();
    private final MemoryRegion region = vm.memory().add(7, 0x10000, PAGES * 4096L, Set.of(MemoryFlag.LOG_DIRTY_PAGES));
    private final DirtyLog log = vm.dirtyLog();

    @AfterEach
    void close() {
        kvm.close();
    }

    /** The bits where a structure says they are. */
    @SuppressWarnings("restricted")
    private static MemorySegment bits(MemorySegment pointer, long pages) {
        return pointer.reinterpret((pages + 63) / 64 * 8);
    }

    @Test
    void theKernelHasRoomForAllOfTheSlotsBits() {
        libc.answering(Ioctl.KVM_GET_DIRTY_LOG, call -> {
            assertEquals(7, kvm_dirty_log.slot(call.argument()));
            // ones, also in the bits that no page has
            bits(kvm_dirty_log.dirty_bitmap(call.argument()), PAGES).fill((byte) -1);
            return 0;
        });
        DirtyPages pages = log.get(region);
        assertEquals(PAGES, pages.count());
        assertEquals(PAGES, pages.toLongArray().length * 64 - Long.numberOfLeadingZeros(pages.toLongArray()[15]));
        assertEquals(-1, pages.nextDirty(PAGES));
        pages.clear();
        log.get(pages);
        assertEquals(PAGES, pages.count());
        assertEquals(2, libc.count("KVM_GET_DIRTY_LOG"));
    }

    @ParameterizedTest
    @CsvSource({"0, 1000", "0, 64", "128, 256", "960, 40", "64, 936"})
    void aRangeIsClearedWithItsOwnBits(long first, long count) {
        DirtyPages pages = new DirtyPages(region);
        pages.add(first);
        pages.add(first + count - 1);
        List<long[]> cleared = new ArrayList<>();
        libc.answering(Ioctl.KVM_CLEAR_DIRTY_LOG, call -> {
            assertEquals(7, kvm_clear_dirty_log.slot(call.argument()));
            assertEquals(first, kvm_clear_dirty_log.first_page(call.argument()));
            assertEquals(count, kvm_clear_dirty_log.num_pages(call.argument()));
            cleared.add(bits(kvm_clear_dirty_log.dirty_bitmap(call.argument()), count)
                    .toArray(ValueLayout.JAVA_LONG));
            return 0;
        });
        log.clear(pages, first, count);
        long[] expected = new long[(int) ((count + 63) / 64)];
        expected[0] = 1;
        expected[expected.length - 1] |= 1L << count - 1;
        assertArrayEquals(expected, cleared.getFirst());
        assertEquals(1, cleared.size());
    }

    @Test
    void whatKvmCannotClearIsRefused() {
        DirtyPages pages = new DirtyPages(region);
        for (long[] range : new long[][]{{1, 64}, {0, 63}, {64, 935}, {999, 1}}) {
            assertThrows(IllegalArgumentException.class, () -> log.clear(pages, range[0], range[1]));
        }
        for (long[] range : new long[][]{{-64, 64}, {0, -64}, {0, 1001}, {1024, 0}, {960, 64}, {64, Long.MAX_VALUE}}) {
            assertThrows(IndexOutOfBoundsException.class, () -> log.clear(pages, range[0], range[1]));
        }
        log.clear(pages, 64, 0);
        assertEquals(0, libc.count("KVM_CLEAR_DIRTY_LOG"));
    }

    @Test
    void anotherVmsRegionIsRefused() {
        MemoryRegion other = kvm.createVm().memory().add(0, 0x1000);
        assertThrows(IllegalArgumentException.class, () -> log.get(other));
        assertThrows(IllegalArgumentException.class, () -> log.clear(new DirtyPages(other)));
        assertThrows(IllegalArgumentException.class, () -> vm.memory().setFlags(other, Set.of()));
        assertEquals(0, libc.count("KVM_GET_DIRTY_LOG"));
        assertEquals(0, libc.count("KVM_CLEAR_DIRTY_LOG"));
    }

    @Test
    void manualProtectIsEnabledWithTheBitsThatKvmHas() {
        List<Long> enabled = new ArrayList<>();
        libc.answering(Ioctl.KVM_ENABLE_CAP, call -> {
            assertEquals(kvm_h.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2(), kvm_enable_cap.cap(call.argument()));
            enabled.add(kvm_enable_cap.args(call.argument(), 0));
            return 0;
        });
        libc.withCapability(kvm_h.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2(), 3);
        log.enableManualProtect(true);
        libc.withCapability(kvm_h.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2(), 1);
        log.enableManualProtect(false);
        UnsupportedCapabilityException e = assertThrows(UnsupportedCapabilityException.class,
                () -> log.enableManualProtect(true));
        assertEquals(Capability.MANUAL_DIRTY_LOG_PROTECT2, e.capability());
        assertEquals(List.of(3L, 1L), enabled);
    }

    @Test
    void withoutTheCapabilityNothingIsCleared() {
        libc.withoutCapability(kvm_h.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2())
                .withoutCapability(kvm_h.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT());
        UnsupportedCapabilityException e = assertThrows(UnsupportedCapabilityException.class,
                () -> log.clear(new DirtyPages(region)));
        assertEquals(Capability.MANUAL_DIRTY_LOG_PROTECT2, e.capability());
        assertThrows(UnsupportedCapabilityException.class, () -> log.enableManualProtect(false));
    }

    @Test
    void loggingComesAndGoesWithTheSlotAsItIs() {
        List<List<Long>> slots = new ArrayList<>();
        libc.answering(Ioctl.KVM_SET_USER_MEMORY_REGION, call -> {
            MemorySegment it = call.argument();
            slots.add(List.of((long) kvm_userspace_memory_region.slot(it),
                    (long) kvm_userspace_memory_region.flags(it), kvm_userspace_memory_region.guest_phys_addr(it),
                    kvm_userspace_memory_region.memory_size(it), kvm_userspace_memory_region.userspace_addr(it)));
            return 0;
        });
        MemoryRegion quiet = vm.memory().setFlags(region, Set.of());
        assertEquals(Set.of(), quiet.flags());
        assertEquals(List.of(quiet), vm.memory().regions());
        assertThrows(IllegalArgumentException.class, () -> log.get(region));
        MemoryRegion loud = vm.memory().setFlags(quiet, Set.of(MemoryFlag.LOG_DIRTY_PAGES));
        assertEquals(Set.of(MemoryFlag.LOG_DIRTY_PAGES), loud.flags());
        long at = region.segment().address();
        assertEquals(
                List.of(List.of(7L, 0L, 0x10000L, PAGES * 4096L, at), List.of(7L, 1L, 0x10000L, PAGES * 4096L, at)),
                slots);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> vm.memory().setFlags(loud, Set.of(MemoryFlag.READONLY)));
        assertTrue(e.getMessage().contains("READONLY"), e.getMessage());
        assertEquals(List.of(loud), vm.memory().regions());
        assertEquals(2, slots.size());
    }
}
