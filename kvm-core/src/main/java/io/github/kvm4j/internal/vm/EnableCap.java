package io.github.kvm4j.internal.vm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Capability.Enabling;
import io.github.kvm4j.Capability.Target;
import io.github.kvm4j.UnsupportedCapabilityException;
import io.github.kvm4j.bindings.kvm_enable_cap;
import io.github.kvm4j.internal.ioctl.Explanations;
import io.github.kvm4j.internal.ioctl.Ioctl;
import io.github.kvm4j.internal.vcpu.VcpuFd;

/** KVM_ENABLE_CAP, checked first against what the table of capabilities says of it. */
final class EnableCap {

    /** Their argument is where the kernel reads or writes memory of this process: nothing for a typed call. */
    private static final Set<Capability> TAKE_ADDRESSES = EnumSet.of(Capability.HYPERV_ENLIGHTENED_VMCS,
            Capability.SW_TLB);

    /** What is there may be reported as 0 until it is enabled, or for ever. */
    private static final Set<Capability> REPORTED_AS_ABSENT = EnumSet.of(Capability.ARM_EAGER_SPLIT_CHUNK_SIZE,
            Capability.RISCV_MP_STATE_RESET);

    private final VmState vm;

    EnableCap(VmState vm) {
        this.vm = vm;
    }

    /** Enables it on the VM. */
    void onVm(Capability capability, long... arguments) {
        vm.lifecycle().whileOpen(() -> {
            Enabling enabling = check(capability, Target.VM, arguments);
            if (enabling.beforeFirstVcpu()) {
                vm.requireNoVcpu(name(capability));
            }
            requirePresent(capability);
            try (Arena arena = Arena.ofConfined()) {
                check(capability, vm.fd().attempt(Ioctl.KVM_ENABLE_CAP, request(arena, capability, arguments)));
            }
            vm.enabled(capability, arguments);
            return capability;
        });
    }

    /** Enables it on a vCPU. */
    void onVcpu(VcpuFd vcpu, Capability capability, long... arguments) {
        vcpu.enter();
        try (Arena arena = Arena.ofConfined()) {
            check(capability, Target.VCPU, arguments);
            requirePresent(capability);
            check(capability, vcpu.entered(Ioctl.KVM_ENABLE_CAP, request(arena, capability, arguments)));
        } finally {
            vcpu.leave();
        }
    }

    /** Enables it on a vCPU, where the kernel is to write something. */
    void onVcpu(VcpuFd vcpu, Capability capability, MemorySegment out) {
        vcpu.enter();
        try (Arena arena = Arena.ofConfined()) {
            requirePresent(capability);
            check(capability, vcpu.entered(Ioctl.KVM_ENABLE_CAP, request(arena, capability, out.address())));
        } finally {
            vcpu.leave();
        }
    }

    /** As many arguments as it has: one that is left out would be 0, which for most means "off". */
    private static Enabling check(Capability capability, Target target, long... arguments) {
        Enabling enabling = capability.enabling().orElseThrow(() -> new IllegalArgumentException(
                capability.kernelName() + " is not one that KVM_ENABLE_CAP enables"));
        if (enabling.on() != target) {
            throw new IllegalArgumentException(capability.kernelName()
                    + (target == Target.VM
                            ? " is enabled on a vCPU: Vcpu.enable()"
                            : " is enabled on the VM: Vm.enable()"));
        }
        if (TAKE_ADDRESSES.contains(capability)) {
            throw new IllegalArgumentException(
                    capability.kernelName() + " takes an address, which nothing can check: use unsafe()");
        }
        if (arguments.length != enabling.arguments().size()) {
            throw new IllegalArgumentException(capability.kernelName() + " takes " + enabling.arguments().size()
                    + " arguments " + enabling.arguments() + ", and was given " + arguments.length);
        }
        return enabling;
    }

    private void requirePresent(Capability capability) {
        if (!REPORTED_AS_ABSENT.contains(capability) && vm.checkExtension(capability.number()) == 0) {
            throw new UnsupportedCapabilityException(name(capability), capability);
        }
    }

    private static MemorySegment request(Arena arena, Capability capability, long... arguments) {
        MemorySegment request = kvm_enable_cap.allocate(arena);
        kvm_enable_cap.cap(request, capability.number());
        for (int i = 0; i < arguments.length; i++) {
            kvm_enable_cap.args(request, i, arguments[i]);
        }
        return request;
    }

    private static String name(Capability capability) {
        return Ioctl.KVM_ENABLE_CAP + "(" + capability.kernelName() + ")";
    }

    private static void check(Capability capability, long result) {
        if (result < 0) {
            throw Explanations.failure(Ioctl.KVM_ENABLE_CAP, name(capability), result);
        }
    }
}
