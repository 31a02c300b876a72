package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.X86Exit;

/** KVM_EXIT_NOTIFY. */
public final class NotifyWindow extends Flyweight implements X86Exit.Notify {

    private static final long FLAGS = kvm_run.notify$offset() + kvm_run.notify.flags$offset();

    private int flags;

    NotifyWindow() {
    }

    @Override
    void load(RunPage run) {
        flags = run.getInt(FLAGS);
    }

    @Override
    public boolean isContextInvalid() {
        return (flags & kvm_h.KVM_NOTIFY_CONTEXT_INVALID()) != 0;
    }

    @Override
    public int flags() {
        return flags;
    }

    @Override
    public String toString() {
        return String.format("Notify[flags 0x%x]", flags);
    }
}
