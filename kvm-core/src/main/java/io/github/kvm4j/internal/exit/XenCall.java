package io.github.kvm4j.internal.exit;

import java.util.Objects;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.libc.libc_h;
import io.github.kvm4j.bindings.x86.kvm_run;
import io.github.kvm4j.bindings.x86.kvm_xen_exit;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.exit.X86Exit;

/** KVM_EXIT_XEN with KVM_EXIT_XEN_HCALL. */
public final class XenCall extends Flyweight implements X86Exit.Xen {

    private static final long XEN = kvm_run.xen$offset();
    private static final long TYPE = XEN + kvm_xen_exit.type$offset();
    private static final long CALL = XEN + kvm_xen_exit.u$offset() + kvm_xen_exit.u.hcall$offset();
    private static final long LONG_MODE = CALL + kvm_xen_exit.u.hcall.longmode$offset();
    private static final long CPL = CALL + kvm_xen_exit.u.hcall.cpl$offset();
    private static final long NUMBER = CALL + kvm_xen_exit.u.hcall.input$offset();
    private static final long RESULT = CALL + kvm_xen_exit.u.hcall.result$offset();
    private static final long PARAMS = CALL + kvm_xen_exit.u.hcall.params$offset();

    /** Xen's own number is that of Linux. */
    private static final long NOT_SUPPORTED = -libc_h.ENOSYS();

    private boolean longMode;
    private int cpl;
    private long number;
    private long[] arguments = new long[ARGUMENTS];
    private long result;

    XenCall() {
    }

    @Override
    void load(RunPage run) {
        longMode = run.getInt(LONG_MODE) != 0;
        cpl = run.getInt(CPL);
        number = run.getLong(NUMBER);
        run.getLongs(PARAMS, arguments);
        result = NOT_SUPPORTED;
    }

    @Override
    void complete(RunPage run) {
        run.setLong(RESULT, result);
    }

    @Override
    public long number() {
        return number;
    }

    @Override
    public long argument(int index) {
        return arguments[Objects.checkIndex(index, arguments.length)];
    }

    @Override
    public boolean isLongMode() {
        return longMode;
    }

    @Override
    public int cpl() {
        return cpl;
    }

    @Override
    public void answer(long newResult) {
        requireCurrent();
        result = newResult;
    }

    /** Whether the payload in the page is a hypercall, the one kind that there is so far. */
    static boolean isIn(RunPage run) {
        return run.getInt(TYPE) == kvm_h.KVM_EXIT_XEN_HCALL();
    }

    @Override
    public Exit copy() {
        XenCall copy = (XenCall) super.copy();
        copy.arguments = arguments.clone();
        return copy;
    }

    @Override
    public String toString() {
        return String.format("Xen[call %d, %d-bit, CPL %d, arguments%s]", number, longMode ? 64 : 32, cpl,
                hex(arguments, ARGUMENTS));
    }
}
