package io.github.kvm4j.riscv;

import io.github.kvm4j.bindings.riscv.kvm_riscv_h;

/**
 * An extension of the instruction set, by the name that the architecture gives it: KVM_REG_RISCV_ISA_EXT, a register of 8
 * bytes that is 1 when the vCPU has it. {@link RiscvVcpu#hasIsaExtension} and {@link RiscvVcpu#setIsaExtension} read and
 * write it as what it is. The list has those that the host can give.
 */
// The architecture manual describes the extensions; a comment on each would repeat its name.
@SuppressWarnings("doclint:missing")
public enum IsaExtension implements RiscvRegister {

    // @formatter:off
    A(kvm_riscv_h.KVM_RISCV_ISA_EXT_A()),
    C(kvm_riscv_h.KVM_RISCV_ISA_EXT_C()),
    D(kvm_riscv_h.KVM_RISCV_ISA_EXT_D()),
    F(kvm_riscv_h.KVM_RISCV_ISA_EXT_F()),
    H(kvm_riscv_h.KVM_RISCV_ISA_EXT_H()),
    I(kvm_riscv_h.KVM_RISCV_ISA_EXT_I()),
    M(kvm_riscv_h.KVM_RISCV_ISA_EXT_M()),
    SVPBMT(kvm_riscv_h.KVM_RISCV_ISA_EXT_SVPBMT()),
    SSTC(kvm_riscv_h.KVM_RISCV_ISA_EXT_SSTC()),
    SVINVAL(kvm_riscv_h.KVM_RISCV_ISA_EXT_SVINVAL()),
    ZIHINTPAUSE(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZIHINTPAUSE()),
    ZICBOM(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZICBOM()),
    ZICBOZ(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZICBOZ()),
    ZBB(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZBB()),
    SSAIA(kvm_riscv_h.KVM_RISCV_ISA_EXT_SSAIA()),
    V(kvm_riscv_h.KVM_RISCV_ISA_EXT_V()),
    SVNAPOT(kvm_riscv_h.KVM_RISCV_ISA_EXT_SVNAPOT()),
    ZBA(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZBA()),
    ZBS(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZBS()),
    ZICNTR(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZICNTR()),
    ZICSR(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZICSR()),
    ZIFENCEI(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZIFENCEI()),
    ZIHPM(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZIHPM()),
    SMSTATEEN(kvm_riscv_h.KVM_RISCV_ISA_EXT_SMSTATEEN()),
    ZICOND(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZICOND()),
    ZBC(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZBC()),
    ZBKB(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZBKB()),
    ZBKC(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZBKC()),
    ZBKX(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZBKX()),
    ZKND(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZKND()),
    ZKNE(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZKNE()),
    ZKNH(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZKNH()),
    ZKR(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZKR()),
    ZKSED(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZKSED()),
    ZKSH(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZKSH()),
    ZKT(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZKT()),
    ZVBB(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVBB()),
    ZVBC(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVBC()),
    ZVKB(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVKB()),
    ZVKG(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVKG()),
    ZVKNED(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVKNED()),
    ZVKNHA(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVKNHA()),
    ZVKNHB(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVKNHB()),
    ZVKSED(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVKSED()),
    ZVKSH(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVKSH()),
    ZVKT(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVKT()),
    ZFH(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZFH()),
    ZFHMIN(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZFHMIN()),
    ZIHINTNTL(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZIHINTNTL()),
    ZVFH(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVFH()),
    ZVFHMIN(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVFHMIN()),
    ZFA(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZFA()),
    ZTSO(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZTSO()),
    ZACAS(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZACAS()),
    SSCOFPMF(kvm_riscv_h.KVM_RISCV_ISA_EXT_SSCOFPMF()),
    ZIMOP(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZIMOP()),
    ZCA(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZCA()),
    ZCB(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZCB()),
    ZCD(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZCD()),
    ZCF(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZCF()),
    ZCMOP(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZCMOP()),
    ZAWRS(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZAWRS()),
    SMNPM(kvm_riscv_h.KVM_RISCV_ISA_EXT_SMNPM()),
    SSNPM(kvm_riscv_h.KVM_RISCV_ISA_EXT_SSNPM()),
    SVADE(kvm_riscv_h.KVM_RISCV_ISA_EXT_SVADE()),
    SVADU(kvm_riscv_h.KVM_RISCV_ISA_EXT_SVADU()),
    SVVPTC(kvm_riscv_h.KVM_RISCV_ISA_EXT_SVVPTC()),
    ZABHA(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZABHA()),
    ZICCRSE(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZICCRSE()),
    ZAAMO(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZAAMO()),
    ZALRSC(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZALRSC()),
    ZICBOP(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZICBOP()),
    ZFBFMIN(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZFBFMIN()),
    ZVFBFMIN(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVFBFMIN()),
    ZVFBFWMA(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZVFBFWMA()),
    ZCLSD(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZCLSD()),
    ZILSD(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZILSD()),
    ZALASR(kvm_riscv_h.KVM_RISCV_ISA_EXT_ZALASR());
    // @formatter:on

    private final long id;

    IsaExtension(int number) {
        this.id = RegisterIds.U64 | kvm_riscv_h.KVM_REG_RISCV_ISA_EXT() | kvm_riscv_h.KVM_REG_RISCV_ISA_SINGLE()
                | number;
    }

    @Override
    public long id() {
        return id;
    }
}
