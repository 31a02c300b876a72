package io.github.kvm4j.internal.vm;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.internal.ioctl.FdKind;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.KvmFd;
import io.github.kvm4j.internal.sys.Cleanup;
import io.github.kvm4j.internal.sys.Errno;
import io.github.kvm4j.internal.sys.LeakWatch;
import io.github.kvm4j.internal.sys.Lifecycle;
import io.github.kvm4j.internal.vcpu.DirtyRing;
import io.github.kvm4j.internal.vcpu.VcpuFd;

/**
 * What a VM owns, and how it is closed. It refers to descriptors and not to the {@link io.github.kvm4j.Vm} and its
 * children, so that a {@link io.github.kvm4j.Kvm} can hold on to it, and a forgotten Vm be noticed all the same.
 */
public final class VmState {

    private final KvmFd system;
    private final KvmFd fd;
    private final Lifecycle lifecycle = new Lifecycle("VM");

    /** What is open, in the order of its creation; changed and read under the lifecycle's lock, as is the next. */
    private final List<VcpuFd> vcpus = new ArrayList<>();
    private final List<KvmFd> devices = new ArrayList<>();

    /** Also those of closed vCPUs: the kernel keeps a vCPU until its VM is gone. */
    private final BitSet vcpuIds = new BitSet();
    private final List<Runnable> beforeClose = new ArrayList<>();
    private final List<Runnable> beforeDescriptor = new ArrayList<>();
    private final List<Runnable> afterClose = new ArrayList<>();
    private @Nullable LeakWatch leakWatch;

    /** Bytes, 0 without; and the rings of all vCPUs, those of closed ones too, which may have left something. */
    private long dirtyRingSize;
    private final List<DirtyRing> dirtyRings = new ArrayList<>();

    /** Whether there are, or were, zones of coalesced writes; and their ring, which is read without the lock. */
    private boolean coalescing;
    private volatile @Nullable CoalescedRing coalescedRing;

    public VmState(KvmFd system, KvmFd fd) {
        this.system = system;
        this.fd = fd;
    }

    /** The VM's descriptor. */
    public KvmFd fd() {
        return fd;
    }

    public Lifecycle lifecycle() {
        return lifecycle;
    }

    /** Reports the object that stands for this VM when it is forgotten. */
    public void watch(Object vm) {
        leakWatch = LeakWatch.of(vm, "a Vm (" + fd + ")");
    }

    /** Refuses what no vCPU of this VM can have as its number. */
    public void checkVcpuId(int id) {
        int limit = vcpuIdLimit();
        if (id < 0 || id >= limit) {
            throw new IllegalArgumentException("vCPU id " + id + " is out of range: this VM takes 0 to " + (limit - 1));
        }
    }

    /** Section 4.7: without KVM_CAP_MAX_VCPU_ID ids go up to KVM_CAP_MAX_VCPUS, without that to KVM_CAP_NR_VCPUS or 4. */
    private int vcpuIdLimit() {
        for (Capability capability : List.of(Capability.MAX_VCPU_ID, Capability.MAX_VCPUS, Capability.NR_VCPUS)) {
            int limit = checkExtension(capability.number());
            if (limit > 0) {
                return limit;
            }
        }
        return 4;
    }

    /** Creates a vCPU's descriptor with an id that has not been taken. */
    public VcpuFd createVcpu(int id, long mmapSize) {
        return lifecycle.whileOpen(() -> {
            if (vcpuIds.get(id)) {
                throw new IllegalArgumentException("this VM has had a vCPU " + id
                        + "; the kernel keeps an id taken until the VM is closed");
            }
            // What can fail comes first: once created, a vCPU stays.
            String what = "vCPU " + id;
            fd.host().kickSignal().number();
            vcpuIds.set(id);
            VcpuFd vcpu = own(vcpus, VcpuFd.own(fd.host(), fd.own(createVcpu(id), what), mmapSize, dirtyRingSize));
            try {
                mapCoalescedRing();
            } catch (Throwable t) {
                vcpus.remove(vcpu);
                Cleanup.after(t, vcpu::close);
                throw t;
            }
            if (vcpu.dirtyRing() != null) {
                dirtyRings.add(vcpu.dirtyRing());
            }
            return vcpu;
        });
    }

