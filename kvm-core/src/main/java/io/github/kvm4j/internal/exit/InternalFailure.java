package io.github.kvm4j.internal.exit;

import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;

/** KVM_EXIT_INTERNAL_ERROR. */
public final class InternalFailure extends Flyweight implements Exit.InternalError {

    private static final long INTERNAL = kvm_run.internal$offset();
    private static final long SUBERROR = INTERNAL + kvm_run.internal.suberror$offset();
    private static final long NDATA = INTERNAL + kvm_run.internal.ndata$offset();
    private static final long DATA = INTERNAL + kvm_run.internal.data$offset();
    private static final int MAX_DATA = (int) (kvm_run.internal.data$layout().byteSize() / Long.BYTES);

    private int suberror;
    private int dataCount;
    private long[] data = new long[MAX_DATA];

    InternalFailure() {
    }

    @Override
    void load(RunPage run) {
        int count = run.getInt(NDATA);
        if (count < 0 || count > MAX_DATA) {
            throw new IllegalStateException("KVM_EXIT_INTERNAL_ERROR with " + count + " words of data");
        }
        suberror = run.getInt(SUBERROR);
        dataCount = count;
        for (int i = 0; i < dataCount; i++) {
            data[i] = run.getLong(DATA + (long) i * Long.BYTES);
        }
    }

    @Override
    public int suberror() {
        return suberror;
    }

    @Override
    public int dataCount() {
        return dataCount;
    }

    @Override
    public long data(int index) {
        return data[Objects.checkIndex(index, dataCount)];
    }

    @Override
    public Exit copy() {
        InternalFailure copy = (InternalFailure) super.copy();
        copy.data = data.clone();
        return copy;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("InternalError[suberror ").append(suberror);
        for (int i = 0; i < dataCount; i++) {
            text.append(i == 0 ? ", data " : " ").append(Long.toHexString(data[i]));
        }
        return text.append(']').toString();
    }
}
