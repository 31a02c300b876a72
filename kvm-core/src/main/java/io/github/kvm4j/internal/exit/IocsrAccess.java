package io.github.kvm4j.internal.exit;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.LoongarchExit;

/** KVM_EXIT_LOONGARCH_IOCSR. */
public final class IocsrAccess extends Flyweight implements LoongarchExit.Iocsr {

    private static final long IOCSR = kvm_run.iocsr_io$offset();
    private static final long ADDRESS = IOCSR + kvm_run.iocsr_io.phys_addr$offset();
    private static final long DATA = IOCSR + kvm_run.iocsr_io.data$offset();
    private static final long LENGTH = IOCSR + kvm_run.iocsr_io.len$offset();
    private static final long IS_WRITE = IOCSR + kvm_run.iocsr_io.is_write$offset();

    private boolean write;
    private long address;
    private int size;
    private long value;

    IocsrAccess() {
    }

    @Override
    @Nullable
    Flyweight select(RunPage run) {
        int length = run.getInt(LENGTH);
        if (length < 1 || length > Long.BYTES) {
            return impossible(run);
        }
        size = length;
        return this;
    }

    private @Nullable Flyweight impossible(RunPage run) {
        if (run.getByte(IS_WRITE) == 0) {
            run.setLong(DATA, -1);
        }
        return null;
    }

    @Override
    void load(RunPage run) {
        write = run.getByte(IS_WRITE) != 0;
        address = run.getLong(ADDRESS);
        value = write ? run.getLong(DATA) & allOnes() : allOnes();
    }

    @Override
    void complete(RunPage run) {
        if (!write) {
            run.setLong(DATA, value);
        }
    }

    private long allOnes() {
        return -1L >>> (64 - 8 * size);
    }

    @Override
    public boolean isWrite() {
        return write;
    }

    @Override
    public long address() {
        return address;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public long value() {
        return value;
    }

    @Override
    public void answer(long answer) {
        requireCurrent();
        if (write) {
            throw new IllegalStateException("a write wants no answer: " + this);
        }
        value = answer & allOnes();
    }

    @Override
    public String toString() {
        return String.format("Iocsr[%s 0x%x, %d bytes: %x]", write ? "write" : "read", address, size, value);
    }
}
