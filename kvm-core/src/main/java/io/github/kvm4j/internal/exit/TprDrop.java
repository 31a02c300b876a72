package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.X86Exit;

/** KVM_EXIT_SET_TPR. */
public final class TprDrop extends Flyweight implements X86Exit.SetTpr {

    private long cr8;

    TprDrop() {
    }

    @Override
    void load(RunPage run) {
        cr8 = run.cr8();
    }

    @Override
    public long cr8() {
        return cr8;
    }

    @Override
    public String toString() {
        return "SetTpr[CR8 " + cr8 + "]";
    }
}
