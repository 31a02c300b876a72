package io.github.kvm4j.internal.exit;

import java.util.Arrays;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Exit;

/** KVM_EXIT_IO. */
public final class PortAccess extends Flyweight implements Exit.Io {

    private static final long IO = kvm_run.io$offset();
    private static final long DIRECTION = IO + kvm_run.io.direction$offset();
    private static final long SIZE = IO + kvm_run.io.size$offset();
    private static final long PORT = IO + kvm_run.io.port$offset();
    private static final long COUNT = IO + kvm_run.io.count$offset();
    private static final long DATA_OFFSET = IO + kvm_run.io.data_offset$offset();
    private static final int IN = kvm_h.KVM_EXIT_IO_IN();

    private boolean in;
    private int port;
    private int size;
    private int count;
    private long dataOffset;
    private int[] items = new int[1];

    PortAccess() {
    }

    @Override
    @Nullable
    Flyweight select(RunPage run) {
        return take(run, run.getByte(SIZE), run.getInt(COUNT), run.getLong(DATA_OFFSET)) ? this : impossible(run);
    }

    @Override
    void load(RunPage run) {
        in = run.getByte(DIRECTION) == IN;
        port = Short.toUnsignedInt(run.getShort(PORT));
        if (count == 1) {
            items[0] = in ? allOnes() : read(run, dataOffset);
        } else {
            loadString(run);
        }
    }

    /** Apart, since the loops would make the code for one item too large to be put into the caller's loop. */
    private void loadString(RunPage run) {
        if (in) {
            Arrays.fill(items, 0, count, allOnes());
        } else {
            for (int i = 0; i < count; i++) {
                items[i] = read(run, dataOffset + (long) i * size);
            }
        }
    }

    /** How many items there are is not known: the guest reads all ones, whatever it reads. */
    private @Nullable Flyweight impossible(RunPage run) {
        if (run.getByte(DIRECTION) == IN) {
            run.fillPortData(run.getLong(DATA_OFFSET), (byte) -1);
        }
        return null;
    }

    /** Takes size, count and offset over, if the items are within the page. */
    private boolean take(RunPage run, int newSize, int newCount, long newOffset) {
        long bytes = (long) newSize * newCount;
        if ((newSize != 1 && newSize != 2 && newSize != 4) || newCount < 1 || newOffset < 0
                || bytes > RunPage.portRoom(newOffset) || newOffset > run.size() - bytes) {
            return false;
        }
        size = newSize;
        count = newCount;
        dataOffset = newOffset;
        if (count > items.length) {
            // At the first string, as large as any can be: none allocates again.
            items = new int[RunPage.PORT_DATA_SIZE];
        }
        return true;
    }

    @Override
    void complete(RunPage run) {
        if (in) {
            for (int i = 0; i < count; i++) {
                write(run, dataOffset + (long) i * size, items[i]);
            }
        }
    }

    private int read(RunPage run, long offset) {
        return switch (size) {
            case 1 -> Byte.toUnsignedInt(run.getByte(offset));
            case 2 -> Short.toUnsignedInt(run.getShort(offset));
            default -> run.getInt(offset);
        };
    }

    private void write(RunPage run, long offset, int item) {
        switch (size) {
            case 1 -> run.setByte(offset, (byte) item);
            case 2 -> run.setShort(offset, (short) item);
            default -> run.setInt(offset, item);
        }
    }

    private int allOnes() {
        return -1 >>> (32 - 8 * size);
    }

    @Override
    public boolean isIn() {
        return in;
    }

    @Override
    public int port() {
        return port;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int count() {
        return count;
    }

    @Override
    public int value(int index) {
        return items[Objects.checkIndex(index, count)];
    }

    @Override
    public void answer(int index, int value) {
        requireCurrent();
        if (!in) {
            throw new IllegalStateException("a port write wants no answer: " + this);
        }
        items[Objects.checkIndex(index, count)] = value & allOnes();
    }

    @Override
    public Exit copy() {
        PortAccess copy = (PortAccess) super.copy();
        copy.items = Arrays.copyOf(items, count);
        return copy;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("Io[").append(in ? "in" : "out")
                .append(String.format(" port 0x%x, %d × %d bytes", port, count, size));
        for (int i = 0; i < Math.min(count, 8); i++) {
            text.append(i == 0 ? ": " : " ").append(Integer.toHexString(items[i]));
        }
        return text.append(count > 8 ? " …]" : "]").toString();
    }
}
