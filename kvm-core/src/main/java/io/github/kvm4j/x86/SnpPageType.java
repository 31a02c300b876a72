package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** What pages are that {@link X86Sev#snpLaunchUpdate} gives a guest. */
public enum SnpPageType {

    /** KVM_SEV_SNP_PAGE_TYPE_NORMAL: encrypted and measured. */
    NORMAL(kvm_x86_h.KVM_SEV_SNP_PAGE_TYPE_NORMAL()),
    /** KVM_SEV_SNP_PAGE_TYPE_ZERO: zeros, and measured as such; the source is not read. */
    ZERO(kvm_x86_h.KVM_SEV_SNP_PAGE_TYPE_ZERO()),
    /** KVM_SEV_SNP_PAGE_TYPE_UNMEASURED: encrypted and not measured. */
    UNMEASURED(kvm_x86_h.KVM_SEV_SNP_PAGE_TYPE_UNMEASURED()),
    /** KVM_SEV_SNP_PAGE_TYPE_SECRETS: where the firmware puts the guest's keys. */
    SECRETS(kvm_x86_h.KVM_SEV_SNP_PAGE_TYPE_SECRETS()),
    /** KVM_SEV_SNP_PAGE_TYPE_CPUID: a CPUID table that the firmware checks. */
    CPUID(kvm_x86_h.KVM_SEV_SNP_PAGE_TYPE_CPUID());

    private final int number;

    SnpPageType(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
