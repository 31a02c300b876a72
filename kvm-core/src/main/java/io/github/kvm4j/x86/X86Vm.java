package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;

import io.github.kvm4j.Capability;
import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_pit_config;
import io.github.kvm4j.bindings.x86.kvm_hyperv_eventfd;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.exit.X86Exit.Msr.Cause;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vm.VmState;
import io.github.kvm4j.memory.GuestMemory;

/** What only x86 has of a VM's ioctls. Any thread may use it. */
public final class X86Vm {

    private static final long FOUR_GIB = 1L << 32;
    private static final int TSS_PAGES = 3;
    private static final int PAGE = 4096;

    /** The kernel's KVM_MIN_ALLOC_MMU_PAGES, which no header has. */
    private static final int MIN_MMU_PAGES = 64;

    private final VmState vm;
    private final HeldRegion held;
    private final X86VmOptions options;
    private final X86VmTime time;
    private final X86Irqchip irqchip;
    private final X86Xen xen;
    private final X86Tdx tdx;

    /**
     * For {@link io.github.kvm4j.Vm} alone.
     *
     * @param vm
     *            the VM
     * @param memory
     *            its memory
     * @hidden
     */
    @SuppressWarnings("exports")
    public X86Vm(VmState vm, GuestMemory memory) {
        this.vm = vm;
        this.held = new HeldRegion(vm, memory);
        this.options = new X86VmOptions(vm);
        this.time = new X86VmTime(vm);
        this.irqchip = new X86Irqchip(vm);
        this.xen = new X86Xen(vm);
        this.tdx = new X86Tdx(vm, held);
    }

    /**
     * Returns how the VM can differ from what it is by default.
     *
     * @return the same object each time
     */
    public X86VmOptions options() {
        return options;
    }

    /**
     * Returns the state of the in-kernel interrupt controllers and timer.
     *
     * @return the same object each time
     */
    public X86Irqchip irqchip() {
        return irqchip;
    }

    /**
     * Opens the firmware of AMD's secure encrypted virtualization, {@code /dev/sev}, for a VM of a type that has it. It is
     * closed with the VM, or before.
     *
     * @return the commands
     * @throws KvmException
     *             when it cannot be opened: ENOENT (the host has none, or no driver for it), EACCES
     * @throws ClosedException
     *             when the VM is closed
     */
    public X86Sev openSev() {
        return X86Sev.open(vm, held);
    }

    /**
     * Returns the commands of Intel's trust domains, for a VM of that type.
     *
     * @return the same object each time
     */
    public X86Tdx tdx() {
        return tdx;
    }

    /**
     * Returns what KVM does for guests of Xen.
     *
     * @return the same object each time
     */
    public X86Xen xen() {
        return xen;
    }

    /**
     * Returns the paravirtual clock, and the frequency of vCPUs to come.
     *
     * @return the same object each time
     */
    public X86VmTime time() {
        return time;
    }

