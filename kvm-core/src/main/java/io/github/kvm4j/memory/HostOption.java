package io.github.kvm4j.memory;

/** How the host is to treat the memory behind a region. */
public enum HostOption {

    /**
     * Transparent huge pages, MADV_HUGEPAGE: the kernel puts huge pages where it can. The library maps the memory so that a
     * huge page of the host's can be one of the guest's, which takes addresses that agree in their lower bits.
     */
    TRANSPARENT_HUGE_PAGES,

    /**
     * MAP_NORESERVE: the kernel does not count the memory against its limit of what it has promised
     * ({@code vm.overcommit_memory}). A guest may then have more than the host, as long as it does not use it; when there is
     * no more, the kernel kills a process.
     */
    NO_RESERVE,

    /**
     * MADV_POPULATE_WRITE: every page gets its host memory at once, zeroed or read from its file, so that neither a guest nor
     * an access waits for it later, and a lack of memory shows here. Takes the time that it takes. Linux 5.14.
     */
    PREFAULT,

    /** MADV_DONTDUMP: the memory is left out of a core dump of this process. */
    DONT_DUMP,

    /** MADV_MERGEABLE: the kernel may merge pages that are alike, if KSM runs. For private memory of small pages. */
    MERGEABLE
}
