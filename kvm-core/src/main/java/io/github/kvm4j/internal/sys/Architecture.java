package io.github.kvm4j.internal.sys;

import java.util.Locale;

import org.jspecify.annotations.Nullable;

/** The architectures that the library has types for. */
public enum Architecture {
    X86("amd64"), ARM64("aarch64"), RISCV("riscv64");

    private static final String NAME = System.getProperty("os.arch");

    /** The host's, or null when it is another. */
    private static final @Nullable Architecture HOST = find();

    // For expressions that must not touch another architecture's classes. The last two are of no host that the library
    // runs on: the registry of ioctls has them.
    public static final boolean ON_X86 = X86.isHost();
    public static final boolean ON_ARM64 = ARM64.isHost();
    public static final boolean ON_RISCV = RISCV.isHost();
    public static final boolean ON_S390 = NAME.equals("s390x");
    public static final boolean ON_PPC = NAME.startsWith("ppc");

    private final String javaName;

    Architecture(String javaName) {
        this.javaName = javaName;
    }

    private static @Nullable Architecture find() {
        for (Architecture architecture : values()) {
            if (architecture.javaName.equals(NAME)) {
                return architecture;
            }
        }
        return null;
    }

    /** The name of the host's package in the bindings. */
    public static String hostPackage() {
        requireKnown();
        return String.valueOf(HOST).toLowerCase(Locale.ROOT);
    }

    /** Whether it is the host's. */
    public boolean isHost() {
        return this == HOST;
    }

    /** What only this architecture has, which is null on a host of another. */
    public <T> T require(@Nullable T facet, String what) {
        if (facet == null) {
            throw new UnsupportedOperationException(what + " is for " + javaName + " hosts; this one is " + NAME);
        }
        return facet;
    }

    /** Refuses on a host of an architecture that the library does not know. */
    public static void requireKnown() {
        if (HOST == null) {
            throw new UnsupportedOperationException(
                    "kvm4j knows the architectures amd64, aarch64 and riscv64; this host is " + NAME);
        }
    }
}
