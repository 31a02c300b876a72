package io.github.kvm4j.internal.exit;

import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_hyperv_exit;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.HypervExit;

/** KVM_EXIT_HYPERV with KVM_EXIT_HYPERV_HCALL. */
public final class HypervCall extends Flyweight implements HypervExit.Hypercall {

    private static final long CALL = kvm_run.hyperv$offset() + kvm_hyperv_exit.u$offset()
            + kvm_hyperv_exit.u.hcall$offset();
    private static final long INPUT = CALL + kvm_hyperv_exit.u.hcall.input$offset();
    private static final long RESULT = CALL + kvm_hyperv_exit.u.hcall.result$offset();
    private static final long PARAMS = CALL + kvm_hyperv_exit.u.hcall.params$offset();
    private static final int COUNT = (int) (kvm_hyperv_exit.u.hcall.params$layout().byteSize() / Long.BYTES);

    /** HV_STATUS_INVALID_HYPERCALL_CODE of Microsoft's specification; no uapi header has it. */
    private static final long INVALID_CODE = 2;

    private long input;
    private long[] parameters = new long[COUNT];
    private long result;

    HypervCall() {
    }

    @Override
    void load(RunPage run) {
        input = run.getLong(INPUT);
        run.getLongs(PARAMS, parameters);
        result = INVALID_CODE;
    }

    @Override
    void complete(RunPage run) {
        run.setLong(RESULT, result);
    }

    @Override
    public long input() {
        return input;
    }

    @Override
    public long parameter(int index) {
        return parameters[Objects.checkIndex(index, parameters.length)];
    }

    @Override
    public void answer(long newResult) {
        requireCurrent();
        result = newResult;
    }

    @Override
    public Exit copy() {
        HypervCall copy = (HypervCall) super.copy();
        copy.parameters = parameters.clone();
        return copy;
    }

    @Override
    public String toString() {
        return String.format("Hypercall[input 0x%x, parameters%s]", input, hex(parameters, COUNT));
    }
}
