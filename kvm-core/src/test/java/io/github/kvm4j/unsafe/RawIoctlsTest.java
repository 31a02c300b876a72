package io.github.kvm4j.unsafe;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.Device;
import io.github.kvm4j.DeviceType;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.kvm_clock_data;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_mp_state;
import io.github.kvm4j.bindings.x86.kvm_cpuid2;
import io.github.kvm4j.bindings.x86.kvm_cpuid_entry2;
import io.github.kvm4j.bindings.x86.kvm_regs;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.testing.ProcessState;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.TestGuest;

/** Ioctls without a typed method, on the KVM at hand; and what is refused of them. */
@RequiresKvm
class RawIoctlsTest {

    private static void assertRefused(String part, Runnable call) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void anIoctlThatFillsAStructure() {
        try (RealModeGuest guest = new RealModeGuest("f4"); Arena arena = Arena.ofConfined()) {
            guest.vcpu.x86().getRegs();
            MemorySegment regs = kvm_regs.allocate(arena);
            assertEquals(0, guest.vcpu.unsafe().ioctl("KVM_GET_REGS", regs));
            assertEquals(RealModeGuest.ENTRY, kvm_regs.rip(regs));
            MemorySegment clock = kvm_clock_data.allocate(arena);
            guest.vm.unsafe().ioctl("KVM_GET_CLOCK", clock);
            assertTrue(kvm_clock_data.clock(clock) > 0);
            MemorySegment state = kvm_mp_state.allocate(arena);
            assertEquals(0, guest.vcpu.unsafe().ioctl("KVM_GET_MP_STATE", state));
        }
    }

