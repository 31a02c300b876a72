package io.github.kvm4j.riscv;

import io.github.kvm4j.bindings.riscv.kvm_riscv_core;
import io.github.kvm4j.bindings.riscv.kvm_riscv_h;
import io.github.kvm4j.bindings.riscv.user_regs_struct;

/**
 * The program counter, the general registers by their ABI names, and the mode: KVM_REG_RISCV_CORE, each of 8 bytes.
 */
// A Javadoc comment on A0 would only repeat its name.
@SuppressWarnings("doclint:missing")
public enum CoreRegister implements RiscvRegister {

    // @formatter:off
    PC(kvm_riscv_core.regs$offset() + user_regs_struct.pc$offset()),
    RA(kvm_riscv_core.regs$offset() + user_regs_struct.ra$offset()),
    SP(kvm_riscv_core.regs$offset() + user_regs_struct.sp$offset()),
    GP(kvm_riscv_core.regs$offset() + user_regs_struct.gp$offset()),
    TP(kvm_riscv_core.regs$offset() + user_regs_struct.tp$offset()),
    T0(kvm_riscv_core.regs$offset() + user_regs_struct.t0$offset()),
    T1(kvm_riscv_core.regs$offset() + user_regs_struct.t1$offset()),
    T2(kvm_riscv_core.regs$offset() + user_regs_struct.t2$offset()),
    S0(kvm_riscv_core.regs$offset() + user_regs_struct.s0$offset()),
    S1(kvm_riscv_core.regs$offset() + user_regs_struct.s1$offset()),
    A0(kvm_riscv_core.regs$offset() + user_regs_struct.a0$offset()),
    A1(kvm_riscv_core.regs$offset() + user_regs_struct.a1$offset()),
    A2(kvm_riscv_core.regs$offset() + user_regs_struct.a2$offset()),
    A3(kvm_riscv_core.regs$offset() + user_regs_struct.a3$offset()),
    A4(kvm_riscv_core.regs$offset() + user_regs_struct.a4$offset()),
    A5(kvm_riscv_core.regs$offset() + user_regs_struct.a5$offset()),
    A6(kvm_riscv_core.regs$offset() + user_regs_struct.a6$offset()),
    A7(kvm_riscv_core.regs$offset() + user_regs_struct.a7$offset()),
    S2(kvm_riscv_core.regs$offset() + user_regs_struct.s2$offset()),
    S3(kvm_riscv_core.regs$offset() + user_regs_struct.s3$offset()),
    S4(kvm_riscv_core.regs$offset() + user_regs_struct.s4$offset()),
    S5(kvm_riscv_core.regs$offset() + user_regs_struct.s5$offset()),
    S6(kvm_riscv_core.regs$offset() + user_regs_struct.s6$offset()),
    S7(kvm_riscv_core.regs$offset() + user_regs_struct.s7$offset()),
    S8(kvm_riscv_core.regs$offset() + user_regs_struct.s8$offset()),
    S9(kvm_riscv_core.regs$offset() + user_regs_struct.s9$offset()),
    S10(kvm_riscv_core.regs$offset() + user_regs_struct.s10$offset()),
    S11(kvm_riscv_core.regs$offset() + user_regs_struct.s11$offset()),
    T3(kvm_riscv_core.regs$offset() + user_regs_struct.t3$offset()),
    T4(kvm_riscv_core.regs$offset() + user_regs_struct.t4$offset()),
    T5(kvm_riscv_core.regs$offset() + user_regs_struct.t5$offset()),
    T6(kvm_riscv_core.regs$offset() + user_regs_struct.t6$offset()),
    /** KVM_RISCV_MODE_S (1) or KVM_RISCV_MODE_U (0). */
    MODE(kvm_riscv_core.mode$offset());
    // @formatter:on

    private final long id;

    CoreRegister(long offset) {
        this.id = RegisterIds.ofLong(kvm_riscv_h.KVM_REG_RISCV_CORE(), offset);
    }

    @Override
    public long id() {
        return id;
    }
}
