package io.github.kvm4j.internal.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.testing.DependsOnHost;

/** Every handle resolves, is bound to the function of its own name, and is variadic if and only if that is. */
@DependsOnHost
class DowncallsTest {

    /** The functions whose C declaration ends in an ellipsis. */
    private static final Set<String> VARIADIC = Set.of("ioctl", "open", "fcntl", "prctl", "syscall", "openat",
            "mremap");

    private static final List<Field> HANDLES = Stream
            .concat(Stream.of(Downcalls.class), Architecture.ON_X86 ? Stream.of(Downcalls.X86.class) : Stream.empty())
            .flatMap(type -> Arrays.stream(type.getDeclaredFields()))
            .filter(field -> field.getType() == MethodHandle.class).toList();

    /** What is bound when every class of handles is in use. */
    private static List<Downcalls.Symbol> symbols() {
        if (Architecture.ON_X86) {
            assertNotNull(Downcalls.X86.arch_prctl_value);
        }
        return Downcalls.symbols();
    }

    @Test
    void everyHandleIsBoundToTheFunctionOfItsName() throws ReflectiveOperationException {
        List<Downcalls.Symbol> symbols = symbols();
        assertEquals(HANDLES.size(), symbols.size());
        for (int i = 0; i < symbols.size(); i++) {
            Field field = HANDLES.get(i);
            field.setAccessible(true);
            assertNotNull(field.get(null));
            String name = symbols.get(i).name();
            assertTrue(field.getName().equals(name) || field.getName().startsWith(name + "_"),
                    field.getName() + " is bound to " + name);
            assertNotEquals(0, Downcalls.find(name).address());
        }
    }

    @Test
    void theVariadicFunctionsAndNoOthersAreBoundAsVariadic() {
        for (Downcalls.Symbol symbol : symbols()) {
            assertEquals(VARIADIC.contains(symbol.name()), symbol.firstVariadicArgument() >= 0, symbol.name());
        }
    }

    @Test
    void theFirstVariadicArgumentIsTheOneBehindTheNamedOnes() {
        for (Downcalls.Symbol symbol : symbols()) {
            if (VARIADIC.contains(symbol.name())) {
                assertEquals(2, symbol.firstVariadicArgument(), symbol.name());
            }
        }
    }

    @Test
    void theCallsReachWhatTheySay() {
        LinuxLibc libc = new LinuxLibc();
        assertEquals(ProcessHandle.current().pid(), libc.getpid());
        assertTrue(libc.gettid() > 0);
        assertTrue(libc.sigrtmin() >= 32 && libc.sigrtmin() < libc.sigrtmax() && libc.sigrtmax() <= 64);
        assertTrue(libc.pageSize() >= 4096 && Integer.bitCount(libc.pageSize()) == 1);
        assertEquals(-Errno.ENOENT.number(), libc.open("/no/such/file", libc_h.O_RDWR()));
        assertEquals(-Errno.EBADF.number(), libc.close(-1));
        assertEquals(-Errno.EINVAL.number(), libc.munmap(1, 1));
        assertEquals(-Errno.EBADF.number(), libc.mmap(4096, libc_h.PROT_READ(), libc_h.MAP_PRIVATE(), -1, 0));
        assertEquals(-Errno.EBADF.number(), libc.fcntl(-1, libc_h.F_GETFD(), 0));
        assertEquals(-Errno.EINVAL.number(), libc.madvise(1, 1, 0));
        assertEquals(0, libc.unblockSignal(libc.sigrtmax()));
        try (Arena arena = Arena.ofConfined()) {
            var errno = arena.allocate(Libc.ERRNO);
            assertEquals(-Errno.EBADF.number(), libc.ioctl(errno, -1, 0, 0));
            assertEquals(-Errno.EBADF.number(), libc.ioctl(errno, -1, 0, errno));
            assertEquals(-Errno.EINVAL.number(), libc.tgkill(errno, libc.getpid(), libc.gettid(), -1));
        }
        if (Architecture.ON_X86) {
            assertX86CallsReachWhatTheySay(libc);
        }
    }

    /** There is no component 64, and x87 takes no permission; a kernel older than 5.17 knows nothing of permissions. */
    private static void assertX86CallsReachWhatTheySay(LinuxLibc libc) {
        try (Arena arena = Arena.ofConfined()) {
            var permitted = arena.allocate(ValueLayout.JAVA_LONG);
            int get = kvm_x86_h.ARCH_GET_XCOMP_GUEST_PERM();
            int request = kvm_x86_h.ARCH_REQ_XCOMP_GUEST_PERM();
            boolean known = libc.archPrctl(get, permitted) == 0;
            assertEquals(known ? 3 : 0, permitted.get(ValueLayout.JAVA_LONG, 0) & 3, "x87 and SSE");
            assertEquals(known ? -Errno.EFAULT.number() : -Errno.EINVAL.number(),
                    libc.archPrctl(get, MemorySegment.NULL));
            assertEquals(known ? -Errno.EOPNOTSUPP.number() : -Errno.EINVAL.number(), libc.archPrctl(request, 0));
            assertEquals(-Errno.EINVAL.number(), libc.archPrctl(request, 64));
        }
    }

    @Test
    void aFileIsOpenedAndClosed() {
        LinuxLibc libc = new LinuxLibc();
        int fd = (int) libc.open("/dev/null", libc_h.O_RDWR() | libc_h.O_CLOEXEC());
        assertTrue(fd > 2);
        assertEquals(libc_h.FD_CLOEXEC(), libc.fcntl(fd, libc_h.F_GETFD(), 0));
        assertEquals(0, libc.fcntl(fd, libc_h.F_SETFD(), 0));
        assertEquals(0, libc.fcntl(fd, libc_h.F_GETFD(), 0));
        assertEquals(0, libc.close(fd));
        assertEquals(-Errno.EBADF.number(), libc.fcntl(fd, libc_h.F_GETFD(), 0));
    }
}
