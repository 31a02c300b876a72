package io.github.kvm4j;

import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.internal.exit.RunPage;
import io.github.kvm4j.internal.ioctl.Attributes;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Architecture;
import io.github.kvm4j.internal.sys.Cleanup;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.Fd;
import io.github.kvm4j.internal.sys.Host;
import io.github.kvm4j.internal.sys.LeakWatch;
import io.github.kvm4j.internal.sys.Lifecycle;
import io.github.kvm4j.internal.sys.NativeAccess;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.unsafe.RawIoctls;
import io.github.kvm4j.x86.X86Kvm;

/**
 * The system: an open {@code /dev/kvm}. From here VMs are created and the host's KVM is asked what it can do.
 * <p>
 * Any thread may use it. Closing it closes the VMs that were created from it.
 * <p>
 * KVM documentation, section 4, "API description", the ioctls of type "system ioctl".
 */
public final class Kvm implements AutoCloseable {

    private static final Path DEVICE = Path.of("/dev/kvm");
    private static final int CREATE_VM_TRIES = 10;

    private final KvmFd fd;
    private final Lifecycle lifecycle = new Lifecycle("Kvm");
    private final LeakWatch leakWatch;
    private final Attributes attributes;
    private final @Nullable X86Kvm x86;
    private final long vcpuMmapSize;

    /** The VMs that are not closed, changed and read under the lifecycle's lock. */
    private final List<VmState> vms = new ArrayList<>();

    private Kvm(KvmFd fd) {
        this.fd = fd;
        requireApiVersion(fd);
        requireImmediateExit(fd);
        this.vcpuMmapSize = requireRunPage(fd);
        this.attributes = new Attributes(fd);
        this.x86 = Architecture.ON_X86 ? new X86Kvm(fd) : null;
        this.leakWatch = LeakWatch.of(this, "a Kvm (" + fd + ")");
    }

    /**
     * Opens {@code /dev/kvm}.
     *
     * @return the open system
     * @throws KvmException
     *             when there is no such file (ENOENT: KVM is not loaded, or there is no virtualization), when this user may
     *             not open it (EACCES), when its API version is not 12, or when the JVM denies native access; the message
     *             has the remedy
     * @throws UnsupportedCapabilityException
     *             without {@link Capability#IMMEDIATE_EXIT}, which every kernel since 4.13 has
     * @throws IllegalStateException
     *             when a vCPU's mapping would be smaller than {@code struct kvm_run}, which no kernel has been seen to do
     * @throws UnsupportedOperationException
     *             on an architecture other than x86-64, aarch64 and riscv64
     */
    public static Kvm open() {
        return open(DEVICE);
    }

    /**
     * Opens KVM under another path than {@code /dev/kvm}.
     *
     * @param path
     *            a KVM character device
     * @return the open system
     * @throws KvmException
     *             as {@link #open()}; also when the file is not KVM's (ENOTTY)
     * @throws UnsupportedCapabilityException
     *             without {@link Capability#IMMEDIATE_EXIT}, which every kernel since 4.13 has
     * @throws IllegalStateException
     *             when a vCPU's mapping would be smaller than {@code struct kvm_run}, which no kernel has been seen to do
     * @throws UnsupportedOperationException
     *             on an architecture other than x86-64, aarch64 and riscv64
     */
    public static Kvm open(Path path) {
        Objects.requireNonNull(path, "path");
        // Before anything is bound: what is bound is for the architectures that are known.
        Architecture.requireKnown();
        requireNativeAccess("open(" + path + ")");
        return open(path, Host.linux());
    }

    static Kvm open(Path path, Host host) {
        long result = host.libc().open(path.toString(), libc_h.O_RDWR() | libc_h.O_CLOEXEC());
        if (result < 0) {
            throw openFailure(path, result);
        }
        Fd fd = Fd.own(host.libc(), (int) result, path.toString());
        try {
            return new Kvm(new KvmFd(host, FdKind.SYSTEM, fd));
        } catch (Throwable t) {
            Cleanup.after(t, fd::close);
            throw t;
        }
    }

    /**
     * Chooses the real-time signal by which {@link Vcpu#kick()} and {@link Vcpu#close()} make a vCPU's thread leave the
     * guest, one for the process, and installs a handler for it that does nothing. Without this call it is the first
     * real-time signal that has no handler when the first vCPU of the process is created. The signal must stay the library's:
     * nobody may change its handler, or block it in a thread that is in {@link Vcpu#run()}.
     *
     * @param signal
     *            a signal's number, from SIGRTMIN to SIGRTMAX: with glibc 34 to 64
     * @throws IllegalArgumentException
     *             for another signal
     * @throws IllegalStateException
     *             when the signal has a handler already or is ignored, or when another has been chosen, at the latest for the
     *             first vCPU
     * @throws KvmException
     *             when the JVM denies native access
     */
    public static void chooseKickSignal(int signal) {
        requireNativeAccess("sigaction");
        Host.linux().kickSignal().choose(signal);
    }