    /** The size of each dirty ring in bytes; 0 as long as they are not enabled. */
    public long dirtyRingSize() {
        return lifecycle.locked(() -> dirtyRingSize);
    }

    /** The dirty rings of the vCPUs that there are and were. */
    public List<DirtyRing> dirtyRings() {
        return lifecycle.locked(() -> List.copyOf(dirtyRings));
    }

    /** A capability has been enabled on the VM; under the lifecycle's lock. */
    void enabled(Capability capability, long... arguments) {
        if (capability == Capability.DIRTY_LOG_RING || capability == Capability.DIRTY_LOG_RING_ACQ_REL) {
            dirtyRingSize = arguments[0];
        }
    }

    private long createVcpu(int id) {
        long number = fd.attempt(Ioctl.KVM_CREATE_VCPU, id);
        if (number < 0) {
            vcpuIds.clear(id);
        }
        return KvmFd.check(Ioctl.KVM_CREATE_VCPU, number);
    }

    /** Takes a device's descriptor over, while the VM is open. */
    public KvmFd createDevice(Supplier<KvmFd> creation) {
        return lifecycle.whileOpen(() -> own(devices, creation.get()));
    }

    private static <T extends AutoCloseable> T own(List<T> children, T child) {
        try {
            children.add(child);
            return child;
        } catch (Throwable t) {
            Cleanup.after(t, () -> close(child));
            throw t;
        }
    }

    private static void close(AutoCloseable child) {
        switch (child) {
            case VcpuFd vcpu -> vcpu.close();
            case KvmFd device -> device.close();
            default -> throw new AssertionError(child);
        }
    }

    /** A child has been closed on its own. */
    public void forget(AutoCloseable child) {
        lifecycle.locked(() -> vcpus.remove(child) || devices.remove(child));
    }

    /** Adds a step that comes first when the VM is closed. */
    public void beforeClose(Runnable step) {
        beforeClose.add(step);
    }

    /**
     * Maps the page of coalesced writes, which all vCPUs have, beside what is mapped with a vCPU: now, or with the first
     * vCPU. Under the lifecycle's lock.
     */
    public void wantCoalescedRing() {
        coalescing = true;
        mapCoalescedRing();
    }

    private void mapCoalescedRing() {
        if (!coalescing) {
            return;
        }
        int pageSize = fd.host().pageSize();
        for (int i = 0; i < vcpus.size() && coalescedRing == null; i++) {
            int page = checkExtension(Capability.COALESCED_MMIO.number());
            try {
                coalescedRing = new CoalescedRing(
                        vcpus.get(i).map("the ring of coalesced writes", pageSize, (long) page * pageSize));
            } catch (ClosedException e) {
                // It is being closed: each of the others has the same page.
            }
        }
    }

    /** The page of coalesced writes, when it is wanted and there has been a vCPU. */
    public @Nullable CoalescedRing coalescedRing() {
        return coalescedRing;
    }

    /** Adds a step that comes when the vCPUs and devices are closed, before the descriptor is; not when a vCPU is left. */
    public void beforeDescriptor(Runnable step) {
        beforeDescriptor.add(step);
    }

    /** Adds a step that must wait until the descriptor is closed, and the guest gone. */
    public void afterClose(Runnable step) {
        afterClose.add(step);
    }

