package io.github.kvm4j;

import static io.github.kvm4j.Capability.Arch.ALL;
import static io.github.kvm4j.Capability.Arch.ARM64;
import static io.github.kvm4j.Capability.Arch.LOONGARCH;
import static io.github.kvm4j.Capability.Arch.MIPS;
import static io.github.kvm4j.Capability.Arch.PPC;
import static io.github.kvm4j.Capability.Arch.RISCV;
import static io.github.kvm4j.Capability.Arch.S390;
import static io.github.kvm4j.Capability.Arch.X86;
import static io.github.kvm4j.Capability.Scope.SYSTEM;
import static io.github.kvm4j.Capability.Scope.VM;
import static io.github.kvm4j.Capability.ValueKind.BITS;
import static io.github.kvm4j.Capability.ValueKind.BOOLEAN;
import static io.github.kvm4j.Capability.ValueKind.BYTES;
import static io.github.kvm4j.Capability.ValueKind.COUNT;
import static io.github.kvm4j.Capability.ValueKind.FLAGS;
import static io.github.kvm4j.Capability.ValueKind.LEVEL;
import static io.github.kvm4j.Capability.ValueKind.NANOSECONDS;
import static io.github.kvm4j.Capability.ValueKind.PAGE;

import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * Names what a kernel's KVM may offer: one constant for each {@code KVM_CAP_*} of {@code linux/kvm.h}, in its order.
 *
 * <p>A constant is named as in the header, without {@code KVM_CAP_}, and carries what a program needs to ask
 * {@code KVM_CHECK_EXTENSION} (kernel documentation, KVM API, section 4.4) for it and to read the answer: its
 * {@linkplain #number() number}, the {@linkplain #scope() file descriptor} to ask, the {@linkplain #valueKind() meaning}
 * of a value above 0, a {@linkplain #description() description} and the {@linkplain #architectures() architectures}.
 * If {@code KVM_ENABLE_CAP} takes it, it also carries what that is to be given: the {@linkplain #enabling() enabling}.
 * The descriptions are data, so that programs can print them; they are not repeated here.
 *
 * <p>The value 0 means that the kernel lacks the capability or does not know it; where it does not, the description
 * says so. The constants are those of the Linux 7.2 header: what a newer kernel adds can be asked for by number.
 */
// A Javadoc comment on each constant would only repeat its description.
@SuppressWarnings("doclint:missing")
public enum Capability {

    // The methods of kvm_x86_h are for what the header defines only if the architecture has the matching
    // __KVM_HAVE_*; the numbers are the same everywhere.
    // @formatter:off
    IRQCHIP(kvm_h.KVM_CAP_IRQCHIP(), SYSTEM, BOOLEAN, "In-kernel interrupt controller (KVM_CREATE_IRQCHIP on x86)", X86, ARM64, RISCV, LOONGARCH),
    HLT(kvm_h.KVM_CAP_HLT(), SYSTEM, BOOLEAN, "HLT handled: the vCPU halts in the kernel, or KVM_EXIT_HLT without irqchip", X86),
    MMU_SHADOW_CACHE_CONTROL(kvm_h.KVM_CAP_MMU_SHADOW_CACHE_CONTROL(), SYSTEM, BOOLEAN, "KVM_SET_NR_MMU_PAGES: limit on the shadow page tables", X86),
    USER_MEMORY(kvm_h.KVM_CAP_USER_MEMORY(), SYSTEM, BOOLEAN, "KVM_SET_USER_MEMORY_REGION: guest memory slots", ALL),
    SET_TSS_ADDR(kvm_h.KVM_CAP_SET_TSS_ADDR(), SYSTEM, BOOLEAN, "KVM_SET_TSS_ADDR: place of the three-page TSS region that Intel hosts need", X86),
    VAPIC(kvm_h.KVM_CAP_VAPIC(), SYSTEM, BOOLEAN, "KVM_SET_VAPIC_ADDR, KVM_TPR_ACCESS_REPORTING: TPR access acceleration", X86),
    EXT_CPUID(kvm_h.KVM_CAP_EXT_CPUID(), SYSTEM, BOOLEAN, "KVM_GET_SUPPORTED_CPUID, KVM_SET_CPUID2: CPUID with subleaves", X86),
    CLOCKSOURCE(kvm_h.KVM_CAP_CLOCKSOURCE(), SYSTEM, BOOLEAN, "kvmclock: paravirtual clock of the guest", X86),
    NR_VCPUS(kvm_h.KVM_CAP_NR_VCPUS(), VM, COUNT, "Recommended maximum of vCPUs in a VM", ALL),
    NR_MEMSLOTS(kvm_h.KVM_CAP_NR_MEMSLOTS(), SYSTEM, COUNT, "Maximum of memory slots in an address space of a VM", ALL),
    PIT(kvm_h.KVM_CAP_PIT(), SYSTEM, BOOLEAN, "KVM_CREATE_PIT: in-kernel i8254 timer", X86),
    NOP_IO_DELAY(kvm_h.KVM_CAP_NOP_IO_DELAY(), SYSTEM, BOOLEAN, "KVM_FEATURE_NOP_IO_DELAY: the guest may leave out I/O delays", X86),
    PV_MMU(kvm_h.KVM_CAP_PV_MMU(), SYSTEM, BOOLEAN, "Paravirtual MMU (obsolete, no longer reported)", X86),
    MP_STATE(kvm_h.KVM_CAP_MP_STATE(), SYSTEM, BOOLEAN, "KVM_GET_MP_STATE, KVM_SET_MP_STATE: run state of a vCPU", X86, ARM64, RISCV, S390, LOONGARCH),
    COALESCED_MMIO(kvm_h.KVM_CAP_COALESCED_MMIO(), SYSTEM, PAGE, "KVM_REGISTER_COALESCED_MMIO: a ring of deferred MMIO writes", X86, ARM64, RISCV, PPC, MIPS, LOONGARCH),
    SYNC_MMU(kvm_h.KVM_CAP_SYNC_MMU(), VM, BOOLEAN, "Changes of the host mapping behind a slot take effect in the guest", ALL),
    IOMMU(kvm_h.KVM_CAP_IOMMU(), SYSTEM, BOOLEAN, "IOMMU for legacy device assignment (removed in Linux 4.12)", X86),
    DESTROY_MEMORY_REGION_WORKS(kvm_h.KVM_CAP_DESTROY_MEMORY_REGION_WORKS(), SYSTEM, BOOLEAN, "A memory slot can be deleted", ALL),
    USER_NMI(kvm_h.KVM_CAP_USER_NMI(), SYSTEM, BOOLEAN, "KVM_NMI: queue a non-maskable interrupt", X86),
    SET_GUEST_DEBUG(kvm_h.KVM_CAP_SET_GUEST_DEBUG(), SYSTEM, BOOLEAN, "KVM_SET_GUEST_DEBUG: single step and breakpoints", X86, ARM64, RISCV, S390, PPC, LOONGARCH),
    REINJECT_CONTROL(kvm_x86_h.KVM_CAP_REINJECT_CONTROL(), SYSTEM, BOOLEAN, "KVM_REINJECT_CONTROL: whether the PIT makes up for lost ticks", X86),
    IRQ_ROUTING(kvm_h.KVM_CAP_IRQ_ROUTING(), SYSTEM, COUNT, "KVM_SET_GSI_ROUTING: maximum of entries in the GSI routing table", X86, ARM64, RISCV, S390, PPC, LOONGARCH),
    IRQ_INJECT_STATUS(kvm_h.KVM_CAP_IRQ_INJECT_STATUS(), SYSTEM, BOOLEAN, "KVM_IRQ_LINE_STATUS: whether the interrupt was delivered or coalesced", X86),
    ASSIGN_DEV_IRQ(kvm_h.KVM_CAP_ASSIGN_DEV_IRQ(), SYSTEM, BOOLEAN, "Interrupts of legacy device assignment (removed in Linux 4.12)", X86),
    JOIN_MEMORY_REGIONS_WORKS(kvm_h.KVM_CAP_JOIN_MEMORY_REGIONS_WORKS(), SYSTEM, BOOLEAN, "Deleted slots can be replaced by a larger one over the same range", ALL),
    MCE(kvm_x86_h.KVM_CAP_MCE(), SYSTEM, COUNT, "KVM_X86_SETUP_MCE, KVM_X86_SET_MCE: maximum of machine-check banks", X86),
    IRQFD(kvm_h.KVM_CAP_IRQFD(), SYSTEM, BOOLEAN, "KVM_IRQFD: an eventfd that injects an interrupt", X86, ARM64, RISCV, S390, PPC, LOONGARCH),
    PIT2(kvm_x86_h.KVM_CAP_PIT2(), SYSTEM, BOOLEAN, "KVM_CREATE_PIT2: in-kernel i8254 timer with flags", X86),
    SET_BOOT_CPU_ID(kvm_h.KVM_CAP_SET_BOOT_CPU_ID(), SYSTEM, BOOLEAN, "KVM_SET_BOOT_CPU_ID: vCPU id of the bootstrap processor", X86),
    PIT_STATE2(kvm_x86_h.KVM_CAP_PIT_STATE2(), SYSTEM, BOOLEAN, "KVM_GET_PIT2, KVM_SET_PIT2: PIT state with flags", X86),
    IOEVENTFD(kvm_h.KVM_CAP_IOEVENTFD(), SYSTEM, BOOLEAN, "KVM_IOEVENTFD: a guest write that signals an eventfd", ALL),
    SET_IDENTITY_MAP_ADDR(kvm_h.KVM_CAP_SET_IDENTITY_MAP_ADDR(), SYSTEM, BOOLEAN, "KVM_SET_IDENTITY_MAP_ADDR: place of the identity-map page of Intel hosts", X86),
    XEN_HVM(kvm_x86_h.KVM_CAP_XEN_HVM(), SYSTEM, FLAGS, "KVM_XEN_HVM_CONFIG: Xen guest interfaces, KVM_XEN_HVM_CONFIG_* bits", X86),
    ADJUST_CLOCK(kvm_h.KVM_CAP_ADJUST_CLOCK(), SYSTEM, FLAGS, "KVM_GET_CLOCK, KVM_SET_CLOCK: kvmclock of the VM, KVM_CLOCK_* bits", X86),
    INTERNAL_ERROR_DATA(kvm_h.KVM_CAP_INTERNAL_ERROR_DATA(), SYSTEM, BOOLEAN, "Data words in KVM_EXIT_INTERNAL_ERROR", ALL),
    VCPU_EVENTS(kvm_x86_h.KVM_CAP_VCPU_EVENTS(), SYSTEM, BOOLEAN, "KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS: pending exceptions and interrupts", X86, ARM64),
    S390_PSW(kvm_h.KVM_CAP_S390_PSW(), SYSTEM, BOOLEAN, "Program status word in kvm_run", S390),
    PPC_SEGSTATE(kvm_h.KVM_CAP_PPC_SEGSTATE(), SYSTEM, BOOLEAN, "Segment state in KVM_GET_SREGS, KVM_SET_SREGS", PPC),
    HYPERV(kvm_h.KVM_CAP_HYPERV(), SYSTEM, BOOLEAN, "Hyper-V MSRs and hypercalls", X86),
    HYPERV_VAPIC(kvm_h.KVM_CAP_HYPERV_VAPIC(), SYSTEM, BOOLEAN, "Hyper-V MSRs for APIC access", X86),
    HYPERV_SPIN(kvm_h.KVM_CAP_HYPERV_SPIN(), SYSTEM, BOOLEAN, "Hyper-V hypercall that notifies of a long spin wait", X86),
    PCI_SEGMENT(kvm_h.KVM_CAP_PCI_SEGMENT(), SYSTEM, BOOLEAN, "PCI segments in legacy device assignment (of no use since Linux 4.12)", X86),
    PPC_PAIRED_SINGLES(kvm_h.KVM_CAP_PPC_PAIRED_SINGLES(), VM, BOOLEAN, "Paired-single instructions of the PowerPC 750CL family", PPC),
    INTR_SHADOW(kvm_h.KVM_CAP_INTR_SHADOW(), SYSTEM, BOOLEAN, "Interrupt shadow in KVM_GET_VCPU_EVENTS (not reported by current kernels)", X86),
    DEBUGREGS(kvm_x86_h.KVM_CAP_DEBUGREGS(), SYSTEM, BOOLEAN, "KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS: debug registers", X86),
    X86_ROBUST_SINGLESTEP(kvm_h.KVM_CAP_X86_ROBUST_SINGLESTEP(), SYSTEM, BOOLEAN, "Single step that the guest's own use of the trap flag does not disturb", X86),
    PPC_OSI(kvm_h.KVM_CAP_PPC_OSI(), VM, BOOLEAN, "KVM_EXIT_OSI: hypercalls of Mac-on-Linux", vcpu(), PPC),
    PPC_UNSET_IRQ(kvm_h.KVM_CAP_PPC_UNSET_IRQ(), SYSTEM, BOOLEAN, "KVM_INTERRUPT_UNSET: lower the external interrupt line", PPC),
    ENABLE_CAP(kvm_h.KVM_CAP_ENABLE_CAP(), SYSTEM, BOOLEAN, "KVM_ENABLE_CAP on a vCPU", X86, S390, PPC, MIPS, LOONGARCH),
    XSAVE(kvm_x86_h.KVM_CAP_XSAVE(), SYSTEM, BOOLEAN, "KVM_GET_XSAVE, KVM_SET_XSAVE: extended processor state of 4 KiB", X86),
    XCRS(kvm_x86_h.KVM_CAP_XCRS(), SYSTEM, BOOLEAN, "KVM_GET_XCRS, KVM_SET_XCRS: extended control registers", X86),
    PPC_GET_PVINFO(kvm_h.KVM_CAP_PPC_GET_PVINFO(), VM, BOOLEAN, "KVM_PPC_GET_PVINFO: hypercall instructions for the guest", PPC),
    PPC_IRQ_LEVEL(kvm_h.KVM_CAP_PPC_IRQ_LEVEL(), SYSTEM, BOOLEAN, "KVM_INTERRUPT_SET_LEVEL: level-triggered external interrupt", PPC),
    ASYNC_PF(kvm_h.KVM_CAP_ASYNC_PF(), SYSTEM, BOOLEAN, "Asynchronous page faults: the guest can go on while the host pages in", X86, S390),
    TSC_CONTROL(kvm_h.KVM_CAP_TSC_CONTROL(), SYSTEM, BOOLEAN, "KVM_SET_TSC_KHZ: TSC frequency other than the host's", X86),
    GET_TSC_KHZ(kvm_h.KVM_CAP_GET_TSC_KHZ(), SYSTEM, BOOLEAN, "KVM_GET_TSC_KHZ: TSC frequency of the guest", X86),
    PPC_BOOKE_SREGS(kvm_h.KVM_CAP_PPC_BOOKE_SREGS(), SYSTEM, BOOLEAN, "Book E state in KVM_GET_SREGS, KVM_SET_SREGS", PPC),
    SPAPR_TCE(kvm_h.KVM_CAP_SPAPR_TCE(), SYSTEM, BOOLEAN, "KVM_CREATE_SPAPR_TCE: in-kernel DMA translation table, 32-bit window", PPC),
    PPC_SMT(kvm_h.KVM_CAP_PPC_SMT(), VM, COUNT, "vCPUs in a virtual core (virtual SMT mode)", vm("vCPUs in a virtual core, a power of 2 up to 8", "flags, 0").beforeVcpus(), PPC),
    PPC_RMA(kvm_h.KVM_CAP_PPC_RMA(), SYSTEM, LEVEL, "Real-mode area: 1 optional, 2 required (obsolete, now always 0)", PPC),
    MAX_VCPUS(kvm_h.KVM_CAP_MAX_VCPUS(), VM, COUNT, "Maximum of vCPUs in a VM", ALL),
    PPC_HIOR(kvm_h.KVM_CAP_PPC_HIOR(), SYSTEM, BOOLEAN, "KVM_REG_PPC_HIOR: hypervisor interrupt offset register", PPC),
    PPC_PAPR(kvm_h.KVM_CAP_PPC_PAPR(), SYSTEM, BOOLEAN, "KVM_EXIT_PAPR_HCALL: PAPR hypercalls", vcpu(), PPC),
    SW_TLB(kvm_h.KVM_CAP_SW_TLB(), VM, BOOLEAN, "TLB of a Book E vCPU in memory shared with user space (KVM_DIRTY_TLB)", vcpu("address of a struct kvm_config_tlb"), PPC),
    ONE_REG(kvm_h.KVM_CAP_ONE_REG(), SYSTEM, BOOLEAN, "KVM_GET_ONE_REG, KVM_SET_ONE_REG: registers by id", ALL),
    S390_GMAP(kvm_h.KVM_CAP_S390_GMAP(), SYSTEM, BOOLEAN, "Guest memory anywhere in the process, in units of 1 MiB segments", S390),
    TSC_DEADLINE_TIMER(kvm_h.KVM_CAP_TSC_DEADLINE_TIMER(), SYSTEM, BOOLEAN, "TSC-deadline mode of the in-kernel local APIC's timer", X86),
    S390_UCONTROL(kvm_h.KVM_CAP_S390_UCONTROL(), SYSTEM, BOOLEAN, "KVM_VM_S390_UCONTROL: user-controlled VMs", S390),
    SYNC_REGS(kvm_h.KVM_CAP_SYNC_REGS(), VM, FLAGS, "Registers shared in kvm_run, KVM_SYNC_X86_* bits (s390: 1)", X86, S390),
    PCI_2_3(kvm_h.KVM_CAP_PCI_2_3(), SYSTEM, BOOLEAN, "PCI 2.3 interrupt masking in legacy device assignment (removed in Linux 4.12)", X86),
    KVMCLOCK_CTRL(kvm_h.KVM_CAP_KVMCLOCK_CTRL(), SYSTEM, BOOLEAN, "KVM_KVMCLOCK_CTRL: tell the guest that it was paused", X86),
    SIGNAL_MSI(kvm_h.KVM_CAP_SIGNAL_MSI(), SYSTEM, BOOLEAN, "KVM_SIGNAL_MSI: inject an MSI", X86, ARM64, RISCV, PPC, LOONGARCH),
    PPC_GET_SMMU_INFO(kvm_h.KVM_CAP_PPC_GET_SMMU_INFO(), SYSTEM, BOOLEAN, "KVM_PPC_GET_SMMU_INFO: page and segment sizes of the server MMU", PPC),
    S390_COW(kvm_h.KVM_CAP_S390_COW(), SYSTEM, BOOLEAN, "Copy-on-write and write-protected guest memory", S390),
    PPC_ALLOC_HTAB(kvm_h.KVM_CAP_PPC_ALLOC_HTAB(), VM, BOOLEAN, "KVM_PPC_ALLOCATE_HTAB: hashed page table of the guest", PPC),
    READONLY_MEM(kvm_h.KVM_CAP_READONLY_MEM(), VM, BOOLEAN, "KVM_MEM_READONLY: read-only memory slots", X86, ARM64, RISCV, MIPS, LOONGARCH),
    IRQFD_RESAMPLE(kvm_h.KVM_CAP_IRQFD_RESAMPLE(), SYSTEM, BOOLEAN, "KVM_IRQFD_FLAG_RESAMPLE: irqfd for level-triggered interrupts", X86, ARM64, S390),
    PPC_BOOKE_WATCHDOG(kvm_h.KVM_CAP_PPC_BOOKE_WATCHDOG(), SYSTEM, BOOLEAN, "KVM_EXIT_WATCHDOG: Book E watchdog timer", vcpu(), PPC),
    PPC_HTAB_FD(kvm_h.KVM_CAP_PPC_HTAB_FD(), VM, BOOLEAN, "KVM_PPC_GET_HTAB_FD: hashed page table as a file descriptor", PPC),
    S390_CSS_SUPPORT(kvm_h.KVM_CAP_S390_CSS_SUPPORT(), SYSTEM, BOOLEAN, "KVM_EXIT_S390_TSCH: channel I/O in user space", vcpu(), S390),
    PPC_EPR(kvm_h.KVM_CAP_PPC_EPR(), SYSTEM, BOOLEAN, "KVM_EXIT_EPR: interrupts by the external proxy facility", vcpu("0: off, 1: on"), PPC),
    ARM_PSCI(kvm_h.KVM_CAP_ARM_PSCI(), SYSTEM, BOOLEAN, "PSCI 0.1 in the kernel", ARM64),
    ARM_SET_DEVICE_ADDR(kvm_h.KVM_CAP_ARM_SET_DEVICE_ADDR(), SYSTEM, BOOLEAN, "KVM_ARM_SET_DEVICE_ADDR: guest-physical address of the VGICv2", ARM64),
    DEVICE_CTRL(kvm_h.KVM_CAP_DEVICE_CTRL(), SYSTEM, BOOLEAN, "KVM_CREATE_DEVICE: in-kernel devices and their attributes", ALL),
    IRQ_MPIC(kvm_h.KVM_CAP_IRQ_MPIC(), SYSTEM, BOOLEAN, "In-kernel MPIC interrupt controller", vcpu("file descriptor of the MPIC device", "CPU number of the vCPU in it"), PPC),
    PPC_RTAS(kvm_h.KVM_CAP_PPC_RTAS(), SYSTEM, BOOLEAN, "KVM_PPC_RTAS_DEFINE_TOKEN: RTAS calls handled in the kernel", PPC),
    IRQ_XICS(kvm_h.KVM_CAP_IRQ_XICS(), SYSTEM, BOOLEAN, "In-kernel XICS interrupt controller", vcpu("file descriptor of the XICS device", "CPU (server) number of the vCPU in it"), PPC),
    ARM_EL1_32BIT(kvm_h.KVM_CAP_ARM_EL1_32BIT(), SYSTEM, BOOLEAN, "KVM_ARM_VCPU_EL1_32BIT: AArch32 guests", ARM64),
    SPAPR_MULTITCE(kvm_h.KVM_CAP_SPAPR_MULTITCE(), SYSTEM, BOOLEAN, "H_PUT_TCE_INDIRECT and H_STUFF_TCE handled in the kernel", PPC),
    EXT_EMUL_CPUID(kvm_h.KVM_CAP_EXT_EMUL_CPUID(), SYSTEM, BOOLEAN, "KVM_GET_EMULATED_CPUID: CPUID features that KVM emulates", X86),
    HYPERV_TIME(kvm_h.KVM_CAP_HYPERV_TIME(), SYSTEM, BOOLEAN, "Hyper-V reference counter and reference TSC page", X86),
    IOAPIC_POLARITY_IGNORED(kvm_h.KVM_CAP_IOAPIC_POLARITY_IGNORED(), SYSTEM, BOOLEAN, "The in-kernel IOAPIC ignores the polarity of its pins", X86),
    ENABLE_CAP_VM(kvm_h.KVM_CAP_ENABLE_CAP_VM(), SYSTEM, BOOLEAN, "KVM_ENABLE_CAP on a VM", ALL),
    S390_IRQCHIP(kvm_h.KVM_CAP_S390_IRQCHIP(), SYSTEM, BOOLEAN, "In-kernel interrupt controller (KVM_CREATE_IRQCHIP, once enabled)", vm(), S390),
    IOEVENTFD_NO_LENGTH(kvm_h.KVM_CAP_IOEVENTFD_NO_LENGTH(), SYSTEM, BOOLEAN, "KVM_IOEVENTFD of length 0 as a fast path for MMIO writes", X86),
    VM_ATTRIBUTES(kvm_h.KVM_CAP_VM_ATTRIBUTES(), SYSTEM, BOOLEAN, "KVM_SET_DEVICE_ATTR and its like on a VM", S390),
    ARM_PSCI_0_2(kvm_h.KVM_CAP_ARM_PSCI_0_2(), SYSTEM, BOOLEAN, "KVM_ARM_VCPU_PSCI_0_2: PSCI 0.2 or later in the kernel", ARM64),
    PPC_FIXUP_HCALL(kvm_h.KVM_CAP_PPC_FIXUP_HCALL(), SYSTEM, BOOLEAN, "KVM hypercalls safe for little-endian and no-execute guests", PPC),
    PPC_ENABLE_HCALL(kvm_h.KVM_CAP_PPC_ENABLE_HCALL(), SYSTEM, BOOLEAN, "Choice of the sPAPR hypercalls that the kernel handles", vm("number of the sPAPR hypercall", "0: handled by user space, 1: by the kernel"), PPC),
    CHECK_EXTENSION_VM(kvm_h.KVM_CAP_CHECK_EXTENSION_VM(), SYSTEM, BOOLEAN, "KVM_CHECK_EXTENSION on a VM", ALL),
    S390_USER_SIGP(kvm_h.KVM_CAP_S390_USER_SIGP(), SYSTEM, BOOLEAN, "SIGP orders, all but the fast ones, in user space", vm(), S390),
    S390_VECTOR_REGISTERS(kvm_h.KVM_CAP_S390_VECTOR_REGISTERS(), SYSTEM, BOOLEAN, "Vector registers for the guest", vm().beforeVcpus(), S390),
    S390_MEM_OP(kvm_h.KVM_CAP_S390_MEM_OP(), SYSTEM, BYTES, "KVM_S390_MEM_OP: guest memory access, maximum in one call", S390),
    S390_USER_STSI(kvm_h.KVM_CAP_S390_USER_STSI(), SYSTEM, BOOLEAN, "KVM_EXIT_S390_STSI: user space completes STSI", vm(), S390),
    S390_SKEYS(kvm_h.KVM_CAP_S390_SKEYS(), SYSTEM, BOOLEAN, "KVM_S390_GET_SKEYS, KVM_S390_SET_SKEYS: storage keys", S390),
    MIPS_FPU(kvm_h.KVM_CAP_MIPS_FPU(), SYSTEM, BOOLEAN, "Host FPU for the guest", vcpu(), MIPS),
    MIPS_MSA(kvm_h.KVM_CAP_MIPS_MSA(), SYSTEM, BOOLEAN, "MIPS SIMD architecture (MSA) for the guest", vcpu(), MIPS),
    S390_INJECT_IRQ(kvm_h.KVM_CAP_S390_INJECT_IRQ(), SYSTEM, BOOLEAN, "KVM_S390_IRQ: inject an interrupt into a vCPU", S390),
    S390_IRQ_STATE(kvm_h.KVM_CAP_S390_IRQ_STATE(), SYSTEM, BOOLEAN, "KVM_S390_GET_IRQ_STATE, KVM_S390_SET_IRQ_STATE: pending interrupts", S390),
    PPC_HWRNG(kvm_h.KVM_CAP_PPC_HWRNG(), SYSTEM, BOOLEAN, "H_RANDOM backed by a hardware random-number generator", PPC),
    DISABLE_QUIRKS(kvm_h.KVM_CAP_DISABLE_QUIRKS(), SYSTEM, BOOLEAN, "Quirks of KVM can be disabled (see KVM_CAP_DISABLE_QUIRKS2)", vm("KVM_X86_QUIRK_* bits to disable; unknown ones are ignored"), X86),
    X86_SMM(kvm_h.KVM_CAP_X86_SMM(), VM, BOOLEAN, "KVM_SMI: system management mode", X86),
    MULTI_ADDRESS_SPACE(kvm_h.KVM_CAP_MULTI_ADDRESS_SPACE(), VM, COUNT, "Guest address spaces, each with memory slots of its own", X86),
    GUEST_DEBUG_HW_BPS(kvm_h.KVM_CAP_GUEST_DEBUG_HW_BPS(), SYSTEM, COUNT, "KVM_SET_GUEST_DEBUG: hardware breakpoints", ARM64),
    GUEST_DEBUG_HW_WPS(kvm_h.KVM_CAP_GUEST_DEBUG_HW_WPS(), SYSTEM, COUNT, "KVM_SET_GUEST_DEBUG: hardware watchpoints", ARM64),
    SPLIT_IRQCHIP(kvm_h.KVM_CAP_SPLIT_IRQCHIP(), SYSTEM, BOOLEAN, "Local APICs in the kernel, IOAPIC and PIC in user space", vm("GSI routes reserved for the pins of user space's IOAPICs").beforeVcpus(), X86),
    IOEVENTFD_ANY_LENGTH(kvm_h.KVM_CAP_IOEVENTFD_ANY_LENGTH(), SYSTEM, BOOLEAN, "KVM_IOEVENTFD of length 0: a write of any width", ALL),
    HYPERV_SYNIC(kvm_h.KVM_CAP_HYPERV_SYNIC(), SYSTEM, BOOLEAN, "Hyper-V synthetic interrupt controller (SynIC)", vcpu(), X86),
    S390_RI(kvm_h.KVM_CAP_S390_RI(), SYSTEM, BOOLEAN, "Runtime instrumentation for the guest", vm().beforeVcpus(), S390),
    SPAPR_TCE_64(kvm_h.KVM_CAP_SPAPR_TCE_64(), SYSTEM, BOOLEAN, "KVM_CREATE_SPAPR_TCE_64: in-kernel DMA translation table, 64-bit window", PPC),
    ARM_PMU_V3(kvm_h.KVM_CAP_ARM_PMU_V3(), SYSTEM, BOOLEAN, "KVM_ARM_VCPU_PMU_V3: PMUv3 for the guest", ARM64),
    VCPU_ATTRIBUTES(kvm_h.KVM_CAP_VCPU_ATTRIBUTES(), SYSTEM, BOOLEAN, "KVM_SET_DEVICE_ATTR and its like on a vCPU", X86, ARM64),
    MAX_VCPU_ID(kvm_h.KVM_CAP_MAX_VCPU_ID(), VM, COUNT, "Limit of vCPU ids: all are below it", vm("limit of vCPU (APIC) ids: all are below it (x86 alone)").beforeVcpus(), X86, ARM64, S390, PPC, MIPS, LOONGARCH),
    X2APIC_API(kvm_h.KVM_CAP_X2APIC_API(), VM, FLAGS, "32-bit APIC ids in the API, KVM_X2APIC_* bits", vm("KVM_X2APIC_* bits"), X86),
    S390_USER_INSTR0(kvm_h.KVM_CAP_S390_USER_INSTR0(), SYSTEM, BOOLEAN, "Instruction 0x0000 goes to user space, as for breakpoints", vm(), S390),
    MSI_DEVID(kvm_h.KVM_CAP_MSI_DEVID(), VM, BOOLEAN, "KVM_MSI_VALID_DEVID: whether MSIs of this VM need a device id", ARM64),
    PPC_HTM(kvm_h.KVM_CAP_PPC_HTM(), VM, BOOLEAN, "Hardware transactional memory for the guest", PPC),
    SPAPR_RESIZE_HPT(kvm_h.KVM_CAP_SPAPR_RESIZE_HPT(), VM, BOOLEAN, "KVM_PPC_RESIZE_HPT_PREPARE, KVM_PPC_RESIZE_HPT_COMMIT", PPC),
    PPC_MMU_RADIX(kvm_h.KVM_CAP_PPC_MMU_RADIX(), VM, BOOLEAN, "Radix MMU of Power ISA 3.00 for the guest", PPC),
    PPC_MMU_HASH_V3(kvm_h.KVM_CAP_PPC_MMU_HASH_V3(), VM, BOOLEAN, "Hashed page table MMU of Power ISA 3.00 for the guest", PPC),
    IMMEDIATE_EXIT(kvm_h.KVM_CAP_IMMEDIATE_EXIT(), SYSTEM, BOOLEAN, "kvm_run.immediate_exit: KVM_RUN returns at once with EINTR", ALL),
    MIPS_VZ(kvm_h.KVM_CAP_MIPS_VZ(), VM, LEVEL, "Hardware virtualization: 1 is the MIPS VZ ASE", MIPS),
    MIPS_TE(kvm_h.KVM_CAP_MIPS_TE(), VM, BOOLEAN, "Trap-and-emulate virtualization (obsolete, no longer reported)", MIPS),
    MIPS_64BIT(kvm_h.KVM_CAP_MIPS_64BIT(), VM, LEVEL, "Guest width: 0 is MIPS32, 1 MIPS64 in 32-bit segments, 2 full MIPS64", MIPS),
    S390_GS(kvm_h.KVM_CAP_S390_GS(), SYSTEM, BOOLEAN, "Guarded storage for the guest", vm().beforeVcpus(), S390),
    S390_AIS(kvm_h.KVM_CAP_S390_AIS(), SYSTEM, BOOLEAN, "Adapter-interruption suppression for the guest", vm().beforeVcpus(), S390),
    SPAPR_TCE_VFIO(kvm_h.KVM_CAP_SPAPR_TCE_VFIO(), SYSTEM, BOOLEAN, "DMA translation tables connected to VFIO groups", PPC),
    X86_DISABLE_EXITS(kvm_h.KVM_CAP_X86_DISABLE_EXITS(), SYSTEM, FLAGS, "Instructions run without an exit, KVM_X86_DISABLE_EXITS_* bits", vm("KVM_X86_DISABLE_EXITS_* bits").beforeVcpus(), X86),
    ARM_USER_IRQ(kvm_h.KVM_CAP_ARM_USER_IRQ(), SYSTEM, LEVEL, "In-kernel timer and PMU lines for a user-space GIC: 1 both timers and PMU", ARM64),
    S390_CMMA_MIGRATION(kvm_h.KVM_CAP_S390_CMMA_MIGRATION(), SYSTEM, BOOLEAN, "KVM_S390_GET_CMMA_BITS, KVM_S390_SET_CMMA_BITS: page-usage state", S390),
    PPC_FWNMI(kvm_h.KVM_CAP_PPC_FWNMI(), VM, BOOLEAN, "KVM_EXIT_NMI: machine checks of the guest", vcpu(), PPC),
    PPC_SMT_POSSIBLE(kvm_h.KVM_CAP_PPC_SMT_POSSIBLE(), VM, FLAGS, "Virtual SMT modes: bit n is 2^n vCPUs in a core", PPC),
    HYPERV_SYNIC2(kvm_h.KVM_CAP_HYPERV_SYNIC2(), SYSTEM, BOOLEAN, "SynIC that does not clear its pages when the guest enables them", vcpu(), X86),
    HYPERV_VP_INDEX(kvm_h.KVM_CAP_HYPERV_VP_INDEX(), SYSTEM, BOOLEAN, "User space can set HV_X64_MSR_VP_INDEX", X86),
    S390_AIS_MIGRATION(kvm_h.KVM_CAP_S390_AIS_MIGRATION(), SYSTEM, BOOLEAN, "KVM_DEV_FLIC_AISM_ALL: adapter-interruption suppression state", S390),
    PPC_GET_CPU_CHAR(kvm_h.KVM_CAP_PPC_GET_CPU_CHAR(), SYSTEM, BOOLEAN, "KVM_PPC_GET_CPU_CHAR: speculation traits of the processor", PPC),
    S390_BPB(kvm_h.KVM_CAP_S390_BPB(), SYSTEM, BOOLEAN, "Branch prediction blocking for the guest", S390),
    GET_MSR_FEATURES(kvm_h.KVM_CAP_GET_MSR_FEATURES(), SYSTEM, BOOLEAN, "KVM_GET_MSR_FEATURE_INDEX_LIST, KVM_GET_MSRS on the system fd", X86),
    HYPERV_EVENTFD(kvm_h.KVM_CAP_HYPERV_EVENTFD(), SYSTEM, BOOLEAN, "KVM_HYPERV_EVENTFD: a Hyper-V hypercall that signals an eventfd", X86),
    HYPERV_TLBFLUSH(kvm_h.KVM_CAP_HYPERV_TLBFLUSH(), SYSTEM, BOOLEAN, "Hyper-V TLB flush hypercalls", X86),
    S390_HPAGE_1M(kvm_h.KVM_CAP_S390_HPAGE_1M(), VM, BOOLEAN, "Guest memory in 1 MiB huge pages", vm().beforeVcpus(), S390),
    NESTED_STATE(kvm_h.KVM_CAP_NESTED_STATE(), SYSTEM, BYTES, "KVM_GET_NESTED_STATE, KVM_SET_NESTED_STATE: maximum size of the state", X86),
    ARM_INJECT_SERROR_ESR(kvm_h.KVM_CAP_ARM_INJECT_SERROR_ESR(), SYSTEM, BOOLEAN, "KVM_SET_VCPU_EVENTS: syndrome of an injected SError", ARM64),
    MSR_PLATFORM_INFO(kvm_h.KVM_CAP_MSR_PLATFORM_INFO(), SYSTEM, BOOLEAN, "Guest reads of MSR_PLATFORM_INFO can be allowed or refused", vm("0: reads refused, 1: reads allowed"), X86),
    PPC_NESTED_HV(kvm_h.KVM_CAP_PPC_NESTED_HV(), VM, BOOLEAN, "Nested hypervisors", vm(), PPC),
    HYPERV_SEND_IPI(kvm_h.KVM_CAP_HYPERV_SEND_IPI(), SYSTEM, BOOLEAN, "Hyper-V IPI hypercalls", X86),
    COALESCED_PIO(kvm_h.KVM_CAP_COALESCED_PIO(), SYSTEM, BOOLEAN, "KVM_REGISTER_COALESCED_MMIO: port I/O writes in the same ring", X86, ARM64, RISCV, PPC, MIPS, LOONGARCH),
    HYPERV_ENLIGHTENED_VMCS(kvm_h.KVM_CAP_HYPERV_ENLIGHTENED_VMCS(), SYSTEM, BOOLEAN, "Hyper-V enlightened VMCS for nested guests", vcpu("address of 16 bits that receive the versions: lowest in bits 0 to 7, highest in 8 to 15"), X86),
    EXCEPTION_PAYLOAD(kvm_h.KVM_CAP_EXCEPTION_PAYLOAD(), SYSTEM, BOOLEAN, "KVM_GET_VCPU_EVENTS: pending exceptions and their payload", vm("0: off, 1: on"), X86),
    ARM_VM_IPA_SIZE(kvm_h.KVM_CAP_ARM_VM_IPA_SIZE(), SYSTEM, BITS, "KVM_VM_TYPE_ARM_IPA_SIZE: maximum width of guest-physical addresses", ARM64),
    MANUAL_DIRTY_LOG_PROTECT(kvm_h.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT(), SYSTEM, BOOLEAN, "Forerunner of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 (no longer reported)", X86, ARM64, MIPS),
    HYPERV_CPUID(kvm_h.KVM_CAP_HYPERV_CPUID(), SYSTEM, BOOLEAN, "KVM_GET_SUPPORTED_HV_CPUID on a vCPU", X86),
    MANUAL_DIRTY_LOG_PROTECT2(kvm_h.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2(), SYSTEM, FLAGS, "KVM_CLEAR_DIRTY_LOG: manual reprotection, KVM_DIRTY_LOG_* bits", vm("KVM_DIRTY_LOG_* bits"), X86, ARM64, RISCV, MIPS, LOONGARCH),
    PPC_IRQ_XIVE(kvm_h.KVM_CAP_PPC_IRQ_XIVE(), SYSTEM, BOOLEAN, "In-kernel XIVE interrupt controller", vcpu("file descriptor of the XIVE device", "CPU (server) number of the vCPU in it"), PPC),
    ARM_SVE(kvm_h.KVM_CAP_ARM_SVE(), SYSTEM, BOOLEAN, "KVM_ARM_VCPU_SVE: scalable vectors for the guest", ARM64),
    ARM_PTRAUTH_ADDRESS(kvm_h.KVM_CAP_ARM_PTRAUTH_ADDRESS(), SYSTEM, BOOLEAN, "KVM_ARM_VCPU_PTRAUTH_ADDRESS: address authentication for the guest", ARM64),
    ARM_PTRAUTH_GENERIC(kvm_h.KVM_CAP_ARM_PTRAUTH_GENERIC(), SYSTEM, BOOLEAN, "KVM_ARM_VCPU_PTRAUTH_GENERIC: generic authentication for the guest", ARM64),
    PMU_EVENT_FILTER(kvm_h.KVM_CAP_PMU_EVENT_FILTER(), SYSTEM, BOOLEAN, "KVM_SET_PMU_EVENT_FILTER: PMU events that the guest can count", X86),
    ARM_IRQ_LINE_LAYOUT_2(kvm_h.KVM_CAP_ARM_IRQ_LINE_LAYOUT_2(), SYSTEM, BOOLEAN, "KVM_IRQ_LINE for vCPU indices above 255", ARM64),
    HYPERV_DIRECT_TLBFLUSH(kvm_h.KVM_CAP_HYPERV_DIRECT_TLBFLUSH(), SYSTEM, BOOLEAN, "TLB flush hypercalls handled by the Hyper-V that KVM runs on", vcpu(), X86),
    PPC_GUEST_DEBUG_SSTEP(kvm_h.KVM_CAP_PPC_GUEST_DEBUG_SSTEP(), VM, BOOLEAN, "KVM_SET_GUEST_DEBUG: single step", PPC),
    ARM_NISV_TO_USER(kvm_h.KVM_CAP_ARM_NISV_TO_USER(), VM, BOOLEAN, "KVM_EXIT_ARM_NISV: data aborts without a valid syndrome", vm(), ARM64),
    ARM_INJECT_EXT_DABT(kvm_h.KVM_CAP_ARM_INJECT_EXT_DABT(), SYSTEM, BOOLEAN, "KVM_SET_VCPU_EVENTS: inject an external data abort", ARM64),
    S390_VCPU_RESETS(kvm_h.KVM_CAP_S390_VCPU_RESETS(), SYSTEM, BOOLEAN, "KVM_S390_NORMAL_RESET, KVM_S390_CLEAR_RESET: resets of a vCPU", S390),
    S390_PROTECTED(kvm_h.KVM_CAP_S390_PROTECTED(), SYSTEM, BOOLEAN, "KVM_S390_PV_COMMAND: protected VMs", S390),
    PPC_SECURE_GUEST(kvm_h.KVM_CAP_PPC_SECURE_GUEST(), VM, BOOLEAN, "Secure guests under ultravisor firmware", vm(), PPC),
    HALT_POLL(kvm_h.KVM_CAP_HALT_POLL(), SYSTEM, BOOLEAN, "Maximum halt-polling time of a VM can be set", vm("maximum polling time in nanoseconds, below 2^32"), ALL),
    ASYNC_PF_INT(kvm_h.KVM_CAP_ASYNC_PF_INT(), SYSTEM, BOOLEAN, "Asynchronous page faults whose completion is an interrupt", X86),
    LAST_CPU(kvm_h.KVM_CAP_LAST_CPU(), SYSTEM, BOOLEAN, "Host CPU in KVM_EXIT_FAIL_ENTRY and KVM_EXIT_INTERNAL_ERROR", X86),
    SMALLER_MAXPHYADDR(kvm_h.KVM_CAP_SMALLER_MAXPHYADDR(), SYSTEM, BOOLEAN, "Guest-physical addresses narrower than the host's", X86),
    S390_DIAG318(kvm_h.KVM_CAP_S390_DIAG318(), SYSTEM, BOOLEAN, "KVM_SYNC_DIAG318: control program of the guest, in kvm_run", S390),
    STEAL_TIME(kvm_h.KVM_CAP_STEAL_TIME(), SYSTEM, BOOLEAN, "Steal time shown to the guest", X86, ARM64),
    X86_USER_SPACE_MSR(kvm_h.KVM_CAP_X86_USER_SPACE_MSR(), SYSTEM, BOOLEAN, "KVM_EXIT_X86_RDMSR, KVM_EXIT_X86_WRMSR: MSR accesses in user space", vm("KVM_MSR_EXIT_REASON_* bits"), X86),
    X86_MSR_FILTER(kvm_h.KVM_CAP_X86_MSR_FILTER(), SYSTEM, BOOLEAN, "KVM_X86_SET_MSR_FILTER: MSRs denied to the guest", X86),
    ENFORCE_PV_FEATURE_CPUID(kvm_h.KVM_CAP_ENFORCE_PV_FEATURE_CPUID(), SYSTEM, BOOLEAN, "KVM's paravirtual features limited to those in the guest's CPUID", vcpu("0: off, 1: on"), X86),
    SYS_HYPERV_CPUID(kvm_h.KVM_CAP_SYS_HYPERV_CPUID(), SYSTEM, BOOLEAN, "KVM_GET_SUPPORTED_HV_CPUID on the system fd", X86),
    DIRTY_LOG_RING(kvm_h.KVM_CAP_DIRTY_LOG_RING(), SYSTEM, BYTES, "Dirty rings of vCPUs on strongly ordered hosts: maximum size", vm("size of each ring in bytes, a power of 2 and at least a page").beforeVcpus(), X86),
    X86_BUS_LOCK_EXIT(kvm_h.KVM_CAP_X86_BUS_LOCK_EXIT(), SYSTEM, FLAGS, "KVM_EXIT_X86_BUS_LOCK: bus locks, KVM_BUS_LOCK_DETECTION_* bits", vm("KVM_BUS_LOCK_DETECTION_* bits, one at most"), X86),
    PPC_DAWR1(kvm_h.KVM_CAP_PPC_DAWR1(), VM, BOOLEAN, "Second data watchpoint register (DAWR1) for the guest", vm(), PPC),
    SET_GUEST_DEBUG2(kvm_h.KVM_CAP_SET_GUEST_DEBUG2(), SYSTEM, FLAGS, "KVM_SET_GUEST_DEBUG: the KVM_GUESTDBG_* bits that it takes", X86, ARM64, S390),
    SGX_ATTRIBUTE(kvm_h.KVM_CAP_SGX_ATTRIBUTE(), SYSTEM, BOOLEAN, "Privileged SGX enclave attributes for a VM", vm("file descriptor of an SGX attribute file"), X86),
    VM_COPY_ENC_CONTEXT_FROM(kvm_h.KVM_CAP_VM_COPY_ENC_CONTEXT_FROM(), SYSTEM, BOOLEAN, "SEV: encryption context mirrored from another VM", vm("file descriptor of the source VM").beforeVcpus(), X86),
    PTP_KVM(kvm_h.KVM_CAP_PTP_KVM(), SYSTEM, BOOLEAN, "Precision time (PTP) hypercall for the guest", ARM64),
    HYPERV_ENFORCE_CPUID(kvm_h.KVM_CAP_HYPERV_ENFORCE_CPUID(), SYSTEM, BOOLEAN, "Hyper-V features limited to those in the guest's CPUID", vcpu("0: off, 1: on"), X86),
    SREGS2(kvm_h.KVM_CAP_SREGS2(), SYSTEM, BOOLEAN, "KVM_GET_SREGS2, KVM_SET_SREGS2: special registers with the PDPTRs", X86),
    EXIT_HYPERCALL(kvm_h.KVM_CAP_EXIT_HYPERCALL(), SYSTEM, FLAGS, "KVM_EXIT_HYPERCALL: hypercalls to user space, bit n is hypercall n", vm("bit n sends hypercall n to user space"), X86),
    PPC_RPT_INVALIDATE(kvm_h.KVM_CAP_PPC_RPT_INVALIDATE(), SYSTEM, BOOLEAN, "H_RPT_INVALIDATE handled in the kernel", PPC),
    BINARY_STATS_FD(kvm_h.KVM_CAP_BINARY_STATS_FD(), SYSTEM, BOOLEAN, "KVM_GET_STATS_FD: statistics of a VM or vCPU", ALL),
    EXIT_ON_EMULATION_FAILURE(kvm_h.KVM_CAP_EXIT_ON_EMULATION_FAILURE(), SYSTEM, BOOLEAN, "KVM_EXIT_INTERNAL_ERROR with the bytes that could not be emulated", vm("0: off, 1: on"), X86),
    ARM_MTE(kvm_h.KVM_CAP_ARM_MTE(), SYSTEM, BOOLEAN, "KVM_ARM_MTE_COPY_TAGS: memory tagging for the guest", vm().beforeVcpus(), ARM64),
    VM_MOVE_ENC_CONTEXT_FROM(kvm_h.KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM(), SYSTEM, BOOLEAN, "SEV: encryption context moved from another VM", vm("file descriptor of the source VM"), X86),
    VM_GPA_BITS(kvm_h.KVM_CAP_VM_GPA_BITS(), VM, BITS, "Width of guest-physical addresses", vm("width in bits, rounded up to that of a page-table format").beforeVcpus(), RISCV),
    XSAVE2(kvm_h.KVM_CAP_XSAVE2(), VM, BYTES, "KVM_GET_XSAVE2: size of the extended processor state, 4096 or more", X86),
    SYS_ATTRIBUTES(kvm_h.KVM_CAP_SYS_ATTRIBUTES(), SYSTEM, BOOLEAN, "KVM_GET_DEVICE_ATTR, KVM_HAS_DEVICE_ATTR on the system fd", X86),
    PPC_AIL_MODE_3(kvm_h.KVM_CAP_PPC_AIL_MODE_3(), VM, BOOLEAN, "H_SET_MODE: interrupts taken with address translation on", PPC),
    S390_MEM_OP_EXTENSION(kvm_h.KVM_CAP_S390_MEM_OP_EXTENSION(), SYSTEM, FLAGS, "KVM_S390_MEM_OP: bit 0 absolute addresses, bit 1 compare and exchange", S390),
    PMU_CAPABILITY(kvm_h.KVM_CAP_PMU_CAPABILITY(), SYSTEM, FLAGS, "PMU of a VM can be adjusted, KVM_PMU_CAP_* bits", vm("KVM_PMU_CAP_* bits").beforeVcpus(), X86),
    DISABLE_QUIRKS2(kvm_h.KVM_CAP_DISABLE_QUIRKS2(), SYSTEM, FLAGS, "Quirks of KVM that can be disabled, KVM_X86_QUIRK_* bits", vm("KVM_X86_QUIRK_* bits to disable"), X86),
    VM_TSC_CONTROL(kvm_h.KVM_CAP_VM_TSC_CONTROL(), SYSTEM, BOOLEAN, "KVM_SET_TSC_KHZ, KVM_GET_TSC_KHZ on a VM", X86),
    SYSTEM_EVENT_DATA(kvm_h.KVM_CAP_SYSTEM_EVENT_DATA(), SYSTEM, BOOLEAN, "Data words in KVM_EXIT_SYSTEM_EVENT", ALL),
    ARM_SYSTEM_SUSPEND(kvm_h.KVM_CAP_ARM_SYSTEM_SUSPEND(), SYSTEM, BOOLEAN, "KVM_SYSTEM_EVENT_SUSPEND: the guest's request to suspend", vm(), ARM64),
    S390_PROTECTED_DUMP(kvm_h.KVM_CAP_S390_PROTECTED_DUMP(), SYSTEM, BOOLEAN, "KVM_PV_DUMP: dump of a protected VM", S390),
    X86_TRIPLE_FAULT_EVENT(kvm_h.KVM_CAP_X86_TRIPLE_FAULT_EVENT(), SYSTEM, BOOLEAN, "KVM_GET_VCPU_EVENTS: pending triple fault", vm("0: off, 1: on"), X86),
    X86_NOTIFY_VMEXIT(kvm_h.KVM_CAP_X86_NOTIFY_VMEXIT(), SYSTEM, BOOLEAN, "KVM_EXIT_NOTIFY: guests that let no event in for too long", vm("KVM_X86_NOTIFY_VMEXIT_* bits, and the notify window in bits 32 to 63").beforeVcpus(), X86),
    VM_DISABLE_NX_HUGE_PAGES(kvm_h.KVM_CAP_VM_DISABLE_NX_HUGE_PAGES(), SYSTEM, BOOLEAN, "NX huge pages (iTLB multihit mitigation) off for a VM", vm().beforeVcpus(), X86),
    S390_ZPCI_OP(kvm_h.KVM_CAP_S390_ZPCI_OP(), SYSTEM, BOOLEAN, "KVM_S390_ZPCI_OP: PCI instructions interpreted by the hardware", S390),
    S390_CPU_TOPOLOGY(kvm_h.KVM_CAP_S390_CPU_TOPOLOGY(), SYSTEM, BOOLEAN, "CPU topology facility for the guest", vm().beforeVcpus(), S390),
    DIRTY_LOG_RING_ACQ_REL(kvm_h.KVM_CAP_DIRTY_LOG_RING_ACQ_REL(), SYSTEM, BYTES, "Dirty rings of vCPUs, read by acquire and release: maximum size", vm("size of each ring in bytes, a power of 2 and at least a page").beforeVcpus(), X86, ARM64, RISCV, LOONGARCH),
    S390_PROTECTED_ASYNC_DISABLE(kvm_h.KVM_CAP_S390_PROTECTED_ASYNC_DISABLE(), SYSTEM, BOOLEAN, "KVM_PV_ASYNC_CLEANUP_PREPARE: deferred teardown of protected VMs", S390),
    DIRTY_LOG_RING_WITH_BITMAP(kvm_h.KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP(), SYSTEM, BOOLEAN, "Dirty bitmap beside the rings, for writes by no vCPU", vm(), ARM64),
    PMU_EVENT_MASKED_EVENTS(kvm_h.KVM_CAP_PMU_EVENT_MASKED_EVENTS(), SYSTEM, BOOLEAN, "KVM_PMU_EVENT_FLAG_MASKED_EVENTS: masks in the PMU event filter", X86),
    COUNTER_OFFSET(kvm_h.KVM_CAP_COUNTER_OFFSET(), SYSTEM, BOOLEAN, "KVM_ARM_SET_COUNTER_OFFSET: offset of the VM's counters", ARM64),
    ARM_EAGER_SPLIT_CHUNK_SIZE(kvm_h.KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE(), VM, BYTES, "Chunk in which dirty logging splits huge pages ahead, 0 while off", vm("chunk in bytes, one of KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES, or 0 for off"), ARM64),
    ARM_SUPPORTED_BLOCK_SIZES(kvm_h.KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES(), SYSTEM, FLAGS, "Chunks for eager splitting: bit n is 2^n bytes", ARM64),
    ARM_SUPPORTED_REG_MASK_RANGES(kvm_h.KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES(), SYSTEM, FLAGS, "KVM_ARM_GET_REG_WRITABLE_MASKS: bit n is register range n", ARM64),
    USER_MEMORY2(kvm_h.KVM_CAP_USER_MEMORY2(), SYSTEM, BOOLEAN, "KVM_SET_USER_MEMORY_REGION2: memory slots with a guest_memfd", ALL),
    MEMORY_FAULT_INFO(kvm_h.KVM_CAP_MEMORY_FAULT_INFO(), SYSTEM, BOOLEAN, "KVM_EXIT_MEMORY_FAULT: where a fault could not be resolved", X86),
    MEMORY_ATTRIBUTES(kvm_h.KVM_CAP_MEMORY_ATTRIBUTES(), VM, FLAGS, "KVM_SET_MEMORY_ATTRIBUTES: KVM_MEMORY_ATTRIBUTE_* bits", X86),
    GUEST_MEMFD(kvm_h.KVM_CAP_GUEST_MEMFD(), VM, BOOLEAN, "KVM_CREATE_GUEST_MEMFD: guest memory as a file of the VM", X86, ARM64),
    VM_TYPES(kvm_h.KVM_CAP_VM_TYPES(), SYSTEM, FLAGS, "KVM_CREATE_VM: bit n is VM type n", X86),
    PRE_FAULT_MEMORY(kvm_h.KVM_CAP_PRE_FAULT_MEMORY(), SYSTEM, BOOLEAN, "KVM_PRE_FAULT_MEMORY: map guest memory before it is used", X86, S390),
    X86_APIC_BUS_CYCLES_NS(kvm_h.KVM_CAP_X86_APIC_BUS_CYCLES_NS(), SYSTEM, NANOSECONDS, "Cycle of the APIC bus can be set; its default", vm("length of an APIC bus cycle in nanoseconds").beforeVcpus(), X86),
    X86_GUEST_MODE(kvm_h.KVM_CAP_X86_GUEST_MODE(), SYSTEM, BOOLEAN, "KVM_RUN_X86_GUEST_MODE: whether the exit came from a nested guest", X86),
    ARM_WRITABLE_IMP_ID_REGS(kvm_h.KVM_CAP_ARM_WRITABLE_IMP_ID_REGS(), SYSTEM, BOOLEAN, "MIDR_EL1, REVIDR_EL1 and AIDR_EL1 of a VM can be set", vm().beforeVcpus(), ARM64),
    ARM_EL2(kvm_h.KVM_CAP_ARM_EL2(), SYSTEM, BOOLEAN, "KVM_ARM_VCPU_HAS_EL2: nested virtualization", ARM64),
    ARM_EL2_E2H0(kvm_h.KVM_CAP_ARM_EL2_E2H0(), SYSTEM, BOOLEAN, "KVM_ARM_VCPU_HAS_EL2_E2H0: nested virtualization without VHE", ARM64),
    RISCV_MP_STATE_RESET(kvm_h.KVM_CAP_RISCV_MP_STATE_RESET(), SYSTEM, BOOLEAN, "KVM_SET_MP_STATE resets a vCPU (can be enabled though 0 is reported)", vm(), RISCV),
    ARM_CACHEABLE_PFNMAP_SUPPORTED(kvm_h.KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED(), VM, BOOLEAN, "Cacheable guest mappings of memory without struct page (PFNMAP)", ARM64),
    GUEST_MEMFD_FLAGS(kvm_h.KVM_CAP_GUEST_MEMFD_FLAGS(), VM, FLAGS, "KVM_CREATE_GUEST_MEMFD: GUEST_MEMFD_FLAG_* bits", X86, ARM64),
    ARM_SEA_TO_USER(kvm_h.KVM_CAP_ARM_SEA_TO_USER(), SYSTEM, BOOLEAN, "KVM_EXIT_ARM_SEA: synchronous external aborts", vm(), ARM64),
    S390_USER_OPEREXEC(kvm_h.KVM_CAP_S390_USER_OPEREXEC(), SYSTEM, BOOLEAN, "Operation exceptions that KVM does not handle go to user space", vm(), S390),
    S390_KEYOP(kvm_h.KVM_CAP_S390_KEYOP(), SYSTEM, BOOLEAN, "KVM_S390_KEYOP: operations on storage keys", S390),
    S390_VSIE_ESAMODE(kvm_h.KVM_CAP_S390_VSIE_ESAMODE(), SYSTEM, BOOLEAN, "Nested guests that start in ESA mode", vm(), S390),
    S390_HPAGE_2G(kvm_h.KVM_CAP_S390_HPAGE_2G(), VM, BOOLEAN, "Guest memory in 2 GiB huge pages", vm().beforeVcpus(), S390);
    // @formatter:on

    /** Says which file descriptor to ask. */
    public enum Scope {

        /** The system and a VM give the same answer: {@code /dev/kvm} is enough. */
        SYSTEM,

        /**
         * The answer can depend on the VM, by its type or by what has been set up in it, on at least one architecture
         * and kernel version: ask the VM.
         *
         * <p>The answer of {@code /dev/kvm} is a hint at most, and on arm64 EINVAL for {@link Capability#MSI_DEVID} and
         * {@link Capability#ARM_CACHEABLE_PFNMAP_SUPPORTED}. A protected VM of arm64 also withholds most capabilities
         * of scope {@link #SYSTEM}; asking the VM is never wrong.
         */
        VM
    }

    /** Says what a value above 0 means. */
    public enum ValueKind {

        /** It is there. The kernel gives 1; test for "not 0". */
        BOOLEAN,

        /** A number of things, or a limit on it. */
        COUNT,

        /** A size in bytes. */
        BYTES,

        /** A width in bits. */
        BITS,

        /** A time in nanoseconds. */
        NANOSECONDS,

        /** A set of bits: those of the constants that the description names, or as it says. */
        FLAGS,

        /** The number of a page in the mapping of a vCPU's file descriptor. */
        PAGE,

        /** A version or mode, to be compared with those that the kernel documents. */
        LEVEL
    }

    /** Says which file descriptor a capability is enabled on. */
    public enum Target {

        /** The VM. */
        VM,

        /**
         * A vCPU, each that is to have it; {@link Capability#PPC_FWNMI} and {@link Capability#S390_CSS_SUPPORT} change
         * the whole VM nevertheless.
         */
        VCPU
    }

    /**
     * Says how {@code KVM_ENABLE_CAP} (kernel documentation, KVM API, section 4.37) turns a capability on: what goes into
     * {@code struct kvm_enable_cap} beside the {@linkplain Capability#number() number}.
     *
     * <p>The flags, and the arguments that are not listed, are 0: for some capabilities the kernel checks that, for
     * others it ignores them. Most of what it refuses, it refuses with EINVAL: arguments that it does not take, and what
     * the machine, the kernel or the type of the VM cannot provide.
     *
     * <p>{@link Capability#DIRTY_LOG_RING_WITH_BITMAP}, {@link Capability#ARM_EAGER_SPLIT_CHUNK_SIZE} and
     * {@link Capability#VM_GPA_BITS} must also come before the first memory slot, the first of them after the rings have
     * been enabled; {@link Capability#X86_APIC_BUS_CYCLES_NS}, {@link Capability#HYPERV_SYNIC} and
     * {@link Capability#HYPERV_SYNIC2} need an in-kernel interrupt controller.
     *
     * @param on the file descriptor that takes the ioctl
     * @param arguments the meanings of {@code args[0]}, {@code args[1]} and so on, at most four, each a phrase without a
     *     full stop; empty if it takes none; cannot be modified
     * @param beforeFirstVcpu whether the kernel takes it only while the VM has no vCPU; later it answers EINVAL, EEXIST
     *     for {@link Capability#SPLIT_IRQCHIP}, and EBUSY on s390, ppc and riscv
     */
    public record Enabling(Target on, List<String> arguments, boolean beforeFirstVcpu) {

        private static final int MAX_ARGUMENTS = 4;

        /**
         * Checks the number of arguments and copies them.
         *
         * @throws IllegalArgumentException if there are more than four arguments, or if a vCPU is to have it before the
         *     first vCPU
         */
        public Enabling {
            Objects.requireNonNull(on, "on");
            arguments = List.copyOf(arguments);
            if (arguments.size() > MAX_ARGUMENTS) {
                throw new IllegalArgumentException("struct kvm_enable_cap has 4 arguments, not " + arguments.size());
            }
            if (beforeFirstVcpu && on == Target.VCPU) {
                throw new IllegalArgumentException("Enabled on a vCPU, so not before the first one");
            }
        }

        private Enabling beforeVcpus() {
            return new Enabling(on, arguments, true);
        }
    }

    /** An architecture that Linux has KVM for. */
    public enum Arch {

        /** x86, 32 and 64 bits. */
        X86,

        /** 64-bit Arm. */
        ARM64,

        /** RISC-V. */
        RISCV,

        /** IBM Z. */
        S390,

        /** Power and PowerPC. */
        PPC,

        /** MIPS. */
        MIPS,

        /** LoongArch. */
        LOONGARCH;

        /** All of them; cannot be modified. */
        public static final Set<Arch> ALL = Collections.unmodifiableSet(EnumSet.allOf(Arch.class));
    }

    private static final Map<Integer, Capability> BY_NUMBER = byNumber();

    private final int number;
    private final Scope scope;
    private final ValueKind valueKind;
    private final String description;
    @SuppressWarnings("ImmutableEnumChecker") // it cannot be modified, but its type does not say so
    private final Set<Arch> architectures;
    @SuppressWarnings("ImmutableEnumChecker") // likewise: a record of an unmodifiable list
    private final Optional<Enabling> enabling;

    Capability(int number, Scope scope, ValueKind valueKind, String description, Arch... architectures) {
        this(number, scope, valueKind, description, Optional.empty(), setOf(architectures));
    }

    Capability(int number, Scope scope, ValueKind valueKind, String description, Set<Arch> architectures) {
        this(number, scope, valueKind, description, Optional.empty(), architectures);
    }

    Capability(int number, Scope scope, ValueKind valueKind, String description, Enabling enabling,
            Arch... architectures) {
        this(number, scope, valueKind, description, Optional.of(enabling), setOf(architectures));
    }

    Capability(int number, Scope scope, ValueKind valueKind, String description, Enabling enabling,
            Set<Arch> architectures) {
        this(number, scope, valueKind, description, Optional.of(enabling), architectures);
    }

    Capability(int number, Scope scope, ValueKind valueKind, String description, Optional<Enabling> enabling,
            Set<Arch> architectures) {
        this.number = number;
        this.scope = scope;
        this.valueKind = valueKind;
        this.description = description;
        this.enabling = enabling;
        this.architectures = architectures;
    }

    private static Set<Arch> setOf(Arch... architectures) {
        return Collections.unmodifiableSet(EnumSet.copyOf(List.of(architectures)));
    }

    private static Enabling vm(String... arguments) {
        return new Enabling(Target.VM, List.of(arguments), false);
    }

    private static Enabling vcpu(String... arguments) {
        return new Enabling(Target.VCPU, List.of(arguments), false);
    }

    /**
     * Finds the capability that has this number.
     *
     * <p>In Linux 7.2 no two share one; should the header ever give a number a second name, the first is found.
     *
     * @param number the number, as for {@code KVM_CHECK_EXTENSION} and {@code KVM_ENABLE_CAP}
     * @return the capability, or empty if the header of this library has none of that number
     */
    public static Optional<Capability> of(int number) {
        return Optional.ofNullable(BY_NUMBER.get(number));
    }

    private static Map<Integer, Capability> byNumber() {
        Map<Integer, Capability> capabilities = HashMap.newHashMap(values().length);
        for (Capability capability : values()) {
            capabilities.putIfAbsent(capability.number, capability);
        }
        return capabilities;
    }

    /**
     * Returns the number that {@code KVM_CHECK_EXTENSION} and {@code KVM_ENABLE_CAP} take.
     *
     * @return the number in {@code linux/kvm.h}
     */
    public int number() {
        return number;
    }

    /**
     * Returns the name in {@code linux/kvm.h}.
     *
     * @return the name, with {@code KVM_CAP_}
     */
    public String kernelName() {
        return "KVM_CAP_" + name();
    }

    /**
     * Returns the kind of file descriptor to ask.
     *
     * @return where {@code KVM_CHECK_EXTENSION} gives the answer that counts
     */
    public Scope scope() {
        return scope;
    }

    /**
     * Returns what the answer of {@code KVM_CHECK_EXTENSION} means.
     *
     * @return the meaning of a value above 0
     */
    public ValueKind valueKind() {
        return valueKind;
    }

    /**
     * Returns what the capability offers, in one phrase.
     *
     * @return a description in English, without a full stop; where ioctls, exits or constants belong to the
     *     capability, their kernel names come first
     */
    public String description() {
        return description;
    }

    /**
     * Returns the architectures that have it.
     *
     * @return those whose KVM can report it, now or in an earlier kernel; cannot be modified
     */
    public Set<Arch> architectures() {
        return architectures;
    }

    /**
     * Returns what {@code KVM_ENABLE_CAP} takes for this capability.
     *
     * <p>Whether that ioctl exists is {@link #ENABLE_CAP_VM} for a VM and {@link #ENABLE_CAP} for a vCPU.
     *
     * @return the descriptor and the arguments; empty if no architecture's KVM lets it be enabled as of Linux 7.2
     */
    public Optional<Enabling> enabling() {
        return enabling;
    }
}
