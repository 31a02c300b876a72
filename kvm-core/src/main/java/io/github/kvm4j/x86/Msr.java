package io.github.kvm4j.x86;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * Names model-specific registers that a VMM or a guest's start-up deals with, as the manuals of Intel, AMD, Microsoft and KVM
 * name them. The list is not complete: every method that takes one also takes a register's number. Numbers count up for what
 * there are several of: {@link #IA32_MC0_CTL} and its like go on every 4, {@link #IA32_MTRR_PHYSBASE0} every 2.
 */
public enum Msr {

    /** Register 0x10. */
    IA32_TSC(0x10),
    /** Register 0x17. */
    IA32_PLATFORM_ID(0x17),
    /** Register 0x1b. */
    IA32_APIC_BASE(0x1b),
    /** Register 0x3a. */
    IA32_FEATURE_CONTROL(0x3a),
    /** Register 0x3b. */
    IA32_TSC_ADJUST(0x3b),
    /** Register 0x48. */
    IA32_SPEC_CTRL(0x48),
    /** Register 0x49. */
    IA32_PRED_CMD(0x49),
    /** Register 0x8b. */
    IA32_BIOS_SIGN_ID(0x8b),
    /** Register 0x9e. */
    IA32_SMBASE(0x9e),
    /** Register 0xc1. */
    IA32_PMC0(0xc1),
    /** Register 0xe1. */
    IA32_UMWAIT_CONTROL(0xe1),
    /** Register 0xce. */
    PLATFORM_INFO(0xce),
    /** Register 0xe7. */
    IA32_MPERF(0xe7),
    /** Register 0xe8. */
    IA32_APERF(0xe8),
    /** Register 0xfe. */
    IA32_MTRRCAP(0xfe),
    /** Register 0x10a. */
    IA32_ARCH_CAPABILITIES(0x10a),
    /** Register 0x10b. */
    IA32_FLUSH_CMD(0x10b),
    /** Register 0x122. */
    IA32_TSX_CTRL(0x122),
    /** Register 0x140. */
    MISC_FEATURES_ENABLES(0x140),
    /** Register 0x174. */
    IA32_SYSENTER_CS(0x174),
    /** Register 0x175. */
    IA32_SYSENTER_ESP(0x175),
    /** Register 0x176. */
    IA32_SYSENTER_EIP(0x176),
    /** Register 0x179. */
    IA32_MCG_CAP(0x179),
    /** Register 0x17a. */
    IA32_MCG_STATUS(0x17a),
    /** Register 0x17b. */
    IA32_MCG_CTL(0x17b),
    /** Register 0x186. */
    IA32_PERFEVTSEL0(0x186),
    /** Register 0x198. */
    IA32_PERF_STATUS(0x198),
    /** Register 0x1a0. */
    IA32_MISC_ENABLE(0x1a0),
    /** Register 0x1c4. */
    IA32_XFD(0x1c4),
    /** Register 0x1c5. */
    IA32_XFD_ERR(0x1c5),
    /** Register 0x1d9. */
    IA32_DEBUGCTL(0x1d9),
    /** Register 0x200. */
    IA32_MTRR_PHYSBASE0(0x200),
    /** Register 0x201. */
    IA32_MTRR_PHYSMASK0(0x201),
    /** Register 0x250. */
    IA32_MTRR_FIX64K_00000(0x250),
    /** Register 0x258. */
    IA32_MTRR_FIX16K_80000(0x258),
    /** Register 0x259. */
    IA32_MTRR_FIX16K_A0000(0x259),
    /** Register 0x268. */
    IA32_MTRR_FIX4K_C0000(0x268),
    /** Register 0x277. */
    IA32_PAT(0x277),
    /** Register 0x280. */
    IA32_MC0_CTL2(0x280),
    /** Register 0x2ff. */
    IA32_MTRR_DEF_TYPE(0x2ff),
    /** Register 0x309. */
    IA32_FIXED_CTR0(0x309),
    /** Register 0x345. */
    IA32_PERF_CAPABILITIES(0x345),
    /** Register 0x38d. */
    IA32_FIXED_CTR_CTRL(0x38d),
    /** Register 0x38e. */
    IA32_PERF_GLOBAL_STATUS(0x38e),
    /** Register 0x38f. */
    IA32_PERF_GLOBAL_CTRL(0x38f),
    /** Register 0x400. */
    IA32_MC0_CTL(0x400),
    /** Register 0x401. */
    IA32_MC0_STATUS(0x401),
    /** Register 0x402. */
    IA32_MC0_ADDR(0x402),
    /** Register 0x403. */
    IA32_MC0_MISC(0x403),
    /** Register 0x480. */
    IA32_VMX_BASIC(0x480),
    /** Register 0x485. */
    IA32_VMX_MISC(0x485),
    /** Register 0x486. */
    IA32_VMX_CR0_FIXED0(0x486),
    /** Register 0x488. */
    IA32_VMX_CR4_FIXED0(0x488),
    /** Register 0x600. */
    IA32_DS_AREA(0x600),
    /** Register 0x6a0. */
    IA32_U_CET(0x6a0),
    /** Register 0x6a2. */
    IA32_S_CET(0x6a2),
    /** Register 0x6a7. */
    IA32_PL3_SSP(0x6a7),
    /** Register 0x6a8. */
    IA32_INTERRUPT_SSP_TABLE(0x6a8),
    /** Register 0x6e0. */
    IA32_TSC_DEADLINE(0x6e0),
    /** Register 0x6e1. */
    IA32_PKRS(0x6e1),
    /** Register 0x802. */
    X2APIC_ID(0x802),
    /** Register 0x830. */
    X2APIC_ICR(0x830),
    /** Register 0xda0. */
    IA32_XSS(0xda0),
    /** Register 0xc0000080. */
    EFER(0xc0000080),
    /** Register 0xc0000081. */
    STAR(0xc0000081),
    /** Register 0xc0000082. */
    LSTAR(0xc0000082),
    /** Register 0xc0000083. */
    CSTAR(0xc0000083),
    /** Register 0xc0000084. */
    SYSCALL_MASK(0xc0000084),
    /** Register 0xc0000100. */
    FS_BASE(0xc0000100),
    /** Register 0xc0000101. */
    GS_BASE(0xc0000101),
    /** Register 0xc0000102. */
    KERNEL_GS_BASE(0xc0000102),
    /** Register 0xc0000103. */
    TSC_AUX(0xc0000103),
    /** Register 0xc0000104. */
    TSC_RATIO(0xc0000104),
    /** Register 0xc0010010. */
    AMD_SYSCFG(0xc0010010),
    /** Register 0xc0010015. */
    AMD_HWCR(0xc0010015),
    /** Register 0xc0010114. */
    AMD_VM_CR(0xc0010114),
    /** Register 0xc0010117. */
    AMD_VM_HSAVE_PA(0xc0010117),
    /** Register 0xc001011f. */
    AMD_VIRT_SPEC_CTRL(0xc001011f),
    /** Register 0xc0011029. */
    AMD_DE_CFG(0xc0011029),
    /** Register 0xc0010140. */
    AMD_OSVW_ID_LENGTH(0xc0010140),
    /** Register 0xc0010141. */
    AMD_OSVW_STATUS(0xc0010141),
    /** Register 0x40000000. */
    HV_X64_GUEST_OS_ID(0x40000000),
    /** Register 0x40000001. */
    HV_X64_HYPERCALL(0x40000001),
    /** Register 0x40000002. */
    HV_X64_VP_INDEX(0x40000002),
    /** Register 0x40000020. */
    HV_X64_TIME_REF_COUNT(0x40000020),
    /** Register 0x40000021. */
    HV_X64_REFERENCE_TSC(0x40000021),
    /** Register 0x40000080. */
    HV_X64_SCONTROL(0x40000080),
    /** Register 0x40000082. */
    HV_X64_SIEFP(0x40000082),
    /** Register 0x40000083. */
    HV_X64_SIMP(0x40000083),
    /** Register 0x40000090. */
    HV_X64_SINT0(0x40000090),
    /** MSR_KVM_WALL_CLOCK: KVM's own. */
    KVM_WALL_CLOCK(kvm_x86_h.MSR_KVM_WALL_CLOCK()),
    /** MSR_KVM_SYSTEM_TIME: KVM's own. */
    KVM_SYSTEM_TIME(kvm_x86_h.MSR_KVM_SYSTEM_TIME()),
    /** MSR_KVM_WALL_CLOCK_NEW: KVM's own. */
    KVM_WALL_CLOCK_NEW(kvm_x86_h.MSR_KVM_WALL_CLOCK_NEW()),
    /** MSR_KVM_SYSTEM_TIME_NEW: KVM's own. */
    KVM_SYSTEM_TIME_NEW(kvm_x86_h.MSR_KVM_SYSTEM_TIME_NEW()),
    /** MSR_KVM_ASYNC_PF_EN: KVM's own. */
    KVM_ASYNC_PF_EN(kvm_x86_h.MSR_KVM_ASYNC_PF_EN()),
    /** MSR_KVM_STEAL_TIME: KVM's own. */
    KVM_STEAL_TIME(kvm_x86_h.MSR_KVM_STEAL_TIME()),
    /** MSR_KVM_PV_EOI_EN: KVM's own. */
    KVM_PV_EOI_EN(kvm_x86_h.MSR_KVM_PV_EOI_EN()),
    /** MSR_KVM_POLL_CONTROL: KVM's own. */
    KVM_POLL_CONTROL(kvm_x86_h.MSR_KVM_POLL_CONTROL()),
    /** MSR_KVM_ASYNC_PF_INT: KVM's own. */
    KVM_ASYNC_PF_INT(kvm_x86_h.MSR_KVM_ASYNC_PF_INT()),
    /** MSR_KVM_ASYNC_PF_ACK: KVM's own. */
    KVM_ASYNC_PF_ACK(kvm_x86_h.MSR_KVM_ASYNC_PF_ACK()),
    /** MSR_KVM_MIGRATION_CONTROL: KVM's own. */
    KVM_MIGRATION_CONTROL(kvm_x86_h.MSR_KVM_MIGRATION_CONTROL());

    private static final Map<Integer, Msr> BY_INDEX = Arrays.stream(values())
            .collect(Collectors.toMap(Msr::index, Function.identity()));

    private final int index;

    Msr(int index) {
        this.index = index;
    }

    /**
     * Returns the register's number, as the guest has it in ECX.
     *
     * @return 32 bits
     */
    public int index() {
        return index;
    }

    /**
     * Finds a register by its number.
     *
     * @param index
     *            the number
     * @return the register, or empty when it has no name here
     */
    public static Optional<Msr> of(int index) {
        return Optional.ofNullable(BY_INDEX.get(index));
    }

    /**
     * Names a register.
     *
     * @param index
     *            its number
     * @return its name and number, or the number alone when it has no name here
     */
    public static String name(int index) {
        String number = "0x" + Integer.toHexString(index);
        return of(index).map(msr -> msr + " (" + number + ")").orElse(number);
    }
}
