package io.github.kvm4j.testing;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

import io.github.kvm4j.Capability;
import io.github.kvm4j.bindings.kvm_create_device;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.kvm_pre_fault_memory;
import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.bindings.libc.sigaction;
import io.github.kvm4j.bindings.x86.kvm_cpuid2;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Libc;

/**
 * A C library with a KVM in it, as far as the lifecycle of descriptors and mappings goes, that keeps a book of them and
 * fails on demand. Its vCPUs run a guest that halts at once.
 */
public final class FakeLibc implements Libc {

    public static final int VCPU_MMAP_SIZE = 3 * 4096;

    /** The answer that leaves the call to the fake. */
    public static final long AS_USUAL = Long.MIN_VALUE;

    private final List<String> calls = new ArrayList<>();
    private final Map<Integer, String> fds = new TreeMap<>();
    private final Map<Long, Mapped> mappings = new TreeMap<>();
    private final List<Mmap> mmaps = new ArrayList<>();
    private final Map<Ioctl, ToLongFunction<Call>> answers = new EnumMap<>(Ioctl.class);
    private final Map<Ioctl, Runnable> hooks = new ConcurrentHashMap<>();
    private final Map<String, Runnable> closedHooks = new ConcurrentHashMap<>();
    private final Map<Integer, Integer> capabilities = new HashMap<>();
    private final Map<Integer, SignalAction> signalActions = new HashMap<>();
    private LongSupplier tgkillAnswer = () -> 0;
    private ToLongFunction<ArchPrctl> archPrctlAnswer = _ -> 0;
    private volatile Runnable tgkillHook = () -> {
    };
    private int nextFd = 100;
    private int failingCall = -1;
    private Errno failure = Errno.EIO;
    private String failingPrefix = "";
    private long openResult;
    private int devices;
    private int refusedMemfdFlags;
    private boolean closeOnExec = true;

    /** An ioctl: the name of what it is issued on, and its argument. */
    public record Call(String on, MemorySegment argument, long value) {
    }

    /** An arch_prctl: its code and its argument, a number or an address; the other is 0. */
    public record ArchPrctl(int code, MemorySegment argument, long value) {
    }

    /** What a signal does. */
    public record SignalAction(long handler, int flags) {
    }

    /** What mmap was called with: what is mapped, by name, and the flags. */
    public record Mmap(long length, int flags, String what, long offset) {
    }

    private record Mapped(String what, long length, Arena arena) {
    }

    /** Lets the call with this index, counted from 0 over all calls, fail. */
    public FakeLibc failing(int call, Errno errno) {
        failingCall = call;
        failure = errno;
        return this;
    }

    /** Lets every call whose name begins so fail, until called with null. */
    public FakeLibc failingEvery(String prefix) {
        failingPrefix = prefix == null ? "" : prefix;
        return this;
    }

    /** Runs this ahead of every call of an ioctl; it may block, since other threads' calls go on meanwhile. */
    public FakeLibc onIoctl(Ioctl ioctl, Runnable hook) {
        hooks.put(ioctl, hook);
        return this;
    }

    /** Runs this when a descriptor of this name has been closed, before the call returns. */
    public FakeLibc onClosed(String what, Runnable hook) {
        closedHooks.put(what, hook);
        return this;
    }

    /** Runs this ahead of every tgkill; it may block. */
    public FakeLibc onTgkill(Runnable hook) {
        tgkillHook = hook;
        return this;
    }

    /** Lets KVM_CHECK_EXTENSION give this for a capability. */
    public FakeLibc withCapability(int number, int value) {
        capabilities.put(number, value);
        return this;
    }

    /** Lets KVM lack a capability. */
    public FakeLibc withoutCapability(int number) {
        return withCapability(number, 0);
    }

    /** Lets every call of an ioctl return this; a negated errno is a failure. */
    public FakeLibc answering(Ioctl ioctl, LongSupplier result) {
        return answering(ioctl, _ -> result.getAsLong());
    }

