package io.github.kvm4j.memory;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.KvmException;
import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.internal.sys.Cleanup;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.Libc;
import io.github.kvm4j.internal.sys.Mapping;

/** Gets the host memory for a region. */
final class HostMapper {

    private static final String WHAT = "guest memory";

    /** What an address must agree in, for KVM to make a huge page of the host's one of the guest's. */
    private static final long HUGE_PAGE = 2 << 20;

    private static final String TRUNCATED = "a file, which others can truncate";
    private static final String NO_HUGE_PAGE = "the pool of huge pages, of which none was reserved";
    private static final String NOT_PROMISED = "a memfd, of whose pages this host promises none before it is first touched "
            + "(vm.overcommit_memory is 2); HostOption.PREFAULT touches them all";

    private final Host host;
    private final Libc libc;
    private final Path overcommit;

    HostMapper(Host host) {
        this(host, Path.of("/proc/sys/vm/overcommit_memory"));
    }

    /** With the file that tells how the host promises memory. */
    HostMapper(Host host, Path overcommit) {
        this.host = host;
        this.libc = host.libc();
        this.overcommit = overcommit;
    }

    /** Refuses what the options do not allow. */
    void check(long size, RegionOptions options) {
        long hugePage = options.hugePageSize();
        if (hugePage != 0 && size % hugePage != 0) {
            throw new IllegalArgumentException(String.format(
                    "a memory region of 0x%x bytes is not a multiple of its huge pages of 0x%x", size, hugePage));
        }
        if (options.backing() instanceof Backing.File file && file.offset() % host.pageSize() != 0) {
            throw new IllegalArgumentException(String.format(
                    "the offset 0x%x in %s is not a multiple of the page size, %d bytes", file.offset(), file.path(),
                    host.pageSize()));
        }
    }

    /** Maps, and does what the options ask for. */
    HostMemory map(long guestAddress, long size, RegionOptions options) {
        HostMemory memory = map(options.backing(), guestAddress, size, options);
        try {
            advise(memory, options.hostOptions());
            return memory;
        } catch (Throwable t) {
            Cleanup.after(t, memory::close);
            throw t;
        }
    }

    private HostMemory map(Backing backing, long guestAddress, long size, RegionOptions options) {
        return switch (backing) {
            case Backing.Anonymous _ -> anonymous(guestAddress, size, options);
            case Backing.Memfd memfd -> memfd(memfd.name(), guestAddress, size, options);
            case Backing.File file -> file(file, guestAddress, size, options);
            case Backing.OfGuestMemfd part -> part.shared()
                    .map(shared -> map(shared, guestAddress, size, options).with(part))
                    .orElseGet(() -> HostMemory.of(part, size, host.pageSize()));
        };
    }

    private HostMemory anonymous(long guestAddress, long size, RegionOptions options) {
        return map(guestAddress, size, options,
                libc_h.MAP_PRIVATE() | libc_h.MAP_ANONYMOUS() | hugetlb(libc_h.MAP_HUGETLB(), options), null, 0,
                risk(options), false);
    }

    private HostMemory memfd(String name, long guestAddress, long size, RegionOptions options) {
        Fd fd = Fd.own(libc, (int) createMemfd(name, hugetlb(libc_h.MFD_HUGETLB(), options)), "memfd " + name);
        try {
            check("ftruncate(memfd " + name + ", " + size + " bytes)", libc.ftruncate(fd.number(), size), "");
            check("fcntl(memfd " + name + ", F_ADD_SEALS)", libc.fcntl(fd.number(), libc_h.F_ADD_SEALS(),
                    libc_h.F_SEAL_SHRINK() | libc_h.F_SEAL_GROW() | libc_h.F_SEAL_SEAL()), "");
            // The file has the huge pages; the flag says so once more, for what is said of a failure.
            return map(guestAddress, size, options, libc_h.MAP_SHARED() | hugetlb(libc_h.MAP_HUGETLB(), options), fd, 0,
                    options.hugePageSize() == 0 ? memfdRisk(options) : risk(options), true);
        } catch (Throwable t) {
            Cleanup.after(t, fd::close);
            throw t;
        }
    }

    /** Not executable: Linux 6.3 wants to be told, and a host can be set to refuse what is. Older kernels refuse the flag. */
    private long createMemfd(String name, int flags) {
        int common = libc_h.MFD_CLOEXEC() | libc_h.MFD_ALLOW_SEALING() | flags;
        long fd = libc.memfdCreate(name, common | libc_h.MFD_NOEXEC_SEAL());
        if (Errno.EINVAL.is(fd)) {
            fd = libc.memfdCreate(name, common);
        }
        return check("memfd_create(" + name + ")", fd,
                flags != 0 ? "does the host have huge pages of this size? /sys/kernel/mm/hugepages lists them" : "");
    }

