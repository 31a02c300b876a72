package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** A hypercall that {@link X86Vm#enableHypercallExits} can send to the caller as {@link io.github.kvm4j.exit.Exit.Hypercall}. */
public enum ExitHypercall {

    /**
     * KVM_HC_MAP_GPA_RANGE: the guest changes a range of its pages between private and shared. Argument 0 is the
     * guest-physical address, 1 the number of pages of 4 KiB, 2 the attributes.
     */
    MAP_GPA_RANGE(kvm_x86_h.KVM_HC_MAP_GPA_RANGE());

    private final int number;

    ExitHypercall(int number) {
        this.number = number;
    }

    /**
     * Returns the kernel's number.
     *
     * @return a KVM_HC_ number
     */
    public int number() {
        return number;
    }
}