    @Test
    void anIoctlThatTakesANumberOrNothing() {
        try (TestGuest guest = new TestGuest(TestGuest.Program.SPIN)) {
            assertEquals(12, guest.kvm.unsafe().ioctl("KVM_GET_API_VERSION"));
            assertEquals(1, guest.vm.unsafe().ioctl("KVM_CHECK_EXTENSION", kvm_h.KVM_CAP_USER_MEMORY()));
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void anIoctlWithAnArrayBehindItsHeader() {
        try (RealModeGuest guest = new RealModeGuest("f4"); Arena arena = Arena.ofConfined()) {
            int count = 128;
            MemorySegment table = arena.allocate(kvm_cpuid2.sizeof() + count * kvm_cpuid_entry2.sizeof(), 8);
            kvm_cpuid2.nent(table, count);
            guest.kvm.unsafe().ioctl("KVM_GET_SUPPORTED_CPUID", table);
            assertEquals(guest.kvm.x86().getSupportedCpuid().entries().size(), kvm_cpuid2.nent(table));
            kvm_cpuid2.nent(table, count + 1);
            assertRefused("at least " + (table.byteSize() + 40),
                    () -> guest.kvm.unsafe().ioctl("KVM_GET_SUPPORTED_CPUID", table));
            assertRefused("at least 9223372036854775807", () -> {
                MemorySegment list = arena.allocate(JAVA_LONG);
                list.set(JAVA_LONG, 0, -1);
                guest.vcpu.unsafe().ioctl("KVM_GET_REG_LIST", list);
            });
            assertRefused("at least 34359738376", () -> {
                MemorySegment list = arena.allocate(JAVA_LONG);
                list.set(JAVA_LONG, 0, 1L << 32);
                guest.vcpu.unsafe().ioctl("KVM_GET_REG_LIST", list);
            });
            kvm_cpuid2.nent(table, -1);
            assertRefused("at least", () -> guest.kvm.unsafe().ioctl("KVM_GET_SUPPORTED_CPUID", table));
            assertRefused("kvm_cpuid2", () -> guest.kvm.unsafe().ioctl("KVM_GET_SUPPORTED_CPUID", arena.allocate(2)));
        }
    }

    @Test
    void aRefusalOfTheKernelIsNamed() {
        try (TestGuest guest = new TestGuest(TestGuest.Program.SPIN); Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocateFrom(JAVA_INT, 77);
            KvmException e = assertThrows(KvmException.class,
                    () -> guest.vcpu.unsafe().ioctl("KVM_SET_MP_STATE", state));
            assertEquals("KVM_SET_MP_STATE", e.call());
            assertEquals("EINVAL", e.errnoName());
        }
    }

    @Test
    void whatTheLibraryMustOwnIsRefused() {
        try (TestGuest guest = new TestGuest(TestGuest.Program.SPIN); Arena arena = Arena.ofConfined()) {
            List<String> before = ProcessState.kvmFds();
            assertRefused("KVM_RUN is refused", () -> guest.vcpu.unsafe().ioctl("KVM_RUN"));
            assertRefused("refused", () -> guest.vcpu.unsafe().ioctl("KVM_SET_SIGNAL_MASK", arena.allocate(12)));
            assertRefused("refused", () -> guest.kvm.unsafe().ioctl("KVM_CREATE_VM", 0));
            assertRefused("refused", () -> guest.vm.unsafe().ioctl("KVM_CREATE_VCPU", 1));
            assertRefused("refused", () -> guest.vm.unsafe().ioctl("KVM_CREATE_DEVICE", arena.allocate(64)));
            assertRefused("refused", () -> guest.vm.unsafe().ioctl("KVM_GET_STATS_FD"));
            assertRefused("refused", () -> guest.vm.unsafe().ioctl("KVM_CREATE_GUEST_MEMFD", arena.allocate(64)));
            assertEquals(before, ProcessState.kvmFds());
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void whatCannotBeRightIsRefused() {
        try (RealModeGuest guest = new RealModeGuest("f4"); Arena arena = Arena.ofConfined()) {
            MemorySegment regs = kvm_regs.allocate(arena);
            assertRefused("the registry has no ioctl KVM_GET_LOST",
                    () -> guest.vm.unsafe().ioctl("KVM_GET_LOST", regs));
            assertRefused("KVM_GET_REGS is for [VCPU]", () -> guest.vm.unsafe().ioctl("KVM_GET_REGS", regs));
            assertRefused("at least 144 bytes",
                    () -> guest.vcpu.unsafe().ioctl("KVM_GET_REGS", regs.asSlice(0, 143)));
            assertRefused("native",
                    () -> guest.vcpu.unsafe().ioctl("KVM_GET_REGS", MemorySegment.ofArray(new long[18])));
            assertRefused("writable", () -> guest.vcpu.unsafe().ioctl("KVM_GET_REGS", regs.asReadOnly()));
            assertRefused("takes a pointer to kvm_regs", () -> guest.vcpu.unsafe().ioctl("KVM_GET_REGS"));
            assertRefused("takes a pointer to kvm_regs", () -> guest.vcpu.unsafe().ioctl("KVM_GET_REGS", 1));
            assertRefused("takes no argument", () -> guest.kvm.unsafe().ioctl("KVM_GET_API_VERSION", regs));
            assertRefused("not for this host", () -> guest.vcpu.unsafe().ioctl("KVM_S390_INTERRUPT", regs));
        }
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void closedIsClosed() {
        RealModeGuest guest = new RealModeGuest("f4");
        Device device = guest.vm.createDevice(DeviceType.VFIO);
        guest.close();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment regs = kvm_regs.allocate(arena);
            assertThrows(IllegalStateException.class, () -> guest.vcpu.unsafe().ioctl("KVM_GET_REGS", regs));
            assertThrows(IllegalStateException.class, () -> guest.kvm.unsafe().ioctl("KVM_GET_API_VERSION"));
            assertThrows(IllegalStateException.class,
                    () -> guest.vm.unsafe().ioctl("KVM_GET_CLOCK", arena.allocate(48)));
            assertThrows(IllegalStateException.class,
                    () -> device.unsafe().ioctl("KVM_HAS_DEVICE_ATTR", arena.allocate(24)));
        }
    }
}
