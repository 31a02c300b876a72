package io.github.kvm4j.x86;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The numbers that no header has, written down a second time from the manuals and in another way. */
class ManualsTest {

    /** A register of CPUID: the names of its bits from 0 on, a dot for one without. */
    private record Word(int leaf, int subleaf, CpuidRegister register, String names) {

        @Override
        public String toString() {
            return String.format("%x/%d.%s", leaf, subleaf, register);
        }
    }

    static List<Word> words() {
        return List.of(
                new Word(1, 0, CpuidRegister.EDX,
                        """
                                FPU VME DE PSE TSC MSR PAE MCE CX8 APIC . SEP MTRR PGE MCA CMOV PAT PSE_36 PSN CLFSH . DS ACPI MMX FXSR
                                SSE SSE2 SS HTT TM . PBE"""),
                new Word(1, 0, CpuidRegister.ECX,
                        """
                                SSE3 PCLMULQDQ DTES64 MONITOR DS_CPL VMX SMX EIST TM2 SSSE3 CNXT_ID SDBG FMA CMPXCHG16B XTPR PDCM . PCID
                                DCA SSE4_1 SSE4_2 X2APIC MOVBE POPCNT TSC_DEADLINE AESNI XSAVE OSXSAVE AVX F16C RDRAND HYPERVISOR"""),
                new Word(6, 0, CpuidRegister.EAX,
                        ". . ARAT . . . . HWP HWP_NOTIFICATION HWP_ACTIVITY_WINDOW HWP_EPP HWP_PACKAGE"),
                new Word(6, 0, CpuidRegister.ECX, "APERFMPERF . . EPB"),
                new Word(7, 0, CpuidRegister.EBX,
                        """
                                FSGSBASE TSC_ADJUST SGX BMI1 HLE AVX2 FDP_EXCPTN_ONLY SMEP BMI2 ERMS INVPCID RTM RDT_M ZERO_FCS_FDS MPX
                                RDT_A AVX512F AVX512DQ RDSEED ADX SMAP AVX512_IFMA . CLFLUSHOPT CLWB INTEL_PT AVX512PF AVX512ER
                                AVX512CD SHA AVX512BW AVX512VL"""),
                new Word(7, 0, CpuidRegister.ECX,
                        """
                                PREFETCHWT1 AVX512_VBMI UMIP PKU OSPKE WAITPKG AVX512_VBMI2 CET_SS GFNI VAES VPCLMULQDQ AVX512_VNNI
                                AVX512_BITALG TME_EN AVX512_VPOPCNTDQ . LA57 . . . . . RDPID KL BUS_LOCK_DETECT CLDEMOTE . MOVDIRI
                                MOVDIR64B ENQCMD SGX_LC PKS"""),
                new Word(7, 0, CpuidRegister.EDX,
                        """
                                . SGX_KEYS AVX512_4VNNIW AVX512_4FMAPS FSRM UINTR . . AVX512_VP2INTERSECT SRBDS_CTRL MD_CLEAR
                                RTM_ALWAYS_ABORT . RTM_FORCE_ABORT SERIALIZE HYBRID TSXLDTRK . PCONFIG ARCH_LBR CET_IBT . AMX_BF16
                                AVX512_FP16 AMX_TILE AMX_INT8 IBRS_IBPB STIBP L1D_FLUSH ARCH_CAPABILITIES CORE_CAPABILITIES SSBD"""),
                new Word(7, 1, CpuidRegister.EAX,
                        """
                                SHA512 SM3 SM4 RAO_INT AVX_VNNI AVX512_BF16 LASS CMPCCXADD ARCH_PERFMON_EXT . FZRM FSRS FSRC . . . .
                                FRED LKGS WRMSRNS NMI_SRC AMX_FP16 HRESET AVX_IFMA . . LAM MSRLIST . . . MOVRS"""),
                new Word(7, 1, CpuidRegister.ECX, ". . . . . MSR_IMM"),
                new Word(7, 1, CpuidRegister.EDX,
                        """
                                . . . . AVX_VNNI_INT8 AVX_NE_CONVERT . . AMX_COMPLEX . AVX_VNNI_INT16 . . UTMR PREFETCHI USER_MSR .
                                UIRET_UIF CET_SSS AVX10 . APX_F"""),
                new Word(7, 2, CpuidRegister.EDX,
                        "PSFD IPRED_CTRL RRSBA_CTRL DDPD_U BHI_CTRL MCDT_NO UC_LOCK_DISABLE MONITOR_MITG_NO"),
                new Word(0xd, 1, CpuidRegister.EAX, "XSAVEOPT XSAVEC XGETBV_ECX1 XSAVES XFD"),
                new Word(0x8000_0001, 0, CpuidRegister.ECX,
                        """
                                LAHF_SAHF CMP_LEGACY SVM EXT_APIC_SPACE ALT_MOV_CR8 ABM SSE4A MISALIGN_SSE _3DNOW_PREFETCH OSVW IBS XOP
                                SKINIT WDT . LWP FMA4 TCE . NODE_ID . TBM TOPOLOGY_EXTENSIONS PERF_CTR_EXT_CORE PERF_CTR_EXT_NB .
                                DATA_BKPT_EXT PERF_TSC PERF_CTR_EXT_LLC MONITORX ADDR_MASK_EXT"""),
                new Word(0x8000_0001, 0, CpuidRegister.EDX,
                        """
                                AMD_FPU AMD_VME AMD_DE AMD_PSE AMD_TSC AMD_MSR AMD_PAE AMD_MCE AMD_CX8 AMD_APIC . SYSCALL AMD_MTRR
                                AMD_PGE AMD_MCA AMD_CMOV AMD_PAT AMD_PSE_36 . . NX . MMX_EXT AMD_MMX AMD_FXSR FFXSR PAGE_1GB RDTSCP .
                                LM _3DNOW_EXT _3DNOW"""),
                new Word(0x8000_0007, 0, CpuidRegister.EBX, "MCA_OVERFLOW_RECOV SUCCOR . SCALABLE_MCA"),
                new Word(0x8000_0007, 0, CpuidRegister.EDX, ". . . . . . . . INVARIANT_TSC CPB EFF_FREQ_RO"),
                new Word(0x8000_0008, 0, CpuidRegister.EBX,
                        """
                                CLZERO INST_RET_CNT_MSR RSTR_FP_ERR_PTRS INVLPGB RDPRU . MBE . MCOMMIT WBNOINVD . . AMD_IBPB INT_WBINVD
                                AMD_IBRS AMD_STIBP IBRS_ALWAYS_ON STIBP_ALWAYS_ON IBRS_PREFERRED IBRS_SAME_MODE EFER_LMSLE_UNSUPPORTED
                                INVLPGB_NESTED_PAGES . AMD_PPIN AMD_SSBD SSBD_VIRT_SPEC_CTRL SSBD_NOT_REQUIRED CPPC AMD_PSFD BTC_NO
                                IBPB_RET BRANCH_SAMPLING"""),
                new Word(0x8000_000a, 0, CpuidRegister.EDX, """
                        SVM_NP SVM_LBR_VIRT SVM_LOCK SVM_NRIPS SVM_TSC_RATE_MSR SVM_VMCB_CLEAN SVM_FLUSH_BY_ASID
                        SVM_DECODE_ASSISTS . . SVM_PAUSE_FILTER . SVM_PAUSE_FILTER_THRESHOLD SVM_AVIC . SVM_VLS SVM_VGIF
                        SVM_GMET SVM_X2AVIC . SVM_SPEC_CTRL . . . . SVM_VNMI"""),
                new Word(0x8000_001f, 0, CpuidRegister.EAX, "SME SEV PAGE_FLUSH_MSR SEV_ES SEV_SNP"),
                new Word(0x8000_0021, 0, CpuidRegister.EAX,
                        """
                                NO_NESTED_DATA_BP FS_GS_BASE_NON_SERIALIZING LFENCE_ALWAYS_SERIALIZING SMM_PG_CFG_LOCK . VERW_CLEAR
                                NULL_SELECT_CLEARS_BASE UPPER_ADDRESS_IGNORE AUTOMATIC_IBRS NO_SMM_CTL_MSR AMD_FSRS AMD_FSRC .
                                PREFETCH_CTL_MSR . . . CPUID_USER_DIS EPSF . AMD_PREFETCHI . . . ERAPS . . SBPB IBPB_BRTYPE SRSO_NO
                                SRSO_USER_KERNEL_NO SRSO_MSR_FIX"""),
                new Word(0x8000_0021, 0, CpuidRegister.ECX, ". TSA_SQ_NO TSA_L1_NO"),
                new Word(0x8000_0022, 0, CpuidRegister.EAX, "PERFMON_V2 LBR_STACK LBR_AND_PMC_FREEZE"));
    }

