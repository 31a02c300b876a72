package io.github.kvm4j.testing;

import java.util.BitSet;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

import io.github.kvm4j.Kvm;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.memory.DirtyPages;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.memory.MemoryRegion;

/** A guest that writes to the pages that it is told, of a region of its own. The pages are 4 KiB. */
public final class PageWriter implements AutoCloseable {

    /** Where the region is. */
    public static final long ADDRESS = 0x100000;

    private static final int PAGE = 4096;

    /**
     * What is written between two exits: KVM looks for a full ring when the guest is entered, and a guest that is emulated
     * would write more than the ring has in reserve, 64 entries (docs/kvm-notes.md).
     */
    private static final int RUN = 32;

    public final Kvm kvm = Kvm.open();
    public final Vm vm;
    public final MemoryRegion region;
    public final Vcpu vcpu;

    /** What is to be done when a dirty ring is full. */
    private Runnable onRingFull = () -> {
        throw new AssertionError("there is no ring");
    };

    /** @param beforeMemory what comes first */
    public PageWriter(Consumer<Vm> beforeMemory, int pages, Set<MemoryFlag> flags) {
        vm = kvm.createVm();
        beforeMemory.accept(vm);
        vm.memory().add(0, TestGuest.MEMORY_SIZE);
        region = vm.memory().add(ADDRESS, (long) pages * PAGE, flags);
        vcpu = vm.createVcpu(0);
        TestGuest.load(vm, vcpu, TestGuest.Program.WRITE_PAGES);
        if (Architecture.ON_X86) {
            RealModeGuest.flat(vcpu);
        }
    }

    public PageWriter(int pages, Set<MemoryFlag> flags) {
        this(_ -> {
        }, pages, flags);
    }

    public void onRingFull(Runnable action) {
        onRingFull = action;
    }

    /** Lets the guest write to pages of the region, and returns when it has. */
    public void write(int firstPage, int count) {
        for (int i = 0; i < count; i += RUN) {
            writeRun(firstPage + i, Math.min(RUN, count - i));
        }
    }

    private void writeRun(int firstPage, int count) {
        while (true) {
            switch (vcpu.run()) {
                case Exit.Mmio read when read.isRead() ->
                    read.answer(read.address() == TestGuest.DEVICE + 4 ? ADDRESS + (long) firstPage * PAGE : count);
                case Exit.Mmio _ -> {
                    return;
                }
                case Exit.DirtyRingFull _ -> onRingFull.run();
                case Exit other -> throw new AssertionError(other);
            }
        }
    }

    /** Lets the guest write to random runs of pages, and returns which. */
    public BitSet writeRandomly(Random random, int runs) {
        BitSet written = new BitSet();
        for (int i = 0; i < runs; i++) {
            int pages = (int) (region.size() / PAGE);
            int first = random.nextInt(pages);
            int count = 1 + random.nextInt(Math.min(20, pages - first));
            write(first, count);
            written.set(first, first + count);
        }
        return written;
    }

    /** The same as another kind of set. */
    public static BitSet bits(DirtyPages pages) {
        return BitSet.valueOf(pages.toLongArray());
    }

    @Override
    public void close() {
        kvm.close();
    }
}
