package io.github.kvm4j.internal.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.libc.libc_h;

/**
 * Memory from mmap(2) that is unmapped exactly once. Its segment has the global scope, so that nothing checks that it is
 * still mapped: the owner sees to it that nobody uses the segment after {@link #close()}, or gives it an arena.
 */
public final class Mapping implements AutoCloseable {

    private final Libc libc;
    private final String what;
    private final MemorySegment segment;
    private final AtomicBoolean closed = new AtomicBoolean();

    @SuppressWarnings("restricted")
    private Mapping(Libc libc, String what, long address, long length) {
        this.libc = libc;
        this.what = what;
        // Safe: the kernel has just mapped these bytes for us, and they stay until close().
        this.segment = MemorySegment.ofAddress(address).reinterpret(length);
    }

    /** Maps what a descriptor offers, shared with the kernel, readable and writable. */
    public static Mapping shared(Libc libc, String what, int fd, long length) {
        return shared(libc, what, fd, length, 0);
    }

    /** Maps what a descriptor offers from an offset on, shared with the kernel, readable and writable. */
    public static Mapping shared(Libc libc, String what, int fd, long length, long offset) {
        return map(libc, what, length, libc_h.MAP_SHARED(), fd, offset);
    }

    /** Maps fresh private memory, zeroed and not reserved: a page costs memory only when it is touched. */
    public static Mapping anonymous(Libc libc, String what, long length) {
        return map(libc, what, length, libc_h.MAP_PRIVATE() | libc_h.MAP_ANONYMOUS() | libc_h.MAP_NORESERVE(), -1, 0);
    }

    /** Maps what mmap(2) gives for these flags, readable and writable; a descriptor of −1 is none. */
    public static Mapping map(Libc libc, String what, long length, int flags, int fd, long offset) {
        long address = libc.mmap(length, libc_h.PROT_READ() | libc_h.PROT_WRITE(), flags, fd, offset);
        if (address < 0) {
            throw new KvmException("mmap(" + what + ", " + length + " bytes)", (int) -address,
                    explanation(address, flags));
        }
        return new Mapping(libc, what, address, length);
    }

    private static String explanation(long result, int flags) {
        boolean hugetlb = (flags & libc_h.MAP_HUGETLB()) != 0;
        if (Errno.ENOMEM.is(result)) {
            return hugetlb
                    ? "not enough huge pages of this size are free; reserve more in /sys/kernel/mm/hugepages"
                    : "not enough memory or address space, or vm.max_map_count is reached";
        }
        return hugetlb && Errno.EINVAL.is(result)
                ? "this kernel has no huge pages of this size; /sys/kernel/mm/hugepages lists those it has"
                : "";
    }

    /** The memory, in the global scope. */
    public MemorySegment segment() {
        return segment;
    }

    /** Some of the memory, good for as long as an arena is open, which the owner closes before this. */
    @SuppressWarnings("restricted")
    public MemorySegment segment(Arena arena, long offset, long length) {
        MemorySegment part = segment.asSlice(offset, length);
        // Safe: the arena is closed before the memory is unmapped.
        return MemorySegment.ofAddress(part.address()).reinterpret(length, arena, null);
    }

    /** A part of a mapping, in an arena as above, behind as many bytes that are not its own. */
    @SuppressWarnings("restricted")
    static MemorySegment segmentBehind(long bytes, MemorySegment part, Arena arena) {
        // As safe as its user, who keeps from what is before the part.
        return MemorySegment.ofAddress(part.address() - bytes).reinterpret(bytes + part.byteSize(), arena, null);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            long result = libc.munmap(segment.address(), segment.byteSize());
            if (result < 0) {
                throw new KvmException("munmap(" + what + ")", (int) -result, "");
            }
        }
    }
}