    private static List<String> names(String text) {
        return List.of(text.strip().split("\\s+"));
    }

    @ParameterizedTest
    @MethodSource("words")
    void theBitsOfARegisterHaveTheirFeatures(Word word) {
        List<String> features = new ArrayList<>();
        for (int bit = 0; bit < Integer.SIZE; bit++) {
            features.add(CpuidFeature.of(word.leaf, word.subleaf, word.register, bit).map(Enum::name).orElse("."));
        }
        List<String> manual = new ArrayList<>(names(word.names));
        while (manual.size() < Integer.SIZE) {
            manual.add(".");
        }
        assertEquals(manual, features);
    }

    @Test
    void noFeatureIsOfAnotherRegister() {
        Set<CpuidFeature> others = EnumSet.allOf(CpuidFeature.class);
        others.removeIf(feature -> words().stream().anyMatch(word -> feature.leaf() == word.leaf
                && feature.subleaf() == word.subleaf && feature.register() == word.register));
        assertTrue(others.stream().allMatch(feature -> feature.name().startsWith("KVM_")), others::toString);
    }

    /** Numbers and names in turn. */
    private static <E extends Enum<E>> void assertNumbers(Class<E> type, Function<E, Number> number, String numbers) {
        Map<String, String> manual = new TreeMap<>();
        List<String> words = names(numbers);
        for (int i = 0; i < words.size(); i += 2) {
            manual.put(words.get(i + 1), words.get(i));
        }
        Map<String, String> ours = new TreeMap<>();
        for (E constant : type.getEnumConstants()) {
            ours.put(constant.name(), Long.toHexString(number.apply(constant).longValue() & 0xffff_ffffL));
        }
        assertEquals(manual, ours);
    }

