package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import io.github.kvm4j.bindings.x86.kvm_debugregs;

/**
 * The debug registers of an x86 vCPU ({@code struct kvm_debugregs}): plain values, which nothing ties to a vCPU.
 *
 * @see X86Vcpu#getDebugRegs(DebugRegs)
 */
public final class DebugRegs {

    private static final int COUNT = (int) kvm_debugregs.db$layout().elementCount();

    /** DR0 to DR3: the linear addresses of breakpoints. */
    public final long[] db = new long[COUNT];
    /** DR6: the debug status. */
    public long dr6;
    /** DR7: the debug control. */
    public long dr7;
    /** Flags, of which there are none: 0. */
    public long flags;

    /** Makes a set of zeros. */
    public DebugRegs() {
    }

    /**
     * Makes a copy.
     *
     * @return equal registers
     */
    public DebugRegs copy() {
        DebugRegs copy = new DebugRegs();
        System.arraycopy(db, 0, copy.db, 0, COUNT);
        copy.dr6 = dr6;
        copy.dr7 = dr7;
        copy.flags = flags;
        return copy;
    }

    void readFrom(MemorySegment from) {
        for (int i = 0; i < COUNT; i++) {
            db[i] = from.getAtIndex(JAVA_LONG, kvm_debugregs.db$offset() / Long.BYTES + i);
        }
        dr6 = kvm_debugregs.dr6(from);
        dr7 = kvm_debugregs.dr7(from);
        flags = kvm_debugregs.flags(from);
    }

    void writeTo(MemorySegment to) {
        to.asSlice(0, kvm_debugregs.sizeof()).fill((byte) 0);
        for (int i = 0; i < COUNT; i++) {
            to.setAtIndex(JAVA_LONG, kvm_debugregs.db$offset() / Long.BYTES + i, db[i]);
        }
        kvm_debugregs.dr6(to, dr6);
        kvm_debugregs.dr7(to, dr7);
        kvm_debugregs.flags(to, flags);
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof DebugRegs other && Arrays.equals(db, other.db) && dr6 == other.dr6
                && dr7 == other.dr7 && flags == other.flags;
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(db) * 31 + Long.hashCode(dr7);
    }

    @Override
    public String toString() {
        return String.format("dr0 %x dr1 %x dr2 %x dr3 %x dr6 %x dr7 %x flags %x", db[0], db[1], db[2], db[3], dr6, dr7,
                flags);
    }
}
