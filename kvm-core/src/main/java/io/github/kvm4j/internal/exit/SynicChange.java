package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.x86.kvm_hyperv_exit;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.exit.HypervExit;

/** KVM_EXIT_HYPERV with KVM_EXIT_HYPERV_SYNIC. */
public final class SynicChange extends Flyweight implements HypervExit.Synic {

    private static final long SYNIC = kvm_run.hyperv$offset() + kvm_hyperv_exit.u$offset()
            + kvm_hyperv_exit.u.synic$offset();
    private static final long MSR = SYNIC + kvm_hyperv_exit.u.synic.msr$offset();
    private static final long CONTROL = SYNIC + kvm_hyperv_exit.u.synic.control$offset();
    private static final long EVENT_PAGE = SYNIC + kvm_hyperv_exit.u.synic.evt_page$offset();
    private static final long MESSAGE_PAGE = SYNIC + kvm_hyperv_exit.u.synic.msg_page$offset();

    private int msr;
    private long control;
    private long eventPage;
    private long messagePage;

    SynicChange() {
    }

    @Override
    void load(RunPage run) {
        msr = run.getInt(MSR);
        control = run.getLong(CONTROL);
        eventPage = run.getLong(EVENT_PAGE);
        messagePage = run.getLong(MESSAGE_PAGE);
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
    public long eventPage() {
        return eventPage;
    }

    @Override
    public long messagePage() {
        return messagePage;
    }

    @Override
    public String toString() {
        return String.format("Synic[MSR 0x%x, control 0x%x, events 0x%x, messages 0x%x]", msr, control, eventPage,
                messagePage);
    }
}
