package io.github.kvm4j.riscv;

import io.github.kvm4j.bindings.riscv.kvm_riscv_h;
import io.github.kvm4j.bindings.riscv.kvm_riscv_sbi_fwft;
import io.github.kvm4j.bindings.riscv.kvm_riscv_sbi_fwft_feature;
import io.github.kvm4j.bindings.riscv.kvm_riscv_sbi_sta;

/**
 * The state of SBI extensions that have one: KVM_REG_RISCV_SBI_STATE, each of 8 bytes.
 */
public enum SbiStateRegister implements RiscvRegister {

    /** Where the guest has its stolen time, the low half of the guest-physical address. */
    STA_SHMEM_LO(kvm_riscv_h.KVM_REG_RISCV_SBI_STA(), kvm_riscv_sbi_sta.shmem_lo$offset()),
    /** Its high half. */
    STA_SHMEM_HI(kvm_riscv_h.KVM_REG_RISCV_SBI_STA(), kvm_riscv_sbi_sta.shmem_hi$offset()),
    /** Whether the guest may change the delegation of misaligned accesses. */
    FWFT_MISALIGNED_DELEG_ENABLE(kvm_riscv_h.KVM_REG_RISCV_SBI_FWFT(),
            kvm_riscv_sbi_fwft.misaligned_deleg$offset() + kvm_riscv_sbi_fwft_feature.enable$offset()),
    /** The flags of the delegation of misaligned accesses, KVM's own form of the SBI's. */
    FWFT_MISALIGNED_DELEG_FLAGS(kvm_riscv_h.KVM_REG_RISCV_SBI_FWFT(),
            kvm_riscv_sbi_fwft.misaligned_deleg$offset() + kvm_riscv_sbi_fwft_feature.flags$offset()),
    /** The value of the delegation of misaligned accesses. */
    FWFT_MISALIGNED_DELEG_VALUE(kvm_riscv_h.KVM_REG_RISCV_SBI_FWFT(),
            kvm_riscv_sbi_fwft.misaligned_deleg$offset() + kvm_riscv_sbi_fwft_feature.value$offset()),
    /** Whether the guest may change pointer masking. */
    FWFT_POINTER_MASKING_ENABLE(kvm_riscv_h.KVM_REG_RISCV_SBI_FWFT(),
            kvm_riscv_sbi_fwft.pointer_masking$offset() + kvm_riscv_sbi_fwft_feature.enable$offset()),
    /** The flags of pointer masking, KVM's own form of the SBI's. */
    FWFT_POINTER_MASKING_FLAGS(kvm_riscv_h.KVM_REG_RISCV_SBI_FWFT(),
            kvm_riscv_sbi_fwft.pointer_masking$offset() + kvm_riscv_sbi_fwft_feature.flags$offset()),
    /** The value of pointer masking. */
    FWFT_POINTER_MASKING_VALUE(kvm_riscv_h.KVM_REG_RISCV_SBI_FWFT(),
            kvm_riscv_sbi_fwft.pointer_masking$offset() + kvm_riscv_sbi_fwft_feature.value$offset());

    private final long id;

    SbiStateRegister(int subgroup, long offset) {
        this.id = RegisterIds.ofLong(kvm_riscv_h.KVM_REG_RISCV_SBI_STATE() | subgroup, offset);
    }

    @Override
    public long id() {
        return id;
    }
}
