package io.github.kvm4j.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Set;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Kvm;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.Vcpu;
import io.github.kvm4j.Vm;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.TestGuest;
import io.github.kvm4j.testing.TestGuest.Program;

/** Memory that is a guest_memfd's. */
@RequiresKvm(capability = {Capability.GUEST_MEMFD, Capability.USER_MEMORY2})
class GuestMemfdTest {

    private static final long SIZE = TestGuest.MEMORY_SIZE;
    private static final Set<GuestMemfdFlag> BOTH = Set.of(GuestMemfdFlag.MMAP, GuestMemfdFlag.INIT_SHARED);

    @Test
    @RequiresKvm(capability = Capability.GUEST_MEMFD_FLAGS)
    void aGuestRunsInWhatThisProcessHasMapped() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            assumeTrue(vm.checkExtension(Capability.GUEST_MEMFD_FLAGS) == 3, "this KVM has not both flags");
            GuestMemfd memfd = vm.memory().createGuestMemfd(2 * SIZE, BOTH);
            MemoryRegion region = vm.memory().add(0, SIZE, RegionOptions.of(Backing.guestMemfd(memfd, SIZE)));
            Vcpu vcpu = vm.createVcpu(0);
            TestGuest.load(vm, vcpu, Program.COUNT);
            for (int i = 0; i < 3; i++) {
                assertEquals(i, assertInstanceOf(Exit.Mmio.class, vcpu.run()).value());
            }
            vm.memory().putLong(0x8000, -1);
            memfd.punchHole(SIZE + 0x8000, 0x1000);
            assertEquals(0, vm.memory().getLong(0x8000));
            vm.memory().remove(region);
            memfd.close();
            assertThrows(IllegalStateException.class,
                    () -> region.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0));
        }
    }

    @Test
    @RequiresKvm(capability = Capability.GUEST_MEMFD_FLAGS)
    void whatThisProcessCannotTouchIsAnException() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            GuestMemfd memfd = vm.memory().createGuestMemfd(SIZE, Set.of(GuestMemfdFlag.MMAP));
            vm.memory().add(0, SIZE, RegionOptions.of(Backing.guestMemfd(memfd, 0)));
            MissingMemoryException e = assertThrows(MissingMemoryException.class, () -> vm.memory().getLong(0x1000));
            assertTrue(e.getMessage().contains("guest_memfd"), e.getMessage());
            assertThrows(MissingMemoryException.class, () -> vm.memory().write(0x1000, new byte[0x2000]));
        }
    }

    @Test
    void withoutMmapWhatIsSharedIsOtherMemory() {
        try (Kvm kvm = Kvm.open(); Vm vm = kvm.createVm()) {
            GuestMemfd memfd = vm.memory().createGuestMemfd(SIZE, Set.of());
            try {
                vm.memory().add(0, SIZE, RegionOptions.of(Backing.guestMemfd(memfd, 0, Backing.anonymous())));
            } catch (KvmException e) {
                // Not every KVM takes it for a VM of the default type.
                assertEquals("EINVAL", e.errnoName());
                return;
            }
            vm.memory().write(0x1000, new byte[]{1, 2, 3});
            assertArrayEquals(new byte[]{1, 2, 3}, vm.memory().read(0x1000, 3));
            memfd.allocate(0, SIZE);
            memfd.punchHole(0, SIZE);
        }
    }
}
