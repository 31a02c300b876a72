package io.github.kvm4j.internal.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * The handles of the C functions. A handle's name is the function's, with {@code _something} behind it where one
 * function has two handles; a test holds the names to the symbols that are bound.
 * <p>
 * No handle is {@code critical}: all but a few can block or wait for a vCPU's mutex, and a critical call that waits
 * stops every safepoint of the JVM.
 */
final class Downcalls {

    /** What was bound: the symbol, and the index of its first variadic argument, or −1 where it is not variadic. */
    record Symbol(String name, int firstVariadicArgument) {
    }

    private static final Linker LINKER = Linker.nativeLinker();
    private static final List<Symbol> SYMBOLS = new ArrayList<>();
    private static final int FIXED = -1;

    // @formatter:off
    // int ioctl(int fd, unsigned long request, ...)
    static final MethodHandle ioctl_value = bind("ioctl", 2, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    static final MethodHandle ioctl_pointer = bind("ioctl", 2, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    // int tgkill(pid_t tgid, pid_t tid, int sig)
    static final MethodHandle tgkill = bind("tgkill", FIXED, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    // pid_t gettid(void)
    static final MethodHandle gettid = bind("gettid", FIXED, JAVA_INT);
    // pid_t getpid(void)
    static final MethodHandle getpid = bind("getpid", FIXED, JAVA_INT);
    // int open(const char *path, int flags, ...)
    static final MethodHandle open = bind("open", 2, JAVA_INT, ADDRESS, JAVA_INT);
    // int close(int fd)
    static final MethodHandle close = bind("close", FIXED, JAVA_INT, JAVA_INT);
    // int fcntl(int fd, int cmd, ...)
    static final MethodHandle fcntl = bind("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
    static final MethodHandle mmap =
            bind("mmap", FIXED, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    // int munmap(void *addr, size_t length)
    static final MethodHandle munmap = bind("munmap", FIXED, JAVA_INT, JAVA_LONG, JAVA_LONG);
    // int memfd_create(const char *name, unsigned int flags)
    static final MethodHandle memfd_create = bind("memfd_create", FIXED, JAVA_INT, ADDRESS, JAVA_INT);
    // int ftruncate(int fd, off_t length)
    static final MethodHandle ftruncate = bind("ftruncate", FIXED, JAVA_INT, JAVA_INT, JAVA_LONG);
    // int fallocate(int fd, int mode, off_t offset, off_t len)
    static final MethodHandle fallocate = bind("fallocate", FIXED, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    // int madvise(void *addr, size_t length, int advice)
    static final MethodHandle madvise = bind("madvise", FIXED, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    // int sigaction(int signum, const struct sigaction *act, struct sigaction *oldact)
    static final MethodHandle sigaction = bind("sigaction", FIXED, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    // int sigemptyset(sigset_t *set)
    static final MethodHandle sigemptyset = bind("sigemptyset", FIXED, JAVA_INT, ADDRESS);
    // int sigaddset(sigset_t *set, int signum)
    static final MethodHandle sigaddset = bind("sigaddset", FIXED, JAVA_INT, ADDRESS, JAVA_INT);
    // int pthread_sigmask(int how, const sigset_t *set, sigset_t *oldset)
    static final MethodHandle pthread_sigmask = bind("pthread_sigmask", FIXED, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    // int __libc_current_sigrtmin(void): what SIGRTMIN expands to
    static final MethodHandle __libc_current_sigrtmin = bind("__libc_current_sigrtmin", FIXED, JAVA_INT);
    // int __libc_current_sigrtmax(void): what SIGRTMAX expands to
    static final MethodHandle __libc_current_sigrtmax = bind("__libc_current_sigrtmax", FIXED, JAVA_INT);
    // int getpagesize(void)
    static final MethodHandle getpagesize = bind("getpagesize", FIXED, JAVA_INT);
    // @formatter:on

    /** What the C library has on x86 alone. */
    static final class X86 {

        // @formatter:off
        // int arch_prctl(int code, unsigned long argument)
        static final MethodHandle arch_prctl_value = bind("arch_prctl", FIXED, JAVA_INT, JAVA_INT, JAVA_LONG);
        static final MethodHandle arch_prctl_pointer = bind("arch_prctl", FIXED, JAVA_INT, JAVA_INT, ADDRESS);
        // @formatter:on

        private X86() {
        }
    }

    private Downcalls() {
    }

    /** What has been bound, in the order of the fields; x86's own come last, once they are used. */
    static List<Symbol> symbols() {
        return List.copyOf(SYMBOLS);
    }

    static MemorySegment find(String name) {
        return LINKER.defaultLookup().find(name).orElseThrow(
                () -> new NoSuchElementException("the C library has no " + name + "; kvm4j needs glibc 2.30 or later"));
    }

    // Safe: each descriptor is the C declaration that stands above its handle.
    @SuppressWarnings("restricted")
    private static MethodHandle bind(String name, int firstVariadic, MemoryLayout result, MemoryLayout... arguments) {
        SYMBOLS.add(new Symbol(name, firstVariadic));
        FunctionDescriptor type = FunctionDescriptor.of(result, arguments);
        Linker.Option errno = Linker.Option.captureCallState("errno");
        return firstVariadic == FIXED
                ? LINKER.downcallHandle(find(name), type, errno)
                : LINKER.downcallHandle(find(name), type, errno, Linker.Option.firstVariadicArg(firstVariadic));
    }
}