    /**
     * Closes the vCPUs, the devices, what else refers to the VM, the descriptor, and does what waited for that. If a vCPU cannot be stopped, its
     * descriptor keeps the VM alive: then the memory stays mapped, and the close may be tried again.
     */
    public void close() {
        lifecycle.close(() -> {
            Cleanup cleanup = new Cleanup();
            beforeClose.forEach(cleanup::step);
            List<VcpuFd> running = lifecycle.locked(() -> List.copyOf(vcpus)).reversed();
            running.forEach(vcpu -> cleanup.step(vcpu::close));
            lifecycle.locked(() -> List.copyOf(devices)).reversed().forEach(device -> cleanup.step(device::close));
            if (coalescedRing != null) {
                cleanup.step(coalescedRing::close);
            }
            if (running.stream().allMatch(VcpuFd::isDone)) {
                beforeDescriptor.forEach(cleanup::step);
            }
            cleanup.step(fd::close);
            if (running.stream().allMatch(VcpuFd::isDone)) {
                afterClose.forEach(cleanup::step);
            }
            if (leakWatch != null) {
                leakWatch.closed();
            }
            cleanup.finish();
        });
    }

    /** Refuses a range of guest-physical addresses that is not of whole pages, or has none. */
    public void checkPages(String what, long guestAddress, long size) {
        int page = fd.host().pageSize();
        if (guestAddress % page != 0 || size % page != 0 || size <= 0
                || Long.compareUnsigned(guestAddress + size - 1, guestAddress) < 0) {
            throw new IllegalArgumentException(String.format(
                    "%s: 0x%x bytes at 0x%x; both must be multiples of the page size, %d bytes, the size above 0, and the end "
                            + "within the 64-bit address space",
                    what, size, guestAddress, page));
        }
    }

    /** Refuses what must come before the first vCPU. */
    public void requireNoVcpu(Ioctl ioctl) {
        requireNoVcpu(ioctl.name());
    }

    /** Refuses what must come before the first vCPU. */
    void requireNoVcpu(String call) {
        if (!vcpuIds.isEmpty()) {
            throw new IllegalStateException(
                    call + " must come before the first vCPU, and this VM has one; make the call before createVcpu()");
        }
    }

    /** KVM_ENABLE_CAP on the VM. */
    public void enable(Capability capability, long... arguments) {
        new EnableCap(this).onVm(capability, arguments);
    }

    /** KVM_ENABLE_CAP on one of its vCPUs. */
    public void enable(VcpuFd vcpu, Capability capability, long... arguments) {
        new EnableCap(this).onVcpu(vcpu, capability, arguments);
    }

    /** KVM_ENABLE_CAP on one of its vCPUs, with the address of what the kernel is to write. */
    public void enable(VcpuFd vcpu, Capability capability, MemorySegment out) {
        new EnableCap(this).onVcpu(vcpu, capability, out);
    }

    /** KVM_CHECK_EXTENSION on the VM; kernels before 3.17 take it on the system alone. */
    public int checkExtension(int number) {
        long result = fd.attempt(Ioctl.KVM_CHECK_EXTENSION, number);
        if (Errno.ENOTTY.is(result)) {
            result = system.attempt(Ioctl.KVM_CHECK_EXTENSION, number);
        }
        return (int) KvmFd.check(Ioctl.KVM_CHECK_EXTENSION, result);
    }

    /** Refuses an ioctl when the VM has none of the capabilities that announce it. */
    public void require(Ioctl ioctl) {
        require(ioctl, FdKind.VM);
    }

    /** Refuses an ioctl when the VM has none of the capabilities that announce it on such a descriptor. */
    public void require(Ioctl ioctl, FdKind kind) {
        List<Capability> anyOf = ioctl.capabilities(kind);
        if (!anyOf.isEmpty() && anyOf.stream().allMatch(capability -> checkExtension(capability.number()) == 0)) {
            throw new UnsupportedCapabilityException(ioctl.name(), anyOf.getFirst());
        }
    }

    /** Refuses an ioctl when the VM lacks a capability that this use of it needs. */
    public void require(Ioctl ioctl, Capability capability) {
        if (checkExtension(capability.number()) == 0) {
            throw new UnsupportedCapabilityException(ioctl.name(), capability);
        }
    }
}
