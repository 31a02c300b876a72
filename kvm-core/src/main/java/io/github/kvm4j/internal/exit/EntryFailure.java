package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;

/** KVM_EXIT_FAIL_ENTRY. */
public final class EntryFailure extends Flyweight implements Exit.FailEntry {

    private static final long FAIL_ENTRY = kvm_run.fail_entry$offset();
    private static final long REASON = FAIL_ENTRY + kvm_run.fail_entry.hardware_entry_failure_reason$offset();
    private static final long CPU = FAIL_ENTRY + kvm_run.fail_entry.cpu$offset();

    private long hardwareReason;
    private int cpu;

    EntryFailure() {
    }

    @Override
    void load(RunPage run) {
        hardwareReason = run.getLong(REASON);
        cpu = run.getInt(CPU);
    }

    @Override
    public long hardwareReason() {
        return hardwareReason;
    }

    @Override
    public int cpu() {
        return cpu;
    }

    @Override
    public String toString() {
        return String.format("FailEntry[hardware reason 0x%x, CPU %d]", hardwareReason, cpu);
    }
}
