package io.github.kvm4j.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_create_guest_memfd;
import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Cleanup;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Mapping;
import io.github.kvm4j.internal.sys.SharedMapping;
import io.github.kvm4j.internal.vm.VmState;

/**
 * Memory in a file of the VM's own: what a guest has as private memory, which this process cannot see; or, with
 * {@link GuestMemfdFlag#MMAP}, memory that this process sees as long as it is shared. {@link Backing#guestMemfd} makes it a
 * region's. Its size stays.
 * <p>
 * The VM owns it, and closes it after its vCPUs. Any thread may use it.
 */
public final class GuestMemfd implements AutoCloseable {

    private final VmState vm;
    private final GuestMemory memory;
    private final Fd fd;
    private final long size;
    private final Set<GuestMemfdFlag> flags;

    /** All of it, when it can be mapped: one mapping for all regions. */
    private final @Nullable SharedMapping mapping;
    private final MemorySegment segment;

    /** Whether it may have no region any more; set under the VM's lock. */
    private volatile boolean givenUp;

    private GuestMemfd(VmState vm, GuestMemory memory, Fd fd, long size, Set<GuestMemfdFlag> flags,
            @Nullable SharedMapping mapping) {
        this.vm = vm;
        this.memory = memory;
        this.fd = fd;
        this.size = size;
        this.flags = flags.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(flags));
        this.mapping = mapping;
        this.segment = mapping == null ? MemorySegment.NULL : mapping.segment();
    }

    /** Under the VM's lock. */
    static GuestMemfd create(VmState vm, GuestMemory memory, long size, Set<GuestMemfdFlag> flags) {
        vm.checkPages("a guest_memfd", 0, size);
        vm.require(Ioctl.KVM_CREATE_GUEST_MEMFD);
        long bits = flags.stream().mapToLong(GuestMemfdFlag::bit).reduce(0, (a, b) -> a | b);
        if (bits != 0 && (bits & ~vm.checkExtension(Capability.GUEST_MEMFD_FLAGS.number())) != 0) {
            throw new UnsupportedCapabilityException(Ioctl.KVM_CREATE_GUEST_MEMFD + " with " + flags,
                    Capability.GUEST_MEMFD_FLAGS);
        }
        Fd fd = vm.fd().own(issue(vm, size, bits), "guest_memfd");
        SharedMapping mapping = null;
        try {
            if (flags.contains(GuestMemfdFlag.MMAP)) {
                mapping = SharedMapping.of(Mapping.shared(vm.fd().host().libc(), "guest_memfd", fd.number(), size), 0,
                        size);
            }
            return new GuestMemfd(vm, memory, fd, size, flags, mapping);
        } catch (Throwable t) {
            if (mapping != null) {
                Cleanup.after(t, mapping::close);
            }
            Cleanup.after(t, fd::close);
            throw t;
        }
    }

    private static long issue(VmState vm, long size, long flags) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment request = kvm_create_guest_memfd.allocate(call);
            kvm_create_guest_memfd.size(request, size);
            kvm_create_guest_memfd.flags(request, flags);
            return vm.fd().call(Ioctl.KVM_CREATE_GUEST_MEMFD, request);
        }
    }

    /**
     * Returns its size.
     *
     * @return bytes, a multiple of the page size
     */
    public long size() {
        return size;
    }

    /**
     * Returns what it was made with.
     *
     * @return the flags, unmodifiable
     */
    public Set<GuestMemfdFlag> flags() {
        return flags;
    }

    /**
     * Returns the memory itself, if it can be mapped. To touch what is private, without {@link GuestMemfdFlag#INIT_SHARED}
     * all of it, gives an {@link InternalError}: use {@link GuestMemory}, which says what is missing. Not for atomic access.
     *
     * @return all of it, until this is closed; empty without {@link GuestMemfdFlag#MMAP}
     */
    public Optional<MemorySegment> segment() {
        return mapping == null ? Optional.empty() : Optional.of(segment);
    }

    MemorySegment slice(long offset, long length) {
        return segment.asSlice(offset, length);
    }

    /** Refuses to be another VM's, or what is not there; under the VM's lock. */
    void checkRange(GuestMemory its, long offset, long length) {
        if (!its.equals(memory)) {
            throw new IllegalArgumentException("the " + this + " is another VM's");
        }
        if (givenUp || fd.isClosed()) {
            throw new ClosedException("guest_memfd");
        }
        checkRange(offset, length);
    }

    private void checkRange(long offset, long length) {
        int page = vm.fd().host().pageSize();
        if (offset < 0 || length <= 0 || offset > size - length || offset % page != 0 || length % page != 0) {
            throw new IllegalArgumentException(String.format(
                    "0x%x bytes at 0x%x of the %s: both must be multiples of the page size, %d bytes, and within it",
                    length, offset, this, page));
        }
    }

    /** It is to be closed, and no region can have it from now on; under the VM's lock. */
    void giveUp() {
        givenUp = true;
    }

    /** Good under the VM's lock, behind {@link #checkRange(GuestMemory, long, long)}: until it is given up it is open. */
    int number() {
        return fd.number();
    }

    /**
     * Gives memory back to the host: the guest, and this process, find zeros there. {@code fallocate(2)} with
     * FALLOC_FL_PUNCH_HOLE.
     *
     * @param offset
     *            where in the file, in bytes, a multiple of the page size
     * @param length
     *            bytes, a multiple of the page size
     * @throws IllegalArgumentException
     *             when either is no multiple of the page size, or the range is empty or goes beyond the end
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when closed
     */
    public void punchHole(long offset, long length) {
        fallocate("FALLOC_FL_PUNCH_HOLE", libc_h.FALLOC_FL_PUNCH_HOLE() | libc_h.FALLOC_FL_KEEP_SIZE(), offset, length);
    }

    /**
     * Takes memory from the host before it is used. {@code fallocate(2)} with FALLOC_FL_KEEP_SIZE.
     *
     * @param offset
     *            where in the file, in bytes, a multiple of the page size
     * @param length
     *            bytes, a multiple of the page size
     * @throws IllegalArgumentException
     *             when either is no multiple of the page size, or the range is empty or goes beyond the end
     * @throws KvmException
     *             when the kernel refuses: ENOMEM
     * @throws ClosedException
     *             when closed
     */
    public void allocate(long offset, long length) {
        fallocate("FALLOC_FL_KEEP_SIZE", libc_h.FALLOC_FL_KEEP_SIZE(), offset, length);
    }

    private void fallocate(String name, int mode, long offset, long length) {
        int number = fd.acquire();
        try {
            checkRange(offset, length);
            long result = -Errno.EINTR.number();
            while (Errno.EINTR.is(result)) {
                result = vm.fd().host().libc().fallocate(number, mode, offset, length);
            }
            if (result < 0) {
                throw new KvmException("fallocate(guest_memfd, " + name + ")", (int) -result, "");
            }
        } finally {
            fd.release();
        }
    }

    /**
     * Tells whether it is closed.
     *
     * @return true once closed
     */
    public boolean isClosed() {
        return fd.isClosed();
    }

    /**
     * Closes it: its memory goes back to the host. It waits for a copy or system call of another thread that uses the
     * mapping. A second call does nothing.
     *
     * @throws IllegalStateException
     *             when a region has it; {@link GuestMemory#remove} that first, or close the VM
     * @throws KvmException
     *             when a step failed; the others have been done all the same
     */
    @Override
    public void close() {
        memory.forget(this);
        release();
    }

    /** Unmaps and closes. The VM does so when its vCPUs are gone. */
    synchronized void release() {
        Cleanup cleanup = new Cleanup();
        if (mapping != null) {
            cleanup.step(mapping::close);
        }
        cleanup.step(fd::close);
        cleanup.finish();
    }

    @Override
    public String toString() {
        return String.format("guest_memfd of 0x%x bytes%s", size, flags.isEmpty() ? "" : " " + flags);
    }
}
