package io.github.kvm4j.internal.exit;

import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.TdxExit;

/** KVM_EXIT_TDX with any other call. */
public final class TdxCall extends TdxBase implements TdxExit.Other {

    private static final long DATA = CALL + kvm_run.tdx.unknown.data$offset();

    private long[] data = new long[WORDS];

    TdxCall() {
    }

    @Override
    void load(RunPage run) {
        super.load(run);
        run.getLongs(DATA, data);
    }

    @Override
    public long data(int index) {
        return data[Objects.checkIndex(index, data.length)];
    }

    @Override
    public Exit copy() {
        TdxCall copy = (TdxCall) super.copy();
        copy.data = data.clone();
        return copy;
    }

    @Override
    public String toString() {
        return String.format("Other[TDVMCALL 0x%x, flags 0x%x, data%s]", number(), flags(), hex(data, WORDS));
    }
}