    /** Lets every call of an ioctl return what this makes of it. */
    public FakeLibc answering(Ioctl ioctl, ToLongFunction<Call> result) {
        answers.put(ioctl, result);
        return this;
    }

    /** Lets every tgkill return this. */
    public FakeLibc answeringTgkill(LongSupplier result) {
        tgkillAnswer = result;
        return this;
    }

    /** Lets every arch_prctl return what this makes of it; a negated errno is a failure. */
    public FakeLibc answeringArchPrctl(ToLongFunction<ArchPrctl> result) {
        archPrctlAnswer = result;
        return this;
    }

    /** Lets a signal have a handler already. */
    public FakeLibc handling(int signal, long handler) {
        signalActions.put(signal, new SignalAction(handler, 0));
        return this;
    }

    /** Lets open(2) fail. */
    public FakeLibc refusingToOpen(Errno errno) {
        openResult = -errno.number();
        return this;
    }

    /** Lets the kernel return descriptors without close-on-exec. */
    public FakeLibc withoutCloseOnExec() {
        closeOnExec = false;
        return this;
    }

    /** Lets memfd_create refuse flags, as a kernel does that does not know them. */
    public FakeLibc refusingMemfdFlags(int flags) {
        refusedMemfdFlags = flags;
        return this;
    }

    /** All mappings so far, in order. */
    public synchronized List<Mmap> mmaps() {
        return List.copyOf(mmaps);
    }

    /** All calls so far, in order: a system call with what it is about, or an ioctl's name. */
    public synchronized List<String> calls() {
        return List.copyOf(calls);
    }

    /** How often a call has been made. */
    public long count(String call) {
        return calls().stream().filter(call::equals).count();
    }

    /** What a signal does, if that has been set. */
    public synchronized SignalAction signalAction(int signal) {
        return signalActions.get(signal);
    }

    /** What is open. */
    public synchronized List<String> openFds() {
        return List.copyOf(fds.values());
    }

    /** Whether a descriptor is one of these. */
    public synchronized boolean has(int fd) {
        return fds.containsKey(fd);
    }

    /** What is mapped. */
    public synchronized List<String> mapped() {
        return mappings.values().stream().map(Mapped::what).toList();
    }

    private long call(String name, LongSupplier action) {
        int index = calls.size();
        calls.add(name);
        boolean failing = index == failingCall || !failingPrefix.isEmpty() && name.startsWith(failingPrefix);
        return failing ? -failure.number() : action.getAsLong();
    }

    /** A new descriptor, for an answer that is one. */
    public synchronized int newFd(String what) {
        fds.put(nextFd, what);
        return nextFd++;
    }

    /** One number has two meanings, but not on one kind of descriptor. */
    private synchronized Ioctl byNumber(int fd, long request) {
        String what = fds.getOrDefault(fd, "");
        Predicate<Ioctl> taken = what.startsWith("vCPU")
                ? ioctl -> ioctl.kinds().contains(FdKind.VCPU)
                : what.equals("VM") ? ioctl -> ioctl.kinds().contains(FdKind.VM) : _ -> true;
        return Arrays.stream(Ioctl.values()).filter(ioctl -> ioctl.number() == request).filter(taken).findFirst()
                .orElseThrow();
    }

    @Override
    public long ioctl(MemorySegment errno, int fd, long request, long value) {
        return ioctl(fd, byNumber(fd, request), MemorySegment.NULL, value);
    }

    @Override
    public long ioctl(MemorySegment errno, int fd, long request, MemorySegment argument) {
        return ioctl(fd, byNumber(fd, request), argument, 0);
    }

