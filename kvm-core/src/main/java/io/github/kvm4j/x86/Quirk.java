package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** Something that KVM does otherwise than a processor, for old guests and VMMs, and that {@link X86VmOptions#disableQuirks} ends. */
public enum Quirk {

    /** KVM_X86_QUIRK_LINT0_REENABLED: LINT0 is on after a reset of the local APIC. */
    LINT0_REENABLED(kvm_x86_h.KVM_X86_QUIRK_LINT0_REENABLED()),
    /** KVM_X86_QUIRK_CD_NW_CLEARED: CR0 has its cache flags clear after a reset. */
    CD_NW_CLEARED(kvm_x86_h.KVM_X86_QUIRK_CD_NW_CLEARED()),
    /** KVM_X86_QUIRK_LAPIC_MMIO_HOLE: the local APIC's page is there in x2APIC mode too. */
    LAPIC_MMIO_HOLE(kvm_x86_h.KVM_X86_QUIRK_LAPIC_MMIO_HOLE()),
    /** KVM_X86_QUIRK_OUT_7E_INC_RIP: OUT to port 0x7e is complete before its exit. */
    OUT_7E_INC_RIP(kvm_x86_h.KVM_X86_QUIRK_OUT_7E_INC_RIP()),
    /** KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT: IA32_MISC_ENABLE changes what CPUID says of MWAIT. */
    MISC_ENABLE_NO_MWAIT(kvm_x86_h.KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT()),
    /** KVM_X86_QUIRK_FIX_HYPERCALL_INSN: KVM rewrites the other maker's hypercall instruction. */
    FIX_HYPERCALL_INSN(kvm_x86_h.KVM_X86_QUIRK_FIX_HYPERCALL_INSN()),
    /** KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS: MWAIT and MONITOR are never undefined. */
    MWAIT_NEVER_UD_FAULTS(kvm_x86_h.KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS()),
    /** KVM_X86_QUIRK_SLOT_ZAP_ALL: all page tables are dropped with a memory slot. */
    SLOT_ZAP_ALL(kvm_x86_h.KVM_X86_QUIRK_SLOT_ZAP_ALL()),
    /** KVM_X86_QUIRK_STUFF_FEATURE_MSRS: feature registers of a new vCPU have the host's values. */
    STUFF_FEATURE_MSRS(kvm_x86_h.KVM_X86_QUIRK_STUFF_FEATURE_MSRS()),
    /** KVM_X86_QUIRK_IGNORE_GUEST_PAT: the guest's memory types are ignored where memory is coherent. */
    IGNORE_GUEST_PAT(kvm_x86_h.KVM_X86_QUIRK_IGNORE_GUEST_PAT()),
    /** KVM_X86_QUIRK_VMCS12_ALLOW_FREEZE_IN_SMM: a nested guest's VMCS may freeze counters in SMM. */
    VMCS12_ALLOW_FREEZE_IN_SMM(kvm_x86_h.KVM_X86_QUIRK_VMCS12_ALLOW_FREEZE_IN_SMM()),
    /** KVM_X86_QUIRK_NESTED_SVM_SHARED_PAT: a nested guest of SVM shares IA32_PAT. */
    NESTED_SVM_SHARED_PAT(kvm_x86_h.KVM_X86_QUIRK_NESTED_SVM_SHARED_PAT());

    private final long bit;

    Quirk(long bit) {
        this.bit = bit;
    }

    /**
     * Returns the kernel's bit.
     *
     * @return a KVM_X86_QUIRK_ number
     */
    public long bit() {
        return bit;
    }
}
