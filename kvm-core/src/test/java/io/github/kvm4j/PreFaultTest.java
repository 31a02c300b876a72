package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.TestGuest;
import io.github.kvm4j.testing.TestGuest.Program;

/** Memory that is mapped before the guest uses it. */
@RequiresKvm(capability = Capability.PRE_FAULT_MEMORY)
class PreFaultTest {

    @Test
    void memoryIsMappedAndTheGuestRunsInIt() {
        try (TestGuest guest = new TestGuest(Program.COUNT)) {
            guest.vm.memory().add(0x100000, 128 << 20);
            guest.vcpu.preFaultMemory(0, TestGuest.MEMORY_SIZE);
            guest.vcpu.preFaultMemory(0x100000, 128 << 20);
            guest.vcpu.preFaultMemory(0x1000, 0x1000);
            assertEquals(0, assertInstanceOf(Exit.Mmio.class, guest.vcpu.run()).value());
        }
    }

    @Test
    void whereThereIsNoSlotTheAddressIsNamed() {
        try (TestGuest guest = new TestGuest(Program.COUNT)) {
            KvmException e = assertThrows(KvmException.class,
                    () -> guest.vcpu.preFaultMemory(TestGuest.MEMORY_SIZE - 0x2000, 0x4000));
            assertEquals("ENOENT", e.errnoName());
            assertTrue(e.getMessage().contains("KVM_PRE_FAULT_MEMORY(0x10000)"), e.getMessage());
        }
    }
}