    private HostMemory file(Backing.File file, long guestAddress, long size, RegionOptions options) {
        checkFileSize(file.path(), file.offset(), size);
        int access = file.shared() ? libc_h.O_RDWR() : libc_h.O_RDONLY();
        String call = "open(" + file.path() + ")";
        try (Fd fd = Fd.own(libc, (int) check(call, libc.open(file.path().toString(), access | libc_h.O_CLOEXEC()), ""),
                file.path().toString())) {
            // A memfd of another process has seals, the files of a file system have none (EINVAL).
            long seals = libc.fcntl(fd.number(), libc_h.F_GET_SEALS(), 0);
            boolean sealed = seals >= 0 && (seals & libc_h.F_SEAL_SHRINK()) != 0;
            return map(guestAddress, size, options, file.shared() ? libc_h.MAP_SHARED() : libc_h.MAP_PRIVATE(), fd,
                    file.offset(), sealed ? memfdRisk(options) : TRUNCATED, false);
        }
    }

    private static void checkFileSize(Path path, long offset, long size) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            if (channel.size() - offset < size) {
                throw new IllegalArgumentException(String.format(
                        "%s has %d bytes; a region of %d bytes from offset %d on ends beyond", path, channel.size(),
                        size, offset));
            }
        } catch (IOException e) {
            throw new IllegalArgumentException("the file behind guest memory cannot be read: " + e, e);
        }
    }

    /** With room to choose where the memory begins, when it is to have huge pages. */
    private HostMemory map(long guestAddress, long size, RegionOptions options, int flags, @Nullable Fd fd, long offset,
            String risk, boolean keep) {
        Set<HostOption> wanted = options.hostOptions();
        int all = flags | (wanted.contains(HostOption.NO_RESERVE) ? libc_h.MAP_NORESERVE() : 0);
        // A file has no room behind it; there the kernel chooses.
        boolean roomy = fd == null && size >= HUGE_PAGE && wanted.contains(HostOption.TRANSPARENT_HUGE_PAGES);
        Mapping mapping = Mapping.map(libc, WHAT, roomy ? size + HUGE_PAGE : size, all, fd == null ? -1 : fd.number(),
                offset);
        long skipped = roomy ? (guestAddress - mapping.segment().address()) & (HUGE_PAGE - 1) : 0;
        return HostMemory.of(mapping, skipped, size, host.pageSize(), risk, keep ? fd : null);
    }

    private void advise(HostMemory memory, Set<HostOption> options) {
        for (HostOption option : options) {
            switch (option) {
                case NO_RESERVE -> {
                }
                case TRANSPARENT_HUGE_PAGES -> advise(memory, "MADV_HUGEPAGE", libc_h.MADV_HUGEPAGE(),
                        "this kernel has no transparent huge pages");
                case PREFAULT -> advise(memory, "MADV_POPULATE_WRITE", libc_h.MADV_POPULATE_WRITE(),
                        "the kernel is older than 5.14, or there is not enough memory");
                case DONT_DUMP -> advise(memory, "MADV_DONTDUMP", libc_h.MADV_DONTDUMP(), "");
                case MERGEABLE ->
                    advise(memory, "MADV_MERGEABLE", libc_h.MADV_MERGEABLE(), "this kernel has no KSM");
            }
        }
    }

    private void advise(HostMemory memory, String name, int advice, String explanation) {
        check("madvise(" + WHAT + ", " + name + ")",
                libc.madvise(memory.segment().address(), memory.segment().byteSize(), advice), explanation);
    }

    /** The flag, and the size of the pages in the bits where mmap and memfd_create have it. */
    private static int hugetlb(int flag, RegionOptions options) {
        long size = options.hugePageSize();
        return size == 0 ? 0 : flag | (Long.numberOfTrailingZeros(size) << libc_h.MAP_HUGE_SHIFT());
    }

    /** Huge pages that were not reserved can be gone when one is wanted. */
    private static String risk(RegionOptions options) {
        return options.hugePageSize() != 0 && options.hostOptions().contains(HostOption.NO_RESERVE)
                ? NO_HUGE_PAGE
                : HostMemory.NONE;
    }

    /**
     * A memfd's pages are counted against what the host has promised when they are first touched, and not when it is mapped.
     * Where the host promises no more than it has, one too many gives SIGBUS.
     */
    private String memfdRisk(RegionOptions options) {
        return promisesNoMoreThanItHas() && !options.hostOptions().contains(HostOption.PREFAULT)
                ? NOT_PROMISED
                : HostMemory.NONE;
    }

    private boolean promisesNoMoreThanItHas() {
        try {
            return Files.readString(overcommit).strip().equals("2");
        } catch (IOException e) {
            return false; // that there is no such file is no reason to have no memory
        }
    }

    private static long check(String call, long result, String explanation) {
        if (result < 0) {
            throw new KvmException(call, (int) -result, explanation);
        }
        return result;
    }
}
