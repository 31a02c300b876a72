package io.github.kvm4j.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;

import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_userspace_memory_region;
import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.bindings.x86.kvm_regs;
import io.github.kvm4j.bindings.x86.kvm_segment;
import io.github.kvm4j.bindings.x86.kvm_sregs;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** The same guest as {@link Kvm4jGuest}, made with {@link Ffm} alone. */
@State(Scope.Thread)
public abstract class FfmGuest {

    private static final long CREATE_VM = number(kvm_h.KVM_CREATE_VM());
    private static final long CREATE_VCPU = number(kvm_h.KVM_CREATE_VCPU());
    private static final long GET_VCPU_MMAP_SIZE = number(kvm_h.KVM_GET_VCPU_MMAP_SIZE());
    private static final long SET_USER_MEMORY_REGION = number(kvm_h.KVM_SET_USER_MEMORY_REGION());
    private static final long GET_SREGS = number(kvm_x86_h.KVM_GET_SREGS());
    private static final long SET_SREGS = number(kvm_x86_h.KVM_SET_SREGS());
    private static final long GET_REGS = number(kvm_x86_h.KVM_GET_REGS());
    private static final long SET_REGS = number(kvm_x86_h.KVM_SET_REGS());

    private final byte[] code;

    private Arena arena;
    private int vm;
    private MemorySegment memory;

    MemorySegment errno;
    int system;
    int vcpu;

    /** {@code struct kvm_run}. */
    MemorySegment run;

    /** {@code struct kvm_regs}, in the global scope as kvm4j's is. */
    MemorySegment regs;

    FfmGuest(byte[] code) {
        this.code = code;
    }

    /** Opens everything, twice as {@link Kvm4jGuest#setUp()} does. */
    @Setup
    public final void setUp() {
        open();
        close();
        open();
    }

    private void open() {
        arena = Arena.ofConfined();
        errno = Arena.global().allocate(Linker.Option.captureStateLayout());
        regs = kvm_regs.allocate(Arena.global());
        int readWrite = libc_h.PROT_READ() | libc_h.PROT_WRITE();

        system = Ffm.open(errno, arena.allocateFrom("/dev/kvm"), libc_h.O_RDWR() | libc_h.O_CLOEXEC());
        vm = ioctl(system, CREATE_VM, 0);
        memory = Ffm.mmap(errno, GuestCode.MEMORY_SIZE, readWrite,
                libc_h.MAP_PRIVATE() | libc_h.MAP_ANONYMOUS() | libc_h.MAP_NORESERVE(), -1);
        memory.asSlice(0, code.length).copyFrom(MemorySegment.ofArray(code));
        MemorySegment region = kvm_userspace_memory_region.allocate(arena);
        kvm_userspace_memory_region.guest_phys_addr(region, GuestCode.ENTRY);
        kvm_userspace_memory_region.memory_size(region, GuestCode.MEMORY_SIZE);
        kvm_userspace_memory_region.userspace_addr(region, memory.address());
        ioctl(vm, SET_USER_MEMORY_REGION, region);

        vcpu = ioctl(vm, CREATE_VCPU, 0);
        run = Ffm.mmap(errno, ioctl(system, GET_VCPU_MMAP_SIZE, 0), readWrite, libc_h.MAP_SHARED(), vcpu);
        MemorySegment sregs = kvm_sregs.allocate(arena);
        ioctl(vcpu, GET_SREGS, sregs);
        kvm_segment.base(kvm_sregs.cs(sregs), 0);
        kvm_segment.selector(kvm_sregs.cs(sregs), (short) 0);
        ioctl(vcpu, SET_SREGS, sregs);
        kvm_regs.rip(regs, GuestCode.ENTRY);
        kvm_regs.rax(regs, GuestCode.BYTE);
        kvm_regs.rdx(regs, GuestCode.PORT);
        kvm_regs.rflags(regs, 2);
        ioctl(vcpu, SET_REGS, regs);
    }

    /**
     * Uses the one vCPU that kvm4j has open in this process, in place of {@link #setUp()}: the same guest then runs both
     * ways by turns. It finds the descriptors where the kernel lists them.
     */
    final void borrow() {
        errno = Arena.global().allocate(Linker.Option.captureStateLayout());
        regs = kvm_regs.allocate(Arena.global());
        system = Descriptors.find("/dev/kvm");
        vcpu = Descriptors.find("anon_inode:kvm-vcpu:0");
        run = Ffm.mmap(errno, ioctl(system, GET_VCPU_MMAP_SIZE, 0), libc_h.PROT_READ() | libc_h.PROT_WRITE(),
                libc_h.MAP_SHARED(), vcpu);
        ioctl(vcpu, GET_REGS, regs);
    }

    /** Ends what {@link #borrow()} began, before kvm4j closes. */
    final void giveBack() {
        Ffm.munmap(errno, run);
    }

    /** Closes everything. */
    @TearDown
    public final void close() {
        Ffm.munmap(errno, run);
        Ffm.close(errno, vcpu);
        Ffm.close(errno, vm);
        Ffm.munmap(errno, memory);
        Ffm.close(errno, system);
        arena.close();
    }

    /** The guest's memory from an address on. */
    final MemorySegment memory(long address) {
        return memory.asSlice(address - GuestCode.ENTRY);
    }

    private int ioctl(int fd, long request, long value) {
        return Ffm.check("ioctl", errno, Ffm.ioctl(errno, fd, request, value));
    }

    private void ioctl(int fd, long request, MemorySegment argument) {
        Ffm.check("ioctl", errno, Ffm.ioctl(errno, fd, request, argument));
    }

    /** jextract makes an int of the numbers that fit one, a long of the others. */
    static long number(long constant) {
        return constant & 0xffff_ffffL;
    }
}
