package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.X86Exit.Msr.Cause;

/** What KVM_EXIT_X86_RDMSR and KVM_EXIT_X86_WRMSR share. An access that nobody allows is refused. */
abstract class MsrAccess extends Flyweight {

    private static final long MSR = kvm_run.msr$offset();
    private static final long ERROR = MSR + kvm_run.msr.error$offset();
    private static final long REASON = MSR + kvm_run.msr.reason$offset();
    private static final long INDEX = MSR + kvm_run.msr.index$offset();
    static final long DATA = MSR + kvm_run.msr.data$offset();

    private int index;
    private int reason;
    private boolean refused;

    MsrAccess() {
    }

    @Override
    void load(RunPage run) {
        index = run.getInt(INDEX);
        reason = run.getInt(REASON);
        refused = true;
    }

    @Override
    void complete(RunPage run) {
        run.setByte(ERROR, (byte) (refused ? 1 : 0));
    }

    final void allow() {
        requireCurrent();
        refused = false;
    }

    public final void refuse() {
        requireCurrent();
        refused = true;
    }

    public final int index() {
        return index;
    }

    public final int reason() {
        return reason;
    }

    public final Cause cause() {
        if (reason == Cause.INVALID.bit()) {
            return Cause.INVALID;
        } else if (reason == Cause.NO_SUCH_MSR.bit()) {
            return Cause.NO_SUCH_MSR;
        } else if (reason == Cause.FILTERED.bit()) {
            return Cause.FILTERED;
        }
        return Cause.UNKNOWN;
    }

    final String access() {
        return String.format("[0x%x, %s]", index, cause());
    }
}
