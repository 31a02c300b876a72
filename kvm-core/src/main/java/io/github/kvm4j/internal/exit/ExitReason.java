package io.github.kvm4j.internal.exit;

import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.exit.Arm64Exit;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.HypervExit;
import io.github.kvm4j.exit.LoongarchExit;
import io.github.kvm4j.exit.PpcExit;
import io.github.kvm4j.exit.RiscvExit;
import io.github.kvm4j.exit.S390Exit;
import io.github.kvm4j.exit.TdxExit;
import io.github.kvm4j.exit.X86Exit;

/**
 * Every KVM_EXIT_ reason of the header, with its type, or with why it has none. One without a type would come as
 * {@link Exit.Unknown}, with its payload.
 */
public enum ExitReason {

    // @formatter:off
    KVM_EXIT_UNKNOWN(kvm_h.KVM_EXIT_UNKNOWN(), Exit.UnknownHardware.class),
    KVM_EXIT_EXCEPTION(kvm_h.KVM_EXIT_EXCEPTION(), X86Exit.Exception.class),
    KVM_EXIT_IO(kvm_h.KVM_EXIT_IO(), Exit.Io.class),
    KVM_EXIT_HYPERCALL(kvm_h.KVM_EXIT_HYPERCALL(), Exit.Hypercall.class),
    KVM_EXIT_DEBUG(kvm_h.KVM_EXIT_DEBUG(), Exit.Debug.class),
    KVM_EXIT_HLT(kvm_h.KVM_EXIT_HLT(), Exit.Hlt.class),
    KVM_EXIT_MMIO(kvm_h.KVM_EXIT_MMIO(), Exit.Mmio.class),
    KVM_EXIT_IRQ_WINDOW_OPEN(kvm_h.KVM_EXIT_IRQ_WINDOW_OPEN(), X86Exit.IrqWindowOpen.class),
    KVM_EXIT_SHUTDOWN(kvm_h.KVM_EXIT_SHUTDOWN(), Exit.Shutdown.class),
    KVM_EXIT_FAIL_ENTRY(kvm_h.KVM_EXIT_FAIL_ENTRY(), Exit.FailEntry.class),
    KVM_EXIT_INTR(kvm_h.KVM_EXIT_INTR(), "comes with EINTR, which is Exit.Interrupted or retried"),
    KVM_EXIT_SET_TPR(kvm_h.KVM_EXIT_SET_TPR(), X86Exit.SetTpr.class),
    KVM_EXIT_TPR_ACCESS(kvm_h.KVM_EXIT_TPR_ACCESS(), X86Exit.TprAccess.class),
    KVM_EXIT_S390_SIEIC(kvm_h.KVM_EXIT_S390_SIEIC(), S390Exit.Sieic.class),
    KVM_EXIT_S390_RESET(kvm_h.KVM_EXIT_S390_RESET(), S390Exit.Reset.class),
    KVM_EXIT_DCR(kvm_h.KVM_EXIT_DCR(), PpcExit.Dcr.class),
    KVM_EXIT_NMI(kvm_h.KVM_EXIT_NMI(), X86Exit.Nmi.class),
    KVM_EXIT_INTERNAL_ERROR(kvm_h.KVM_EXIT_INTERNAL_ERROR(), Exit.InternalError.class),
    KVM_EXIT_OSI(kvm_h.KVM_EXIT_OSI(), PpcExit.Osi.class),
    KVM_EXIT_PAPR_HCALL(kvm_h.KVM_EXIT_PAPR_HCALL(), PpcExit.PaprHcall.class),
    KVM_EXIT_S390_UCONTROL(kvm_h.KVM_EXIT_S390_UCONTROL(), S390Exit.Ucontrol.class),
    KVM_EXIT_WATCHDOG(kvm_h.KVM_EXIT_WATCHDOG(), PpcExit.Watchdog.class),
    KVM_EXIT_S390_TSCH(kvm_h.KVM_EXIT_S390_TSCH(), S390Exit.Tsch.class),
    KVM_EXIT_EPR(kvm_h.KVM_EXIT_EPR(), PpcExit.Epr.class),
    KVM_EXIT_SYSTEM_EVENT(kvm_h.KVM_EXIT_SYSTEM_EVENT(), Exit.SystemEvent.class),
    KVM_EXIT_S390_STSI(kvm_h.KVM_EXIT_S390_STSI(), S390Exit.Stsi.class),
    KVM_EXIT_IOAPIC_EOI(kvm_h.KVM_EXIT_IOAPIC_EOI(), X86Exit.IoapicEoi.class),
    KVM_EXIT_HYPERV(kvm_h.KVM_EXIT_HYPERV(), HypervExit.class),
    KVM_EXIT_ARM_NISV(kvm_h.KVM_EXIT_ARM_NISV(), Arm64Exit.Nisv.class),
    KVM_EXIT_X86_RDMSR(kvm_h.KVM_EXIT_X86_RDMSR(), X86Exit.Rdmsr.class),
    KVM_EXIT_X86_WRMSR(kvm_h.KVM_EXIT_X86_WRMSR(), X86Exit.Wrmsr.class),
    KVM_EXIT_DIRTY_RING_FULL(kvm_h.KVM_EXIT_DIRTY_RING_FULL(), Exit.DirtyRingFull.class),
    KVM_EXIT_AP_RESET_HOLD(kvm_h.KVM_EXIT_AP_RESET_HOLD(), X86Exit.ApResetHold.class),
    KVM_EXIT_X86_BUS_LOCK(kvm_h.KVM_EXIT_X86_BUS_LOCK(), X86Exit.BusLock.class),
    KVM_EXIT_XEN(kvm_h.KVM_EXIT_XEN(), X86Exit.Xen.class),
    KVM_EXIT_RISCV_SBI(kvm_h.KVM_EXIT_RISCV_SBI(), RiscvExit.Sbi.class),
    KVM_EXIT_RISCV_CSR(kvm_h.KVM_EXIT_RISCV_CSR(), RiscvExit.Csr.class),
    KVM_EXIT_NOTIFY(kvm_h.KVM_EXIT_NOTIFY(), X86Exit.Notify.class),
    KVM_EXIT_LOONGARCH_IOCSR(kvm_h.KVM_EXIT_LOONGARCH_IOCSR(), LoongarchExit.Iocsr.class),
    KVM_EXIT_MEMORY_FAULT(kvm_h.KVM_EXIT_MEMORY_FAULT(), Exit.MemoryFault.class),
    KVM_EXIT_TDX(kvm_h.KVM_EXIT_TDX(), TdxExit.class),
    KVM_EXIT_ARM_SEA(kvm_h.KVM_EXIT_ARM_SEA(), Arm64Exit.Sea.class),
    KVM_EXIT_ARM_LDST64B(kvm_h.KVM_EXIT_ARM_LDST64B(), Arm64Exit.Ldst64b.class),
    KVM_EXIT_SNP_REQ_CERTS(kvm_h.KVM_EXIT_SNP_REQ_CERTS(), X86Exit.SnpReqCerts.class);
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
