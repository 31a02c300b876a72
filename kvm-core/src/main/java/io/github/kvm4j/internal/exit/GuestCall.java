package io.github.kvm4j.internal.exit;

import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.bindings.x86.kvm_x86_h;
import io.github.kvm4j.exit.Exit;

/** KVM_EXIT_HYPERCALL. */
public final class GuestCall extends Flyweight implements Exit.Hypercall {

    private static final long CALL = kvm_run.hypercall$offset();
    private static final long NUMBER = CALL + kvm_run.hypercall.nr$offset();
    private static final long ARGS = CALL + kvm_run.hypercall.args$offset();
    private static final long RESULT = CALL + kvm_run.hypercall.ret$offset();
    private static final long FLAGS = CALL + kvm_run.hypercall.flags$offset();

    /** KVM presets 0, success, which must not come of a caller that did not look. */
    private static final long NOT_SUPPORTED = -kvm_x86_h.KVM_ENOSYS();

    private long number;
    private long[] arguments = new long[ARGUMENTS];
    private long flags;
    private long result;

    GuestCall() {
    }

    @Override
    void load(RunPage run) {
        number = run.getLong(NUMBER);
        run.getLongs(ARGS, arguments);
        flags = run.getLong(FLAGS);
        result = NOT_SUPPORTED;
    }

    @Override
    void complete(RunPage run) {
        run.setLong(RESULT, result);
    }

    @Override
    public long number() {
        return number;
    }

    @Override
    public long argument(int index) {
        return arguments[Objects.checkIndex(index, arguments.length)];
    }

    @Override
    public long flags() {
        return flags;
    }

    @Override
    public void answer(long newResult) {
        requireCurrent();
        result = newResult;
    }

    @Override
    public Exit copy() {
        GuestCall copy = (GuestCall) super.copy();
        copy.arguments = arguments.clone();
        return copy;
    }

    @Override
    public String toString() {
        return String.format("Hypercall[0x%x, flags 0x%x, arguments%s]", number, flags, hex(arguments, ARGUMENTS));
    }
}
