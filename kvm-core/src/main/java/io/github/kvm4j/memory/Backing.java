package io.github.kvm4j.memory;

import java.nio.file.Path;
import java.util.Optional;

/** What the host memory behind a region is. */
public sealed interface Backing {

    /** Memory of this process alone, zeroed. */
    record Anonymous() implements Backing {
    }

    /**
     * A file in memory that another process can map too (a vhost-user device, say), zeroed. It is sealed: nobody can make it
     * shorter or longer, or take that seal off (F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL). What leads to it is
     * {@link MemoryRegion#sharedFile()}.
     * <p>
     * A host that promises no more memory than it has ({@code vm.overcommit_memory} is 2) promises a page of it when that is
     * first touched, and can refuse then. There, it is memory that can be missing, which gives
     * {@link MissingMemoryException}, and that {@link GuestAtomics} do not take, unless {@link HostOption#PREFAULT} has touched
     * it all.
     *
     * @param name
     *            for {@code /proc/PID/maps} and the like; at most 249 bytes
     */
    record Memfd(String name) implements Backing {

        /** The kernel's limit, NAME_MAX less its own prefix. */
        private static final int MAX_NAME = 249;

        /** Checks. */
        public Memfd {
            if (name.indexOf('\0') >= 0 || name.getBytes(java.nio.charset.StandardCharsets.UTF_8).length > MAX_NAME) {
                throw new IllegalArgumentException(
                        "the name of a memfd has at most " + MAX_NAME + " bytes, and none is 0: " + name);
            }
        }
    }

    /**
     * Part of a file.
     *
     * @param path
     *            the file; of the default file system
     * @param offset
     *            where in the file the region begins, a multiple of the page size
     * @param shared
     *            whether what the guest writes goes into the file, and what others write there is seen; otherwise it stays
     *            in this process (MAP_PRIVATE), and the file need only be readable
     */
    record File(Path path, long offset, boolean shared) implements Backing {

        /** Checks. */
        public File {
            if (offset < 0) {
                throw new IllegalArgumentException("a negative offset in " + path + ": " + offset);
            }
        }
    }

    /**
     * Part of a guest_memfd, which no other region has.
     *
     * @param memfd
     *            the file, of the same VM
     * @param offset
     *            where in it the region begins, a multiple of the page size
     * @param shared
     *            the memory that this process sees, and the guest where its memory is not private; empty when that is the
     *            guest_memfd itself
     */
    record OfGuestMemfd(GuestMemfd memfd, long offset, Optional<Backing> shared) implements Backing {

        /** Checks. */
        public OfGuestMemfd {
            if (shared.isEmpty() && !memfd.flags().contains(GuestMemfdFlag.MMAP)) {
                throw new IllegalArgumentException(
                        "the " + memfd + " lacks MMAP: the region needs other memory for what is shared");
            }
            if (shared.isPresent() && shared.get() instanceof OfGuestMemfd) {
                throw new IllegalArgumentException("a region has one guest_memfd, not two");
            }
        }
    }

    /**
     * Memory of this process alone, zeroed.
     *
     * @return anonymous memory
     */
    static Backing anonymous() {
        return new Anonymous();
    }

    /**
     * A file in memory that another process can map too, and nobody can truncate.
     *
     * @param name
     *            for {@code /proc/PID/maps} and the like; at most 249 bytes
     * @return a memfd
     */
    static Backing memfd(String name) {
        return new Memfd(name);
    }

    /**
     * A guest_memfd that this process can map. What the guest has made private, or the VM by
     * {@link io.github.kvm4j.Vm#setMemoryAttributes}, cannot be accessed, which {@link MissingMemoryException} tells. KVM
     * neither moves such a region nor changes its flags, of which it can have none. KVM_SET_USER_MEMORY_REGION2, section
     * 4.140, {@link io.github.kvm4j.Capability#USER_MEMORY2}.
     *
     * @param memfd
     *            the file, with {@link GuestMemfdFlag#MMAP}
     * @param offset
     *            where in it the region begins, a multiple of the page size
     * @return the file
     */
    static Backing guestMemfd(GuestMemfd memfd, long offset) {
        return new OfGuestMemfd(memfd, offset, Optional.empty());
    }

    /**
     * A guest_memfd for what is private, and other memory for what is shared, as which everything begins:
     * {@link io.github.kvm4j.Vm#setMemoryAttributes} says which is which. The options that the region has for the host are
     * the other memory's. KVM_SET_USER_MEMORY_REGION2, section 4.140, {@link io.github.kvm4j.Capability#USER_MEMORY2}.
     *
     * @param memfd
     *            the file
     * @param offset
     *            where in it the region begins, a multiple of the page size
     * @param shared
     *            the other memory
     * @return both
     */
    static Backing guestMemfd(GuestMemfd memfd, long offset, Backing shared) {
        return new OfGuestMemfd(memfd, offset, Optional.of(shared));
    }

    /**
     * A file that the guest writes to. Whoever can write to the file can truncate it: what lies beyond its end is then gone,
     * which an access tells by {@link MissingMemoryException}, and KVM_RUN by EFAULT.
     *
     * @param path
     *            the file, readable and writable
     * @param offset
     *            where in the file the region begins, a multiple of the page size
     * @return the file, mapped shared
     */
    static Backing sharedFile(Path path, long offset) {
        return new File(path, offset, true);
    }

    /**
     * A file that the guest sees, but does not change. Whoever can write to the file can truncate it: what lies beyond its end
     * is then gone, which an access tells by {@link MissingMemoryException}, and KVM_RUN by EFAULT.
     *
     * @param path
     *            the file, readable
     * @param offset
     *            where in the file the region begins, a multiple of the page size
     * @return the file, mapped privately
     */
    static Backing privateFile(Path path, long offset) {
        return new File(path, offset, false);
    }
}
