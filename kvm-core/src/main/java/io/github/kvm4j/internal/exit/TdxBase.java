package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;

/** What the kinds of KVM_EXIT_TDX share. The result is what KVM preset until there is an answer. */
abstract class TdxBase extends Flyweight {

    private static final long TDX = kvm_run.tdx$offset();
    private static final long FLAGS = TDX + kvm_run.tdx.flags$offset();
    static final long NUMBER = TDX + kvm_run.tdx.nr$offset();

    /** Where the union of the calls begins, with the result, in each of them. */
    static final long CALL = TDX + kvm_run.tdx.unknown$offset();
    private static final long RESULT = CALL + kvm_run.tdx.unknown.ret$offset();

    private long number;
    private long flags;
    private long status;

    TdxBase() {
    }

    @Override
    void load(RunPage run) {
        number = run.getLong(NUMBER);
        flags = run.getLong(FLAGS);
        status = run.getLong(RESULT);
    }

    @Override
    void complete(RunPage run) {
        run.setLong(RESULT, status);
    }

    public final long number() {
        return number;
    }

    public final long flags() {
        return flags;
    }

    public final void answer(long newStatus) {
        requireCurrent();
        status = newStatus;
    }
}
