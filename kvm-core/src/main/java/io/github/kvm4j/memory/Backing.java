package io.github.kvm4j.memory;

import java.nio.file.Path;

/** What the host memory behind a region is. */
public sealed interface Backing {

    /** Memory of this process alone, zeroed. */
    record Anonymous() implements Backing {
    }

    /**
     * A file in memory that another process can map too (a vhost-user device, say), zeroed. It is sealed: nobody can make it
     * shorter or longer, or take that seal off (F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL). What leads to it is
     * {@link MemoryRegion#sharedFile()}.
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
