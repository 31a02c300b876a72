package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;

/** KVM_EXIT_UNKNOWN. */
public final class HardwareExit extends Flyweight implements Exit.UnknownHardware {

    private static final long REASON = kvm_run.hw$offset() + kvm_run.hw.hardware_exit_reason$offset();

    private long hardwareReason;

    HardwareExit() {
    }

    @Override
    void load(RunPage run) {
        hardwareReason = run.getLong(REASON);
    }

    @Override
    public long hardwareReason() {
        return hardwareReason;
    }

    @Override
    public String toString() {
        return String.format("UnknownHardware[hardware reason 0x%x]", hardwareReason);
    }
}
