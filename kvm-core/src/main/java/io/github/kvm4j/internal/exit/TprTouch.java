package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.X86Exit;

/** KVM_EXIT_TPR_ACCESS. */
public final class TprTouch extends Flyweight implements X86Exit.TprAccess {

    private static final long TPR_ACCESS = kvm_run.tpr_access$offset();
    private static final long RIP = TPR_ACCESS + kvm_run.tpr_access.rip$offset();
    private static final long IS_WRITE = TPR_ACCESS + kvm_run.tpr_access.is_write$offset();

    private long rip;
    private boolean write;

    TprTouch() {
    }

    @Override
    void load(RunPage run) {
        rip = run.getLong(RIP);
        write = run.getInt(IS_WRITE) != 0;
    }

    @Override
    public long rip() {
        return rip;
    }

    @Override
    public boolean isWrite() {
        return write;
    }

    @Override
    public String toString() {
        return String.format("TprAccess[%s at 0x%x]", write ? "write" : "read", rip);
    }
}
