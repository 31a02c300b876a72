package io.github.kvm4j.internal.exit;

import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.RiscvExit;

/** KVM_EXIT_RISCV_SBI. */
public final class SbiCall extends Flyweight implements RiscvExit.Sbi {

    private static final long SBI = kvm_run.riscv_sbi$offset();
    private static final long EXTENSION = SBI + kvm_run.riscv_sbi.extension_id$offset();
    private static final long FUNCTION = SBI + kvm_run.riscv_sbi.function_id$offset();
    private static final long ARGS = SBI + kvm_run.riscv_sbi.args$offset();
    private static final long ERROR = SBI + kvm_run.riscv_sbi.ret$offset();
    private static final long VALUE = ERROR + Long.BYTES;

    /** SBI_ERR_NOT_SUPPORTED of the RISC-V SBI specification; no uapi header has it. */
    private static final long NOT_SUPPORTED = -2;

    private long extension;
    private long function;
    private long[] arguments = new long[ARGUMENTS];
    private long error;
    private long value;

    SbiCall() {
    }

    @Override
    void load(RunPage run) {
        extension = run.getLong(EXTENSION);
        function = run.getLong(FUNCTION);
        run.getLongs(ARGS, arguments);
        error = NOT_SUPPORTED;
        value = 0;
    }

    @Override
    void complete(RunPage run) {
        run.setLong(ERROR, error);
        run.setLong(VALUE, value);
    }

    @Override
    public long extension() {
        return extension;
    }

    @Override
    public long function() {
        return function;
    }

    @Override
    public long argument(int index) {
        return arguments[Objects.checkIndex(index, arguments.length)];
    }

    @Override
    public void answer(long newError, long newValue) {
        requireCurrent();
        error = newError;
        value = newValue;
    }

    @Override
    public Exit copy() {
        SbiCall copy = (SbiCall) super.copy();
        copy.arguments = arguments.clone();
        return copy;
    }

    @Override
    public String toString() {
        return String.format("Sbi[extension 0x%x, function 0x%x, arguments%s]", extension, function,
                hex(arguments, ARGUMENTS));
    }
}