    /**
     * Returns the signal of {@link #chooseKickSignal}, which is chosen now if that has not been done.
     *
     * @return the signal's number
     * @throws IllegalStateException
     *             when every real-time signal has a handler
     * @throws KvmException
     *             when the JVM denies native access
     */
    public static int kickSignal() {
        requireNativeAccess("sigaction");
        return Host.linux().kickSignal().number();
    }

    private static void requireNativeAccess(String call) {
        if (!NativeAccess.isGranted()) {
            throw new KvmException(call, "kvm4j needs native access: start java with " + NativeAccess.OPTION);
        }
    }

    private static KvmException openFailure(Path path, long result) {
        String explanation = "";
        if (Errno.ENOENT.is(result) || Errno.ENODEV.is(result) || Errno.ENXIO.is(result)) {
            explanation = "KVM is not there: load the module (modprobe kvm_intel or kvm_amd); if that fails, the processor's "
                    + "virtualization is switched off in the firmware, or this is a VM without nested virtualization";
        } else if (Errno.EACCES.is(result) || Errno.EPERM.is(result)) {
            explanation = "this user may not open it: add the user to the group kvm (usermod -aG kvm USER) and log in again";
        }
        return new KvmException("open(" + path + ")", (int) -result, explanation);
    }

    private static void requireApiVersion(KvmFd fd) {
        long version = fd.call(Ioctl.KVM_GET_API_VERSION, 0);
        if (version != kvm_h.KVM_API_VERSION()) {
            throw new KvmException("KVM_GET_API_VERSION", "the kernel's KVM API has version " + version
                    + "; kvm4j needs " + kvm_h.KVM_API_VERSION() + ", which every kernel since 2.6.22 has");
        }
    }

    /** Since 4.13. Without it a kick could be lost between the check for it and the entry into the guest. */
    private static void requireImmediateExit(KvmFd fd) {
        if (fd.call(Ioctl.KVM_CHECK_EXTENSION, Capability.IMMEDIATE_EXIT.number()) == 0) {
            throw new UnsupportedCapabilityException(Ioctl.KVM_RUN.name(), Capability.IMMEDIATE_EXIT);
        }
    }

    private static long requireRunPage(KvmFd fd) {
        long size = fd.call(Ioctl.KVM_GET_VCPU_MMAP_SIZE, 0);
        if (size < RunPage.SIZE) {
            throw new IllegalStateException("KVM_GET_VCPU_MMAP_SIZE is " + size + ", less than struct kvm_run's "
                    + RunPage.SIZE + " bytes");
        }
        return size;
    }

    /**
     * Returns the version of the kernel's KVM API. KVM_GET_API_VERSION, section 4.1.
     *
     * @return 12; with any other {@link #open()} fails
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_API_VERSION)
    public int getApiVersion() {
        return (int) fd.call(Ioctl.KVM_GET_API_VERSION, 0);
    }

    /**
     * Asks for a capability on the system descriptor. For those of scope {@link Capability.Scope#VM} a VM's answer may
     * differ; asking the VM is never wrong: {@link Vm#checkExtension(Capability)}. KVM_CHECK_EXTENSION, section 4.4.
     *
     * @param capability
     *            what to ask for
     * @return 0 when the kernel does not have it; otherwise what {@link Capability#valueKind()} says
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_CHECK_EXTENSION)
    public int checkExtension(Capability capability) {
        return checkExtension(capability.number());
    }

    /**
     * Asks for a capability that this version of the library may not know. KVM_CHECK_EXTENSION, section 4.4.
     *
     * @param number
     *            a KVM_CAP_ number
     * @return 0 when the kernel does not have it, or does not know the number
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_CHECK_EXTENSION)
    public int checkExtension(int number) {
        return (int) fd.call(Ioctl.KVM_CHECK_EXTENSION, number);
    }

    /**
     * Tells whether the system has a capability.
     *
     * @param capability
     *            what to ask for
     * @return whether {@link #checkExtension(Capability)} is not 0
     * @throws ClosedException
     *             when closed
     */
    public boolean has(Capability capability) {
        return checkExtension(capability) != 0;
    }

    /**
     * Returns the size of a vCPU's mapping: the run page and the rings behind it. KVM_GET_VCPU_MMAP_SIZE, section 4.5.
     *
     * @return bytes, a multiple of the page size
     */
    @Issues(Ioctl.KVM_GET_VCPU_MMAP_SIZE)
    public long vcpuMmapSize() {
        return vcpuMmapSize;
    }

