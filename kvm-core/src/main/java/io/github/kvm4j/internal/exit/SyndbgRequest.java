package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_hyperv_exit;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.HypervExit;

/** KVM_EXIT_HYPERV with KVM_EXIT_HYPERV_SYNDBG. */
public final class SyndbgRequest extends Flyweight implements HypervExit.Syndbg {

    private static final long SYNDBG = kvm_run.hyperv$offset() + kvm_hyperv_exit.u$offset()
            + kvm_hyperv_exit.u.syndbg$offset();
    private static final long MSR = SYNDBG + kvm_hyperv_exit.u.syndbg.msr$offset();
    private static final long CONTROL = SYNDBG + kvm_hyperv_exit.u.syndbg.control$offset();
    private static final long STATUS = SYNDBG + kvm_hyperv_exit.u.syndbg.status$offset();
    private static final long SEND_PAGE = SYNDBG + kvm_hyperv_exit.u.syndbg.send_page$offset();
    private static final long RECEIVE_PAGE = SYNDBG + kvm_hyperv_exit.u.syndbg.recv_page$offset();
    private static final long PENDING_PAGE = SYNDBG + kvm_hyperv_exit.u.syndbg.pending_page$offset();

    private int msr;
    private long control;
    private long sendPage;
    private long receivePage;
    private long pendingPage;
    private long status;

    SyndbgRequest() {
    }

    @Override
    void load(RunPage run) {
        msr = run.getInt(MSR);
        control = run.getLong(CONTROL);
        sendPage = run.getLong(SEND_PAGE);
        receivePage = run.getLong(RECEIVE_PAGE);
        pendingPage = run.getLong(PENDING_PAGE);
        status = 0;
    }

    @Override
    void complete(RunPage run) {
        run.setLong(STATUS, status);
    }

    @Override
    public int msr() {
        return msr;
    }

    @Override
    public long control() {
        return control;
    }

    @Override
    public long sendPage() {
        return sendPage;
    }

    @Override
    public long receivePage() {
        return receivePage;
    }

    @Override
    public long pendingPage() {
        return pendingPage;
    }

    @Override
    public void answer(long newStatus) {
        requireCurrent();
        status = newStatus;
    }

    @Override
    public String toString() {
        return String.format("Syndbg[MSR 0x%x, control 0x%x, send 0x%x, receive 0x%x, pending 0x%x]", msr, control,
                sendPage, receivePage, pendingPage);
    }
}