    /** Intel's manual, volume 3, table 12-1, and the three arrays of 256 bits in it. */
    @Test
    void theLocalApicsRegistersHaveTheirOffsets() {
        assertNumbers(LapicRegister.class, LapicRegister::offset,
                """
                        20 ID 30 VERSION 80 TPR 90 APR a0 PPR b0 EOI c0 RRD d0 LDR e0 DFR f0 SVR 280 ESR 2f0 LVT_CMCI 300 ICR_LOW
                        310 ICR_HIGH 320 LVT_TIMER 330 LVT_THERMAL 340 LVT_PERFORMANCE 350 LVT_LINT0 360 LVT_LINT1 370 LVT_ERROR
                        380 TIMER_INITIAL 390 TIMER_CURRENT 3e0 TIMER_DIVIDE""");
        assertNumbers(LapicVectors.class, LapicVectors::offset, "100 IN_SERVICE 180 TRIGGER_MODE 200 REQUESTED");
    }

    @Test
    void theComponentsOfTheExtendedStateHaveTheirBits() {
        assertNumbers(XsaveComponent.class, XsaveComponent::number,
                """
                        0 X87 1 SSE 2 AVX 3 BNDREGS 4 BNDCSR 5 OPMASK 6 ZMM_HI256 7 HI16_ZMM 9 PKRU 11 XTILECFG 12 XTILEDATA 13 APX""");
        assertEquals(1L << 18, XsaveComponent.XTILEDATA.bit());
    }

    @Test
    void theFlagsOfTheControlRegistersHaveTheirBits() {
        assertNumbers(Cr0.class, Cr0::bit,
                "1 PE 2 MP 4 EM 8 TS 10 ET 20 NE 10000 WP 40000 AM 20000000 NW 40000000 CD 80000000 PG");
        assertNumbers(Efer.class, Efer::bit,
                "1 SCE 100 LME 400 LMA 800 NXE 1000 SVME 2000 LMSLE 4000 FFXSR 8000 TCE 200000 AUTOIBRS");
        assertNumbers(Cr4.class, flag -> Long.numberOfTrailingZeros(flag.bit()), """
                0 VME 1 PVI 2 TSD 3 DE 4 PSE 5 PAE 6 MCE 7 PGE 8 PCE 9 OSFXSR a OSXMMEXCPT b UMIP c LA57 d VMXE e SMXE
                10 FSGSBASE 11 PCIDE 12 OSXSAVE 13 KL 14 SMEP 15 SMAP 16 PKE 17 CET 18 PKS 19 UINTR 1b LASS 1c LAM_SUP
                20 FRED""");
    }

    /** Intel's manual, volume 4; AMD's, volume 2, appendix A; Hyper-V's functional specification. KVM's are the header's. */
    @Test
    void modelSpecificRegistersHaveTheirNumbers() {
        String kvms = String.join(" ", Arrays.stream(Msr.values()).filter(msr -> msr.name().startsWith("KVM_"))
                .map(msr -> Integer.toHexString(msr.index()) + " " + msr).toList());
        assertNumbers(Msr.class, Msr::index, kvms + " " + MSRS);
    }