    private long ioctl(int fd, Ioctl ioctl, MemorySegment argument, long value) {
        hooks.getOrDefault(ioctl, () -> {
        }).run();
        synchronized (this) {
            return call(ioctl.name(), () -> {
                if (!fds.containsKey(fd)) {
                    return -Errno.EBADF.number();
                }
                ToLongFunction<Call> answer = answers.getOrDefault(ioctl, _ -> AS_USUAL);
                long result = answer.applyAsLong(new Call(fds.get(fd), argument, value));
                return result == AS_USUAL ? perform(fd, ioctl, argument, value) : result;
            });
        }
    }

    private long perform(int fd, Ioctl ioctl, MemorySegment argument, long value) {
        return switch (ioctl) {
            case KVM_GET_API_VERSION -> kvm_h.KVM_API_VERSION();
            case KVM_GET_VCPU_MMAP_SIZE -> VCPU_MMAP_SIZE;
            case KVM_CHECK_EXTENSION -> capabilities.getOrDefault((int) value,
                    value == kvm_h.KVM_CAP_NR_MEMSLOTS() || value == Capability.ARM_VM_IPA_SIZE.number()
                            || value == Capability.VM_GPA_BITS.number()
                                    ? 64
                                    : value == kvm_h.KVM_CAP_MAX_VCPU_ID() ? 16 : 1);
            case KVM_CREATE_VM -> newFd("VM");
            case KVM_CREATE_VCPU -> newFd("vCPU " + value);
            case KVM_CREATE_DEVICE -> {
                kvm_create_device.fd(argument, newFd(devices++ == 0 ? "device" : "device " + devices));
                yield 0;
            }
            case KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID, KVM_GET_SUPPORTED_HV_CPUID, KVM_GET_CPUID2 -> {
                kvm_cpuid2.nent(argument, 0);
                yield 0;
            }
            case KVM_CREATE_GUEST_MEMFD -> newFd("guest_memfd");
            case KVM_PRE_FAULT_MEMORY -> {
                kvm_pre_fault_memory.size(argument, 0);
                yield 0;
            }
            case KVM_RUN -> {
                MemorySegment page = mapping(fds.get(fd));
                page.set(JAVA_INT, kvm_run.exit_reason$offset(), kvm_h.KVM_EXIT_HLT());
                yield 0;
            }
            default -> 0;
        };
    }

    /** The memory behind a mapping, named as in {@link #mapped()}. */
    @SuppressWarnings("restricted")
    public synchronized MemorySegment mapping(String what) {
        for (Map.Entry<Long, Mapped> entry : mappings.entrySet()) {
            if (entry.getValue().what().equals(what)) {
                return MemorySegment.ofAddress(entry.getKey()).reinterpret(entry.getValue().length());
            }
        }
        throw new AssertionError("no mapping of " + what + ", only " + mapped());
    }

    @Override
    public long tgkill(MemorySegment errno, int processId, int threadId, int signal) {
        tgkillHook.run();
        synchronized (this) {
            return call("tgkill", tgkillAnswer);
        }
    }

    @Override
    public int gettid() {
        return (int) Thread.currentThread().threadId();
    }

    @Override
    public int getpid() {
        return (int) ProcessHandle.current().pid();
    }

    @Override
    public synchronized long open(String path, int flags) {
        return call("open(" + path + ")", () -> {
            if ((flags & libc_h.O_CLOEXEC()) == 0) {
                throw new AssertionError("opened without O_CLOEXEC");
            }
            return openResult < 0 ? openResult : newFd(path.equals("/dev/kvm") ? "Kvm" : path);
        });
    }

    /** Whatever close(2) returns, Linux frees the descriptor. */
    @Override
    public long close(int fd) {
        String what;
        long result;
        synchronized (this) {
            what = fds.remove(fd);
            result = call("close(" + what + ")", () -> what == null ? -Errno.EBADF.number() : 0);
        }
        closedHooks.getOrDefault(String.valueOf(what), () -> {
        }).run();
        return result;
    }

