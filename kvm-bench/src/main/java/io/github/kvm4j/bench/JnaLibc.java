package io.github.kvm4j.bench;

import com.sun.jna.LastErrorException;
import com.sun.jna.Native;

/** The ioctl through JNA, mapped directly: the faster of its two ways. */
final class JnaLibc {

    static {
        Native.register(JnaLibc.class, "c");
    }

    private JnaLibc() {
    }

    /** Throws what JNA makes of an errno. */
    static native int ioctl(int fd, long request, long argument) throws LastErrorException;
}
