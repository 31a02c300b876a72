package io.github.kvm4j.arm64;

import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.arm64.kvm_regs;
import io.github.kvm4j.bindings.arm64.user_fpsimd_state;
import io.github.kvm4j.bindings.arm64.user_pt_regs;

/**
 * The core registers: the general ones, those of exceptions taken to EL1, and the floating-point and SIMD ones. An id is the
 * register's place in {@code struct kvm_regs}, in words of 32 bits.
 * <p>
 * V0 to V31 have 16 bytes, FPSR and FPCR 4, all others 8. A vCPU with {@link VcpuFeature#SVE} has no V0 to V31: they are
 * the low bytes of {@link SveRegister}'s Z0 to Z31.
 */
// A Javadoc comment on X17 would only repeat its name.
@SuppressWarnings("doclint:missing")
public enum CoreRegister implements Arm64Register {

    // @formatter:off
    X0(Block.X, 0), X1(Block.X, 1), X2(Block.X, 2), X3(Block.X, 3), X4(Block.X, 4), X5(Block.X, 5),
    X6(Block.X, 6), X7(Block.X, 7), X8(Block.X, 8), X9(Block.X, 9), X10(Block.X, 10), X11(Block.X, 11),
    X12(Block.X, 12), X13(Block.X, 13), X14(Block.X, 14), X15(Block.X, 15), X16(Block.X, 16), X17(Block.X, 17),
    X18(Block.X, 18), X19(Block.X, 19), X20(Block.X, 20), X21(Block.X, 21), X22(Block.X, 22), X23(Block.X, 23),
    X24(Block.X, 24), X25(Block.X, 25), X26(Block.X, 26), X27(Block.X, 27), X28(Block.X, 28), X29(Block.X, 29),
    X30(Block.X, 30),
    /** The stack pointer of EL0. */
    SP(Block.SP, 0),
    /** The program counter. */
    PC(Block.PC, 0),
    /** The processor's state, in SPSR's format: condition flags, interrupt masks, exception level. */
    PSTATE(Block.PSTATE, 0),
    /** The stack pointer of EL1. */
    SP_EL1(Block.SP_EL1, 0),
    /** Where an exception taken to EL1 returns to. */
    ELR_EL1(Block.ELR_EL1, 0),
    /** The state that an exception taken to EL1 returns to. */
    SPSR_EL1(Block.SPSR, kvm_arm64_h.KVM_SPSR_EL1()),
    /** AArch32's, of the Abort mode. */
    SPSR_ABT(Block.SPSR, kvm_arm64_h.KVM_SPSR_ABT()),
    /** AArch32's, of the Undefined mode. */
    SPSR_UND(Block.SPSR, kvm_arm64_h.KVM_SPSR_UND()),
    /** AArch32's, of the IRQ mode. */
    SPSR_IRQ(Block.SPSR, kvm_arm64_h.KVM_SPSR_IRQ()),
    /** AArch32's, of the FIQ mode. */
    SPSR_FIQ(Block.SPSR, kvm_arm64_h.KVM_SPSR_FIQ()),
    V0(Block.V, 0), V1(Block.V, 1), V2(Block.V, 2), V3(Block.V, 3), V4(Block.V, 4), V5(Block.V, 5),
    V6(Block.V, 6), V7(Block.V, 7), V8(Block.V, 8), V9(Block.V, 9), V10(Block.V, 10), V11(Block.V, 11),
    V12(Block.V, 12), V13(Block.V, 13), V14(Block.V, 14), V15(Block.V, 15), V16(Block.V, 16), V17(Block.V, 17),
    V18(Block.V, 18), V19(Block.V, 19), V20(Block.V, 20), V21(Block.V, 21), V22(Block.V, 22), V23(Block.V, 23),
    V24(Block.V, 24), V25(Block.V, 25), V26(Block.V, 26), V27(Block.V, 27), V28(Block.V, 28), V29(Block.V, 29),
    V30(Block.V, 30), V31(Block.V, 31),
    /** The floating-point status. */
    FPSR(Block.FPSR, 0),
    /** The floating-point control. */
    FPCR(Block.FPCR, 0);
    // @formatter:on

    /** A run of registers of one size. */
    private enum Block {
        // @formatter:off
        X(kvm_regs.regs$offset() + user_pt_regs.regs$offset(), 8, RegisterIds.ARM64_U64),
        SP(kvm_regs.regs$offset() + user_pt_regs.sp$offset(), 8, RegisterIds.ARM64_U64),
        PC(kvm_regs.regs$offset() + user_pt_regs.pc$offset(), 8, RegisterIds.ARM64_U64),
        PSTATE(kvm_regs.regs$offset() + user_pt_regs.pstate$offset(), 8, RegisterIds.ARM64_U64),
        SP_EL1(kvm_regs.sp_el1$offset(), 8, RegisterIds.ARM64_U64),
        ELR_EL1(kvm_regs.elr_el1$offset(), 8, RegisterIds.ARM64_U64),
        SPSR(kvm_regs.spsr$offset(), 8, RegisterIds.ARM64_U64),
        // The vector registers are first in their structure; jextract has no accessor of an __int128.
        V(kvm_regs.fp_regs$offset(), 16, RegisterIds.ARM64_U128),
        FPSR(kvm_regs.fp_regs$offset() + user_fpsimd_state.fpsr$offset(), 4, RegisterIds.ARM64_U32),
        FPCR(kvm_regs.fp_regs$offset() + user_fpsimd_state.fpcr$offset(), 4, RegisterIds.ARM64_U32);
        // @formatter:on

        private final long offset;
        private final int size;
        private final long kind;

        Block(long offset, int size, long kind) {
            this.offset = offset;
            this.size = size;
            this.kind = kind;
        }

        long id(int index) {
            return kind | kvm_arm64_h.KVM_REG_ARM_CORE() | ((offset + (long) index * size) / Integer.BYTES);
        }
    }

    private static final int GENERAL = 31;
    private static final int VECTORS = 32;

    private final long id;

    CoreRegister(Block block, int index) {
        this.id = block.id(index);
    }

    @Override
    public long id() {
        return id;
    }

    /**
     * Returns a general register.
     *
     * @param number
     *            0 to 30
     * @return X0 to X30
     * @throws IllegalArgumentException
     *             for another number
     */
    public static CoreRegister x(int number) {
        RegisterIds.check("the number of a general register", number, GENERAL);
        return Objects.requireNonNull(find(Block.X.id(number)));
    }

    /**
     * Returns a vector register.
     *
     * @param number
     *            0 to 31
     * @return V0 to V31
     * @throws IllegalArgumentException
     *             for another number
     */
    public static CoreRegister v(int number) {
        RegisterIds.check("the number of a vector register", number, VECTORS);
        return Objects.requireNonNull(find(Block.V.id(number)));
    }

    static @Nullable CoreRegister find(long id) {
        for (CoreRegister register : values()) {
            if (register.id == id) {
                return register;
            }
        }
        return null;
    }
}
