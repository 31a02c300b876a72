package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Arm64Exit;

/** KVM_EXIT_ARM_NISV and KVM_EXIT_ARM_LDST64B, whose payload is the same. */
public abstract class UndecodedAccess extends Flyweight {

    private static final long NISV = kvm_run.arm_nisv$offset();
    private static final long SYNDROME = NISV + kvm_run.arm_nisv.esr_iss$offset();
    private static final long ADDRESS = NISV + kvm_run.arm_nisv.fault_ipa$offset();

    private long syndrome;
    private long address;

    UndecodedAccess() {
    }

    @Override
    final void load(RunPage run) {
        syndrome = run.getLong(SYNDROME);
        address = run.getLong(ADDRESS);
    }

    /** Implements {@link Arm64Exit.Undecoded#syndrome()}. */
    public final long syndrome() {
        return syndrome;
    }

    /** Implements {@link Arm64Exit.Undecoded#address()}. */
    public final long address() {
        return address;
    }

    @Override
    public final String toString() {
        return String.format("%s[0x%x, syndrome 0x%x]", getClass().getSimpleName(), address, syndrome);
    }

    /** KVM_EXIT_ARM_NISV. */
    public static final class Nisv extends UndecodedAccess implements Arm64Exit.Nisv {
    }

    /** KVM_EXIT_ARM_LDST64B. */
    public static final class Ldst64b extends UndecodedAccess implements Arm64Exit.Ldst64b {
    }
}
