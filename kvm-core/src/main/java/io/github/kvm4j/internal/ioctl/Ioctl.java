package io.github.kvm4j.internal.ioctl;

import static io.github.kvm4j.Capability.Arch.ALL;
import static io.github.kvm4j.Capability.Arch.ARM64;
import static io.github.kvm4j.Capability.Arch.LOONGARCH;
import static io.github.kvm4j.Capability.Arch.MIPS;
import static io.github.kvm4j.Capability.Arch.PPC;
import static io.github.kvm4j.Capability.Arch.RISCV;
import static io.github.kvm4j.Capability.Arch.S390;
import static io.github.kvm4j.Capability.Arch.X86;
import static io.github.kvm4j.internal.ioctl.Argument.array;
import static io.github.kvm4j.internal.ioctl.Argument.extended;
import static io.github.kvm4j.internal.ioctl.Argument.none;
import static io.github.kvm4j.internal.ioctl.Argument.pointer;
import static io.github.kvm4j.internal.ioctl.Argument.sized;
import static io.github.kvm4j.internal.ioctl.Argument.value;
import static io.github.kvm4j.internal.ioctl.FdKind.DEVICE;
import static io.github.kvm4j.internal.ioctl.FdKind.SYSTEM;
import static io.github.kvm4j.internal.ioctl.FdKind.VCPU;
import static io.github.kvm4j.internal.ioctl.FdKind.VM;
import static io.github.kvm4j.internal.ioctl.Ioctl.Mark.HAS_POINTERS;
import static io.github.kvm4j.internal.ioctl.Ioctl.Mark.LIBRARY_OWNS;
import static io.github.kvm4j.internal.ioctl.Ioctl.Mark.OBSOLETE;
import static io.github.kvm4j.internal.ioctl.Ioctl.Mark.RETURNS_FD;
import static io.github.kvm4j.internal.sys.Architecture.ON_ARM64;
import static io.github.kvm4j.internal.sys.Architecture.ON_PPC;
import static io.github.kvm4j.internal.sys.Architecture.ON_RISCV;
import static io.github.kvm4j.internal.sys.Architecture.ON_S390;
import static io.github.kvm4j.internal.sys.Architecture.ON_X86;

import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import io.github.kvm4j.Capability;
import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.powerpc.kvm_powerpc_h;
import io.github.kvm4j.bindings.riscv.kvm_riscv_h;
import io.github.kvm4j.bindings.s390.kvm_s390_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * The registry: one line per ioctl of {@code linux/kvm.h}, under the capability that announces it. To add an ioctl, add
 * its line here and the method that issues it on the class of its descriptor.
 *
 * <p>
 * A line says: the number, the descriptors with the capabilities of which any one announces it there, the argument, the
 * first kernel with API version 12 that has it (empty where that is not certain), the architectures whose KVM implements
 * it, and marks. A number that is not the same on all architectures is the host's: an expression that does not touch
 * the other architectures' classes, and 0 where the host's header has no such ioctl.
 */
@SuppressWarnings("ImmutableEnumChecker") // the collections are unmodifiable, and arguments are records
public enum Ioctl {

    // @formatter:off

