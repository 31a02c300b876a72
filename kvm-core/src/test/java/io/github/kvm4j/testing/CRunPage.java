package io.github.kvm4j.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A run page, {@code struct kvm_run}, as C writes and reads it. */
public final class CRunPage extends CStruct {

    public static final int SIZE = 3 * 4096;

    public final MemorySegment page;

    /** @param table {@code x86_64}, {@code aarch64} or {@code riscv64} */
    public CRunPage(String table) {
        this(table, Arena.ofAuto().allocate(SIZE, 4096));
    }

    private CRunPage(String table, MemorySegment page) {
        super(table, "kvm_run", page);
        this.page = page;
    }

    public CRunPage reason(int reason) {
        return put("exit_reason", reason);
    }

    /** Fills the union with a byte that no field should keep. */
    public CRunPage dirty(int value) {
        page.asSlice(offset("padding"), size("padding")).fill((byte) value);
        return this;
    }

    @Override
    public CRunPage put(String field, long value) {
        super.put(field, value);
        return this;
    }

    @Override
    public CRunPage put(String field, int index, long value) {
        super.put(field, index, value);
        return this;
    }
}
