package io.github.kvm4j.arm64;

import java.util.HashMap;
import java.util.Map;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;

/**
 * A system register, by the five numbers of the MRS and MSR instructions, of 8 bytes. The constants are the registers that
 * set a guest up or tell what it is; the architecture manual has the numbers of all.
 * <p>
 * Two of KVM's ids are not what the manual's numbers give: by an old mistake, which cannot be put right any more,
 * {@link #CNTV_CVAL_EL0} and {@link #CNTVCT_EL0} have each other's. The constants are KVM's; one made of the manual's numbers
 * for the one means the other to KVM.
 *
 * @param op0
 *            0 to 3
 * @param op1
 *            0 to 7
 * @param crn
 *            0 to 15
 * @param crm
 *            0 to 15
 * @param op2
 *            0 to 7
 */
// The architecture manual describes the registers; a comment on each would repeat its name.
@SuppressWarnings("doclint:missing")
public record SystemRegister(int op0, int op1, int crn, int crm, int op2) implements Arm64Register {

    private static final Map<SystemRegister, String> NAMES = new HashMap<>();

    // @formatter:off
    public static final SystemRegister MIDR_EL1 = name("MIDR_EL1", 3, 0, 0, 0, 0);
    public static final SystemRegister MPIDR_EL1 = name("MPIDR_EL1", 3, 0, 0, 0, 5);
    public static final SystemRegister REVIDR_EL1 = name("REVIDR_EL1", 3, 0, 0, 0, 6);
    public static final SystemRegister ID_AA64PFR0_EL1 = name("ID_AA64PFR0_EL1", 3, 0, 0, 4, 0);
    public static final SystemRegister ID_AA64PFR1_EL1 = name("ID_AA64PFR1_EL1", 3, 0, 0, 4, 1);
    public static final SystemRegister ID_AA64ZFR0_EL1 = name("ID_AA64ZFR0_EL1", 3, 0, 0, 4, 4);
    public static final SystemRegister ID_AA64DFR0_EL1 = name("ID_AA64DFR0_EL1", 3, 0, 0, 5, 0);
    public static final SystemRegister ID_AA64DFR1_EL1 = name("ID_AA64DFR1_EL1", 3, 0, 0, 5, 1);
    public static final SystemRegister ID_AA64ISAR0_EL1 = name("ID_AA64ISAR0_EL1", 3, 0, 0, 6, 0);
    public static final SystemRegister ID_AA64ISAR1_EL1 = name("ID_AA64ISAR1_EL1", 3, 0, 0, 6, 1);
    public static final SystemRegister ID_AA64ISAR2_EL1 = name("ID_AA64ISAR2_EL1", 3, 0, 0, 6, 2);
    public static final SystemRegister ID_AA64MMFR0_EL1 = name("ID_AA64MMFR0_EL1", 3, 0, 0, 7, 0);
    public static final SystemRegister ID_AA64MMFR1_EL1 = name("ID_AA64MMFR1_EL1", 3, 0, 0, 7, 1);
    public static final SystemRegister ID_AA64MMFR2_EL1 = name("ID_AA64MMFR2_EL1", 3, 0, 0, 7, 2);
    public static final SystemRegister ID_AA64MMFR3_EL1 = name("ID_AA64MMFR3_EL1", 3, 0, 0, 7, 3);
    public static final SystemRegister SCTLR_EL1 = name("SCTLR_EL1", 3, 0, 1, 0, 0);
    public static final SystemRegister ACTLR_EL1 = name("ACTLR_EL1", 3, 0, 1, 0, 1);
    public static final SystemRegister CPACR_EL1 = name("CPACR_EL1", 3, 0, 1, 0, 2);
    public static final SystemRegister TTBR0_EL1 = name("TTBR0_EL1", 3, 0, 2, 0, 0);
    public static final SystemRegister TTBR1_EL1 = name("TTBR1_EL1", 3, 0, 2, 0, 1);
    public static final SystemRegister TCR_EL1 = name("TCR_EL1", 3, 0, 2, 0, 2);
    public static final SystemRegister AFSR0_EL1 = name("AFSR0_EL1", 3, 0, 5, 1, 0);
    public static final SystemRegister AFSR1_EL1 = name("AFSR1_EL1", 3, 0, 5, 1, 1);
    public static final SystemRegister ESR_EL1 = name("ESR_EL1", 3, 0, 5, 2, 0);
    public static final SystemRegister FAR_EL1 = name("FAR_EL1", 3, 0, 6, 0, 0);
    public static final SystemRegister PAR_EL1 = name("PAR_EL1", 3, 0, 7, 4, 0);
    public static final SystemRegister MAIR_EL1 = name("MAIR_EL1", 3, 0, 10, 2, 0);
    public static final SystemRegister AMAIR_EL1 = name("AMAIR_EL1", 3, 0, 10, 3, 0);
    public static final SystemRegister VBAR_EL1 = name("VBAR_EL1", 3, 0, 12, 0, 0);
    public static final SystemRegister CONTEXTIDR_EL1 = name("CONTEXTIDR_EL1", 3, 0, 13, 0, 1);
    public static final SystemRegister TPIDR_EL1 = name("TPIDR_EL1", 3, 0, 13, 0, 4);
    public static final SystemRegister CNTKCTL_EL1 = name("CNTKCTL_EL1", 3, 0, 14, 1, 0);
    public static final SystemRegister CLIDR_EL1 = name("CLIDR_EL1", 3, 1, 0, 0, 1);
    public static final SystemRegister CSSELR_EL1 = name("CSSELR_EL1", 3, 2, 0, 0, 0);
    public static final SystemRegister CTR_EL0 = name("CTR_EL0", 3, 3, 0, 0, 1);
    public static final SystemRegister PMCR_EL0 = name("PMCR_EL0", 3, 3, 9, 12, 0);
    public static final SystemRegister TPIDR_EL0 = name("TPIDR_EL0", 3, 3, 13, 0, 2);
    public static final SystemRegister TPIDRRO_EL0 = name("TPIDRRO_EL0", 3, 3, 13, 0, 3);
    public static final SystemRegister MDSCR_EL1 = name("MDSCR_EL1", 2, 0, 0, 2, 2);

