package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Arm64Exit;

/** KVM_EXIT_ARM_SEA. */
public final class ExternalAbort extends Flyweight implements Arm64Exit.Sea {

    private static final long SEA = kvm_run.arm_sea$offset();
    private static final long FLAGS = SEA + kvm_run.arm_sea.flags$offset();
    private static final long SYNDROME = SEA + kvm_run.arm_sea.esr$offset();
    private static final long VIRTUAL_ADDRESS = SEA + kvm_run.arm_sea.gva$offset();
    private static final long ADDRESS = SEA + kvm_run.arm_sea.gpa$offset();

    private long flags;
    private long syndrome;
    private long virtualAddress;
    private long address;

    ExternalAbort() {
    }

    @Override
    void load(RunPage run) {
        flags = run.getLong(FLAGS);
        syndrome = run.getLong(SYNDROME);
        virtualAddress = run.getLong(VIRTUAL_ADDRESS);
        address = run.getLong(ADDRESS);
    }

    @Override
    public long flags() {
        return flags;
    }

    @Override
    public long syndrome() {
        return syndrome;
    }

    @Override
    public long virtualAddress() {
        return virtualAddress;
    }

    @Override
    public long address() {
        return address;
    }

    @Override
    public boolean isAddressValid() {
        return (flags & kvm_h.KVM_EXIT_ARM_SEA_FLAG_GPA_VALID()) != 0;
    }

    @Override
    public String toString() {
        return String.format("Sea[syndrome 0x%x, guest-virtual 0x%x, guest-physical %s]", syndrome, virtualAddress,
                isAddressValid() ? "0x" + Long.toHexString(address) : "unknown");
    }
}