    // Always there, on the system descriptor
    KVM_GET_API_VERSION(kvm_h.KVM_GET_API_VERSION(), on(SYSTEM), none(), "2.6.22", ALL),
    KVM_CREATE_VM(kvm_h.KVM_CREATE_VM(), on(SYSTEM), value(), "2.6.22", ALL, RETURNS_FD),
    KVM_GET_VCPU_MMAP_SIZE(kvm_h.KVM_GET_VCPU_MMAP_SIZE(), on(SYSTEM), none(), "2.6.22", ALL),
    KVM_GET_MSR_INDEX_LIST(ON_X86 ? kvm_x86_h.KVM_GET_MSR_INDEX_LIST() : 0, on(SYSTEM), array("kvm_msr_list", "nmsrs", "__u32"), "2.6.22", in(X86)),
    // On the system descriptor always there, on a VM's with KVM_CAP_CHECK_EXTENSION_VM
    KVM_CHECK_EXTENSION(kvm_h.KVM_CHECK_EXTENSION(), on(SYSTEM).and(VM, Capability.CHECK_EXTENSION_VM), value(), "2.6.22", ALL),
    // Always there, on a VM descriptor
    KVM_CREATE_VCPU(kvm_h.KVM_CREATE_VCPU(), on(VM), value(), "2.6.22", ALL, RETURNS_FD),
    KVM_GET_DIRTY_LOG(kvm_h.KVM_GET_DIRTY_LOG(), on(VM), pointer("kvm_dirty_log"), "2.6.22", ALL, HAS_POINTERS),
    // Always there, on a vCPU descriptor; arm64 and RISC-V have numbers for the registers too, and answer EINVAL
    KVM_RUN(kvm_h.KVM_RUN(), on(VCPU), none(), "2.6.22", ALL, LIBRARY_OWNS),
    KVM_GET_REGS(ON_X86 ? kvm_x86_h.KVM_GET_REGS() : ON_ARM64 ? kvm_arm64_h.KVM_GET_REGS() : ON_RISCV ? kvm_riscv_h.KVM_GET_REGS() : 0, on(VCPU), pointer("kvm_regs"), "2.6.22", in(X86, S390, PPC, MIPS, LOONGARCH)),
    KVM_SET_REGS(ON_X86 ? kvm_x86_h.KVM_SET_REGS() : ON_ARM64 ? kvm_arm64_h.KVM_SET_REGS() : ON_RISCV ? kvm_riscv_h.KVM_SET_REGS() : 0, on(VCPU), pointer("kvm_regs"), "2.6.22", in(X86, S390, PPC, MIPS, LOONGARCH)),
    KVM_GET_SREGS(ON_X86 ? kvm_x86_h.KVM_GET_SREGS() : ON_ARM64 ? kvm_arm64_h.KVM_GET_SREGS() : ON_RISCV ? kvm_riscv_h.KVM_GET_SREGS() : 0, on(VCPU), pointer("kvm_sregs"), "2.6.22", in(X86, S390, PPC)),
    KVM_SET_SREGS(ON_X86 ? kvm_x86_h.KVM_SET_SREGS() : ON_ARM64 ? kvm_arm64_h.KVM_SET_SREGS() : ON_RISCV ? kvm_riscv_h.KVM_SET_SREGS() : 0, on(VCPU), pointer("kvm_sregs"), "2.6.22", in(X86, S390, PPC)),
    KVM_GET_FPU(ON_X86 ? kvm_x86_h.KVM_GET_FPU() : ON_ARM64 ? kvm_arm64_h.KVM_GET_FPU() : ON_RISCV ? kvm_riscv_h.KVM_GET_FPU() : 0, on(VCPU), pointer("kvm_fpu"), "2.6.22", in(X86, S390, LOONGARCH)),
    KVM_SET_FPU(ON_X86 ? kvm_x86_h.KVM_SET_FPU() : ON_ARM64 ? kvm_arm64_h.KVM_SET_FPU() : ON_RISCV ? kvm_riscv_h.KVM_SET_FPU() : 0, on(VCPU), pointer("kvm_fpu"), "2.6.22", in(X86, S390, LOONGARCH)),
    KVM_TRANSLATE(kvm_h.KVM_TRANSLATE(), on(VCPU), pointer("kvm_translation"), "2.6.22", in(X86, PPC)),
    KVM_INTERRUPT(kvm_h.KVM_INTERRUPT(), on(VCPU), pointer("kvm_interrupt"), "2.6.22", in(X86, RISCV, PPC, MIPS, LOONGARCH)),
    KVM_SET_SIGNAL_MASK(kvm_h.KVM_SET_SIGNAL_MASK(), on(VCPU), array("kvm_signal_mask", "len", "__u8"), "2.6.22", ALL, LIBRARY_OWNS),
    KVM_SET_CPUID(ON_X86 ? kvm_x86_h.KVM_SET_CPUID() : 0, on(VCPU), array("kvm_cpuid", "nent", "kvm_cpuid_entry"), "2.6.22", in(X86), OBSOLETE),
    KVM_SET_MSRS(ON_X86 ? kvm_x86_h.KVM_SET_MSRS() : 0, on(VCPU), array("kvm_msrs", "nmsrs", "kvm_msr_entry"), "2.6.22", in(X86)),
    // On a vCPU descriptor always there; on the system's, for feature MSRs, with KVM_CAP_GET_MSR_FEATURES
    KVM_GET_MSRS(ON_X86 ? kvm_x86_h.KVM_GET_MSRS() : 0, on(VCPU).and(SYSTEM, Capability.GET_MSR_FEATURES), array("kvm_msrs", "nmsrs", "kvm_msr_entry"), "2.6.22", in(X86)),
    // KVM_CAP_GET_MSR_FEATURES
    KVM_GET_MSR_FEATURE_INDEX_LIST(ON_X86 ? kvm_x86_h.KVM_GET_MSR_FEATURE_INDEX_LIST() : 0, on(SYSTEM, Capability.GET_MSR_FEATURES), array("kvm_msr_list", "nmsrs", "__u32"), "", in(X86)),
    // KVM_CAP_IRQCHIP; s390 has KVM_CAP_S390_IRQCHIP instead, and Power a capability for each controller
    KVM_CREATE_IRQCHIP(kvm_h.KVM_CREATE_IRQCHIP(), on(VM, Capability.IRQCHIP, Capability.S390_IRQCHIP), none(), "2.6.24", in(X86, ARM64, S390, LOONGARCH)),
    KVM_IRQ_LINE(kvm_h.KVM_IRQ_LINE(), on(VM, Capability.IRQCHIP, Capability.IRQ_MPIC, Capability.IRQ_XICS), pointer("kvm_irq_level"), "2.6.24", in(X86, ARM64, RISCV, PPC, LOONGARCH)),
    KVM_GET_IRQCHIP(kvm_h.KVM_GET_IRQCHIP(), on(VM, Capability.IRQCHIP), pointer("kvm_irqchip"), "2.6.24", in(X86)),
    KVM_SET_IRQCHIP(kvm_h.KVM_SET_IRQCHIP(), on(VM, Capability.IRQCHIP), pointer("kvm_irqchip"), "2.6.24", in(X86)),
    KVM_GET_LAPIC(ON_X86 ? kvm_x86_h.KVM_GET_LAPIC() : 0, on(VCPU, Capability.IRQCHIP), pointer("kvm_lapic_state"), "2.6.24", in(X86)),
    KVM_SET_LAPIC(ON_X86 ? kvm_x86_h.KVM_SET_LAPIC() : 0, on(VCPU, Capability.IRQCHIP), pointer("kvm_lapic_state"), "2.6.24", in(X86)),
    // KVM_CAP_IRQ_INJECT_STATUS, which only x86 announces
    KVM_IRQ_LINE_STATUS(kvm_h.KVM_IRQ_LINE_STATUS(), on(VM, Capability.IRQ_INJECT_STATUS), pointer("kvm_irq_level"), "2.6.30", in(X86, ARM64, RISCV, PPC, LOONGARCH)),
    // KVM_CAP_MMU_SHADOW_CACHE_CONTROL; the getter is gone from the kernel
    KVM_SET_NR_MMU_PAGES(kvm_h.KVM_SET_NR_MMU_PAGES(), on(VM, Capability.MMU_SHADOW_CACHE_CONTROL), value(), "2.6.25", in(X86)),
    KVM_GET_NR_MMU_PAGES(kvm_h.KVM_GET_NR_MMU_PAGES(), on(VM, Capability.MMU_SHADOW_CACHE_CONTROL), none(), "2.6.25", in(X86), OBSOLETE),
    // KVM_CAP_USER_MEMORY
    KVM_SET_USER_MEMORY_REGION(kvm_h.KVM_SET_USER_MEMORY_REGION(), on(VM, Capability.USER_MEMORY), pointer("kvm_userspace_memory_region"), "2.6.25", ALL, HAS_POINTERS),
    // KVM_CAP_USER_MEMORY2
    KVM_SET_USER_MEMORY_REGION2(kvm_h.KVM_SET_USER_MEMORY_REGION2(), on(VM, Capability.USER_MEMORY2), pointer("kvm_userspace_memory_region2"), "6.8", ALL, HAS_POINTERS),
    // KVM_CAP_SET_TSS_ADDR
    KVM_SET_TSS_ADDR(kvm_h.KVM_SET_TSS_ADDR(), on(VM, Capability.SET_TSS_ADDR), value(), "2.6.25", in(X86)),
    // KVM_CAP_SET_IDENTITY_MAP_ADDR
    KVM_SET_IDENTITY_MAP_ADDR(kvm_h.KVM_SET_IDENTITY_MAP_ADDR(), on(VM, Capability.SET_IDENTITY_MAP_ADDR), pointer("__u64"), "2.6.32", in(X86)),
    // KVM_CAP_VAPIC
    KVM_TPR_ACCESS_REPORTING(kvm_h.KVM_TPR_ACCESS_REPORTING(), on(VCPU, Capability.VAPIC), pointer("kvm_tpr_access_ctl"), "2.6.25", in(X86)),
    KVM_SET_VAPIC_ADDR(kvm_h.KVM_SET_VAPIC_ADDR(), on(VCPU, Capability.VAPIC), pointer("kvm_vapic_addr"), "2.6.25", in(X86)),
    // KVM_CAP_EXT_CPUID
    KVM_GET_SUPPORTED_CPUID(ON_X86 ? kvm_x86_h.KVM_GET_SUPPORTED_CPUID() : 0, on(SYSTEM, Capability.EXT_CPUID), array("kvm_cpuid2", "nent", "kvm_cpuid_entry2"), "2.6.25", in(X86)),
    KVM_SET_CPUID2(ON_X86 ? kvm_x86_h.KVM_SET_CPUID2() : 0, on(VCPU, Capability.EXT_CPUID), array("kvm_cpuid2", "nent", "kvm_cpuid_entry2"), "2.6.25", in(X86)),
    KVM_GET_CPUID2(ON_X86 ? kvm_x86_h.KVM_GET_CPUID2() : 0, on(VCPU, Capability.EXT_CPUID), array("kvm_cpuid2", "nent", "kvm_cpuid_entry2"), "2.6.25", in(X86)),
    // KVM_CAP_EXT_EMUL_CPUID
    KVM_GET_EMULATED_CPUID(ON_X86 ? kvm_x86_h.KVM_GET_EMULATED_CPUID() : 0, on(SYSTEM, Capability.EXT_EMUL_CPUID), array("kvm_cpuid2", "nent", "kvm_cpuid_entry2"), "3.13", in(X86)),
    // KVM_CAP_PIT; each has a successor
    KVM_CREATE_PIT(kvm_h.KVM_CREATE_PIT(), on(VM, Capability.PIT), none(), "2.6.26", in(X86), OBSOLETE),
    KVM_GET_PIT(ON_X86 ? kvm_x86_h.KVM_GET_PIT() : 0, on(VM, Capability.PIT), pointer("kvm_pit_state"), "2.6.26", in(X86), OBSOLETE),
    KVM_SET_PIT(ON_X86 ? kvm_x86_h.KVM_SET_PIT() : 0, on(VM, Capability.PIT), pointer("kvm_pit_state"), "2.6.26", in(X86), OBSOLETE),
    // KVM_CAP_PIT2
    KVM_CREATE_PIT2(kvm_h.KVM_CREATE_PIT2(), on(VM, Capability.PIT2), pointer("kvm_pit_config"), "2.6.32", in(X86)),
    // KVM_CAP_PIT_STATE2
    KVM_GET_PIT2(ON_X86 ? kvm_x86_h.KVM_GET_PIT2() : 0, on(VM, Capability.PIT_STATE2), pointer("kvm_pit_state2"), "2.6.32", in(X86)),
    KVM_SET_PIT2(ON_X86 ? kvm_x86_h.KVM_SET_PIT2() : 0, on(VM, Capability.PIT_STATE2), pointer("kvm_pit_state2"), "2.6.32", in(X86)),
    // KVM_CAP_REINJECT_CONTROL
    KVM_REINJECT_CONTROL(kvm_h.KVM_REINJECT_CONTROL(), on(VM, Capability.REINJECT_CONTROL), pointer("kvm_reinject_control"), "2.6.30", in(X86)),
    // KVM_CAP_MP_STATE
    KVM_GET_MP_STATE(kvm_h.KVM_GET_MP_STATE(), on(VCPU, Capability.MP_STATE), pointer("kvm_mp_state"), "2.6.26", in(X86, ARM64, RISCV, S390, LOONGARCH)),
    KVM_SET_MP_STATE(kvm_h.KVM_SET_MP_STATE(), on(VCPU, Capability.MP_STATE), pointer("kvm_mp_state"), "2.6.26", in(X86, ARM64, RISCV, S390, LOONGARCH)),
    // KVM_CAP_COALESCED_MMIO
    KVM_REGISTER_COALESCED_MMIO(kvm_h.KVM_REGISTER_COALESCED_MMIO(), on(VM, Capability.COALESCED_MMIO), pointer("kvm_coalesced_mmio_zone"), "2.6.27", in(X86, ARM64, RISCV, PPC, MIPS, LOONGARCH)),
    KVM_UNREGISTER_COALESCED_MMIO(kvm_h.KVM_UNREGISTER_COALESCED_MMIO(), on(VM, Capability.COALESCED_MMIO), pointer("kvm_coalesced_mmio_zone"), "2.6.27", in(X86, ARM64, RISCV, PPC, MIPS, LOONGARCH)),
    // KVM_CAP_USER_NMI
    KVM_NMI(kvm_h.KVM_NMI(), on(VCPU, Capability.USER_NMI), none(), "2.6.29", in(X86)),
    // KVM_CAP_SET_GUEST_DEBUG; only s390's structure holds a pointer, and is not marked for it
    KVM_SET_GUEST_DEBUG(ON_X86 ? kvm_x86_h.KVM_SET_GUEST_DEBUG() : ON_ARM64 ? kvm_arm64_h.KVM_SET_GUEST_DEBUG() : ON_RISCV ? kvm_riscv_h.KVM_SET_GUEST_DEBUG() : 0, on(VCPU, Capability.SET_GUEST_DEBUG), pointer("kvm_guest_debug"), "2.6.30", in(X86, ARM64, RISCV, S390, PPC, LOONGARCH)),
    // KVM_CAP_IRQ_ROUTING
    KVM_SET_GSI_ROUTING(kvm_h.KVM_SET_GSI_ROUTING(), on(VM, Capability.IRQ_ROUTING), array("kvm_irq_routing", "nr", "kvm_irq_routing_entry"), "2.6.30", in(X86, ARM64, RISCV, S390, PPC, LOONGARCH)),
    // KVM_CAP_MCE
    KVM_X86_SETUP_MCE(kvm_h.KVM_X86_SETUP_MCE(), on(VCPU, Capability.MCE), pointer("__u64"), "2.6.32", in(X86)),
    KVM_X86_GET_MCE_CAP_SUPPORTED(kvm_h.KVM_X86_GET_MCE_CAP_SUPPORTED(), on(SYSTEM, Capability.MCE), pointer("__u64"), "2.6.32", in(X86)),
    KVM_X86_SET_MCE(ON_X86 ? kvm_x86_h.KVM_X86_SET_MCE() : 0, on(VCPU, Capability.MCE), pointer("kvm_x86_mce"), "2.6.32", in(X86)),
    // KVM_CAP_IRQFD
    KVM_IRQFD(kvm_h.KVM_IRQFD(), on(VM, Capability.IRQFD), pointer("kvm_irqfd"), "2.6.32", in(X86, ARM64, RISCV, S390, PPC, LOONGARCH)),
    // KVM_CAP_IOEVENTFD
    KVM_IOEVENTFD(kvm_h.KVM_IOEVENTFD(), on(VM, Capability.IOEVENTFD), pointer("kvm_ioeventfd"), "2.6.32", ALL),
    // KVM_CAP_SET_BOOT_CPU_ID
    KVM_SET_BOOT_CPU_ID(kvm_h.KVM_SET_BOOT_CPU_ID(), on(VM, Capability.SET_BOOT_CPU_ID), value(), "2.6.32", in(X86)),
    // KVM_CAP_ADJUST_CLOCK
    KVM_SET_CLOCK(kvm_h.KVM_SET_CLOCK(), on(VM, Capability.ADJUST_CLOCK), pointer("kvm_clock_data"), "2.6.33", in(X86)),
    KVM_GET_CLOCK(kvm_h.KVM_GET_CLOCK(), on(VM, Capability.ADJUST_CLOCK), pointer("kvm_clock_data"), "2.6.33", in(X86)),
    // KVM_CAP_VCPU_EVENTS
    KVM_GET_VCPU_EVENTS(ON_X86 ? kvm_x86_h.KVM_GET_VCPU_EVENTS() : ON_ARM64 ? kvm_arm64_h.KVM_GET_VCPU_EVENTS() : 0, on(VCPU, Capability.VCPU_EVENTS), pointer("kvm_vcpu_events"), "2.6.33", in(X86, ARM64)),
    KVM_SET_VCPU_EVENTS(ON_X86 ? kvm_x86_h.KVM_SET_VCPU_EVENTS() : ON_ARM64 ? kvm_arm64_h.KVM_SET_VCPU_EVENTS() : 0, on(VCPU, Capability.VCPU_EVENTS), pointer("kvm_vcpu_events"), "2.6.33", in(X86, ARM64)),
    // KVM_CAP_DEBUGREGS
    KVM_GET_DEBUGREGS(ON_X86 ? kvm_x86_h.KVM_GET_DEBUGREGS() : 0, on(VCPU, Capability.DEBUGREGS), pointer("kvm_debugregs"), "2.6.35", in(X86)),
    KVM_SET_DEBUGREGS(ON_X86 ? kvm_x86_h.KVM_SET_DEBUGREGS() : 0, on(VCPU, Capability.DEBUGREGS), pointer("kvm_debugregs"), "2.6.35", in(X86)),
    // KVM_CAP_ENABLE_CAP_VM, on a vCPU descriptor KVM_CAP_ENABLE_CAP; KVM_CAP_HYPERV_ENLIGHTENED_VMCS and KVM_CAP_SW_TLB take pointers
    KVM_ENABLE_CAP(kvm_h.KVM_ENABLE_CAP(), on(VM, Capability.ENABLE_CAP_VM).and(VCPU, Capability.ENABLE_CAP), pointer("kvm_enable_cap"), "2.6.35", ALL, HAS_POINTERS),
    // KVM_CAP_XSAVE; the setter reads as much as KVM_CAP_XSAVE2 says, where there is that
    KVM_GET_XSAVE(ON_X86 ? kvm_x86_h.KVM_GET_XSAVE() : 0, on(VCPU, Capability.XSAVE), pointer("kvm_xsave"), "2.6.36", in(X86)),
    KVM_SET_XSAVE(ON_X86 ? kvm_x86_h.KVM_SET_XSAVE() : 0, on(VCPU, Capability.XSAVE), extended("kvm_xsave", Capability.XSAVE2), "2.6.36", in(X86)),
    // KVM_CAP_XSAVE2
    KVM_GET_XSAVE2(ON_X86 ? kvm_x86_h.KVM_GET_XSAVE2() : 0, on(VCPU, Capability.XSAVE2), extended("kvm_xsave", Capability.XSAVE2), "5.17", in(X86)),
    // KVM_CAP_XCRS
    KVM_GET_XCRS(ON_X86 ? kvm_x86_h.KVM_GET_XCRS() : 0, on(VCPU, Capability.XCRS), pointer("kvm_xcrs"), "2.6.36", in(X86)),
    KVM_SET_XCRS(ON_X86 ? kvm_x86_h.KVM_SET_XCRS() : 0, on(VCPU, Capability.XCRS), pointer("kvm_xcrs"), "2.6.36", in(X86)),
    // KVM_CAP_TSC_CONTROL, KVM_CAP_GET_TSC_KHZ; on a VM descriptor KVM_CAP_VM_TSC_CONTROL
    KVM_SET_TSC_KHZ(kvm_h.KVM_SET_TSC_KHZ(), on(VCPU, Capability.TSC_CONTROL).and(VM, Capability.VM_TSC_CONTROL), value(), "3.0", in(X86)),
    KVM_GET_TSC_KHZ(kvm_h.KVM_GET_TSC_KHZ(), on(VCPU, Capability.GET_TSC_KHZ).and(VM, Capability.VM_TSC_CONTROL), none(), "3.0", in(X86)),
    // KVM_CAP_ONE_REG
    KVM_GET_ONE_REG(kvm_h.KVM_GET_ONE_REG(), on(VCPU, Capability.ONE_REG), pointer("kvm_one_reg"), "3.4", ALL, HAS_POINTERS),
    KVM_SET_ONE_REG(kvm_h.KVM_SET_ONE_REG(), on(VCPU, Capability.ONE_REG), pointer("kvm_one_reg"), "3.4", ALL, HAS_POINTERS),
    KVM_GET_REG_LIST(kvm_h.KVM_GET_REG_LIST(), on(VCPU, Capability.ONE_REG), array("kvm_reg_list", "n", "__u64"), "3.9", in(X86, ARM64, RISCV, MIPS)),
    // KVM_CAP_KVMCLOCK_CTRL
    KVM_KVMCLOCK_CTRL(kvm_h.KVM_KVMCLOCK_CTRL(), on(VCPU, Capability.KVMCLOCK_CTRL), none(), "3.5", in(X86)),
    // KVM_CAP_SIGNAL_MSI
    KVM_SIGNAL_MSI(kvm_h.KVM_SIGNAL_MSI(), on(VM, Capability.SIGNAL_MSI), pointer("kvm_msi"), "3.5", in(X86, ARM64, RISCV, PPC, LOONGARCH)),
    // KVM_CAP_DEVICE_CTRL; on a VM descriptor (s390; arm64 without announcing it) KVM_CAP_VM_ATTRIBUTES, on a vCPU's KVM_CAP_VCPU_ATTRIBUTES, on the system's (x86) KVM_CAP_SYS_ATTRIBUTES
    KVM_CREATE_DEVICE(kvm_h.KVM_CREATE_DEVICE(), on(VM, Capability.DEVICE_CTRL), pointer("kvm_create_device"), "3.10", ALL, RETURNS_FD),
    KVM_SET_DEVICE_ATTR(kvm_h.KVM_SET_DEVICE_ATTR(), on(DEVICE, Capability.DEVICE_CTRL).and(VM, Capability.VM_ATTRIBUTES).and(VCPU, Capability.VCPU_ATTRIBUTES), pointer("kvm_device_attr"), "3.10", ALL, HAS_POINTERS),
    KVM_GET_DEVICE_ATTR(kvm_h.KVM_GET_DEVICE_ATTR(), on(DEVICE, Capability.DEVICE_CTRL).and(VM, Capability.VM_ATTRIBUTES).and(VCPU, Capability.VCPU_ATTRIBUTES).and(SYSTEM, Capability.SYS_ATTRIBUTES), pointer("kvm_device_attr"), "3.10", ALL, HAS_POINTERS),
    KVM_HAS_DEVICE_ATTR(kvm_h.KVM_HAS_DEVICE_ATTR(), on(DEVICE, Capability.DEVICE_CTRL).and(VM, Capability.VM_ATTRIBUTES).and(VCPU, Capability.VCPU_ATTRIBUTES).and(SYSTEM, Capability.SYS_ATTRIBUTES), pointer("kvm_device_attr"), "3.10", ALL, HAS_POINTERS),
    // KVM_CAP_X86_SMM
    KVM_SMI(kvm_h.KVM_SMI(), on(VCPU, Capability.X86_SMM), none(), "4.2", in(X86)),
    // Without a capability: KVM_CAP_VM_TYPES says which VM types have it (SEV, SEV-ES, SNP, TDX). The structure may also be TDX's kvm_tdx_cmd, of the same size
    KVM_MEMORY_ENCRYPT_OP(kvm_h.KVM_MEMORY_ENCRYPT_OP(), on(VM).and(VCPU), pointer("kvm_sev_cmd"), "4.16", in(X86), HAS_POINTERS),
    KVM_MEMORY_ENCRYPT_REG_REGION(kvm_h.KVM_MEMORY_ENCRYPT_REG_REGION(), on(VM), pointer("kvm_enc_region"), "4.16", in(X86), HAS_POINTERS),
    KVM_MEMORY_ENCRYPT_UNREG_REGION(kvm_h.KVM_MEMORY_ENCRYPT_UNREG_REGION(), on(VM), pointer("kvm_enc_region"), "4.16", in(X86), HAS_POINTERS),
    // KVM_CAP_NESTED_STATE
    KVM_GET_NESTED_STATE(ON_X86 ? kvm_x86_h.KVM_GET_NESTED_STATE() : 0, on(VCPU, Capability.NESTED_STATE), sized("kvm_nested_state", "size"), "4.19", in(X86)),
    KVM_SET_NESTED_STATE(ON_X86 ? kvm_x86_h.KVM_SET_NESTED_STATE() : 0, on(VCPU, Capability.NESTED_STATE), sized("kvm_nested_state", "size"), "4.19", in(X86)),
    // KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, before Linux 5.2 KVM_CAP_MANUAL_DIRTY_LOG_PROTECT
    KVM_CLEAR_DIRTY_LOG(kvm_h.KVM_CLEAR_DIRTY_LOG(), on(VM, Capability.MANUAL_DIRTY_LOG_PROTECT2, Capability.MANUAL_DIRTY_LOG_PROTECT), pointer("kvm_clear_dirty_log"), "5.0", in(X86, ARM64, RISCV, MIPS, LOONGARCH), HAS_POINTERS),
    // KVM_CAP_PMU_EVENT_FILTER
    KVM_SET_PMU_EVENT_FILTER(ON_X86 ? kvm_x86_h.KVM_SET_PMU_EVENT_FILTER() : ON_ARM64 ? kvm_arm64_h.KVM_SET_PMU_EVENT_FILTER() : 0, on(VM, Capability.PMU_EVENT_FILTER), array("kvm_pmu_event_filter", "nevents", "__u64"), "5.3", in(X86)),
    // KVM_CAP_X86_MSR_FILTER
    KVM_X86_SET_MSR_FILTER(ON_X86 ? kvm_x86_h.KVM_X86_SET_MSR_FILTER() : 0, on(VM, Capability.X86_MSR_FILTER), pointer("kvm_msr_filter"), "5.10", in(X86), HAS_POINTERS),
    // KVM_CAP_DIRTY_LOG_RING or KVM_CAP_DIRTY_LOG_RING_ACQ_REL
    KVM_RESET_DIRTY_RINGS(kvm_h.KVM_RESET_DIRTY_RINGS(), on(VM, Capability.DIRTY_LOG_RING, Capability.DIRTY_LOG_RING_ACQ_REL), none(), "5.11", in(X86, ARM64, RISCV, LOONGARCH)),
    // KVM_CAP_SREGS2
    KVM_GET_SREGS2(ON_X86 ? kvm_x86_h.KVM_GET_SREGS2() : 0, on(VCPU, Capability.SREGS2), pointer("kvm_sregs2"), "5.14", in(X86)),
    KVM_SET_SREGS2(ON_X86 ? kvm_x86_h.KVM_SET_SREGS2() : 0, on(VCPU, Capability.SREGS2), pointer("kvm_sregs2"), "5.14", in(X86)),
    // KVM_CAP_BINARY_STATS_FD
    KVM_GET_STATS_FD(kvm_h.KVM_GET_STATS_FD(), on(VM, Capability.BINARY_STATS_FD).and(VCPU, Capability.BINARY_STATS_FD), none(), "5.14", ALL, RETURNS_FD),
    // KVM_CAP_MEMORY_ATTRIBUTES
    KVM_SET_MEMORY_ATTRIBUTES(kvm_h.KVM_SET_MEMORY_ATTRIBUTES(), on(VM, Capability.MEMORY_ATTRIBUTES), pointer("kvm_memory_attributes"), "6.8", in(X86)),
    // KVM_CAP_GUEST_MEMFD
    KVM_CREATE_GUEST_MEMFD(kvm_h.KVM_CREATE_GUEST_MEMFD(), on(VM, Capability.GUEST_MEMFD), pointer("kvm_create_guest_memfd"), "6.8", in(X86, ARM64), RETURNS_FD),
    // KVM_CAP_PRE_FAULT_MEMORY
    KVM_PRE_FAULT_MEMORY(kvm_h.KVM_PRE_FAULT_MEMORY(), on(VCPU, Capability.PRE_FAULT_MEMORY), pointer("kvm_pre_fault_memory"), "6.11", in(X86, S390)),
    // KVM_CAP_HYPERV_EVENTFD
    KVM_HYPERV_EVENTFD(ON_X86 ? kvm_x86_h.KVM_HYPERV_EVENTFD() : 0, on(VM, Capability.HYPERV_EVENTFD), pointer("kvm_hyperv_eventfd"), "4.17", in(X86)),
    // KVM_CAP_HYPERV_CPUID, on the system descriptor KVM_CAP_SYS_HYPERV_CPUID
    KVM_GET_SUPPORTED_HV_CPUID(ON_X86 ? kvm_x86_h.KVM_GET_SUPPORTED_HV_CPUID() : 0, on(VCPU, Capability.HYPERV_CPUID).and(SYSTEM, Capability.SYS_HYPERV_CPUID), array("kvm_cpuid2", "nent", "kvm_cpuid_entry2"), "5.0", in(X86)),
    // KVM_CAP_XEN_HVM, whose value says which
    KVM_XEN_HVM_CONFIG(ON_X86 ? kvm_x86_h.KVM_XEN_HVM_CONFIG() : 0, on(VM, Capability.XEN_HVM), pointer("kvm_xen_hvm_config"), "2.6.33", in(X86), HAS_POINTERS),
    KVM_XEN_HVM_GET_ATTR(ON_X86 ? kvm_x86_h.KVM_XEN_HVM_GET_ATTR() : 0, on(VM, Capability.XEN_HVM), pointer("kvm_xen_hvm_attr"), "5.12", in(X86), HAS_POINTERS),
    KVM_XEN_HVM_SET_ATTR(ON_X86 ? kvm_x86_h.KVM_XEN_HVM_SET_ATTR() : 0, on(VM, Capability.XEN_HVM), pointer("kvm_xen_hvm_attr"), "5.12", in(X86), HAS_POINTERS),
    KVM_XEN_VCPU_GET_ATTR(ON_X86 ? kvm_x86_h.KVM_XEN_VCPU_GET_ATTR() : 0, on(VCPU, Capability.XEN_HVM), pointer("kvm_xen_vcpu_attr"), "5.12", in(X86), HAS_POINTERS),
    KVM_XEN_VCPU_SET_ATTR(ON_X86 ? kvm_x86_h.KVM_XEN_VCPU_SET_ATTR() : 0, on(VCPU, Capability.XEN_HVM), pointer("kvm_xen_vcpu_attr"), "5.12", in(X86), HAS_POINTERS),
    KVM_XEN_HVM_EVTCHN_SEND(kvm_h.KVM_XEN_HVM_EVTCHN_SEND(), on(VM, Capability.XEN_HVM), pointer("kvm_irq_routing_xen_evtchn"), "", in(X86)),
    // arm64, always there
    KVM_ARM_VCPU_INIT(ON_ARM64 ? kvm_arm64_h.KVM_ARM_VCPU_INIT() : 0, on(VCPU), pointer("kvm_vcpu_init"), "3.9", in(ARM64)),
    KVM_ARM_PREFERRED_TARGET(ON_ARM64 ? kvm_arm64_h.KVM_ARM_PREFERRED_TARGET() : 0, on(VM), pointer("kvm_vcpu_init"), "3.13", in(ARM64)),
    // KVM_CAP_ARM_SET_DEVICE_ADDR; KVM_SET_DEVICE_ATTR has taken its place
    KVM_ARM_SET_DEVICE_ADDR(kvm_h.KVM_ARM_SET_DEVICE_ADDR(), on(VM, Capability.ARM_SET_DEVICE_ADDR), pointer("kvm_arm_device_addr"), "3.9", in(ARM64), OBSOLETE),
    // KVM_CAP_ARM_SVE
    KVM_ARM_VCPU_FINALIZE(kvm_h.KVM_ARM_VCPU_FINALIZE(), on(VCPU, Capability.ARM_SVE), pointer("int"), "5.2", in(ARM64)),
    // KVM_CAP_ARM_MTE
    KVM_ARM_MTE_COPY_TAGS(ON_ARM64 ? kvm_arm64_h.KVM_ARM_MTE_COPY_TAGS() : 0, on(VM, Capability.ARM_MTE), pointer("kvm_arm_copy_mte_tags"), "5.14", in(ARM64), HAS_POINTERS),
    // KVM_CAP_COUNTER_OFFSET
    KVM_ARM_SET_COUNTER_OFFSET(ON_ARM64 ? kvm_arm64_h.KVM_ARM_SET_COUNTER_OFFSET() : 0, on(VM, Capability.COUNTER_OFFSET), pointer("kvm_arm_counter_offset"), "6.4", in(ARM64)),
    // KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES
    KVM_ARM_GET_REG_WRITABLE_MASKS(ON_ARM64 ? kvm_arm64_h.KVM_ARM_GET_REG_WRITABLE_MASKS() : 0, on(VM, Capability.ARM_SUPPORTED_REG_MASK_RANGES), pointer("reg_mask_range"), "6.7", in(ARM64), HAS_POINTERS),
    // s390, always there; KVM_S390_ENABLE_SIE does nothing any more
    KVM_S390_ENABLE_SIE(kvm_h.KVM_S390_ENABLE_SIE(), on(SYSTEM), none(), "2.6.26", in(S390), OBSOLETE),
    KVM_S390_INTERRUPT(ON_S390 ? kvm_s390_h.KVM_S390_INTERRUPT() : 0, on(VCPU).and(VM), pointer("kvm_s390_interrupt"), "2.6.26", in(S390)),
    KVM_S390_STORE_STATUS(kvm_h.KVM_S390_STORE_STATUS(), on(VCPU), value(), "2.6.26", in(S390)),
    KVM_S390_SET_INITIAL_PSW(ON_S390 ? kvm_s390_h.KVM_S390_SET_INITIAL_PSW() : 0, on(VCPU), pointer("kvm_s390_psw"), "2.6.26", in(S390)),
    KVM_S390_INITIAL_RESET(kvm_h.KVM_S390_INITIAL_RESET(), on(VCPU), none(), "2.6.26", in(S390)),
    // KVM_CAP_S390_UCONTROL
    KVM_S390_UCAS_MAP(ON_S390 ? kvm_s390_h.KVM_S390_UCAS_MAP() : 0, on(VCPU, Capability.S390_UCONTROL), pointer("kvm_s390_ucas_mapping"), "3.4", in(S390), HAS_POINTERS),
    KVM_S390_UCAS_UNMAP(ON_S390 ? kvm_s390_h.KVM_S390_UCAS_UNMAP() : 0, on(VCPU, Capability.S390_UCONTROL), pointer("kvm_s390_ucas_mapping"), "3.4", in(S390), HAS_POINTERS),
    KVM_S390_VCPU_FAULT(kvm_h.KVM_S390_VCPU_FAULT(), on(VCPU, Capability.S390_UCONTROL), value(), "3.4", in(S390)),
    // KVM_CAP_S390_MEM_OP, on a VM descriptor KVM_CAP_S390_MEM_OP_EXTENSION
    KVM_S390_MEM_OP(ON_S390 ? kvm_s390_h.KVM_S390_MEM_OP() : 0, on(VCPU, Capability.S390_MEM_OP).and(VM, Capability.S390_MEM_OP_EXTENSION), pointer("kvm_s390_mem_op"), "4.1", in(S390), HAS_POINTERS),
    // KVM_CAP_S390_SKEYS
    KVM_S390_GET_SKEYS(ON_S390 ? kvm_s390_h.KVM_S390_GET_SKEYS() : 0, on(VM, Capability.S390_SKEYS), pointer("kvm_s390_skeys"), "4.1", in(S390), HAS_POINTERS),
    KVM_S390_SET_SKEYS(ON_S390 ? kvm_s390_h.KVM_S390_SET_SKEYS() : 0, on(VM, Capability.S390_SKEYS), pointer("kvm_s390_skeys"), "4.1", in(S390), HAS_POINTERS),
    // KVM_CAP_S390_INJECT_IRQ
    KVM_S390_IRQ(ON_S390 ? kvm_s390_h.KVM_S390_IRQ() : 0, on(VCPU, Capability.S390_INJECT_IRQ), pointer("kvm_s390_irq"), "4.1", in(S390)),
    // KVM_CAP_S390_IRQ_STATE
    KVM_S390_SET_IRQ_STATE(ON_S390 ? kvm_s390_h.KVM_S390_SET_IRQ_STATE() : 0, on(VCPU, Capability.S390_IRQ_STATE), pointer("kvm_s390_irq_state"), "4.1", in(S390), HAS_POINTERS),
    KVM_S390_GET_IRQ_STATE(ON_S390 ? kvm_s390_h.KVM_S390_GET_IRQ_STATE() : 0, on(VCPU, Capability.S390_IRQ_STATE), pointer("kvm_s390_irq_state"), "4.1", in(S390), HAS_POINTERS),
    // KVM_CAP_S390_CMMA_MIGRATION
    KVM_S390_GET_CMMA_BITS(ON_S390 ? kvm_s390_h.KVM_S390_GET_CMMA_BITS() : 0, on(VM, Capability.S390_CMMA_MIGRATION), pointer("kvm_s390_cmma_log"), "4.13", in(S390), HAS_POINTERS),
    KVM_S390_SET_CMMA_BITS(ON_S390 ? kvm_s390_h.KVM_S390_SET_CMMA_BITS() : 0, on(VM, Capability.S390_CMMA_MIGRATION), pointer("kvm_s390_cmma_log"), "4.13", in(S390), HAS_POINTERS),
    // KVM_CAP_S390_VCPU_RESETS
    KVM_S390_NORMAL_RESET(kvm_h.KVM_S390_NORMAL_RESET(), on(VCPU, Capability.S390_VCPU_RESETS), none(), "5.6", in(S390)),
    KVM_S390_CLEAR_RESET(kvm_h.KVM_S390_CLEAR_RESET(), on(VCPU, Capability.S390_VCPU_RESETS), none(), "5.6", in(S390)),
    // KVM_CAP_S390_PROTECTED
    KVM_S390_PV_COMMAND(ON_S390 ? kvm_s390_h.KVM_S390_PV_COMMAND() : 0, on(VM, Capability.S390_PROTECTED), pointer("kvm_pv_cmd"), "5.7", in(S390), HAS_POINTERS),
    // KVM_CAP_S390_PROTECTED_DUMP
    KVM_S390_PV_CPU_COMMAND(ON_S390 ? kvm_s390_h.KVM_S390_PV_CPU_COMMAND() : 0, on(VCPU, Capability.S390_PROTECTED_DUMP), pointer("kvm_pv_cmd"), "", in(S390), HAS_POINTERS),
    // KVM_CAP_S390_ZPCI_OP
    KVM_S390_ZPCI_OP(ON_S390 ? kvm_s390_h.KVM_S390_ZPCI_OP() : 0, on(VM, Capability.S390_ZPCI_OP), pointer("kvm_s390_zpci_op"), "6.0", in(S390)),
    // KVM_CAP_S390_KEYOP
    KVM_S390_KEYOP(kvm_h.KVM_S390_KEYOP(), on(VM, Capability.S390_KEYOP), pointer("kvm_s390_keyop"), "", in(S390)),
    // Power. What kvm_h has of it is encoded as on the other architectures: Power's own direction bits differ
    // KVM_CAP_PPC_GET_PVINFO
    KVM_PPC_GET_PVINFO(ON_PPC ? kvm_powerpc_h.KVM_PPC_GET_PVINFO() : 0, on(VM, Capability.PPC_GET_PVINFO), pointer("kvm_ppc_pvinfo"), "2.6.37", in(PPC)),
    // KVM_CAP_SPAPR_TCE
    KVM_CREATE_SPAPR_TCE(ON_PPC ? kvm_powerpc_h.KVM_CREATE_SPAPR_TCE() : 0, on(VM, Capability.SPAPR_TCE), pointer("kvm_create_spapr_tce"), "3.1", in(PPC), RETURNS_FD),
    // KVM_CAP_SPAPR_TCE_64
    KVM_CREATE_SPAPR_TCE_64(ON_PPC ? kvm_powerpc_h.KVM_CREATE_SPAPR_TCE_64() : 0, on(VM, Capability.SPAPR_TCE_64), pointer("kvm_create_spapr_tce_64"), "4.6", in(PPC), RETURNS_FD),
    // KVM_CAP_PPC_RMA; gone from the kernel
    KVM_ALLOCATE_RMA(ON_PPC ? kvm_powerpc_h.KVM_ALLOCATE_RMA() : 0, on(VM, Capability.PPC_RMA), pointer("kvm_allocate_rma"), "3.1", in(PPC), RETURNS_FD, OBSOLETE),
    // KVM_CAP_SW_TLB
    KVM_DIRTY_TLB(kvm_h.KVM_DIRTY_TLB(), on(VCPU, Capability.SW_TLB), pointer("kvm_dirty_tlb"), "3.4", in(PPC), HAS_POINTERS),
    // KVM_CAP_PPC_GET_SMMU_INFO
    KVM_PPC_GET_SMMU_INFO(ON_PPC ? kvm_powerpc_h.KVM_PPC_GET_SMMU_INFO() : 0, on(VM, Capability.PPC_GET_SMMU_INFO), pointer("kvm_ppc_smmu_info"), "3.5", in(PPC)),
    // KVM_CAP_PPC_ALLOC_HTAB
    KVM_PPC_ALLOCATE_HTAB(kvm_h.KVM_PPC_ALLOCATE_HTAB(), on(VM, Capability.PPC_ALLOC_HTAB), pointer("__u32"), "", in(PPC)),
    // KVM_CAP_PPC_HTAB_FD
    KVM_PPC_GET_HTAB_FD(ON_PPC ? kvm_powerpc_h.KVM_PPC_GET_HTAB_FD() : 0, on(VM, Capability.PPC_HTAB_FD), pointer("kvm_get_htab_fd"), "3.8", in(PPC), RETURNS_FD),
    // KVM_CAP_PPC_RTAS
    KVM_PPC_RTAS_DEFINE_TOKEN(ON_PPC ? kvm_powerpc_h.KVM_PPC_RTAS_DEFINE_TOKEN() : 0, on(VM, Capability.PPC_RTAS), pointer("kvm_rtas_token_args"), "3.10", in(PPC)),
    // KVM_CAP_SPAPR_RESIZE_HPT
    KVM_PPC_RESIZE_HPT_PREPARE(ON_PPC ? kvm_powerpc_h.KVM_PPC_RESIZE_HPT_PREPARE() : 0, on(VM, Capability.SPAPR_RESIZE_HPT), pointer("kvm_ppc_resize_hpt"), "4.11", in(PPC)),
    KVM_PPC_RESIZE_HPT_COMMIT(ON_PPC ? kvm_powerpc_h.KVM_PPC_RESIZE_HPT_COMMIT() : 0, on(VM, Capability.SPAPR_RESIZE_HPT), pointer("kvm_ppc_resize_hpt"), "4.11", in(PPC)),
    // KVM_CAP_PPC_MMU_RADIX or KVM_CAP_PPC_MMU_HASH_V3
    KVM_PPC_CONFIGURE_V3_MMU(ON_PPC ? kvm_powerpc_h.KVM_PPC_CONFIGURE_V3_MMU() : 0, on(VM, Capability.PPC_MMU_RADIX, Capability.PPC_MMU_HASH_V3), pointer("kvm_ppc_mmuv3_cfg"), "4.11", in(PPC)),
    // KVM_CAP_PPC_MMU_RADIX
    KVM_PPC_GET_RMMU_INFO(ON_PPC ? kvm_powerpc_h.KVM_PPC_GET_RMMU_INFO() : 0, on(VM, Capability.PPC_MMU_RADIX), pointer("kvm_ppc_rmmu_info"), "4.11", in(PPC)),
    // KVM_CAP_PPC_GET_CPU_CHAR
    KVM_PPC_GET_CPU_CHAR(ON_PPC ? kvm_powerpc_h.KVM_PPC_GET_CPU_CHAR() : 0, on(VM, Capability.PPC_GET_CPU_CHAR), pointer("kvm_ppc_cpu_char"), "", in(PPC)),
    // Without a capability
    KVM_PPC_SVM_OFF(kvm_h.KVM_PPC_SVM_OFF(), on(VM), none(), "5.6", in(PPC));