    public static final SystemRegister CNTV_CTL_EL0 = name("CNTV_CTL_EL0", kvm_arm64_h.KVM_REG_ARM_TIMER_CTL());
    /** The virtual timer's compare value, by KVM's id, which has the numbers of CNTVCT_EL0. */
    public static final SystemRegister CNTV_CVAL_EL0 = name("CNTV_CVAL_EL0", kvm_arm64_h.KVM_REG_ARM_TIMER_CVAL());
    /** The virtual counter, by KVM's id, which has the numbers of CNTV_CVAL_EL0. */
    public static final SystemRegister CNTVCT_EL0 = name("CNTVCT_EL0", kvm_arm64_h.KVM_REG_ARM_TIMER_CNT());
    public static final SystemRegister CNTP_CTL_EL0 = name("CNTP_CTL_EL0", kvm_arm64_h.KVM_REG_ARM_PTIMER_CTL());
    public static final SystemRegister CNTP_CVAL_EL0 = name("CNTP_CVAL_EL0", kvm_arm64_h.KVM_REG_ARM_PTIMER_CVAL());
    public static final SystemRegister CNTPCT_EL0 = name("CNTPCT_EL0", kvm_arm64_h.KVM_REG_ARM_PTIMER_CNT());
    // @formatter:on

    /**
     * Checks the numbers.
     */
    public SystemRegister {
        RegisterIds.check("op0", op0, field(kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP0_MASK(),
                kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP0_SHIFT()) + 1);
        RegisterIds.check("op1", op1, field(kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP1_MASK(),
                kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP1_SHIFT()) + 1);
        RegisterIds.check("CRn", crn, field(kvm_arm64_h.KVM_REG_ARM64_SYSREG_CRN_MASK(),
                kvm_arm64_h.KVM_REG_ARM64_SYSREG_CRN_SHIFT()) + 1);
        RegisterIds.check("CRm", crm, field(kvm_arm64_h.KVM_REG_ARM64_SYSREG_CRM_MASK(),
                kvm_arm64_h.KVM_REG_ARM64_SYSREG_CRM_SHIFT()) + 1);
        RegisterIds.check("op2", op2, field(kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP2_MASK(),
                kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP2_SHIFT()) + 1);
    }

    private static SystemRegister name(String name, int op0, int op1, int crn, int crm, int op2) {
        SystemRegister register = new SystemRegister(op0, op1, crn, crm, op2);
        NAMES.put(register, name);
        return register;
    }

    private static SystemRegister name(String name, long id) {
        SystemRegister register = fromId(id);
        NAMES.put(register, name);
        return register;
    }

    private static int field(long masked, int shift) {
        return (int) (masked >>> shift);
    }

    static SystemRegister fromId(long id) {
        return new SystemRegister(
                field(id & kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP0_MASK(), kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP0_SHIFT()),
                field(id & kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP1_MASK(), kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP1_SHIFT()),
                field(id & kvm_arm64_h.KVM_REG_ARM64_SYSREG_CRN_MASK(), kvm_arm64_h.KVM_REG_ARM64_SYSREG_CRN_SHIFT()),
                field(id & kvm_arm64_h.KVM_REG_ARM64_SYSREG_CRM_MASK(), kvm_arm64_h.KVM_REG_ARM64_SYSREG_CRM_SHIFT()),
                field(id & kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP2_MASK(), kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP2_SHIFT()));
    }

    @Override
    public long id() {
        return RegisterIds.ARM64_U64 | kvm_arm64_h.KVM_REG_ARM64_SYSREG()
                | (op0 << kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP0_SHIFT())
                | (op1 << kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP1_SHIFT())
                | (crn << kvm_arm64_h.KVM_REG_ARM64_SYSREG_CRN_SHIFT())
                | (crm << kvm_arm64_h.KVM_REG_ARM64_SYSREG_CRM_SHIFT())
                | (op2 << kvm_arm64_h.KVM_REG_ARM64_SYSREG_OP2_SHIFT());
    }

    /**
     * Returns the register's name, or the assembler's generic one, such as {@code S3_0_C1_C0_0}.
     */
    @Override
    public String toString() {
        return NAMES.getOrDefault(this, "S" + op0 + "_" + op1 + "_C" + crn + "_C" + crm + "_" + op2);
    }
}
