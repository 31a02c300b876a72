package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.X86Exit;

/** KVM_EXIT_IOAPIC_EOI. */
public final class EndOfInterrupt extends Flyweight implements X86Exit.IoapicEoi {

    private static final long VECTOR = kvm_run.eoi$offset() + kvm_run.eoi.vector$offset();

    private int vector;

    EndOfInterrupt() {
    }

    @Override
    void load(RunPage run) {
        vector = Byte.toUnsignedInt(run.getByte(VECTOR));
    }

    @Override
    public int vector() {
        return vector;
    }

    @Override
    public String toString() {
        return String.format("IoapicEoi[vector 0x%x]", vector);
    }
}
