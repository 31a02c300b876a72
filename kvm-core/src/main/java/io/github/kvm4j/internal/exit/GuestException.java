package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.X86Exit;

/** KVM_EXIT_EXCEPTION. */
public final class GuestException extends Flyweight implements X86Exit.Exception {

    private static final long EX = kvm_run.ex$offset();
    private static final long EXCEPTION = EX + kvm_run.ex.exception$offset();
    private static final long ERROR_CODE = EX + kvm_run.ex.error_code$offset();

    private int exception;
    private int errorCode;

    GuestException() {
    }

    @Override
    void load(RunPage run) {
        exception = run.getInt(EXCEPTION);
        errorCode = run.getInt(ERROR_CODE);
    }

    @Override
    public int exception() {
        return exception;
    }

    @Override
    public int errorCode() {
        return errorCode;
    }

    @Override
    public String toString() {
        return String.format("Exception[%d, error code 0x%x]", exception, errorCode);
    }
}