    @Override
    public synchronized long fcntl(int fd, int command, int argument) {
        String what = fds.get(fd);
        Map<Integer, String> names = Map.of(libc_h.F_GETFD(), "F_GETFD", libc_h.F_SETFD(), "F_SETFD " + argument,
                libc_h.F_ADD_SEALS(), "F_ADD_SEALS " + argument, libc_h.F_GET_SEALS(), "F_GET_SEALS");
        return call("fcntl(" + what + ", " + names.get(command) + ")",
                () -> command == libc_h.F_GETFD() && closeOnExec ? libc_h.FD_CLOEXEC() : 0);
    }

    @Override
    public synchronized long mmap(long length, int protection, int flags, int fd, long offset) {
        String what = (fd < 0 ? "anonymous " + length : fds.get(fd)) + (offset == 0 ? "" : " from " + offset);
        mmaps.add(new Mmap(length, flags, what, offset));
        return call("mmap(" + what + ")", () -> {
            Arena arena = Arena.ofShared();
            long address = arena.allocate(length, 4096).address();
            mappings.put(address, new Mapped(what, length, arena));
            return address;
        });
    }

    /** A failing munmap keeps the mapping for good; it is taken off the book all the same, for what else is left. */
    @Override
    public synchronized long munmap(long address, long length) {
        Mapped mapped = mappings.remove(address);
        return call("munmap(" + (mapped == null ? null : mapped.what()) + ")", () -> {
            if (mapped == null || mapped.length() != length) {
                throw new AssertionError("munmap of what is not mapped: " + address + " " + length);
            }
            mapped.arena().close();
            return 0;
        });
    }

    @Override
    public synchronized long memfdCreate(String name, int flags) {
        return call("memfd_create(" + name + ", " + flags + ")",
                () -> (flags & refusedMemfdFlags) == 0 ? newFd("memfd " + name) : -Errno.EINVAL.number());
    }

    @Override
    public synchronized long ftruncate(int fd, long length) {
        return call("ftruncate(" + fds.get(fd) + ", " + length + ")", () -> 0);
    }

    @Override
    public synchronized long fallocate(int fd, int mode, long offset, long length) {
        return call("fallocate(" + fds.get(fd) + ", " + mode + ", " + offset + ", " + length + ")", () -> 0);
    }

    @Override
    public synchronized long madvise(long address, long length, int advice) {
        return call("madvise(" + length + ", " + advice + ")", () -> 0);
    }

    @Override
    public synchronized long archPrctl(int code, long value) {
        return call("arch_prctl", () -> archPrctlAnswer.applyAsLong(new ArchPrctl(code, MemorySegment.NULL, value)));
    }

    @Override
    public synchronized long archPrctl(int code, MemorySegment argument) {
        return call("arch_prctl", () -> archPrctlAnswer.applyAsLong(new ArchPrctl(code, argument, 0)));
    }

    @Override
    public synchronized long sigaction(int signal, MemorySegment action, MemorySegment oldAction) {
        return call("sigaction(" + signal + ")", () -> {
            if (oldAction.address() != 0) {
                SignalAction old = signalActions.getOrDefault(signal, new SignalAction(0, 0));
                sigaction.__sigaction_handler.sa_handler(sigaction.__sigaction_handler(oldAction),
                        MemorySegment.ofAddress(old.handler()));
                sigaction.sa_flags(oldAction, old.flags());
            }
            if (action.address() != 0) {
                MemorySegment handler = sigaction.__sigaction_handler
                        .sa_handler(sigaction.__sigaction_handler(action));
                signalActions.put(signal, new SignalAction(handler.address(), sigaction.sa_flags(action)));
            }
            return 0;
        });
    }

    @Override
    public synchronized long unblockSignal(int signal) {
        return call("pthread_sigmask", () -> 0);
    }

    @Override
    public int sigrtmin() {
        return 34;
    }

    @Override
    public int sigrtmax() {
        return 64;
    }

    @Override
    public long harmlessFunction() {
        return 1;
    }

    @Override
    public int pageSize() {
        return 4096;
    }
}
