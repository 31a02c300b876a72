package io.github.kvm4j.bench;

/** The ioctl through JNI. */
final class Jni {

    static {
        load();
    }

    private Jni() {
    }

    // Safe: the one function has the type that the native method declares.
    @SuppressWarnings("restricted")
    private static void load() {
        System.load(NativeLibrary.unpack().toString());
    }

    /** Returns the result, or the negative errno. */
    static native int ioctl(int fd, long request, long argument);
}
