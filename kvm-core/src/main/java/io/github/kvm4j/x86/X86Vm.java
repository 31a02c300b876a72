package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;

import io.github.kvm4j.ClosedException;
import io.github.kvm4j.KvmException;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_pit_config;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.ioctl.Issues;
import io.github.kvm4j.internal.vm.VmState;

/** What only x86 has of a VM's ioctls. Any thread may use it. */
public final class X86Vm {

    private static final long FOUR_GIB = 1L << 32;
    private static final int TSS_PAGES = 3;
    private static final int PAGE = 4096;

    private final VmState vm;

    /**
     * For {@link io.github.kvm4j.Vm} alone.
     *
     * @param vm
     *            the VM
     * @hidden
     */
    @SuppressWarnings("exports")
    public X86Vm(VmState vm) {
        this.vm = vm;
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
     * Creates the in-kernel interval timer without options: {@link #createPit2(Set)}.
     *
     * @throws UnsupportedCapabilityException
     *             without the capability
     * @throws KvmException
     *             when the kernel refuses: EEXIST (there is one already), ENOENT (no in-kernel interrupt controller)
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
     *             when the kernel refuses: EEXIST (there is one already), ENOENT (no in-kernel interrupt controller)
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
}
