package io.github.kvm4j.internal.exit;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_hyperv_exit;
import io.github.kvm4j.bindings.x86.kvm_run;

/** The reasons whose payload says of which kind it is: each has an object of every kind. It is no exit itself. */
abstract class Variants extends Flyweight {

    @Override
    abstract Flyweight select(RunPage run);

    @Override
    final void load(RunPage run) {
        throw new AssertionError("select() chose none");
    }

    /** KVM_EXIT_XEN. */
    static final class Xen extends Variants {

        private final XenCall call = new XenCall();
        private final Untyped untyped = new Untyped();

        @Override
        Flyweight select(RunPage run) {
            return XenCall.isIn(run) ? call : untyped;
        }
    }

    /** KVM_EXIT_HYPERV. */
    static final class Hyperv extends Variants {

        private static final long TYPE = kvm_run.hyperv$offset() + kvm_hyperv_exit.type$offset();

        private final SynicChange synic = new SynicChange();
        private final HypervCall call = new HypervCall();
        private final SyndbgRequest syndbg = new SyndbgRequest();
        private final Untyped untyped = new Untyped();

        @Override
        Flyweight select(RunPage run) {
            int type = run.getInt(TYPE);
            if (type == kvm_h.KVM_EXIT_HYPERV_SYNIC()) {
                return synic;
            } else if (type == kvm_h.KVM_EXIT_HYPERV_HCALL()) {
                return call;
            } else if (type == kvm_h.KVM_EXIT_HYPERV_SYNDBG()) {
                return syndbg;
            }
            return untyped;
        }
    }

    /** KVM_EXIT_TDX. The numbers are those of Intel's Guest-Host-Communication Interface; no uapi header has them. */
    static final class Tdx extends Variants {

        private static final long GET_TD_VM_CALL_INFO = 0x10000;
        private static final long GET_QUOTE = 0x10002;
        private static final long SETUP_EVENT_NOTIFY_INTERRUPT = 0x10004;

        private final TdxInfo info = new TdxInfo();
        private final TdxQuote quote = new TdxQuote();
        private final TdxNotify notify = new TdxNotify();
        private final TdxCall other = new TdxCall();

        @Override
        Flyweight select(RunPage run) {
            long number = run.getLong(TdxBase.NUMBER);
            if (number == GET_TD_VM_CALL_INFO) {
                return info;
            } else if (number == GET_QUOTE) {
                return quote;
            } else if (number == SETUP_EVENT_NOTIFY_INTERRUPT) {
                return notify;
            }
            return other;
        }
    }
}
