package io.github.kvm4j.internal.exit;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.internal.sys.Architecture;

/** Makes the object of an exit reason, when a vCPU first needs it. */
final class Kinds {

    private Kinds() {
    }

    /** One for a reason's exits, or null where {@link ExitReason} says that there is no type. */
    static @Nullable Flyweight create(int number) {
        ExitReason reason = ExitReason.of(number);
        if (reason == null) {
            return null;
        }
        return switch (reason) {
            case KVM_EXIT_UNKNOWN -> new HardwareExit();
            case KVM_EXIT_EXCEPTION -> new GuestException();
            case KVM_EXIT_IO -> new PortAccess();
            case KVM_EXIT_HYPERCALL -> new GuestCall();
            case KVM_EXIT_DEBUG -> stop();
            case KVM_EXIT_HLT -> new Bare.Hlt();
            case KVM_EXIT_MMIO -> new MmioAccess();
            case KVM_EXIT_IRQ_WINDOW_OPEN -> new Bare.IrqWindowOpen();
            case KVM_EXIT_SHUTDOWN -> new Bare.Shutdown();
            case KVM_EXIT_FAIL_ENTRY -> new EntryFailure();
            case KVM_EXIT_INTR -> null;
            case KVM_EXIT_SET_TPR -> new TprDrop();
            case KVM_EXIT_TPR_ACCESS -> new TprTouch();
            case KVM_EXIT_S390_SIEIC -> new Raw.Sieic();
            case KVM_EXIT_S390_RESET -> new Raw.Reset();
            case KVM_EXIT_DCR -> new Raw.Dcr();
            case KVM_EXIT_NMI -> new Bare.Nmi();
            case KVM_EXIT_INTERNAL_ERROR -> new InternalFailure();
            case KVM_EXIT_OSI -> new Raw.Osi();
            case KVM_EXIT_PAPR_HCALL -> new Raw.PaprHcall();
            case KVM_EXIT_S390_UCONTROL -> new Raw.Ucontrol();
            case KVM_EXIT_WATCHDOG -> new Raw.Watchdog();
            case KVM_EXIT_S390_TSCH -> new Raw.Tsch();
            case KVM_EXIT_EPR -> new Raw.Epr();
            case KVM_EXIT_SYSTEM_EVENT -> new SystemNotice();
            case KVM_EXIT_S390_STSI -> new Raw.Stsi();
            case KVM_EXIT_IOAPIC_EOI -> new EndOfInterrupt();
            case KVM_EXIT_HYPERV -> new Variants.Hyperv();
            case KVM_EXIT_ARM_NISV -> new UndecodedAccess.Nisv();
            case KVM_EXIT_X86_RDMSR -> new MsrRead();
            case KVM_EXIT_X86_WRMSR -> new MsrWrite();
            case KVM_EXIT_DIRTY_RING_FULL -> new Bare.DirtyRingFull();
            case KVM_EXIT_AP_RESET_HOLD -> new Bare.ApResetHold();
            case KVM_EXIT_X86_BUS_LOCK -> new Bare.BusLock();
            case KVM_EXIT_XEN -> new Variants.Xen();
            case KVM_EXIT_RISCV_SBI -> new SbiCall();
            case KVM_EXIT_RISCV_CSR -> new CsrAccess();
            case KVM_EXIT_NOTIFY -> new NotifyWindow();
            case KVM_EXIT_LOONGARCH_IOCSR -> new IocsrAccess();
            case KVM_EXIT_MEMORY_FAULT -> new MemoryAbort();
            case KVM_EXIT_TDX -> new Variants.Tdx();
            case KVM_EXIT_ARM_SEA -> new ExternalAbort();
            case KVM_EXIT_ARM_LDST64B -> new UndecodedAccess.Ldst64b();
            case KVM_EXIT_SNP_REQ_CERTS -> new CertificateRequest();
        };
    }

    /** The one payload that every architecture lays out in its own way. */
    private static Flyweight stop() {
        if (Architecture.ON_ARM64) {
            return new ArmStop();
        }
        return Architecture.ON_RISCV ? new Bare.Debug() : new X86Stop();
    }
}
