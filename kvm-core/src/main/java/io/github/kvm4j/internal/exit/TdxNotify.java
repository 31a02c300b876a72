package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.TdxExit;

/** KVM_EXIT_TDX with TDVMCALL_SETUP_EVENT_NOTIFY_INTERRUPT. */
public final class TdxNotify extends TdxBase implements TdxExit.SetupEventNotify {

    private static final long VECTOR = CALL + kvm_run.tdx.setup_event_notify.vector$offset();

    private long vector;

    TdxNotify() {
    }

    @Override
    void load(RunPage run) {
        super.load(run);
        vector = run.getLong(VECTOR);
    }

    @Override
    public long vector() {
        return vector;
    }

    @Override
    public String toString() {
        return String.format("SetupEventNotify[vector 0x%x]", vector);
    }
}