    private static final String MSRS = """
            10 IA32_TSC 17 IA32_PLATFORM_ID 1b IA32_APIC_BASE 3a IA32_FEATURE_CONTROL 3b IA32_TSC_ADJUST 48 IA32_SPEC_CTRL
            49 IA32_PRED_CMD 8b IA32_BIOS_SIGN_ID 9e IA32_SMBASE c1 IA32_PMC0 ce PLATFORM_INFO e1 IA32_UMWAIT_CONTROL
            e7 IA32_MPERF e8 IA32_APERF fe IA32_MTRRCAP 10a IA32_ARCH_CAPABILITIES 10b IA32_FLUSH_CMD 122 IA32_TSX_CTRL
            140 MISC_FEATURES_ENABLES 174 IA32_SYSENTER_CS 175 IA32_SYSENTER_ESP 176 IA32_SYSENTER_EIP 179 IA32_MCG_CAP
            17a IA32_MCG_STATUS 17b IA32_MCG_CTL 186 IA32_PERFEVTSEL0 198 IA32_PERF_STATUS 1a0 IA32_MISC_ENABLE 1c4 IA32_XFD
            1c5 IA32_XFD_ERR 1d9 IA32_DEBUGCTL 200 IA32_MTRR_PHYSBASE0 201 IA32_MTRR_PHYSMASK0 250 IA32_MTRR_FIX64K_00000
            258 IA32_MTRR_FIX16K_80000 259 IA32_MTRR_FIX16K_A0000 268 IA32_MTRR_FIX4K_C0000 277 IA32_PAT 280 IA32_MC0_CTL2
            2ff IA32_MTRR_DEF_TYPE 309 IA32_FIXED_CTR0 345 IA32_PERF_CAPABILITIES 38d IA32_FIXED_CTR_CTRL
            38e IA32_PERF_GLOBAL_STATUS 38f IA32_PERF_GLOBAL_CTRL 400 IA32_MC0_CTL 401 IA32_MC0_STATUS 402 IA32_MC0_ADDR
            403 IA32_MC0_MISC 480 IA32_VMX_BASIC 485 IA32_VMX_MISC 486 IA32_VMX_CR0_FIXED0 488 IA32_VMX_CR4_FIXED0
            600 IA32_DS_AREA 6a0 IA32_U_CET 6a2 IA32_S_CET 6a7 IA32_PL3_SSP 6a8 IA32_INTERRUPT_SSP_TABLE
            6e0 IA32_TSC_DEADLINE 6e1 IA32_PKRS 802 X2APIC_ID 830 X2APIC_ICR da0 IA32_XSS
            c0000080 EFER c0000081 STAR c0000082 LSTAR c0000083 CSTAR c0000084 SYSCALL_MASK c0000100 FS_BASE
            c0000101 GS_BASE c0000102 KERNEL_GS_BASE c0000103 TSC_AUX c0000104 TSC_RATIO c0010010 AMD_SYSCFG
            c0010015 AMD_HWCR c0010114 AMD_VM_CR c0010117 AMD_VM_HSAVE_PA c001011f AMD_VIRT_SPEC_CTRL
            c0010140 AMD_OSVW_ID_LENGTH c0010141 AMD_OSVW_STATUS c0011029 AMD_DE_CFG
            40000000 HV_X64_GUEST_OS_ID 40000001 HV_X64_HYPERCALL 40000002 HV_X64_VP_INDEX 40000020 HV_X64_TIME_REF_COUNT
            40000021 HV_X64_REFERENCE_TSC 40000080 HV_X64_SCONTROL 40000082 HV_X64_SIEFP 40000083 HV_X64_SIMP
            40000090 HV_X64_SINT0""";

    /** Intel's manual, volume 3, on IA32_MCi_STATUS and IA32_MCG_STATUS. */
    @Test
    void theBitsOfAMachineCheckAreTheManuals() {
        assertEquals(List.of(63, 61, 60, 58, 2), List.of(MachineCheck.VALID, MachineCheck.UNCORRECTED,
                MachineCheck.ENABLED, MachineCheck.ADDRESS_VALID, MachineCheck.IN_PROGRESS).stream()
                .map(Long::numberOfTrailingZeros).toList());
        assertEquals(1, Long.bitCount(MachineCheck.UNCORRECTED));
    }
}
