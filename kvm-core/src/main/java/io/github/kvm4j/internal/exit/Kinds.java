package io.github.kvm4j.internal.exit;

import org.jspecify.annotations.Nullable;

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
            case KVM_EXIT_IO -> new PortAccess();
            case KVM_EXIT_MMIO -> new MmioAccess();
            case KVM_EXIT_HLT -> new Bare.Hlt();
            case KVM_EXIT_SHUTDOWN -> new Bare.Shutdown();
            case KVM_EXIT_FAIL_ENTRY -> new EntryFailure();
            case KVM_EXIT_INTERNAL_ERROR -> new InternalFailure();
            case KVM_EXIT_SYSTEM_EVENT -> new SystemNotice();
            case KVM_EXIT_MEMORY_FAULT -> new MemoryAbort();
            case KVM_EXIT_RISCV_SBI -> new SbiCall();
            default -> null;
        };
    }
}
