package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

import io.github.kvm4j.bindings.kvm_dirty_gfn;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.DirtyPages;
import io.github.kvm4j.memory.DirtyRings;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.testing.FakeLibc;

/** A VM with dirty rings, and what a kernel does with them, which a test plays. */
abstract class PlayedDirtyRings {

    static final int BYTES = 4096;
    static final int ENTRIES = 256;
    static final int PAGES = 100;

    /** What the kernel leaves free, where nothing goes wrong. */
    static final int RESERVE = 64;
    static final int DIRTY = 1;
    static final int RESET = 2;

    final FakeLibc libc = new FakeLibc().withCapability(kvm_h.KVM_CAP_DIRTY_LOG_RING_ACQ_REL(), 1 << 20)
            .withCapability(kvm_h.KVM_CAP_DIRTY_LOG_RING(), 1 << 20);
    final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    final Vm vm = kvm.createVm();
    final DirtyRings rings = vm.dirtyRings();
    final MemoryRegion region = vm.memory().add(7, 0x10000, PAGES * 4096L, Set.of(MemoryFlag.LOG_DIRTY_PAGES));
    final Map<MemoryRegion, DirtyPages> dirty = new HashMap<>();

    /** How far the kernel is with each ring, in writing and in resetting. */
    final Map<Integer, long[]> kernel = new HashMap<>();

    @BeforeEach
    void resetAsTheKernelDoes() {
        libc.answering(Ioctl.KVM_RESET_DIRTY_RINGS, () -> reset(Integer.MAX_VALUE));
    }

    @AfterEach
    void close() {
        kvm.close();
    }

    MemorySegment ring(int vcpu) {
        return libc.mapping("vCPU " + vcpu + " from " + 64 * 4096);
    }

    MemorySegment entry(int vcpu, long index) {
        return ring(vcpu).asSlice(index % ENTRIES * 16, 16);
    }

    void push(int vcpu, int slot, long offset) {
        assertEquals(0, kvm_dirty_gfn.flags(entry(vcpu, kernel.getOrDefault(vcpu, new long[2])[0])),
                "the ring is full");
        pushOver(vcpu, slot, offset);
    }

    /** Whether there is room or not, which the kernel does not ask here. */
    void pushOver(int vcpu, int slot, long offset) {
        long[] state = kernel.computeIfAbsent(vcpu, _ -> new long[2]);
        MemorySegment entry = entry(vcpu, state[0]++);
        kvm_dirty_gfn.slot(entry, slot);
        kvm_dirty_gfn.offset(entry, offset);
        kvm_dirty_gfn.flags(entry, DIRTY);
    }

    /** As many as it can, in the rings' order. */
    long reset(int most) {
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

    List<Long> pages() {
        List<Long> pages = new ArrayList<>();
        dirty.get(region).forEach(pages::add);
        return pages;
    }
}
