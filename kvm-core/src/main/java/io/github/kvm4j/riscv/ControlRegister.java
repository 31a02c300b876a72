package io.github.kvm4j.riscv;

import io.github.kvm4j.bindings.riscv.kvm_riscv_aia_csr;
import io.github.kvm4j.bindings.riscv.kvm_riscv_csr;
import io.github.kvm4j.bindings.riscv.kvm_riscv_h;
import io.github.kvm4j.bindings.riscv.kvm_riscv_smstateen_csr;

/**
 * The supervisor's control and status registers: KVM_REG_RISCV_CSR, each of 8 bytes. SISELECT to IPRIO2H are those of
 * {@link IsaExtension#SSAIA}, SSTATEEN0 is that of {@link IsaExtension#SMSTATEEN}.
 */
// The architecture manual describes the registers; a comment on each would repeat its name.
@SuppressWarnings("doclint:missing")
public enum ControlRegister implements RiscvRegister {

    // @formatter:off
    SSTATUS(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.sstatus$offset()),
    SIE(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.sie$offset()),
    STVEC(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.stvec$offset()),
    SSCRATCH(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.sscratch$offset()),
    SEPC(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.sepc$offset()),
    SCAUSE(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.scause$offset()),
    STVAL(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.stval$offset()),
    SIP(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.sip$offset()),
    SATP(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.satp$offset()),
    SCOUNTEREN(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.scounteren$offset()),
    SENVCFG(kvm_riscv_h.KVM_REG_RISCV_CSR_GENERAL(), kvm_riscv_csr.senvcfg$offset()),
    SISELECT(kvm_riscv_h.KVM_REG_RISCV_CSR_AIA(), kvm_riscv_aia_csr.siselect$offset()),
    IPRIO1(kvm_riscv_h.KVM_REG_RISCV_CSR_AIA(), kvm_riscv_aia_csr.iprio1$offset()),
    IPRIO2(kvm_riscv_h.KVM_REG_RISCV_CSR_AIA(), kvm_riscv_aia_csr.iprio2$offset()),
    SIEH(kvm_riscv_h.KVM_REG_RISCV_CSR_AIA(), kvm_riscv_aia_csr.sieh$offset()),
    SIPH(kvm_riscv_h.KVM_REG_RISCV_CSR_AIA(), kvm_riscv_aia_csr.siph$offset()),
    IPRIO1H(kvm_riscv_h.KVM_REG_RISCV_CSR_AIA(), kvm_riscv_aia_csr.iprio1h$offset()),
    IPRIO2H(kvm_riscv_h.KVM_REG_RISCV_CSR_AIA(), kvm_riscv_aia_csr.iprio2h$offset()),
    SSTATEEN0(kvm_riscv_h.KVM_REG_RISCV_CSR_SMSTATEEN(), kvm_riscv_smstateen_csr.sstateen0$offset());
    // @formatter:on

    private final long id;

    ControlRegister(int subgroup, long offset) {
        this.id = RegisterIds.ofLong(kvm_riscv_h.KVM_REG_RISCV_CSR() | subgroup, offset);
    }

    @Override
    public long id() {
        return id;
    }
}
