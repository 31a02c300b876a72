package io.github.kvm4j.internal.exit;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;

/** KVM_EXIT_INTERNAL_ERROR. */
public final class InternalFailure extends Flyweight implements Exit.InternalError {

    private static final long INTERNAL = kvm_run.internal$offset();
    private static final long SUBERROR = INTERNAL + kvm_run.internal.suberror$offset();
    private static final long NDATA = INTERNAL + kvm_run.internal.ndata$offset();
    private static final long DATA = INTERNAL + kvm_run.internal.data$offset();
    private static final int MAX_DATA = (int) (kvm_run.internal.data$layout().byteSize() / Long.BYTES);

    // With KVM_INTERNAL_ERROR_EMULATION the words have a form of their own.
    private static final long FAILURE = kvm_run.emulation_failure$offset();
    private static final long FLAGS = FAILURE + kvm_run.emulation_failure.flags$offset();
    private static final long SIZE = FAILURE + kvm_run.emulation_failure.insn_size$offset();
    private static final long BYTES = FAILURE + kvm_run.emulation_failure.insn_bytes$offset();
    private static final int MAX_BYTES = (int) kvm_run.emulation_failure.insn_bytes$layout().byteSize();

    /** How many words there are with the instruction among them. */
    private static final int INSTRUCTION_WORDS = (int) ((BYTES + MAX_BYTES - DATA) / Long.BYTES);

    private int suberror;
    private int dataCount;
    private long[] data = new long[MAX_DATA];
    private int instructionSize;
    private byte[] instruction = new byte[MAX_BYTES];

    InternalFailure() {
    }

    @Override
    @Nullable
    Flyweight select(RunPage run) {
        int count = run.getInt(NDATA);
        if (count < 0 || count > MAX_DATA) {
            return null;
        }
        int size = instructionSize(run, count);
        if (size > MAX_BYTES) {
            return null;
        }
        dataCount = count;
        instructionSize = size;
        return this;
    }

    @Override
    void load(RunPage run) {
        suberror = run.getInt(SUBERROR);
        for (int i = 0; i < dataCount; i++) {
            data[i] = run.getLong(DATA + (long) i * Long.BYTES);
        }
        for (int i = 0; i < instructionSize; i++) {
            instruction[i] = run.getByte(BYTES + i);
        }
    }

    private static int instructionSize(RunPage run, int words) {
        if (run.getInt(SUBERROR) != kvm_h.KVM_INTERNAL_ERROR_EMULATION() || words < INSTRUCTION_WORDS
                || (run.getLong(FLAGS) & kvm_h.KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES()) == 0) {
            return 0;
        }
        return Byte.toUnsignedInt(run.getByte(SIZE));
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
    public boolean hasInstruction() {
        return instructionSize > 0;
    }

    @Override
    public byte[] instruction() {
        return Arrays.copyOf(instruction, instructionSize);
    }

    @Override
    public Exit copy() {
        InternalFailure copy = (InternalFailure) super.copy();
        copy.data = data.clone();
        copy.instruction = instruction.clone();
        return copy;
    }

    @Override
    public String toString() {
        return "InternalError[suberror " + suberror
                + (instructionSize > 0 ? ", instruction " + HexFormat.ofDelimiter(" ").formatHex(instruction()) : "")
                + (dataCount > 0 ? ", data" + hex(data, dataCount) : "") + "]";
    }
}
