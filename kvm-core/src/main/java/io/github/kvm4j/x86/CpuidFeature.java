package io.github.kvm4j.x86;

import static io.github.kvm4j.x86.CpuidWord.KVM_EAX;
import static io.github.kvm4j.x86.CpuidWord.KVM_EDX;
import static io.github.kvm4j.x86.CpuidWord.L1_ECX;
import static io.github.kvm4j.x86.CpuidWord.L1_EDX;
import static io.github.kvm4j.x86.CpuidWord.L6_EAX;
import static io.github.kvm4j.x86.CpuidWord.L6_ECX;
import static io.github.kvm4j.x86.CpuidWord.L7_0_EBX;
import static io.github.kvm4j.x86.CpuidWord.L7_0_ECX;
import static io.github.kvm4j.x86.CpuidWord.L7_0_EDX;
import static io.github.kvm4j.x86.CpuidWord.L7_1_EAX;
import static io.github.kvm4j.x86.CpuidWord.L7_1_ECX;
import static io.github.kvm4j.x86.CpuidWord.L7_1_EDX;
import static io.github.kvm4j.x86.CpuidWord.L7_2_EDX;
import static io.github.kvm4j.x86.CpuidWord.L8000_0001_ECX;
import static io.github.kvm4j.x86.CpuidWord.L8000_0001_EDX;
import static io.github.kvm4j.x86.CpuidWord.L8000_0007_EBX;
import static io.github.kvm4j.x86.CpuidWord.L8000_0007_EDX;
import static io.github.kvm4j.x86.CpuidWord.L8000_0008_EBX;
import static io.github.kvm4j.x86.CpuidWord.L8000_000A_EDX;
import static io.github.kvm4j.x86.CpuidWord.L8000_001F_EAX;
import static io.github.kvm4j.x86.CpuidWord.L8000_0021_EAX;
import static io.github.kvm4j.x86.CpuidWord.L8000_0021_ECX;
import static io.github.kvm4j.x86.CpuidWord.L8000_0022_EAX;
import static io.github.kvm4j.x86.CpuidWord.LD_1_EAX;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * A feature that a bit of CPUID announces, by the name that the manuals give it: Intel's for leaves below 0x80000000 and
 * what both have, AMD's for those above, the kernel's header's for KVM's own. What is no Java name is changed as little
 * as possible ({@code PSE-36} is {@link #PSE_36}, {@code 3DNow} is {@link #_3DNOW}), and where both manuals have one name
 * for two bits, AMD's has {@code AMD_} in front: {@link #SSBD} and {@link #AMD_SSBD}.
 * <p>
 * Any other bit goes by its place: {@link Cpuid#has(int, int, CpuidRegister, int)}.
 */
// The manuals describe the features; a comment on each would repeat its name.
@SuppressWarnings("doclint:missing")
public enum CpuidFeature {

    // @formatter:off
    FPU(L1_EDX, 0), VME(L1_EDX, 1), DE(L1_EDX, 2), PSE(L1_EDX, 3), TSC(L1_EDX, 4), MSR(L1_EDX, 5), PAE(L1_EDX, 6),
    MCE(L1_EDX, 7), CX8(L1_EDX, 8), APIC(L1_EDX, 9), SEP(L1_EDX, 11), MTRR(L1_EDX, 12), PGE(L1_EDX, 13),
    MCA(L1_EDX, 14), CMOV(L1_EDX, 15), PAT(L1_EDX, 16), PSE_36(L1_EDX, 17), PSN(L1_EDX, 18), CLFSH(L1_EDX, 19),
    DS(L1_EDX, 21), ACPI(L1_EDX, 22), MMX(L1_EDX, 23), FXSR(L1_EDX, 24), SSE(L1_EDX, 25), SSE2(L1_EDX, 26),
    SS(L1_EDX, 27), HTT(L1_EDX, 28), TM(L1_EDX, 29), PBE(L1_EDX, 31),

    SSE3(L1_ECX, 0), PCLMULQDQ(L1_ECX, 1), DTES64(L1_ECX, 2), MONITOR(L1_ECX, 3), DS_CPL(L1_ECX, 4), VMX(L1_ECX, 5),
    SMX(L1_ECX, 6), EIST(L1_ECX, 7), TM2(L1_ECX, 8), SSSE3(L1_ECX, 9), CNXT_ID(L1_ECX, 10), SDBG(L1_ECX, 11),
    FMA(L1_ECX, 12), CMPXCHG16B(L1_ECX, 13), XTPR(L1_ECX, 14), PDCM(L1_ECX, 15), PCID(L1_ECX, 17), DCA(L1_ECX, 18),
    SSE4_1(L1_ECX, 19), SSE4_2(L1_ECX, 20), X2APIC(L1_ECX, 21), MOVBE(L1_ECX, 22), POPCNT(L1_ECX, 23),
    TSC_DEADLINE(L1_ECX, 24), AESNI(L1_ECX, 25), XSAVE(L1_ECX, 26), OSXSAVE(L1_ECX, 27), AVX(L1_ECX, 28),
    F16C(L1_ECX, 29), RDRAND(L1_ECX, 30), HYPERVISOR(L1_ECX, 31),

    ARAT(L6_EAX, 2), HWP(L6_EAX, 7), HWP_NOTIFICATION(L6_EAX, 8), HWP_ACTIVITY_WINDOW(L6_EAX, 9), HWP_EPP(L6_EAX, 10),
    HWP_PACKAGE(L6_EAX, 11), APERFMPERF(L6_ECX, 0), EPB(L6_ECX, 3),

    FSGSBASE(L7_0_EBX, 0), TSC_ADJUST(L7_0_EBX, 1), SGX(L7_0_EBX, 2), BMI1(L7_0_EBX, 3), HLE(L7_0_EBX, 4),
    AVX2(L7_0_EBX, 5), FDP_EXCPTN_ONLY(L7_0_EBX, 6), SMEP(L7_0_EBX, 7), BMI2(L7_0_EBX, 8), ERMS(L7_0_EBX, 9),
    INVPCID(L7_0_EBX, 10), RTM(L7_0_EBX, 11), RDT_M(L7_0_EBX, 12), ZERO_FCS_FDS(L7_0_EBX, 13), MPX(L7_0_EBX, 14),
    RDT_A(L7_0_EBX, 15), AVX512F(L7_0_EBX, 16), AVX512DQ(L7_0_EBX, 17), RDSEED(L7_0_EBX, 18), ADX(L7_0_EBX, 19),
    SMAP(L7_0_EBX, 20), AVX512_IFMA(L7_0_EBX, 21), CLFLUSHOPT(L7_0_EBX, 23), CLWB(L7_0_EBX, 24),
    INTEL_PT(L7_0_EBX, 25), AVX512PF(L7_0_EBX, 26), AVX512ER(L7_0_EBX, 27), AVX512CD(L7_0_EBX, 28),
    SHA(L7_0_EBX, 29), AVX512BW(L7_0_EBX, 30), AVX512VL(L7_0_EBX, 31),

    PREFETCHWT1(L7_0_ECX, 0), AVX512_VBMI(L7_0_ECX, 1), UMIP(L7_0_ECX, 2), PKU(L7_0_ECX, 3), OSPKE(L7_0_ECX, 4),
    WAITPKG(L7_0_ECX, 5), AVX512_VBMI2(L7_0_ECX, 6), CET_SS(L7_0_ECX, 7), GFNI(L7_0_ECX, 8), VAES(L7_0_ECX, 9),
    VPCLMULQDQ(L7_0_ECX, 10), AVX512_VNNI(L7_0_ECX, 11), AVX512_BITALG(L7_0_ECX, 12), TME_EN(L7_0_ECX, 13),
    AVX512_VPOPCNTDQ(L7_0_ECX, 14), LA57(L7_0_ECX, 16), RDPID(L7_0_ECX, 22), KL(L7_0_ECX, 23),
    BUS_LOCK_DETECT(L7_0_ECX, 24), CLDEMOTE(L7_0_ECX, 25), MOVDIRI(L7_0_ECX, 27), MOVDIR64B(L7_0_ECX, 28),
    ENQCMD(L7_0_ECX, 29), SGX_LC(L7_0_ECX, 30), PKS(L7_0_ECX, 31),

    SGX_KEYS(L7_0_EDX, 1), AVX512_4VNNIW(L7_0_EDX, 2), AVX512_4FMAPS(L7_0_EDX, 3), FSRM(L7_0_EDX, 4),
    UINTR(L7_0_EDX, 5), AVX512_VP2INTERSECT(L7_0_EDX, 8), SRBDS_CTRL(L7_0_EDX, 9), MD_CLEAR(L7_0_EDX, 10),
    RTM_ALWAYS_ABORT(L7_0_EDX, 11), RTM_FORCE_ABORT(L7_0_EDX, 13), SERIALIZE(L7_0_EDX, 14), HYBRID(L7_0_EDX, 15),
    TSXLDTRK(L7_0_EDX, 16), PCONFIG(L7_0_EDX, 18), ARCH_LBR(L7_0_EDX, 19), CET_IBT(L7_0_EDX, 20),
    AMX_BF16(L7_0_EDX, 22), AVX512_FP16(L7_0_EDX, 23), AMX_TILE(L7_0_EDX, 24), AMX_INT8(L7_0_EDX, 25),
    IBRS_IBPB(L7_0_EDX, 26), STIBP(L7_0_EDX, 27), L1D_FLUSH(L7_0_EDX, 28), ARCH_CAPABILITIES(L7_0_EDX, 29),
    CORE_CAPABILITIES(L7_0_EDX, 30), SSBD(L7_0_EDX, 31),

    SHA512(L7_1_EAX, 0), SM3(L7_1_EAX, 1), SM4(L7_1_EAX, 2), RAO_INT(L7_1_EAX, 3), AVX_VNNI(L7_1_EAX, 4),
    AVX512_BF16(L7_1_EAX, 5), LASS(L7_1_EAX, 6), CMPCCXADD(L7_1_EAX, 7), ARCH_PERFMON_EXT(L7_1_EAX, 8),
    FZRM(L7_1_EAX, 10), FSRS(L7_1_EAX, 11), FSRC(L7_1_EAX, 12), FRED(L7_1_EAX, 17), LKGS(L7_1_EAX, 18),
    WRMSRNS(L7_1_EAX, 19), NMI_SRC(L7_1_EAX, 20), AMX_FP16(L7_1_EAX, 21), HRESET(L7_1_EAX, 22),
    AVX_IFMA(L7_1_EAX, 23), LAM(L7_1_EAX, 26), MSRLIST(L7_1_EAX, 27), MOVRS(L7_1_EAX, 31), MSR_IMM(L7_1_ECX, 5),

    AVX_VNNI_INT8(L7_1_EDX, 4), AVX_NE_CONVERT(L7_1_EDX, 5), AMX_COMPLEX(L7_1_EDX, 8), AVX_VNNI_INT16(L7_1_EDX, 10),
    UTMR(L7_1_EDX, 13), PREFETCHI(L7_1_EDX, 14), USER_MSR(L7_1_EDX, 15), UIRET_UIF(L7_1_EDX, 17),
    CET_SSS(L7_1_EDX, 18), AVX10(L7_1_EDX, 19), APX_F(L7_1_EDX, 21),

    PSFD(L7_2_EDX, 0), IPRED_CTRL(L7_2_EDX, 1), RRSBA_CTRL(L7_2_EDX, 2), DDPD_U(L7_2_EDX, 3), BHI_CTRL(L7_2_EDX, 4),
    MCDT_NO(L7_2_EDX, 5), UC_LOCK_DISABLE(L7_2_EDX, 6), MONITOR_MITG_NO(L7_2_EDX, 7),

    XSAVEOPT(LD_1_EAX, 0), XSAVEC(LD_1_EAX, 1), XGETBV_ECX1(LD_1_EAX, 2), XSAVES(LD_1_EAX, 3), XFD(LD_1_EAX, 4),

    LAHF_SAHF(L8000_0001_ECX, 0), CMP_LEGACY(L8000_0001_ECX, 1), SVM(L8000_0001_ECX, 2),
    EXT_APIC_SPACE(L8000_0001_ECX, 3), ALT_MOV_CR8(L8000_0001_ECX, 4), ABM(L8000_0001_ECX, 5),
    SSE4A(L8000_0001_ECX, 6), MISALIGN_SSE(L8000_0001_ECX, 7), _3DNOW_PREFETCH(L8000_0001_ECX, 8),
    OSVW(L8000_0001_ECX, 9), IBS(L8000_0001_ECX, 10), XOP(L8000_0001_ECX, 11), SKINIT(L8000_0001_ECX, 12),
    WDT(L8000_0001_ECX, 13), LWP(L8000_0001_ECX, 15), FMA4(L8000_0001_ECX, 16), TCE(L8000_0001_ECX, 17),
    NODE_ID(L8000_0001_ECX, 19), TBM(L8000_0001_ECX, 21), TOPOLOGY_EXTENSIONS(L8000_0001_ECX, 22),
    PERF_CTR_EXT_CORE(L8000_0001_ECX, 23), PERF_CTR_EXT_NB(L8000_0001_ECX, 24), DATA_BKPT_EXT(L8000_0001_ECX, 26),
    PERF_TSC(L8000_0001_ECX, 27), PERF_CTR_EXT_LLC(L8000_0001_ECX, 28), MONITORX(L8000_0001_ECX, 29),
    ADDR_MASK_EXT(L8000_0001_ECX, 30),

    // AMD repeats part of leaf 1 here.
    AMD_FPU(L8000_0001_EDX, 0), AMD_VME(L8000_0001_EDX, 1), AMD_DE(L8000_0001_EDX, 2), AMD_PSE(L8000_0001_EDX, 3),
    AMD_TSC(L8000_0001_EDX, 4), AMD_MSR(L8000_0001_EDX, 5), AMD_PAE(L8000_0001_EDX, 6), AMD_MCE(L8000_0001_EDX, 7),
    AMD_CX8(L8000_0001_EDX, 8), AMD_APIC(L8000_0001_EDX, 9), SYSCALL(L8000_0001_EDX, 11), AMD_MTRR(L8000_0001_EDX, 12),
    AMD_PGE(L8000_0001_EDX, 13), AMD_MCA(L8000_0001_EDX, 14), AMD_CMOV(L8000_0001_EDX, 15),
    AMD_PAT(L8000_0001_EDX, 16), AMD_PSE_36(L8000_0001_EDX, 17), NX(L8000_0001_EDX, 20), MMX_EXT(L8000_0001_EDX, 22),
    AMD_MMX(L8000_0001_EDX, 23), AMD_FXSR(L8000_0001_EDX, 24), FFXSR(L8000_0001_EDX, 25), PAGE_1GB(L8000_0001_EDX, 26),
    RDTSCP(L8000_0001_EDX, 27), LM(L8000_0001_EDX, 29), _3DNOW_EXT(L8000_0001_EDX, 30), _3DNOW(L8000_0001_EDX, 31),

    MCA_OVERFLOW_RECOV(L8000_0007_EBX, 0), SUCCOR(L8000_0007_EBX, 1), SCALABLE_MCA(L8000_0007_EBX, 3),
    CPB(L8000_0007_EDX, 9), INVARIANT_TSC(L8000_0007_EDX, 8), EFF_FREQ_RO(L8000_0007_EDX, 10),

    CLZERO(L8000_0008_EBX, 0), INST_RET_CNT_MSR(L8000_0008_EBX, 1), RSTR_FP_ERR_PTRS(L8000_0008_EBX, 2),
    INVLPGB(L8000_0008_EBX, 3), RDPRU(L8000_0008_EBX, 4), MBE(L8000_0008_EBX, 6), MCOMMIT(L8000_0008_EBX, 8),
    WBNOINVD(L8000_0008_EBX, 9), AMD_IBPB(L8000_0008_EBX, 12), INT_WBINVD(L8000_0008_EBX, 13),
    AMD_IBRS(L8000_0008_EBX, 14), AMD_STIBP(L8000_0008_EBX, 15), IBRS_ALWAYS_ON(L8000_0008_EBX, 16),
    STIBP_ALWAYS_ON(L8000_0008_EBX, 17), IBRS_PREFERRED(L8000_0008_EBX, 18), IBRS_SAME_MODE(L8000_0008_EBX, 19),
    EFER_LMSLE_UNSUPPORTED(L8000_0008_EBX, 20), INVLPGB_NESTED_PAGES(L8000_0008_EBX, 21), AMD_PPIN(L8000_0008_EBX, 23),
    AMD_SSBD(L8000_0008_EBX, 24), SSBD_VIRT_SPEC_CTRL(L8000_0008_EBX, 25), SSBD_NOT_REQUIRED(L8000_0008_EBX, 26),
    CPPC(L8000_0008_EBX, 27), AMD_PSFD(L8000_0008_EBX, 28), BTC_NO(L8000_0008_EBX, 29), IBPB_RET(L8000_0008_EBX, 30),
    BRANCH_SAMPLING(L8000_0008_EBX, 31),

    SVM_NP(L8000_000A_EDX, 0), SVM_LBR_VIRT(L8000_000A_EDX, 1), SVM_LOCK(L8000_000A_EDX, 2),
    SVM_NRIPS(L8000_000A_EDX, 3), SVM_TSC_RATE_MSR(L8000_000A_EDX, 4), SVM_VMCB_CLEAN(L8000_000A_EDX, 5),
    SVM_FLUSH_BY_ASID(L8000_000A_EDX, 6), SVM_DECODE_ASSISTS(L8000_000A_EDX, 7), SVM_PAUSE_FILTER(L8000_000A_EDX, 10),
    SVM_PAUSE_FILTER_THRESHOLD(L8000_000A_EDX, 12), SVM_AVIC(L8000_000A_EDX, 13), SVM_VLS(L8000_000A_EDX, 15),
    SVM_VGIF(L8000_000A_EDX, 16), SVM_GMET(L8000_000A_EDX, 17), SVM_X2AVIC(L8000_000A_EDX, 18),
    SVM_SPEC_CTRL(L8000_000A_EDX, 20), SVM_VNMI(L8000_000A_EDX, 25),

    SME(L8000_001F_EAX, 0), SEV(L8000_001F_EAX, 1), PAGE_FLUSH_MSR(L8000_001F_EAX, 2), SEV_ES(L8000_001F_EAX, 3),
    SEV_SNP(L8000_001F_EAX, 4),

    NO_NESTED_DATA_BP(L8000_0021_EAX, 0), FS_GS_BASE_NON_SERIALIZING(L8000_0021_EAX, 1),
    LFENCE_ALWAYS_SERIALIZING(L8000_0021_EAX, 2), SMM_PG_CFG_LOCK(L8000_0021_EAX, 3), VERW_CLEAR(L8000_0021_EAX, 5),
    NULL_SELECT_CLEARS_BASE(L8000_0021_EAX, 6), UPPER_ADDRESS_IGNORE(L8000_0021_EAX, 7),
    AUTOMATIC_IBRS(L8000_0021_EAX, 8), NO_SMM_CTL_MSR(L8000_0021_EAX, 9), AMD_FSRS(L8000_0021_EAX, 10),
    AMD_FSRC(L8000_0021_EAX, 11), PREFETCH_CTL_MSR(L8000_0021_EAX, 13), CPUID_USER_DIS(L8000_0021_EAX, 17),
    EPSF(L8000_0021_EAX, 18), AMD_PREFETCHI(L8000_0021_EAX, 20), ERAPS(L8000_0021_EAX, 24), SBPB(L8000_0021_EAX, 27),
    IBPB_BRTYPE(L8000_0021_EAX, 28), SRSO_NO(L8000_0021_EAX, 29), SRSO_USER_KERNEL_NO(L8000_0021_EAX, 30),
    SRSO_MSR_FIX(L8000_0021_EAX, 31), TSA_SQ_NO(L8000_0021_ECX, 1), TSA_L1_NO(L8000_0021_ECX, 2),

    PERFMON_V2(L8000_0022_EAX, 0), LBR_STACK(L8000_0022_EAX, 1), LBR_AND_PMC_FREEZE(L8000_0022_EAX, 2),

    KVM_CLOCKSOURCE(KVM_EAX, kvm_x86_h.KVM_FEATURE_CLOCKSOURCE()),
    KVM_NOP_IO_DELAY(KVM_EAX, kvm_x86_h.KVM_FEATURE_NOP_IO_DELAY()),
    KVM_MMU_OP(KVM_EAX, kvm_x86_h.KVM_FEATURE_MMU_OP()),
    KVM_CLOCKSOURCE2(KVM_EAX, kvm_x86_h.KVM_FEATURE_CLOCKSOURCE2()),
    KVM_ASYNC_PF(KVM_EAX, kvm_x86_h.KVM_FEATURE_ASYNC_PF()),
    KVM_STEAL_TIME(KVM_EAX, kvm_x86_h.KVM_FEATURE_STEAL_TIME()),
    KVM_PV_EOI(KVM_EAX, kvm_x86_h.KVM_FEATURE_PV_EOI()),
    KVM_PV_UNHALT(KVM_EAX, kvm_x86_h.KVM_FEATURE_PV_UNHALT()),
    KVM_PV_TLB_FLUSH(KVM_EAX, kvm_x86_h.KVM_FEATURE_PV_TLB_FLUSH()),
    KVM_ASYNC_PF_VMEXIT(KVM_EAX, kvm_x86_h.KVM_FEATURE_ASYNC_PF_VMEXIT()),
    KVM_PV_SEND_IPI(KVM_EAX, kvm_x86_h.KVM_FEATURE_PV_SEND_IPI()),
    KVM_POLL_CONTROL(KVM_EAX, kvm_x86_h.KVM_FEATURE_POLL_CONTROL()),
    KVM_PV_SCHED_YIELD(KVM_EAX, kvm_x86_h.KVM_FEATURE_PV_SCHED_YIELD()),
    KVM_ASYNC_PF_INT(KVM_EAX, kvm_x86_h.KVM_FEATURE_ASYNC_PF_INT()),
    KVM_MSI_EXT_DEST_ID(KVM_EAX, kvm_x86_h.KVM_FEATURE_MSI_EXT_DEST_ID()),
    KVM_HC_MAP_GPA_RANGE(KVM_EAX, kvm_x86_h.KVM_FEATURE_HC_MAP_GPA_RANGE()),
    KVM_MIGRATION_CONTROL(KVM_EAX, kvm_x86_h.KVM_FEATURE_MIGRATION_CONTROL()),
    KVM_CLOCKSOURCE_STABLE_BIT(KVM_EAX, kvm_x86_h.KVM_FEATURE_CLOCKSOURCE_STABLE_BIT()),
    KVM_HINTS_REALTIME(KVM_EDX, kvm_x86_h.KVM_HINTS_REALTIME());
    // @formatter:on

    private static final Map<CpuidWord, CpuidFeature[]> BY_PLACE = byPlace();

    private final CpuidWord word;
    private final int bit;

    CpuidFeature(CpuidWord word, int bit) {
        this.word = word;
        this.bit = bit;
    }

    private static Map<CpuidWord, CpuidFeature[]> byPlace() {
        Map<CpuidWord, CpuidFeature[]> places = new EnumMap<>(CpuidWord.class);
        for (CpuidFeature feature : values()) {
            places.computeIfAbsent(feature.word, _ -> new CpuidFeature[Integer.SIZE])[feature.bit] = feature;
        }
        return places;
    }

    /**
     * Finds the feature that a bit announces.
     *
     * @param leaf
     *            the leaf
     * @param subleaf
     *            the subleaf, 0 where there is none
     * @param register
     *            the register
     * @param bit
     *            the bit, 0 to 31
     * @return the feature, if that bit has a name here
     */
    public static Optional<CpuidFeature> of(int leaf, int subleaf, CpuidRegister register, int bit) {
        Cpuid.checkBit(bit);
        for (CpuidWord word : CpuidWord.values()) {
            if (word.leaf() == leaf && word.subleaf() == subleaf && word.register() == register) {
                return of(word, bit);
            }
        }
        return Optional.empty();
    }

    static Optional<CpuidFeature> of(CpuidWord word, int bit) {
        CpuidFeature[] named = BY_PLACE.get(word);
        return named == null ? Optional.empty() : Optional.ofNullable(named[bit]);
    }

    CpuidWord word() {
        return word;
    }

    /**
     * Returns the leaf: EAX of the instruction.
     *
     * @return the leaf; of KVM's own features, the one where they are unless a VMM puts them elsewhere ({@link KvmLeaves#at})
     */
    public int leaf() {
        return word.leaf();
    }

    /**
     * Returns the subleaf: ECX of the instruction.
     *
     * @return the subleaf, 0 where the leaf has none
     */
    public int subleaf() {
        return word.subleaf();
    }

    /**
     * Returns the register that has the bit.
     *
     * @return the register
     */
    public CpuidRegister register() {
        return word.register();
    }

    /**
     * Returns the bit.
     *
     * @return 0 to 31
     */
    public int bit() {
        return bit;
    }
}
