package io.github.kvm4j.riscv;

import io.github.kvm4j.bindings.riscv.kvm_riscv_h;

/**
 * An extension of the SBI, the firmware that KVM is to the guest: KVM_REG_RISCV_SBI_EXT, a register of 8 bytes that is 1
 * when the guest is offered it. {@link RiscvVcpu#hasSbiExtension} and {@link RiscvVcpu#setSbiExtension} read and write it
 * as what it is.
 */
public enum SbiExtension implements RiscvRegister {

    /** The legacy extensions, EID 0 to 8: console, timer, interrupts, fences, shutdown; console calls are exits. */
    V01(kvm_riscv_h.KVM_RISCV_SBI_EXT_V01()),
    /** The timer. */
    TIME(kvm_riscv_h.KVM_RISCV_SBI_EXT_TIME()),
    /** Interrupts between harts. */
    IPI(kvm_riscv_h.KVM_RISCV_SBI_EXT_IPI()),
    /** Remote fences. */
    RFENCE(kvm_riscv_h.KVM_RISCV_SBI_EXT_RFENCE()),
    /** System reset and shutdown, which are exits. */
    SRST(kvm_riscv_h.KVM_RISCV_SBI_EXT_SRST()),
    /** Starting and stopping harts. */
    HSM(kvm_riscv_h.KVM_RISCV_SBI_EXT_HSM()),
    /** Performance counters. */
    PMU(kvm_riscv_h.KVM_RISCV_SBI_EXT_PMU()),
    /** EID 0x08000000 to 0x08ffffff, whose calls are exits. */
    EXPERIMENTAL(kvm_riscv_h.KVM_RISCV_SBI_EXT_EXPERIMENTAL()),
    /** EID 0x09000000 to 0x09ffffff, whose calls are exits. */
    VENDOR(kvm_riscv_h.KVM_RISCV_SBI_EXT_VENDOR()),
    /** The debug console, whose calls are exits; off unless switched on. */
    DBCN(kvm_riscv_h.KVM_RISCV_SBI_EXT_DBCN()),
    /** Steal time. */
    STA(kvm_riscv_h.KVM_RISCV_SBI_EXT_STA()),
    /** System suspend, which is an exit; off unless switched on. */
    SUSP(kvm_riscv_h.KVM_RISCV_SBI_EXT_SUSP()),
    /** Firmware features. */
    FWFT(kvm_riscv_h.KVM_RISCV_SBI_EXT_FWFT()),
    /** Message proxy, whose calls are exits; off unless switched on. */
    MPXY(kvm_riscv_h.KVM_RISCV_SBI_EXT_MPXY());

    private final long id;

    SbiExtension(int number) {
        this.id = RegisterIds.U64 | kvm_riscv_h.KVM_REG_RISCV_SBI_EXT() | kvm_riscv_h.KVM_REG_RISCV_SBI_SINGLE()
                | number;
    }

    @Override
    public long id() {
        return id;
    }
}
