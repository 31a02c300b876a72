package io.github.kvm4j.internal.exit;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.internal.sys.Errno;

/**
 * Turns what KVM_RUN left in the run page into an {@link Exit}. Used by the thread that holds the vCPU, and by no other.
 */
public final class ExitDecoder {

    private static final int MEMORY_FAULT = kvm_h.KVM_EXIT_MEMORY_FAULT();

    /** The highest reason of the header; a test holds it against the list. */
    static final int LAST = kvm_h.KVM_EXIT_SNP_REQ_CERTS();

    private final RunPage run;

    /** By exit reason; null where none has come yet. */
    private final @Nullable Flyweight[] kinds = new Flyweight[LAST + 1];
    private final Untyped untyped = new Untyped();
    private final MemoryAbort memoryFault = new MemoryAbort();
    private final Bare.Interrupted interrupted = new Bare.Interrupted();
    private final Bare.NotReady notReady = new Bare.NotReady();

    /** What the last run returned, and what the next run hands its answer over from. */
    private Flyweight current = interrupted;

    public ExitDecoder(RunPage run) {
        this.run = run;
        // What nearly every guest does. The rest is made when it first comes, so that a vCPU does not carry, and a
        // program does not load, what its host never sends.
        kinds[kvm_h.KVM_EXIT_IO()] = new PortAccess();
        kinds[kvm_h.KVM_EXIT_MMIO()] = new MmioAccess();
        kinds[kvm_h.KVM_EXIT_HLT()] = new Bare.Hlt();
        kinds[kvm_h.KVM_EXIT_SHUTDOWN()] = new Bare.Shutdown();
        kinds[kvm_h.KVM_EXIT_SYSTEM_EVENT()] = new SystemNotice();
        kinds[kvm_h.KVM_EXIT_FAIL_ENTRY()] = new EntryFailure();
        kinds[kvm_h.KVM_EXIT_INTERNAL_ERROR()] = new InternalFailure();
        kinds[MEMORY_FAULT] = memoryFault;
    }

    /** Hands over the answer to the current exit, which then is none any more. */
    public void complete() {
        current.complete(run);
        retire();
    }

    /** Makes the current exit refuse answers. */
    public void retire() {
        current.retire();
        current = interrupted;
    }

    /** The exit of a KVM_RUN that returned 0. */
    public Exit decode() {
        int reason = run.exitReason();
        if (reason < 0 || reason > LAST) {
            return enter(untyped);
        }
        Flyweight kind = kinds[reason];
        Flyweight selected = (kind == null ? first(reason) : kind).select(run);
        return enter(selected == null ? untyped : selected);
    }

    /** The first exit of its reason on this vCPU. */
    private Flyweight first(int reason) {
        Flyweight created = Kinds.create(reason);
        Flyweight kind = created == null ? untyped : created;
        kinds[reason] = kind;
        return kind;
    }

    /** The exit of a KVM_RUN that failed, or null when the failure is one. */
    public @Nullable Exit decodeFailure(long result) {
        if (Errno.EAGAIN.is(result)) {
            return enter(notReady);
        }
        if ((Errno.EFAULT.is(result) || Errno.EHWPOISON.is(result)) && run.exitReason() == MEMORY_FAULT) {
            Exit exit = enter(memoryFault);
            memoryFault.setErrno((int) -result);
            // Not every kernel resets the reason, and a later EFAULT without one must not look like this one.
            run.setExitReason(kvm_h.KVM_EXIT_UNKNOWN());
            return exit;
        }
        run.sync().failed();
        return null;
    }

    /** The exit of a run that a kick ended. */
    public Exit interrupted() {
        return enter(interrupted);
    }

    private Exit enter(Flyweight kind) {
        run.sync().arrived();
        kind.enter(run);
        current = kind;
        return (Exit) kind;
    }
}
