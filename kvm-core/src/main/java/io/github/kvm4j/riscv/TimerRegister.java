package io.github.kvm4j.riscv;

import io.github.kvm4j.bindings.riscv.kvm_riscv_h;
import io.github.kvm4j.bindings.riscv.kvm_riscv_timer;

/**
 * The vCPU's timer: KVM_REG_RISCV_TIMER, each of 8 bytes.
 */
public enum TimerRegister implements RiscvRegister {

    /** The ticks in a second; the host's, and cannot be changed. */
    FREQUENCY(kvm_riscv_timer.frequency$offset()),
    /** The time that the guest reads, in ticks. */
    TIME(kvm_riscv_timer.time$offset()),
    /** When the timer expires, in ticks. */
    COMPARE(kvm_riscv_timer.compare$offset()),
    /** KVM_RISCV_TIMER_STATE_ON (1) or KVM_RISCV_TIMER_STATE_OFF (0). */
    STATE(kvm_riscv_timer.state$offset());

    private final long id;

    TimerRegister(long offset) {
        this.id = RegisterIds.ofLong(kvm_riscv_h.KVM_REG_RISCV_TIMER(), offset);
    }

    @Override
    public long id() {
        return id;
    }
}
