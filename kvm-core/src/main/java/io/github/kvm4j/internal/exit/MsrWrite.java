package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.X86Exit;

/** KVM_EXIT_X86_WRMSR. */
public final class MsrWrite extends MsrAccess implements X86Exit.Wrmsr {

    private long value;

    MsrWrite() {
    }

    @Override
    void load(RunPage run) {
        super.load(run);
        value = run.getLong(DATA);
    }

    @Override
    public long value() {
        return value;
    }

    @Override
    public void accept() {
        allow();
    }

    @Override
    public String toString() {
        return String.format("Wrmsr%s: %x", access(), value);
    }
}
