package io.github.kvm4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.kvm4j.bindings.kvm_create_guest_memfd;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_userspace_memory_region2;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Libc;
import io.github.kvm4j.memory.Backing;
import io.github.kvm4j.memory.RegionOptions;
import io.github.kvm4j.testing.ProcessState;
import io.github.kvm4j.testing.RealModeGuest;
import io.github.kvm4j.testing.RequiresKvm;
import io.github.kvm4j.testing.TestGuest;
import io.github.kvm4j.testing.TestGuest.Program;

/** A guest that touches memory which the host cannot provide. */
@RequiresKvm
class MemoryFaultTest {

    private static final long ADDRESS = 0x100000;
    private static final long PAGE = 4096;
    private static final int OTHER_SLOT = 17;

    @TempDir
    private Path folder;

    private TestGuest guest;

    @BeforeEach
    void letTheGuestAskWhereToWrite() {
        guest = new TestGuest(Program.WRITE_PAGES);
        if (Architecture.ON_X86) {
            RealModeGuest.flat(guest.vcpu);
        }
        assertInstanceOf(Exit.Mmio.class, guest.vcpu.run()).answer(ADDRESS);
        assertInstanceOf(Exit.Mmio.class, guest.vcpu.run()).answer(1);
    }

    @AfterEach
    void close() {
        guest.close();
    }

    private void assertTheGuestGoesOn() {
        assertTrue(assertInstanceOf(Exit.Mmio.class, guest.vcpu.run()).isWrite());
    }

    /** The kernel says no more than EFAULT; once the file has its size again the guest goes on where it was. */
    @Test
    void aFileThatIsTruncatedIsAnEfaultAndCanBeMended() throws IOException {
        Path file = Files.write(folder.resolve("memory"), new byte[(int) PAGE]);
        guest.vm.memory().add(ADDRESS, PAGE, RegionOptions.of(Backing.sharedFile(file, 0)));
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.setLength(0);
            for (int i = 0; i < 2; i++) {
                KvmException e = assertThrows(KvmException.class, guest.vcpu::run);
                assertEquals("EFAULT", e.errnoName());
                assertTrue(e.getMessage().contains("the guest accessed memory whose mapping is gone"), e.getMessage());
            }
            open.setLength(PAGE);
            assertTheGuestGoesOn();
            open.setLength(0);
        }
    }

    /** By the kernel's own calls: the library closes no guest_memfd that a region has. */
    @Test
    @RequiresKvm(capability = {Capability.GUEST_MEMFD, Capability.GUEST_MEMFD_FLAGS, Capability.USER_MEMORY2})
    void aGuestMemfdThatIsGoneIsAMemoryFault() {
        bindToWhatIsGone(OTHER_SLOT);
        for (int i = 0; i < 2; i++) {
            Exit.MemoryFault fault = assertInstanceOf(Exit.MemoryFault.class, guest.vcpu.run());
            assertEquals(ADDRESS, fault.address());
            assertEquals(PAGE, fault.size());
            assertEquals("EFAULT", Errno.name(fault.errno()));
            assertFalse(fault.isPrivate());
            assertEquals(0, fault.flags());
        }
        setRegion(OTHER_SLOT, 0, 0, 0);
        guest.vm.memory().add(ADDRESS, PAGE);
        assertTheGuestGoesOn();
        assertEquals(1, guest.vm.memory().getInt(ADDRESS));
    }

    private void bindToWhatIsGone(int slot) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = kvm_create_guest_memfd.allocate(arena);
            kvm_create_guest_memfd.size(request, PAGE);
            // With it the region's memory is the file's alone.
            kvm_create_guest_memfd.flags(request, kvm_h.GUEST_MEMFD_FLAG_MMAP());
            int memfd = issue(Ioctl.KVM_CREATE_GUEST_MEMFD, request);
            try {
                setRegion(slot, kvm_h.KVM_MEM_GUEST_MEMFD(), PAGE, memfd);
            } finally {
                assertEquals(0, Host.linux().libc().close(memfd));
            }
        }
    }

    private void setRegion(int slot, long flags, long size, int memfd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment region = kvm_userspace_memory_region2.allocate(arena);
            kvm_userspace_memory_region2.slot(region, slot);
            kvm_userspace_memory_region2.flags(region, (int) flags);
            kvm_userspace_memory_region2.guest_phys_addr(region, ADDRESS);
            kvm_userspace_memory_region2.memory_size(region, size);
            kvm_userspace_memory_region2.guest_memfd(region, memfd);
            issue(Ioctl.KVM_SET_USER_MEMORY_REGION2, region);
        }
    }

    private static int issue(Ioctl ioctl, MemorySegment request) {
        String vm = ProcessState.kvmFds().stream().filter(fd -> fd.endsWith("kvm-vm")).findFirst().orElseThrow();
        long result = Host.linux().libc().ioctl(Arena.ofAuto().allocate(Libc.ERRNO),
                Integer.parseInt(vm.substring(0, vm.indexOf(' '))), ioctl.number(), request);
        assertTrue(result >= 0, () -> ioctl + ": " + Errno.name((int) -result));
        return (int) result;
    }
}
