package io.github.kvm4j.internal.sys;

/** What a {@link io.github.kvm4j.Kvm} stands on: the C library, and the process's kick signal. */
public final class Host {

    private final Libc libc;
    private final KickSignal kickSignal;
    private final int pageSize;

    /** A host on the given C library; the tests have their own. */
    public Host(Libc libc) {
        this.libc = libc;
        this.kickSignal = new KickSignal(libc);
        this.pageSize = libc.pageSize();
    }

    /** This machine; native access must have been granted. */
    public static Host linux() {
        return Linux.HOST;
    }

    public Libc libc() {
        return libc;
    }

    public KickSignal kickSignal() {
        return kickSignal;
    }

    public int pageSize() {
        return pageSize;
    }

    private static final class Linux {
        static final Host HOST = new Host(new LinuxLibc());
    }
}
