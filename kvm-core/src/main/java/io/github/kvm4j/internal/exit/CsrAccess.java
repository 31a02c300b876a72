package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.RiscvExit;

/** KVM_EXIT_RISCV_CSR. */
public final class CsrAccess extends Flyweight implements RiscvExit.Csr {

    private static final long CSR = kvm_run.riscv_csr$offset();
    private static final long NUMBER = CSR + kvm_run.riscv_csr.csr_num$offset();
    private static final long NEW_VALUE = CSR + kvm_run.riscv_csr.new_value$offset();
    private static final long WRITE_MASK = CSR + kvm_run.riscv_csr.write_mask$offset();
    private static final long OLD_VALUE = CSR + kvm_run.riscv_csr.ret_value$offset();

    private int number;
    private long newValue;
    private long writeMask;
    private long oldValue;

    CsrAccess() {
    }

    @Override
    void load(RunPage run) {
        number = (int) run.getLong(NUMBER);
        newValue = run.getLong(NEW_VALUE);
        writeMask = run.getLong(WRITE_MASK);
        oldValue = 0;
    }

    @Override
    void complete(RunPage run) {
        run.setLong(OLD_VALUE, oldValue);
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public long newValue() {
        return newValue;
    }

    @Override
    public long writeMask() {
        return writeMask;
    }

    @Override
    public void answer(long value) {
        requireCurrent();
        oldValue = value;
    }

    @Override
    public String toString() {
        return String.format("Csr[0x%x, new value 0x%x, mask 0x%x]", number, newValue, writeMask);
    }
}
