package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_debug_exit_arch;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.X86Exit;

/** KVM_EXIT_DEBUG on x86. */
public final class X86Stop extends Flyweight implements X86Exit.Debug {

    private static final long ARCH = kvm_run.debug$offset() + kvm_run.debug.arch$offset();
    private static final long EXCEPTION = ARCH + kvm_debug_exit_arch.exception$offset();
    private static final long PC = ARCH + kvm_debug_exit_arch.pc$offset();
    private static final long DR6 = ARCH + kvm_debug_exit_arch.dr6$offset();
    private static final long DR7 = ARCH + kvm_debug_exit_arch.dr7$offset();

    private int exception;
    private long pc;
    private long dr6;
    private long dr7;

    X86Stop() {
    }

    @Override
    void load(RunPage run) {
        exception = run.getInt(EXCEPTION);
        pc = run.getLong(PC);
        dr6 = run.getLong(DR6);
        dr7 = run.getLong(DR7);
    }

    @Override
    public int exception() {
        return exception;
    }

    @Override
    public long pc() {
        return pc;
    }

    @Override
    public long dr6() {
        return dr6;
    }

    @Override
    public long dr7() {
        return dr7;
    }

    @Override
    public String toString() {
        return String.format("Debug[exception %d at 0x%x, DR6 0x%x, DR7 0x%x]", exception, pc, dr6, dr7);
    }
}