    /**
     * Creates a VM of the default type, without memory and vCPUs. KVM_CREATE_VM, section 4.2.
     *
     * @return the VM, owned by this and to be closed
     * @throws KvmException
     *             when the kernel refuses: EBUSY (another hypervisor has the processor), EMFILE, ENOMEM
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_CREATE_VM)
    public Vm createVm() {
        return createVm(0);
    }

    /**
     * Creates a VM of an architecture's own type. KVM_CREATE_VM, section 4.2. The call is repeated a few times when a
     * signal interrupts it (EINTR), which KVM lets happen.
     *
     * @param type
     *            0 for the default; on x86 a KVM_X86_ number out of {@link Capability#VM_TYPES}, on arm64 the size of the
     *            guest-physical address space in bits
     * @return the VM, owned by this and to be closed
     * @throws KvmException
     *             when the kernel refuses: EINVAL (unknown type), EBUSY (another hypervisor has the processor), EMFILE,
     *             ENOMEM
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_CREATE_VM)
    public Vm createVm(long type) {
        long result = -Errno.EINTR.number();
        for (int i = 0; i < CREATE_VM_TRIES && Errno.EINTR.is(result); i++) {
            result = fd.attempt(Ioctl.KVM_CREATE_VM, type);
        }
        KvmFd.check(Ioctl.KVM_CREATE_VM, result);
        VmState state = new VmState(fd, new KvmFd(fd.host(), FdKind.VM, fd.own(result, "VM")));
        try {
            Vm vm = new Vm(this, state);
            return lifecycle.whileOpen(() -> {
                vms.add(state);
                return vm;
            });
        } catch (Throwable t) {
            Cleanup.after(t, state::close);
            throw t;
        }
    }

    void forget(VmState vm) {
        lifecycle.locked(() -> vms.remove(vm));
    }

    /**
     * Returns what only x86 has.
     *
     * @return the x86 part
     * @throws UnsupportedOperationException
     *             on another architecture
     */
    public X86Kvm x86() {
        return Architecture.X86.require(x86, "Kvm.x86()");
    }

    /**
     * Tells whether the system has an attribute. KVM_HAS_DEVICE_ATTR, section 4.81, {@link Capability#SYS_ATTRIBUTES},
     * which x86 alone has.
     *
     * @param group
     *            the group, a number of the architecture's own
     * @param attribute
     *            the attribute, such as KVM_X86_XCOMP_GUEST_SUPP
     * @return whether it has
     * @throws KvmException
     *             when the kernel fails otherwise than by saying no
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_HAS_DEVICE_ATTR)
    public boolean hasAttribute(int group, long attribute) {
        return attributes.has(group, attribute);
    }

    /**
     * Reads an attribute of the system. KVM_GET_DEVICE_ATTR, section 4.80, {@link Capability#SYS_ATTRIBUTES}, which x86
     * alone has.
     *
     * @param group
     *            the group, a number of the architecture's own
     * @param attribute
     *            the attribute, such as KVM_X86_XCOMP_GUEST_SUPP
     * @param size
     *            the size that the attribute has, in bytes
     * @return the value in the host's byte order
     * @throws IllegalArgumentException
     *             when the size is negative
     * @throws KvmException
     *             when the kernel refuses: ENXIO (no such attribute), EINVAL or ENOTTY (no attributes at all)
     * @throws ClosedException
     *             when closed
     */
    @Issues(Ioctl.KVM_GET_DEVICE_ATTR)
    public byte[] getAttribute(int group, long attribute, int size) {
        return attributes.get(group, attribute, size);
    }

    /**
     * Returns the way down: ioctls without a typed method, with arguments that nobody checks.
     *
     * @return the raw ioctls of this descriptor
     */
    public RawIoctls unsafe() {
        return new RawIoctls(fd, this::checkExtension);
    }

    /**
     * Tells whether {@link #close()} has been called.
     *
     * @return true once closed
     */
    public boolean isClosed() {
        return lifecycle.isClosed();
    }

    /**
     * Closes the VMs created from this that are still open, the youngest first, and then the descriptor. It waits for
     * calls in progress on other threads, as {@link Vm#close()} does. A second call does nothing.
     *
     * @throws KvmException
     *             when a step failed; the others have been done all the same
     */
    @Override
    public void close() {
        try {
            lifecycle.close(() -> {
                Cleanup cleanup = new Cleanup();
                lifecycle.locked(() -> List.copyOf(vms)).reversed().forEach(vm -> cleanup.step(vm::close));
                cleanup.step(fd::close);
                leakWatch.closed();
                cleanup.finish();
            });
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    @Override
    public String toString() {
        return "Kvm[" + fd + "]";
    }
}
