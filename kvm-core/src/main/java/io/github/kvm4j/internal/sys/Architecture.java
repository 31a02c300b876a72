package io.github.kvm4j.internal.sys;

/** The architectures that the library has types for. */
public enum Architecture {
    X86("amd64"), ARM64("aarch64"), RISCV("riscv64");

    /** The host's. */
    private static final String HOST = System.getProperty("os.arch");

    // For expressions that must not touch another architecture's classes. The last two are of no host that the library
    // runs on: the registry of ioctls has them.
    public static final boolean ON_X86 = HOST.equals(X86.javaName);
    public static final boolean ON_ARM64 = HOST.equals(ARM64.javaName);
    public static final boolean ON_RISCV = HOST.equals(RISCV.javaName);
    public static final boolean ON_S390 = HOST.equals("s390x");
    public static final boolean ON_PPC = HOST.startsWith("ppc");

    private final String javaName;

    Architecture(String javaName) {
        this.javaName = javaName;
    }

    /** Refuses on a host of another architecture. */
    public void require(String what) {
        if (!javaName.equals(HOST)) {
            throw new UnsupportedOperationException(what + " is for " + javaName + " hosts; this one is " + HOST);
        }
    }

    /** Refuses on a host of an architecture that the library does not know. */
    public static void requireKnown() {
        for (Architecture architecture : values()) {
            if (architecture.javaName.equals(HOST)) {
                return;
            }
        }
        throw new UnsupportedOperationException(
                "kvm4j knows the architectures amd64, aarch64 and riscv64; this host is " + HOST);
    }
}
