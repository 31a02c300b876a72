package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.arm64.kvm_arm64_h;
import io.github.kvm4j.bindings.arm64.kvm_debug_exit_arch;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.Arm64Exit;

/** KVM_EXIT_DEBUG on arm64. The offsets are those of its own structure. */
public final class ArmStop extends Flyweight implements Arm64Exit.Debug {

    private static final long ARCH = kvm_run.debug$offset() + kvm_run.debug.arch$offset();
    private static final long HSR = ARCH + kvm_debug_exit_arch.hsr$offset();
    private static final long HSR_HIGH = ARCH + kvm_debug_exit_arch.hsr_high$offset();
    private static final long FAR = ARCH + kvm_debug_exit_arch.far$offset();

    private long hsr;
    private long far;

    ArmStop() {
    }

    @Override
    void load(RunPage run) {
        boolean high = (run.flags() & kvm_arm64_h.KVM_DEBUG_ARCH_HSR_HIGH_VALID()) != 0;
        hsr = Integer.toUnsignedLong(run.getInt(HSR)) | (high ? (long) run.getInt(HSR_HIGH) << 32 : 0);
        far = run.getLong(FAR);
    }

    @Override
    public long hsr() {
        return hsr;
    }

    @Override
    public long far() {
        return far;
    }

    @Override
    public String toString() {
        return String.format("Debug[HSR 0x%x, FAR 0x%x]", hsr, far);
    }
}
