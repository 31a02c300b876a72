package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.X86Exit;

/** KVM_EXIT_X86_RDMSR. */
public final class MsrRead extends MsrAccess implements X86Exit.Rdmsr {

    private long value;

    MsrRead() {
    }

    @Override
    void load(RunPage run) {
        super.load(run);
        value = 0;
    }

    @Override
    void complete(RunPage run) {
        super.complete(run);
        run.setLong(DATA, value);
    }

    @Override
    public void answer(long newValue) {
        allow();
        value = newValue;
    }

    @Override
    public String toString() {
        return "Rdmsr" + access();
    }
}
