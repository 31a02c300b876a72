package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.MemoryFlag;
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
