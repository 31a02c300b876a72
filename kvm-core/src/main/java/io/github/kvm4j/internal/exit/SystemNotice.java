package io.github.kvm4j.internal.exit;

import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;

/** KVM_EXIT_SYSTEM_EVENT. */
public final class SystemNotice extends Flyweight implements Exit.SystemEvent {

    private static final long EVENT = kvm_run.system_event$offset();
    private static final long TYPE = EVENT + kvm_run.system_event.type$offset();
    private static final long NDATA = EVENT + kvm_run.system_event.ndata$offset();
    private static final long DATA = EVENT + kvm_run.system_event.data$offset();
    private static final int MAX_DATA = (int) (kvm_run.system_event.data$layout().byteSize() / Long.BYTES);

    private int type;
    private int dataCount;
    private long[] data = new long[MAX_DATA];

    SystemNotice() {
    }

    @Override
    @Nullable
    Flyweight select(RunPage run) {
        int count = run.getInt(NDATA);
        if (count < 0 || count > MAX_DATA) {
            return null;
        }
        dataCount = count;
        return this;
    }

    @Override
    void load(RunPage run) {
        type = run.getInt(TYPE);
        for (int i = 0; i < dataCount; i++) {
            data[i] = run.getLong(DATA + (long) i * Long.BYTES);
        }
    }

    @Override
    public int type() {
        return type;
    }

    @Override
    public Kind kind() {
        if (type == kvm_h.KVM_SYSTEM_EVENT_SHUTDOWN()) {
            return Kind.SHUTDOWN;
        } else if (type == kvm_h.KVM_SYSTEM_EVENT_RESET()) {
            return Kind.RESET;
        } else if (type == kvm_h.KVM_SYSTEM_EVENT_CRASH()) {
            return Kind.CRASH;
        } else if (type == kvm_h.KVM_SYSTEM_EVENT_WAKEUP()) {
            return Kind.WAKEUP;
        } else if (type == kvm_h.KVM_SYSTEM_EVENT_SUSPEND()) {
            return Kind.SUSPEND;
        } else if (type == kvm_h.KVM_SYSTEM_EVENT_SEV_TERM()) {
            return Kind.SEV_TERM;
        } else if (type == kvm_h.KVM_SYSTEM_EVENT_TDX_FATAL()) {
            return Kind.TDX_FATAL;
        }
        return Kind.UNKNOWN;
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
        SystemNotice copy = (SystemNotice) super.copy();
        copy.data = data.clone();
        return copy;
    }

    @Override
    public String toString() {
        return "SystemEvent[" + kind() + (kind() == Kind.UNKNOWN ? " " + type : "")
                + (dataCount > 0 ? ", data" + hex(data, dataCount) : "") + "]";
    }
}
