package io.github.kvm4j.internal.exit;

import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.RiscvExit;

/**
 * Every KVM_EXIT_ reason of the header, with its type, or with why it has none. One without a type comes as
 * {@link Exit.Unknown}, with its payload.
 */
public enum ExitReason {

    // @formatter:off
    KVM_EXIT_UNKNOWN(kvm_h.KVM_EXIT_UNKNOWN(), "Exit.Unknown is its type: a hardware exit that KVM itself does not know"),
    KVM_EXIT_EXCEPTION(kvm_h.KVM_EXIT_EXCEPTION(), "no type yet"),
    KVM_EXIT_IO(kvm_h.KVM_EXIT_IO(), Exit.Io.class),
    KVM_EXIT_HYPERCALL(kvm_h.KVM_EXIT_HYPERCALL(), "no type yet"),
    KVM_EXIT_DEBUG(kvm_h.KVM_EXIT_DEBUG(), "no type yet"),
    KVM_EXIT_HLT(kvm_h.KVM_EXIT_HLT(), Exit.Hlt.class),
    KVM_EXIT_MMIO(kvm_h.KVM_EXIT_MMIO(), Exit.Mmio.class),
    KVM_EXIT_IRQ_WINDOW_OPEN(kvm_h.KVM_EXIT_IRQ_WINDOW_OPEN(), "no type yet"),
    KVM_EXIT_SHUTDOWN(kvm_h.KVM_EXIT_SHUTDOWN(), Exit.Shutdown.class),
    KVM_EXIT_FAIL_ENTRY(kvm_h.KVM_EXIT_FAIL_ENTRY(), Exit.FailEntry.class),
    KVM_EXIT_INTR(kvm_h.KVM_EXIT_INTR(), "comes with EINTR, which is Exit.Interrupted or retried"),
    KVM_EXIT_SET_TPR(kvm_h.KVM_EXIT_SET_TPR(), "no type yet"),
    KVM_EXIT_TPR_ACCESS(kvm_h.KVM_EXIT_TPR_ACCESS(), "no type yet"),
    KVM_EXIT_S390_SIEIC(kvm_h.KVM_EXIT_S390_SIEIC(), "s390: no typed interfaces"),
    KVM_EXIT_S390_RESET(kvm_h.KVM_EXIT_S390_RESET(), "s390: no typed interfaces"),
    KVM_EXIT_DCR(kvm_h.KVM_EXIT_DCR(), "PowerPC 440: gone from the kernel"),
    KVM_EXIT_NMI(kvm_h.KVM_EXIT_NMI(), "no type yet"),
    KVM_EXIT_INTERNAL_ERROR(kvm_h.KVM_EXIT_INTERNAL_ERROR(), Exit.InternalError.class),
    KVM_EXIT_OSI(kvm_h.KVM_EXIT_OSI(), "PowerPC: no typed interfaces"),
    KVM_EXIT_PAPR_HCALL(kvm_h.KVM_EXIT_PAPR_HCALL(), "PowerPC: no typed interfaces"),
    KVM_EXIT_S390_UCONTROL(kvm_h.KVM_EXIT_S390_UCONTROL(), "s390: no typed interfaces"),
    KVM_EXIT_WATCHDOG(kvm_h.KVM_EXIT_WATCHDOG(), "PowerPC: no typed interfaces"),
    KVM_EXIT_S390_TSCH(kvm_h.KVM_EXIT_S390_TSCH(), "s390: no typed interfaces"),
    KVM_EXIT_EPR(kvm_h.KVM_EXIT_EPR(), "PowerPC: no typed interfaces"),
    KVM_EXIT_SYSTEM_EVENT(kvm_h.KVM_EXIT_SYSTEM_EVENT(), Exit.SystemEvent.class),
    KVM_EXIT_S390_STSI(kvm_h.KVM_EXIT_S390_STSI(), "s390: no typed interfaces"),
    KVM_EXIT_IOAPIC_EOI(kvm_h.KVM_EXIT_IOAPIC_EOI(), "no type yet"),
    KVM_EXIT_HYPERV(kvm_h.KVM_EXIT_HYPERV(), "no type yet"),
    KVM_EXIT_ARM_NISV(kvm_h.KVM_EXIT_ARM_NISV(), "no type yet"),
    KVM_EXIT_X86_RDMSR(kvm_h.KVM_EXIT_X86_RDMSR(), "no type yet"),
    KVM_EXIT_X86_WRMSR(kvm_h.KVM_EXIT_X86_WRMSR(), "no type yet"),
    KVM_EXIT_DIRTY_RING_FULL(kvm_h.KVM_EXIT_DIRTY_RING_FULL(), "no type yet"),
    KVM_EXIT_AP_RESET_HOLD(kvm_h.KVM_EXIT_AP_RESET_HOLD(), "no type yet"),
    KVM_EXIT_X86_BUS_LOCK(kvm_h.KVM_EXIT_X86_BUS_LOCK(), "no type yet"),
    KVM_EXIT_XEN(kvm_h.KVM_EXIT_XEN(), "no type yet"),
    KVM_EXIT_RISCV_SBI(kvm_h.KVM_EXIT_RISCV_SBI(), RiscvExit.Sbi.class),
    KVM_EXIT_RISCV_CSR(kvm_h.KVM_EXIT_RISCV_CSR(), "no type yet"),
    KVM_EXIT_NOTIFY(kvm_h.KVM_EXIT_NOTIFY(), "no type yet"),
    KVM_EXIT_LOONGARCH_IOCSR(kvm_h.KVM_EXIT_LOONGARCH_IOCSR(), "LoongArch: no type yet"),
    KVM_EXIT_MEMORY_FAULT(kvm_h.KVM_EXIT_MEMORY_FAULT(), Exit.MemoryFault.class),
    KVM_EXIT_TDX(kvm_h.KVM_EXIT_TDX(), "no type yet"),
    KVM_EXIT_ARM_SEA(kvm_h.KVM_EXIT_ARM_SEA(), "no type yet"),
    KVM_EXIT_ARM_LDST64B(kvm_h.KVM_EXIT_ARM_LDST64B(), "no type yet"),
    KVM_EXIT_SNP_REQ_CERTS(kvm_h.KVM_EXIT_SNP_REQ_CERTS(), "no type yet");
    // @formatter:on

    private final int number;
    private final @Nullable Class<? extends Exit> type;
    private final String withoutType;

    ExitReason(int number, Class<? extends Exit> type) {
        this.number = number;
        this.type = type;
        this.withoutType = "";
    }

    ExitReason(int number, String withoutType) {
        this.number = number;
        this.type = null;
        this.withoutType = withoutType;
    }

    /** The kernel's number. */
    public int number() {
        return number;
    }

    /** Its type, if it has one. */
    public Optional<Class<? extends Exit>> type() {
        return Optional.ofNullable(type);
    }

    /** Why it has none; empty if it has one. */
    public String withoutType() {
        return withoutType;
    }

    /** The reason of a number, or null where the header has none. */
    static @Nullable ExitReason of(int number) {
        for (ExitReason reason : values()) {
            if (reason.number == number) {
                return reason;
            }
        }
        return null;
    }

    /** The name of a reason, or its number where the header has none. */
    static String name(int number) {
        ExitReason reason = of(number);
        return reason == null ? "reason " + number : reason.name();
    }
}
