package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.kvm4j.bindings.kvm_enable_cap;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.memory.GuestMemory;
import io.github.kvm4j.memory.MemoryFlag;
import io.github.kvm4j.testing.ProcessState;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.x86.PitFlag;

/** What a caller can get wrong is refused with a message that says what, on the KVM at hand; and it leaves nothing. */
@RequiresKvm
class BadInputTest {

    private static final int GROUP = kvm_h.KVM_DEV_VFIO_FILE();
    private static final int ADD = kvm_h.KVM_DEV_VFIO_FILE_ADD();

    private static final Set<MemoryFlag> NO_FLAGS = EnumSet.noneOf(MemoryFlag.class);

    private Kvm kvm;
    private Vm vm;

    @BeforeEach
    void open() {
        kvm = Kvm.open();
        vm = kvm.createVm();
    }

    @AfterEach
    void close() {
        kvm.close();
        assertEquals(List.of(), ProcessState.kvmFds());
    }

    private static void assertSays(Throwable e, String... parts) {
        for (String part : parts) {
            assertTrue(e.getMessage().contains(part), () -> part + " in: " + e.getMessage());
        }
    }

    private IllegalArgumentException refused(long address, long size) {
        int mappings = ProcessState.mappings();
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> vm.memory().add(address, size));
        assertTrue(ProcessState.mappings() <= mappings + 2, "a mapping is left");
        return e;
    }

    @Test
    void unalignedMemoryIsRefused() {
        assertSays(refused(0x1001, 0x1000), "0x1001", "multiple of the page size");
        assertSays(refused(0x1000, 0x1001), "0x1001 bytes", "multiple of the page size");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -4096, Long.MIN_VALUE, Long.MAX_VALUE - 4095, 1L << 43})
    void memoryOfAnImpossibleSizeIsRefused(long size) {
        assertSays(refused(0, size), "the size must be");
    }

    @Test
    void memoryBeyondTheEndOfTheAddressSpaceIsRefused() {
        assertSays(refused(-4096, 8192), "beyond the 64-bit address space");
        // By the library where it knows the width of addresses, otherwise by the kernel.
        assertSays(assertThrows(RuntimeException.class, () -> vm.memory().add(1L << 60, 4096)),
                "guest-physical address space");
        assertEquals(List.of(), vm.memory().regions());
    }

    @ParameterizedTest
    @CsvSource({"0x10000, 0x1000", "0xf000, 0x2000", "0x11000, 0x2000", "0x8000, 0x20000", "0x0, 0x11000"})
    void overlappingMemoryIsRefused(String address, String size) {
        vm.memory().add(0x10000, 0x3000);
        assertSays(refused(Long.decode(address), Long.decode(size)), "overlaps slot 0 at 0x10000..0x12fff");
    }

    @Test
    void memoryThatTouchesIsNoOverlap() {
        vm.memory().add(0x10000, 0x3000);
        vm.memory().add(0xf000, 0x1000);
        vm.memory().add(0x13000, 0x1000);
        assertEquals(3, vm.memory().regions().size());
    }

    @Test
    void slotNumbersOutOfRangeAreRefused() {
        int slots = vm.checkExtension(Capability.NR_MEMSLOTS);
        assertTrue(slots >= 32);
        for (int slot : new int[]{-1, slots, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertSays(assertThrows(IllegalArgumentException.class, () -> vm.memory().add(slot, 0, 4096, NO_FLAGS)),
                    "memory slot " + slot, "0 to " + (slots - 1));
        }
        assertEquals(slots - 1, vm.memory().add(slots - 1, 0, 4096, NO_FLAGS).slot());
    }

    @Test
    void aSlotIsGivenOnce() {
        vm.memory().add(3, 0, 4096, NO_FLAGS);
        assertSays(
                assertThrows(IllegalArgumentException.class, () -> vm.memory().add(3, 0x10000, 4096, NO_FLAGS)),
                "slot 3 is taken", "0x0..0xfff");
        assertEquals(0, vm.memory().add(0x10000, 4096).slot(), "the lowest that is free");
    }

    @Test
    void guestAddressesOutsideOfMemoryAreRefused() {
        GuestMemory memory = vm.memory();
        memory.add(0x1000, 0x1000);
        for (long address : new long[]{0, 0xfff, 0x2000, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
            assertSays(assertThrows(IndexOutOfBoundsException.class, () -> memory.segment(address, 1)),
                    String.format("0x%x", address), "0x1000..0x1fff");
        }
        for (long length : new long[]{0x1001, Long.MAX_VALUE, -1, Long.MIN_VALUE}) {
            assertThrows(IndexOutOfBoundsException.class, () -> memory.segment(0x1000, length));
        }
        assertThrows(IndexOutOfBoundsException.class, () -> memory.write(0x1fff, new byte[2]));
        assertThrows(IndexOutOfBoundsException.class, () -> memory.read(0x1fff, 2));
        assertEquals(0x1000, memory.segment(0x1000, 0x1000).byteSize());
        assertThrows(IndexOutOfBoundsException.class,
                () -> memory.segment(0x1000, 0x1000).get(ValueLayout.JAVA_BYTE, 0x1000));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void vcpuIdsOutOfRangeAreRefused(int id) {
        assertSays(assertThrows(IllegalArgumentException.class, () -> vm.createVcpu(id)), "vCPU id " + id);
    }

    @Test
    void vcpuIdsGoUpToTheMaximum() {
        // Section 4.7: a KVM that does not announce it (riscv's) takes as many as it has vCPUs.
        int announced = vm.checkExtension(Capability.MAX_VCPU_ID);
        int limit = announced > 0 ? announced : vm.checkExtension(Capability.MAX_VCPUS);
        assertTrue(limit > 1, () -> "limit " + limit);
        assertThrows(IllegalArgumentException.class, () -> vm.createVcpu(limit));
        assertEquals(limit - 1, vm.createVcpu(limit - 1).id());
    }

    @Test
    void aVcpuIdIsGivenOnceAlsoAfterItsVcpuIsClosed() {
        Vcpu vcpu = vm.createVcpu(1);
        assertSays(assertThrows(IllegalArgumentException.class, () -> vm.createVcpu(1)), "vCPU 1");
        vcpu.close();
        assertSays(assertThrows(IllegalArgumentException.class, () -> vm.createVcpu(1)), "until the VM is closed");
        vm.createVcpu(0);
    }

    @Test
    void devicesThatThisKvmLacksAreRefused() {
        KvmException e = assertThrows(KvmException.class, () -> vm.createDevice(DeviceType.XICS));
        assertSays(e, "KVM_CREATE_DEVICE", "ENODEV", "no device of this type");
        assertSays(assertThrows(KvmException.class, () -> vm.createDevice(9999)), "ENODEV");
        assertSays(assertThrows(KvmException.class, () -> vm.createDevice(-1)), "ENODEV");
        assertFalse(vm.canCreateDevice(DeviceType.XICS));
        assertEquals(!Architecture.ON_RISCV, vm.canCreateDevice(DeviceType.VFIO), "riscv's kernel has no VFIO");
    }

    /** Debian's kernel for riscv has no VFIO. */
    @Test
    @RequiresKvm(arch = {Architecture.X86, Architecture.ARM64})
    void attributesThatADeviceLacksAreRefused() {
        Device device = vm.createDevice(DeviceType.VFIO);
        assertTrue(device.hasAttribute(GROUP, ADD));
        assertFalse(device.hasAttribute(GROUP, 999));
        assertFalse(device.hasAttribute(999, ADD));
        assertSays(assertThrows(KvmException.class, () -> device.setAttribute(999, ADD, new byte[4])),
                "KVM_SET_DEVICE_ATTR", "ENXIO", "no such attribute");
        assertSays(assertThrows(KvmException.class, () -> device.getAttribute(GROUP, ADD, 4)), "KVM_GET_DEVICE_ATTR");
        assertThrows(IllegalArgumentException.class, () -> device.getAttribute(GROUP, ADD, -1));
        assertSays(assertThrows(KvmException.class, () -> device.setAttribute(GROUP, ADD, new byte[]{-1, -1, -1, -1})),
                "KVM_SET_DEVICE_ATTR", "EBADF");
    }

    /** Debian's kernel for riscv has no VFIO. */
    @Test
    @RequiresKvm(arch = {Architecture.X86, Architecture.ARM64})
    void aSecondVfioDeviceIsRefused() {
        vm.createDevice(DeviceType.VFIO);
        assertSays(assertThrows(KvmException.class, () -> vm.createDevice(DeviceType.VFIO)), "KVM_CREATE_DEVICE",
                "EBUSY", "takes no second one");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/null", "/dev/zero", "/proc/self/mem"})
    void aFileThatIsNotKvmIsRefused(String path) {
        KvmException e = assertThrows(KvmException.class, () -> Kvm.open(Path.of(path)));
        assertSays(e, "KVM_GET_API_VERSION", "ENOTTY", "not KVM's");
    }

    @Test
    void aFileThatDoesNotExistIsRefused() {
        assertSays(assertThrows(KvmException.class, () -> Kvm.open(Path.of("/no/kvm"))), "open(/no/kvm)", "ENOENT",
                "modprobe");
    }

    /** riscv's takes any. */
    @Test
    @RequiresKvm(arch = {Architecture.X86, Architecture.ARM64})
    void aVmTypeThatThisKvmDoesNotKnowIsRefused() {
        assertSays(assertThrows(KvmException.class, () -> kvm.createVm(0x7fff)), "KVM_CREATE_VM", "EINVAL",
                "VM type");
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void whatMustComeBeforeTheFirstVcpuIsRefusedAfterIt() {
        vm.createVcpu(0);
        assertSays(assertThrows(IllegalStateException.class, () -> vm.x86().setIdentityMapAddress(0xfffbc000L)),
                "KVM_SET_IDENTITY_MAP_ADDR must come before the first vCPU");
        assertSays(assertThrows(IllegalStateException.class, () -> vm.x86().createIrqchip()),
                "KVM_CREATE_IRQCHIP must come before the first vCPU");
        assertSays(assertThrows(IllegalStateException.class, () -> vm.x86().setBootCpuId(1)),
                "KVM_SET_BOOT_CPU_ID must come before the first vCPU");
    }

    /** What the library's own table would refuse goes by the raw ioctl. */
    @Test
    @RequiresKvm(arch = Architecture.X86)
    void whatCannotBeEnabledIsRefusedByTheKernel() {
        Vcpu vcpu = vm.createVcpu(0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = kvm_enable_cap.allocate(arena);
            assertSays(assertThrows(KvmException.class, () -> vm.unsafe().ioctl("KVM_ENABLE_CAP", request)), "EINVAL");
            assertSays(assertThrows(KvmException.class, () -> vcpu.unsafe().ioctl("KVM_ENABLE_CAP", request)),
                    "EINVAL");
            kvm_enable_cap.cap(request, Capability.X2APIC_API.number());
            kvm_enable_cap.flags(request, 1);
            assertSays(assertThrows(KvmException.class, () -> vm.unsafe().ioctl("KVM_ENABLE_CAP", request)), "EINVAL");
        }
        assertSays(assertThrows(KvmException.class, () -> vm.enable(Capability.X2APIC_API, -1)),
                "KVM_ENABLE_CAP(KVM_CAP_X2APIC_API)", "EINVAL");
    }

    @Test
    @RequiresKvm(arch = Architecture.X86)
    void aSecondIrqchipAndASecondPitAreRefused() {
        vm.x86().createIrqchip();
        assertSays(assertThrows(KvmException.class, () -> vm.x86().createIrqchip()), "KVM_CREATE_IRQCHIP", "EEXIST");
        vm.x86().createPit2(EnumSet.allOf(PitFlag.class));
        assertSays(assertThrows(KvmException.class, () -> vm.x86().createPit2(Set.of())), "KVM_CREATE_PIT2", "EEXIST");
    }

    @Test
    @RequiresKvm(arch = Architecture.X86, kernel = "6.17")
    void aPitWithoutAnIrqchipIsRefused() {
        assertSays(assertThrows(KvmException.class, () -> vm.x86().createPit2(Set.of())), "KVM_CREATE_PIT2", "ENOENT",
                "create that first");
    }

    @ParameterizedTest
    @ValueSource(longs = {-4096, 1, 0xfffff000L, 0xffffe000L, 1L << 32, Long.MAX_VALUE})
    @RequiresKvm(arch = Architecture.X86)
    void badTssAddressesAreRefused(long address) {
        assertThrows(IllegalArgumentException.class, () -> vm.x86().setTssAddress(address));
    }

    @ParameterizedTest
    @ValueSource(longs = {-4096, 1, 1L << 32, Long.MAX_VALUE})
    @RequiresKvm(arch = Architecture.X86)
    void badIdentityMapAddressesAreRefused(long address) {
        assertThrows(IllegalArgumentException.class, () -> vm.x86().setIdentityMapAddress(address));
    }
}
