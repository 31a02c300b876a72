package io.github.kvm4j.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.x86.CpuidEntry;

/**
 * A register of a CPUID leaf whose bits are features, and their names: Intel's manual's for leaves 1 and 7, AMD's for
 * 0x80000001, the kernel's for KVM's own.
 */
enum CpuidFeatures {

    LEAF_1_EDX("leaf 1 EDX", 1, CpuidEntry::edx, """
            FPU VME DE PSE TSC MSR PAE MCE CX8 APIC - SEP MTRR PGE MCA CMOV
            PAT PSE-36 PSN CLFSH - DS ACPI MMX FXSR SSE SSE2 SS HTT TM - PBE"""),

    LEAF_1_ECX("leaf 1 ECX", 1, CpuidEntry::ecx,
            """
                    SSE3 PCLMULQDQ DTES64 MONITOR DS-CPL VMX SMX EIST TM2 SSSE3 CNXT-ID SDBG FMA CMPXCHG16B xTPR PDCM
                    - PCID DCA SSE4_1 SSE4_2 x2APIC MOVBE POPCNT TSC-Deadline AESNI XSAVE OSXSAVE AVX F16C RDRAND HYPERVISOR"""),

    LEAF_7_EBX("leaf 7 EBX", 7, CpuidEntry::ebx,
            """
                    FSGSBASE IA32_TSC_ADJUST SGX BMI1 HLE AVX2 FDP_EXCPTN_ONLY SMEP BMI2 ERMS INVPCID RTM RDT-M FCS_FDS MPX RDT-A
                    AVX512F AVX512DQ RDSEED ADX SMAP AVX512_IFMA - CLFLUSHOPT CLWB PT AVX512PF AVX512ER AVX512CD SHA AVX512BW
                    AVX512VL"""),

    LEAF_7_ECX("leaf 7 ECX", 7, CpuidEntry::ecx,
            """
                    PREFETCHWT1 AVX512_VBMI UMIP PKU OSPKE WAITPKG AVX512_VBMI2 CET_SS GFNI VAES VPCLMULQDQ AVX512_VNNI
                    AVX512_BITALG TME_EN AVX512_VPOPCNTDQ - LA57 MAWAU.0 MAWAU.1 MAWAU.2 MAWAU.3 MAWAU.4 RDPID KL BUS_LOCK_DETECT
                    CLDEMOTE - MOVDIRI MOVDIR64B ENQCMD SGX_LC PKS"""),

    LEAF_7_EDX("leaf 7 EDX", 7, CpuidEntry::edx,
            """
                    - SGX-KEYS AVX512_4VNNIW AVX512_4FMAPS FSRM UINTR - - AVX512_VP2INTERSECT SRBDS_CTRL MD_CLEAR RTM_ALWAYS_ABORT
                    - RTM_FORCE_ABORT SERIALIZE HYBRID TSXLDTRK - PCONFIG ARCH_LBR CET_IBT - AMX-BF16 AVX512_FP16 AMX-TILE AMX-INT8
                    IBRS_IBPB STIBP L1D_FLUSH IA32_ARCH_CAPABILITIES IA32_CORE_CAPABILITIES SSBD"""),

    LEAF_80000001_EDX("leaf 80000001 EDX", 0x8000_0001, CpuidEntry::edx, """
            FPU VME DE PSE TSC MSR PAE MCE CMPXCHG8B APIC - SysCallSysRet MTRR PGE MCA CMOV
            PAT PSE36 - - NX - MmxExt MMX FXSR FFXSR Page1GB RDTSCP - LM 3DNowExt 3DNow"""),

    LEAF_80000001_ECX("leaf 80000001 ECX", 0x8000_0001, CpuidEntry::ecx,
            """
                    LahfSahf CmpLegacy SVM ExtApicSpace AltMovCr8 ABM SSE4A MisAlignSse 3DNowPrefetch OSVW IBS XOP SKINIT WDT - LWP
                    FMA4 TCE - NodeId - TBM TopologyExtensions PerfCtrExtCore PerfCtrExtNB - DataBkptExt PerfTsc PerfCtrExtLLC
                    MONITORX AddrMaskExt -"""),

    KVM("KVM 40000001 EAX", kvm_x86_h.KVM_CPUID_FEATURES(), CpuidEntry::eax, """
            CLOCKSOURCE NOP_IO_DELAY MMU_OP CLOCKSOURCE2 ASYNC_PF STEAL_TIME PV_EOI PV_UNHALT - PV_TLB_FLUSH
            ASYNC_PF_VMEXIT PV_SEND_IPI POLL_CONTROL PV_SCHED_YIELD ASYNC_PF_INT MSI_EXT_DEST_ID HC_MAP_GPA_RANGE
            MIGRATION_CONTROL - - - - - - CLOCKSOURCE_STABLE_BIT - - - - - - -""");

    private final String place;
    private final int leaf;
    private final ToIntFunction<CpuidEntry> register;

    /** From bit 0 upwards; "-" where the bit has no name. */
    private final List<String> names;

    CpuidFeatures(String place, int leaf, ToIntFunction<CpuidEntry> register, String names) {
        this.place = place;
        this.leaf = leaf;
        this.register = register;
        this.names = List.of(names.split("\\s+"));
        if (this.names.size() != Integer.SIZE) {
            throw new IllegalArgumentException(place + " has " + this.names.size() + " names");
        }
    }

    /** Where the bits are, for people. */
    String place() {
        return place;
    }

    int leaf() {
        return leaf;
    }

    /** The names of the features that an entry of this leaf has; the number of the bit where it has no name. */
    List<String> in(CpuidEntry entry) {
        int bits = register.applyAsInt(entry);
        List<String> found = new ArrayList<>();
        for (int bit = 0; bit < Integer.SIZE; bit++) {
            if ((bits & 1 << bit) != 0) {
                found.add(names.get(bit).equals("-") ? "bit" + bit : names.get(bit));
            }
        }
        return found;
    }
}