    // @formatter:on

    /** What else there is to know of an ioctl. */
    public enum Mark {
        /** Its structure has room for user-space addresses, whatever the kernel does with them. */
        HAS_POINTERS,
        /** It is the run loop's and the kick's own business, and nobody else's. */
        LIBRARY_OWNS,
        /** It makes a descriptor: returned, or written into its structure. */
        RETURNS_FD,
        /** It is gone from the kernel, does nothing, is called obsolete or deprecated by the documentation, or has a successor. */
        OBSOLETE
    }

    /** The kinds of descriptor that take an ioctl, each with the capabilities that announce it there. */
    private static final class On {

        private final Map<FdKind, List<Capability>> announcers = new LinkedHashMap<>();

        On and(FdKind kind, Capability... anyOf) {
            announcers.put(kind, List.of(anyOf));
            return this;
        }
    }

    private final long number;
    private final Map<FdKind, List<Capability>> announcers;
    private final Argument argument;
    private final String since;
    private final Set<Capability.Arch> architectures;
    private final Set<Mark> marks;

    Ioctl(long number, On on, Argument argument, String since, Set<Capability.Arch> architectures, Mark... marks) {
        // jextract makes an int of the numbers that fit one, a long of the others.
        this.number = number & 0xffff_ffffL;
        this.announcers = Collections.unmodifiableMap(on.announcers);
        this.argument = argument;
        this.since = since;
        this.architectures = architectures;
        this.marks = Set.of(marks);
    }

    private static On on(FdKind kind, Capability... anyOf) {
        return new On().and(kind, anyOf);
    }

    private static Set<Capability.Arch> in(Capability.Arch first, Capability.Arch... others) {
        return Collections.unmodifiableSet(EnumSet.of(first, others));
    }

    /** The number, unsigned; 0 if the header has none for the host's architecture. */
    public long number() {
        return number;
    }

    /** The kinds of descriptor on which it may be issued, the usual one first. */
    public Set<FdKind> kinds() {
        return announcers.keySet();
    }

    /** The capabilities of which any one announces it on such a descriptor; none if it is always there. */
    public List<Capability> capabilities(FdKind kind) {
        return announcers.getOrDefault(kind, List.of());
    }

    /** What it takes. */
    public Argument argument() {
        return argument;
    }

    /** The first kernel with API version 12 that has it, if that is known. */
    public Optional<String> since() {
        return since.isEmpty() ? Optional.empty() : Optional.of(since);
    }

    /** The architectures whose KVM implements it, or did. */
    public Set<Capability.Arch> architectures() {
        return architectures;
    }

    /** What else there is to know. */
    public Set<Mark> marks() {
        return marks;
    }
}
