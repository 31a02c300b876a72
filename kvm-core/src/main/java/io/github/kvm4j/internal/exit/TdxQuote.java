package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.TdxExit;

/** KVM_EXIT_TDX with TDVMCALL_GET_QUOTE. */
public final class TdxQuote extends TdxBase implements TdxExit.GetQuote {

    private static final long ADDRESS = CALL + kvm_run.tdx.get_quote.gpa$offset();
    private static final long SIZE = CALL + kvm_run.tdx.get_quote.size$offset();

    private long address;
    private long size;

    TdxQuote() {
    }

    @Override
    void load(RunPage run) {
        super.load(run);
        address = run.getLong(ADDRESS);
        size = run.getLong(SIZE);
    }

    @Override
    public long address() {
        return address;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public String toString() {
        return String.format("GetQuote[0x%x, %d bytes]", address, size);
    }
}
