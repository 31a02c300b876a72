package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.TdxExit;

/** KVM_EXIT_TDX with TDVMCALL_GET_TD_VM_CALL_INFO. */
public final class TdxInfo extends TdxBase implements TdxExit.GetTdvmcallInfo {

    private static final long LEAF = CALL + kvm_run.tdx.get_tdvmcall_info.leaf$offset();
    private static final long R11 = CALL + kvm_run.tdx.get_tdvmcall_info.r11$offset();
    private static final long R12 = CALL + kvm_run.tdx.get_tdvmcall_info.r12$offset();
    private static final long R13 = CALL + kvm_run.tdx.get_tdvmcall_info.r13$offset();
    private static final long R14 = CALL + kvm_run.tdx.get_tdvmcall_info.r14$offset();

    private long leaf;
    private long r11;
    private long r12;
    private long r13;
    private long r14;

    TdxInfo() {
    }

    @Override
    void load(RunPage run) {
        super.load(run);
        leaf = run.getLong(LEAF);
        r11 = run.getLong(R11);
        r12 = run.getLong(R12);
        r13 = run.getLong(R13);
        r14 = run.getLong(R14);
    }

    @Override
    void complete(RunPage run) {
        super.complete(run);
        run.setLong(R11, r11);
        run.setLong(R12, r12);
        run.setLong(R13, r13);
        run.setLong(R14, r14);
    }

    @Override
    public long leaf() {
        return leaf;
    }

    @Override
    public void answer(long newR11, long newR12, long newR13, long newR14) {
        answer(0);
        r11 = newR11;
        r12 = newR12;
        r13 = newR13;
        r14 = newR14;
    }

    @Override
    public String toString() {
        return "GetTdvmcallInfo[leaf " + leaf + "]";
    }
}