    /**
     * Sets the address of the three pages that Intel's processors need for a task state segment of their own, where the
     * guest has no memory slot, before the first run. Needed on Intel hosts, harmless on others. KVM_SET_TSS_ADDR, section 4.36,
     * {@link io.github.kvm4j.Capability#SET_TSS_ADDR}.
     *
     * @param guestAddress
     *            a guest-physical address, a multiple of 4096; the three pages lie below 4 GiB
     * @throws IllegalArgumentException
     *             when the address is not such a one
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_TSS_ADDR)
    public void setTssAddress(long guestAddress) {
        if (guestAddress < 0 || guestAddress % PAGE != 0 || guestAddress > FOUR_GIB - TSS_PAGES * PAGE) {
            throw new IllegalArgumentException(String.format(
                    "TSS address 0x%x: it must be a multiple of 4096 with three pages below 4 GiB", guestAddress));
        }
        vm.require(Ioctl.KVM_SET_TSS_ADDR);
        vm.fd().call(Ioctl.KVM_SET_TSS_ADDR, guestAddress);
    }

    /**
     * Sets the address of the page that Intel's processors without unrestricted guest mode need for an identity-mapping
     * page table, where the guest has no memory slot. KVM_SET_IDENTITY_MAP_ADDR, section 4.40,
     * {@link io.github.kvm4j.Capability#SET_IDENTITY_MAP_ADDR}.
     *
     * @param guestAddress
     *            a guest-physical address below 4 GiB, a multiple of 4096; 0 for the default, 0xfffbc000
     * @throws IllegalArgumentException
     *             when the address is not such a one
     * @throws IllegalStateException
     *             when the VM has a vCPU already
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_IDENTITY_MAP_ADDR)
    public void setIdentityMapAddress(long guestAddress) {
        if (guestAddress < 0 || guestAddress % PAGE != 0 || guestAddress > FOUR_GIB - PAGE) {
            throw new IllegalArgumentException(String
                    .format("identity map address 0x%x: it must be a multiple of 4096 below 4 GiB", guestAddress));
        }
        vm.lifecycle().whileOpen(() -> {
            vm.requireNoVcpu(Ioctl.KVM_SET_IDENTITY_MAP_ADDR);
            vm.require(Ioctl.KVM_SET_IDENTITY_MAP_ADDR);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment address = arena.allocateFrom(JAVA_LONG, guestAddress);
                return vm.fd().call(Ioctl.KVM_SET_IDENTITY_MAP_ADDR, address);
            }
        });
    }

    /**
     * Chooses the vCPU that boots; the others wait for it to start them. Without this call it is vCPU 0.
     * KVM_SET_BOOT_CPU_ID, section 4.41, {@link io.github.kvm4j.Capability#SET_BOOT_CPU_ID}.
     *
     * @param id
     *            a vCPU's number
     * @throws IllegalArgumentException
     *             when no vCPU of this VM can have it
     * @throws IllegalStateException
     *             when the VM has a vCPU already
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EINVAL (not a vCPU's number)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_BOOT_CPU_ID)
    public void setBootCpuId(int id) {
        vm.checkVcpuId(id);
        vm.lifecycle().whileOpen(() -> {
            vm.requireNoVcpu(Ioctl.KVM_SET_BOOT_CPU_ID);
            vm.require(Ioctl.KVM_SET_BOOT_CPU_ID);
            return vm.fd().call(Ioctl.KVM_SET_BOOT_CPU_ID, id);
        });
    }

    /**
     * Creates the in-kernel interrupt controllers: two PICs, an IOAPIC, and a local APIC for every vCPU to come.
     * KVM_CREATE_IRQCHIP, section 4.24, {@link io.github.kvm4j.Capability#IRQCHIP}. A HLT then waits in the kernel for an
     * interrupt instead of being an exit.
     *
     * @throws IllegalStateException
     *             when the VM has a vCPU already
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EEXIST (there is one already)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_CREATE_IRQCHIP)
    public void createIrqchip() {
        vm.lifecycle().whileOpen(() -> {
            vm.requireNoVcpu(Ioctl.KVM_CREATE_IRQCHIP);
            vm.require(Ioctl.KVM_CREATE_IRQCHIP);
            return vm.fd().call(Ioctl.KVM_CREATE_IRQCHIP, 0);
        });
    }

    /**
     * Creates a local APIC in the kernel for every vCPU to come, and leaves the PICs and the IOAPIC to the caller.
     * KVM_ENABLE_CAP, {@link io.github.kvm4j.Capability#SPLIT_IRQCHIP}. The end of a level-triggered interrupt that a GSI
     * route of these pins sent is {@link io.github.kvm4j.exit.X86Exit.IoapicEoi}, an interrupt of the caller's PIC is
     * {@link X86Interrupts#inject}.
     *
     * @param ioapicPins
     *            how many GSI routes, from 0 on, are the pins of the caller's IOAPICs: 24 for the usual one
     * @throws IllegalArgumentException
     *             when the number is negative
     * @throws IllegalStateException
     *             when the VM has a vCPU already
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EEXIST (there is an in-kernel interrupt controller already), EINVAL (more pins
     *             than the VM has GSI routes)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void enableSplitIrqchip(int ioapicPins) {
        if (ioapicPins < 0) {
            throw new IllegalArgumentException(ioapicPins + " pins");
        }
        vm.enable(Capability.SPLIT_IRQCHIP, ioapicPins);
    }

    /**
     * Lets the guest's accesses to model-specific registers that would be a general protection fault be exits instead:
     * {@link io.github.kvm4j.exit.X86Exit.Rdmsr} and {@link io.github.kvm4j.exit.X86Exit.Wrmsr}. KVM_ENABLE_CAP,
     * {@link io.github.kvm4j.Capability#X86_USER_SPACE_MSR}. It may be called again at any time; for bits that this version
     * of the library does not know there is {@link io.github.kvm4j.Vm#enable}.
     *
     * @param causes
     *            which of them; none for no exits
     * @throws IllegalArgumentException
     *             when {@link Cause#UNKNOWN} is among them
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EINVAL (a cause that it does not know)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void enableUserSpaceMsr(Set<Cause> causes) {
        if (causes.contains(Cause.UNKNOWN)) {
            throw new IllegalArgumentException("UNKNOWN is what an exit says, not one to ask for");
        }
        vm.enable(Capability.X86_USER_SPACE_MSR, causes.stream().mapToInt(Cause::bit).reduce(0, (a, b) -> a | b));
    }

    /**
     * Chooses which of the guest's accesses to model-specific registers KVM may handle. One that is denied is a general
     * protection fault, or an exit when {@link #enableUserSpaceMsr} has {@link Cause#FILTERED}: ask for that first, since a
     * filter that is there before may inject the fault. KVM_X86_SET_MSR_FILTER, section 4.97,
     * {@link io.github.kvm4j.Capability#X86_MSR_FILTER}. It replaces the filter before; a vCPU that runs meanwhile sees the
     * one or the other.
     * <p>
     * It is about RDMSR and WRMSR: what instructions do to registers as a side effect is not filtered.
     *
     * @param filter
     *            the filter; {@link MsrFilter#allowing()} for none
     * @throws IllegalArgumentException
     *             when it denies by default and has no ranges
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_X86_SET_MSR_FILTER)
    public void setMsrFilter(MsrFilter filter) {
        vm.lifecycle().requireOpen();
        filter.check();
        vm.require(Ioctl.KVM_X86_SET_MSR_FILTER);
        try (Arena arena = Arena.ofConfined()) {
            vm.fd().call(Ioctl.KVM_X86_SET_MSR_FILTER, filter.write(arena));
        }
    }

    /**
     * Lets hypercalls of the guest be exits instead of KVM's business: {@link io.github.kvm4j.exit.Exit.Hypercall}.
     * KVM_ENABLE_CAP, {@link io.github.kvm4j.Capability#EXIT_HYPERCALL}, whose value has a bit for each that this KVM can
     * send. It may be called again at any time; for hypercalls that this version of the library does not know there is
     * {@link io.github.kvm4j.Vm#enable}.
     *
     * @param hypercalls
     *            which; none for no exits
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EINVAL (one that it does not send)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_ENABLE_CAP)
    public void enableHypercallExits(Set<ExitHypercall> hypercalls) {
        vm.enable(Capability.EXIT_HYPERCALL,
                hypercalls.stream().mapToLong(hypercall -> 1L << hypercall.number()).reduce(0, (a, b) -> a | b));
    }

    /**
     * Creates the in-kernel interval timer without options: {@link #createPit2(Set)}.
     *
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EEXIST (there is one already), ENOENT (no in-kernel interrupt controller; kernels
     *             before 6.17 make a timer that interrupts nobody)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_CREATE_PIT2)
    public void createPit2() {
        createPit2(Set.of());
    }

    /**
     * Creates the in-kernel interval timer, an i8254, after {@link #createIrqchip()}. KVM_CREATE_PIT2, section 4.71,
     * {@link io.github.kvm4j.Capability#PIT2}.
     *
     * @param flags
     *            its options
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EEXIST (there is one already), ENOENT (no in-kernel interrupt controller; kernels
     *             before 6.17 make a timer that interrupts nobody)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_CREATE_PIT2)
    public void createPit2(Set<PitFlag> flags) {
        vm.require(Ioctl.KVM_CREATE_PIT2);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment config = kvm_pit_config.allocate(arena);
            kvm_pit_config.flags(config, flags.stream().mapToInt(PitFlag::bit).reduce(0, (a, b) -> a | b));
            vm.fd().call(Ioctl.KVM_CREATE_PIT2, config);
        }
    }

    /**
     * Chooses which events the guest may count with its performance monitors. KVM_SET_PMU_EVENT_FILTER, section 4.120,
     * {@link Capability#PMU_EVENT_FILTER}. It replaces the filter before.
     *
     * @param filter
     *            the filter; {@link PmuEventFilter#denying()} for none
     * @throws UnsupportedCapabilityException
     *             without the capability, or {@link Capability#PMU_EVENT_MASKED_EVENTS} for a filter with masks
     * @throws KvmException
     *             when the kernel refuses: E2BIG (too many events; it takes 300)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_PMU_EVENT_FILTER)
    public void setPmuEventFilter(PmuEventFilter filter) {
        vm.require(Ioctl.KVM_SET_PMU_EVENT_FILTER);
        if (filter.isMasked()) {
            vm.require(Ioctl.KVM_SET_PMU_EVENT_FILTER, Capability.PMU_EVENT_MASKED_EVENTS);
        }
        try (Arena arena = Arena.ofConfined()) {
            vm.fd().call(Ioctl.KVM_SET_PMU_EVENT_FILTER, filter.write(arena));
        }
    }

    /**
     * Limits the shadow page tables. KVM_SET_NR_MMU_PAGES, {@link Capability#MMU_SHADOW_CACHE_CONTROL}.
     *
     * @param pages
     *            how many, at least 64
     * @throws IllegalArgumentException
     *             when there are fewer
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_SET_NR_MMU_PAGES)
    public void setNrMmuPages(long pages) {
        vm.lifecycle().requireOpen();
        if (pages < MIN_MMU_PAGES) {
            throw new IllegalArgumentException(pages + " shadow pages; KVM takes " + MIN_MMU_PAGES + " at least");
        }
        vm.require(Ioctl.KVM_SET_NR_MMU_PAGES);
        vm.fd().call(Ioctl.KVM_SET_NR_MMU_PAGES, pages);
    }

    /**
     * Lets a guest of Hyper-V signal an eventfd by a hypercall (HvCallSignalEvent). KVM_HYPERV_EVENTFD, section 4.113,
     * {@link Capability#HYPERV_EVENTFD}.
     *
     * @param connectionId
     *            the connection that the guest signals, 24 bits
     * @param eventFd
     *            the number of an eventfd of this process; the kernel keeps a reference of its own
     * @throws IllegalArgumentException
     *             when the connection's number has more bits
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EEXIST (the connection has one), EBADF or EINVAL (not an eventfd)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_HYPERV_EVENTFD)
    public void assignHypervEventFd(int connectionId, int eventFd) {
        hypervEventFd(connectionId, eventFd, 0);
    }

    /**
     * Ends what {@link #assignHypervEventFd} began. KVM_HYPERV_EVENTFD with KVM_HYPERV_EVENTFD_DEASSIGN, section 4.113.
     *
     * @param connectionId
     *            the connection
     * @throws IllegalArgumentException
     *             when the connection's number has more than 24 bits
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: ENOENT (the connection has none)
     * @throws ClosedException
     *             when the VM is closed
     */
    @Issues(Ioctl.KVM_HYPERV_EVENTFD)
    public void deassignHypervEventFd(int connectionId) {
        hypervEventFd(connectionId, -1, kvm_x86_h.KVM_HYPERV_EVENTFD_DEASSIGN());
    }

    private void hypervEventFd(int connectionId, int eventFd, int flags) {
        vm.lifecycle().requireOpen();
        Fields.check("the connection", connectionId, kvm_x86_h.KVM_HYPERV_CONN_ID_MASK());
        vm.require(Ioctl.KVM_HYPERV_EVENTFD);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = kvm_hyperv_eventfd.allocate(arena);
            kvm_hyperv_eventfd.conn_id(request, connectionId);
            kvm_hyperv_eventfd.fd(request, eventFd);
            kvm_hyperv_eventfd.flags(request, flags);
            vm.fd().call(Ioctl.KVM_HYPERV_EVENTFD, request);
        }
    }
}
