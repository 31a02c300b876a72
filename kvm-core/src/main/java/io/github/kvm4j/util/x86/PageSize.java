package io.github.kvm4j.util.x86;

/** The size of a page of long mode. */
public enum PageSize {

    /** 4 KiB. */
    SIZE_4K(12),
    /** 2 MiB. */
    SIZE_2M(21),
    /** 1 GiB, which the vCPU's CPUID must announce: {@link io.github.kvm4j.x86.CpuidFeature#PAGE_1GB}. */
    SIZE_1G(30);

    private final int shift;

    PageSize(int shift) {
        this.shift = shift;
    }

    int shift() {
        return shift;
    }

    /**
     * Returns the size.
     *
     * @return bytes
     */
    public long bytes() {
        return 1L << shift;
    }
}
