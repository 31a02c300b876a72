package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_userspace_memory_region;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.memory.GuestAddressException;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.memory.MemoryRegion;
import io.github.kvm4j.memory.RegionOptions;
import io.github.kvm4j.testing.FakeLibc;

/** Memory at addresses and with flags that not every KVM takes. */
class GuestMemoryTest {

    private final FakeLibc libc = new FakeLibc();
    private final Kvm kvm = Kvm.open(Path.of("/dev/kvm"), new Host(libc));
    private final GuestMemory memory = kvm.createVm().memory();

    @AfterEach
    void close() {
        kvm.close();
    }

    @Test
    void readOnlyMemoryNeedsItsCapability() {
        libc.withoutCapability(kvm_h.KVM_CAP_READONLY_MEM());
        UnsupportedCapabilityException e = assertThrows(UnsupportedCapabilityException.class,
                () -> memory.add(0, 0x1000, Set.of(MemoryFlag.READONLY)));
        assertEquals(Capability.READONLY_MEM, e.capability());
        assertEquals(0, libc.count("KVM_SET_USER_MEMORY_REGION"));
        memory.add(0, 0x1000, Set.of(MemoryFlag.LOG_DIRTY_PAGES));
    }

    @Test
    void theFlagsReachTheKernel() {
        List<Integer> flags = new ArrayList<>();
        libc.answering(Ioctl.KVM_SET_USER_MEMORY_REGION, call -> {
            flags.add(kvm_userspace_memory_region.flags(call.argument()));
            return 0;
        });
        memory.add(0, 0x1000);
        memory.add(0x1000, 0x1000, Set.of(MemoryFlag.LOG_DIRTY_PAGES));
        memory.add(0x2000, 0x1000, Set.of(MemoryFlag.READONLY));
        memory.add(0x3000, 0x1000, Set.of(MemoryFlag.values()));
        assertEquals(List.of(0, 1, 2, 3), flags);
    }

    private static RegionOptions inSpace(int space) {
        return RegionOptions.anonymous().withAddressSpace(space);
    }

    /** Slot, address and size of what reaches the kernel. */
    private List<List<Long>> slots() {
        List<List<Long>> slots = new ArrayList<>();
        libc.answering(Ioctl.KVM_SET_USER_MEMORY_REGION, call -> {
            slots.add(List.of((long) kvm_userspace_memory_region.slot(call.argument()),
                    kvm_userspace_memory_region.guest_phys_addr(call.argument()),
                    kvm_userspace_memory_region.memory_size(call.argument())));
            return 0;
        });
        return slots;
    }

    @Test
    void anotherAddressSpaceHasRegionsAndSlotsOfItsOwn() {
        libc.withCapability(kvm_h.KVM_CAP_MULTI_ADDRESS_SPACE(), 2);
        List<List<Long>> slots = slots();
        MemoryRegion ordinary = memory.add(0, 0x4000);
        MemoryRegion other = memory.add(0x1000, 0x2000, inSpace(1));
        MemoryRegion chosen = memory.add(0x8000, 0x1000, inSpace(1).withSlot(7));
        MemoryRegion next = memory.add(0x9000, 0x1000, inSpace(1));
        assertEquals(List.of(List.of(0L, 0L, 0x4000L), List.of(0x10000L, 0x1000L, 0x2000L),
                List.of(0x10007L, 0x8000L, 0x1000L), List.of(0x10001L, 0x9000L, 0x1000L)), slots);
        assertEquals(List.of(ordinary, other, chosen, next), memory.regions());
        assertEquals(0, ordinary.addressSpace());
        assertEquals(1, chosen.addressSpace());
        assertEquals(0x10007, chosen.slot());
        assertEquals("slot 7 of address space 1 at 0x8000..0x8fff", chosen.toString());

        memory.putByte(0x1000, (byte) 5);
        assertEquals(0, other.segment().get(ValueLayout.JAVA_BYTE, 0), "an access by address is to address space 0");
        assertThrows(GuestAddressException.class, () -> memory.getByte(0x8000));

        for (Runnable refused : List.<Runnable>of(() -> memory.add(0x2000, 0x1000, inSpace(1)),
                () -> memory.add(0xa000, 0x1000, inSpace(1).withSlot(7)),
                () -> memory.add(0xa000, 0x1000, inSpace(1).withSlot(0x10007)),
                () -> memory.move(next, 0x8000),
                () -> memory.builder().region(0xa000, 0x1000, inSpace(1)).region(0xa000, 0x1000, inSpace(1)).build())) {
            assertThrows(IllegalArgumentException.class, refused::run);
        }
        slots.clear();
        MemoryRegion moved = memory.move(next, 0);
        memory.remove(other);
        assertEquals(List.of(List.of(0x10001L, 0L, 0x1000L), List.of(0x10000L, 0x1000L, 0L)), slots);
        assertEquals(List.of(ordinary, moved, chosen), memory.regions());
        assertEquals(5, memory.getByte(0x1000));
        assertThrows(IllegalArgumentException.class, () -> memory.remove(other));
        assertThrows(IllegalArgumentException.class, () -> memory.remove(next));
        List<MemoryRegion> built = memory.builder().region(0xa000, 0x1000).region(0xa000, 0x1000, inSpace(1)).build();
        assertEquals(List.of(1, 0x10000), built.stream().map(MemoryRegion::slot).toList());
        kvm.close();
        assertEquals(List.of(), memory.regions());
        assertEquals(List.of(), libc.mapped());
    }

    @Test
    void anAddressSpaceThatIsNotThereIsRefused() {
        libc.withCapability(kvm_h.KVM_CAP_MULTI_ADDRESS_SPACE(), 2);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> memory.add(0, 0x1000, inSpace(2)));
        assertEquals("address space 2 is out of range: this VM has 0 to 1", e.getMessage());
        libc.withoutCapability(kvm_h.KVM_CAP_MULTI_ADDRESS_SPACE());
        assertEquals(Capability.MULTI_ADDRESS_SPACE, assertThrows(UnsupportedCapabilityException.class,
                () -> memory.add(0, 0x1000, inSpace(1))).capability());
        assertThrows(IllegalArgumentException.class, () -> inSpace(-1));
        assertThrows(IllegalArgumentException.class, () -> inSpace(0x8000));
        assertEquals(0, libc.count("KVM_SET_USER_MEMORY_REGION"));
        assertEquals(RegionOptions.anonymous(), inSpace(1).withAddressSpace(0));
        assertNotEquals(RegionOptions.anonymous(), inSpace(1));
        assertEquals(1, inSpace(1).withSlot(3).with(MemoryFlag.READONLY).addressSpace());
        assertTrue(inSpace(1).withSlot(3).toString().endsWith(" address space 1 slot 3"), inSpace(1)::toString);
    }

    @Test
    void memoryBeyondWhatPhysicalAddressesReachNeverReachesTheKernel() {
        assumeTrue(Architecture.ON_X86, "how many bits there are is the processor's on other architectures");
        long end = 1L << 52;
        for (long address : new long[]{end, end - 0x1000}) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                    () -> memory.add(address, 0x2000));
            assertTrue(e.getMessage().contains("52 bits"), e.getMessage());
        }
        assertEquals(0, libc.count("KVM_SET_USER_MEMORY_REGION"));
        memory.add(end - 0x2000, 0x2000);
    }
}
