package io.github.kvm4j.exit;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.exit.Bare;
import io.github.kvm4j.internal.exit.CertificateRequest;
import io.github.kvm4j.internal.exit.EndOfInterrupt;
import io.github.kvm4j.internal.exit.GuestException;
import io.github.kvm4j.internal.exit.MsrRead;
import io.github.kvm4j.internal.exit.MsrWrite;
import io.github.kvm4j.internal.exit.NotifyWindow;
import io.github.kvm4j.internal.exit.TprDrop;
import io.github.kvm4j.internal.exit.TprTouch;
import io.github.kvm4j.internal.exit.X86Stop;
import io.github.kvm4j.internal.exit.XenCall;

/**
 * The exits that only x86 has. {@link HypervExit} and {@link TdxExit} have their own kinds.
 * <p>
 * KVM documentation, section 5, "The kvm_run structure".
 */
public sealed interface X86Exit extends Exit
        permits X86Exit.Msr, X86Exit.Debug, X86Exit.IoapicEoi, X86Exit.IrqWindowOpen, X86Exit.SetTpr,
        X86Exit.TprAccess, X86Exit.Xen, X86Exit.Notify, X86Exit.BusLock, X86Exit.ApResetHold, X86Exit.SnpReqCerts,
        X86Exit.Nmi, X86Exit.Exception, HypervExit, TdxExit {

    /**
     * The guest accessed a model-specific register that KVM leaves to the caller. Capability KVM_CAP_X86_USER_SPACE_MSR
     * (Linux 5.10), enabled for the causes wanted by {@link io.github.kvm4j.x86.X86Vm#enableUserSpaceMsr}.
     */
    sealed interface Msr extends X86Exit permits Rdmsr, Wrmsr {

        /** Why KVM left the access to the caller. */
        enum Cause {
            /** KVM_MSR_EXIT_REASON_INVAL: KVM would refuse the access, for the register or for reserved bits. */
            INVALID(kvm_h.KVM_MSR_EXIT_REASON_INVAL()),
            /** KVM_MSR_EXIT_REASON_UNKNOWN: KVM does not know the register. */
            NO_SUCH_MSR(kvm_h.KVM_MSR_EXIT_REASON_UNKNOWN()),
            /**
             * KVM_MSR_EXIT_REASON_FILTER: the filter set by {@link io.github.kvm4j.x86.X86Vm#setMsrFilter} denies the
             * access.
             */
            FILTERED(kvm_h.KVM_MSR_EXIT_REASON_FILTER()),
            /** A cause that this version of the library does not know: see {@link Msr#reason()}. */
            UNKNOWN(0);

            private final int bit;

            Cause(int bit) {
                this.bit = bit;
            }

            /**
             * Returns the kernel's bit.
             *
             * @return a KVM_MSR_EXIT_REASON_ number; 0 for {@link #UNKNOWN}
             */
            public int bit() {
                return bit;
            }
        }

        /**
         * Returns the register.
         *
         * @return its index, unsigned
         */
        int index();

        /**
         * Returns why KVM left it to the caller, as the kernel numbers it.
         *
         * @return the raw reason, a {@code KVM_MSR_EXIT_REASON_} bit
         */
        int reason();

        /**
         * Returns why KVM left it to the caller.
         *
         * @return the cause, {@link Cause#UNKNOWN} for a reason that is none of the others
         */
        Cause cause();

        /**
         * Refuses the access: the guest gets a general protection fault (#GP), as it does without an answer.
         *
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void refuse();
    }

    /** KVM_EXIT_X86_RDMSR: the guest reads a register. It wants an answer; without one the guest gets a #GP. */
    sealed interface Rdmsr extends Msr permits MsrRead {

        /**
         * Answers the read.
         *
         * @param value
         *            what the guest reads
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void answer(long value);
    }

    /**
     * KVM_EXIT_X86_WRMSR: the guest writes a register. It wants an answer; without one the guest gets a #GP, and not the
     * silent success that the kernel assumes.
     */
    sealed interface Wrmsr extends Msr permits MsrWrite {

        /**
         * Returns what the guest writes.
         *
         * @return the value
         */
        long value();

        /**
         * Lets the write succeed.
         *
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void accept();
    }

    /** KVM_EXIT_DEBUG on x86: what {@link io.github.kvm4j.x86.X86Vcpu#setGuestDebug} asked to be told. It wants no answer. */
    sealed interface Debug extends X86Exit, Exit.Debug permits X86Stop {

        /**
         * Returns the exception's vector.
         *
         * @return 1 (#DB) for a single step, a hardware breakpoint or watchpoint, 3 (#BP) for an INT3
         */
        int exception();

        /**
         * Returns where the guest is.
         *
         * @return the linear address: the code segment's base and the instruction pointer
         */
        long pc();

        /**
         * Returns what happened.
         *
         * @return debug register 6: bits 0 to 3 the breakpoint, bit 14 a single step
         */
        long dr6();

        /**
         * Returns what was enabled.
         *
         * @return debug register 7
         */
        long dr7();
    }

    /**
     * KVM_EXIT_IOAPIC_EOI: the local APIC received the end of a level-triggered interrupt of an I/O APIC that is the
     * caller's own. Raise the interrupt again if its line is still asserted. It wants no answer. Capability
     * KVM_CAP_SPLIT_IRQCHIP (Linux 4.4), {@link io.github.kvm4j.x86.X86Vm#enableSplitIrqchip}.
     */
    sealed interface IoapicEoi extends X86Exit permits EndOfInterrupt {

        /**
         * Returns the interrupt.
         *
         * @return its vector in the local APIC, 0 to 255
         */
        int vector();
    }

    /**
     * KVM_EXIT_IRQ_WINDOW_OPEN: the guest can take an interrupt now, which
     * {@link io.github.kvm4j.x86.X86Interrupts#requestWindow} asked to be told. It wants no answer. Where the local APIC is
     * not the kernel's.
     */
    sealed interface IrqWindowOpen extends X86Exit permits Bare.IrqWindowOpen {
    }

    /**
     * KVM_EXIT_SET_TPR: the guest lowered its task priority by a write to CR8, so that an interrupt held back may be due.
     * It wants no answer. Where the local APIC is not the kernel's.
     */
    sealed interface SetTpr extends X86Exit permits TprDrop {

        /**
         * Returns the new task priority.
         *
         * @return CR8, 0 to 15
         */
        long cr8();
    }

    /**
     * KVM_EXIT_TPR_ACCESS: the guest accessed the task priority register of its memory-mapped local APIC, which
     * KVM_TPR_ACCESS_REPORTING asked to be told. It wants no answer. Capability KVM_CAP_VAPIC.
     */
    sealed interface TprAccess extends X86Exit permits TprTouch {

        /**
         * Returns where the guest is.
         *
         * @return the instruction pointer
         */
        long rip();

        /**
         * Tells whether the guest writes.
         *
         * @return true for a write, false for a read
         */
        boolean isWrite();
    }

    /**
     * KVM_EXIT_XEN with KVM_EXIT_XEN_HCALL: the guest made a Xen hypercall. It wants an answer; without one the guest
     * gets −ENOSYS, as from a Xen that does not know the call. Capability KVM_CAP_XEN_HVM (Linux 5.12) with
     * KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL.
     */
    sealed interface Xen extends X86Exit permits XenCall {

        /** The number of arguments that a call has, used or not. */
        int ARGUMENTS = 6;

        /**
         * Returns which call it is.
         *
         * @return the hypercall's number
         */
        long number();

        /**
         * Returns an argument.
         *
         * @param index
         *            0 to 5
         * @return the argument
         * @throws IndexOutOfBoundsException
         *             for another index
         */
        long argument(int index);

        /**
         * Tells whether the guest is in 64-bit mode, which decides what the arguments point to.
         *
         * @return true for 64-bit mode
         */
        boolean isLongMode();

        /**
         * Returns the guest's privilege level.
         *
         * @return 0 to 3
         */
        int cpl();

        /**
         * Answers the call.
         *
         * @param result
         *            what the guest finds in its accumulator: 0 or more for success, or a negative Xen errno
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void answer(long result);
    }

    /**
     * KVM_EXIT_NOTIFY: the guest let no event in for longer than the notify window. It wants no answer. Capability
     * KVM_CAP_X86_NOTIFY_VMEXIT (Linux 6.0), enabled on the VM.
     */
    sealed interface Notify extends X86Exit permits NotifyWindow {

        /**
         * Tells whether the vCPU's state is lost, KVM_NOTIFY_CONTEXT_INVALID. It must not be run again then.
         *
         * @return true if it is lost
         */
        boolean isContextInvalid();

        /**
         * Returns the KVM_NOTIFY_ bits.
         *
         * @return the raw flags
         */
        int flags();
    }

    /**
     * KVM_EXIT_X86_BUS_LOCK: the guest acquired a bus lock. It wants no answer. {@link X86RunFlag#BUS_LOCK} tells the
     * same of exits of other kinds. Capability KVM_CAP_X86_BUS_LOCK_EXIT (Linux 5.12), enabled on the VM.
     */
    sealed interface BusLock extends X86Exit permits Bare.BusLock {
    }

    /**
     * KVM_EXIT_AP_RESET_HOLD: a processor of an SEV-ES guest waits to be started by INIT and SIPI, where the local APIC is
     * not the kernel's. It wants no answer.
     */
    sealed interface ApResetHold extends X86Exit permits Bare.ApResetHold {
    }

    /**
     * KVM_EXIT_SNP_REQ_CERTS: an SEV-SNP guest asks for an attestation report and the certificates for it. Write them to
     * {@link #address()} and answer. Without an answer the guest gets a generic error. Linux 7.0, enabled by
     * {@link io.github.kvm4j.x86.X86Sev#snpEnableReqCerts}.
     */
    sealed interface SnpReqCerts extends X86Exit permits CertificateRequest {

        /**
         * Returns where the certificates go.
         *
         * @return the guest-physical address, unsigned
         */
        long address();

        /**
         * Returns how much memory there is.
         *
         * @return pages of 4 KiB
         */
        long pages();

        /**
         * Says that the certificates are there, or that there are none and the memory is zeroed.
         *
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void answer();

        /**
         * Says that the certificates need more memory (ENOSPC); the guest is told and may ask again.
         *
         * @param pages
         *            how much they need, in pages of 4 KiB
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void needPages(long pages);

        /**
         * Says that the certificates are being changed (EAGAIN); the guest is to ask again.
         *
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void retry();
    }

    /** KVM_EXIT_NMI: a non-maskable interrupt of the host ended the run. It wants no answer. Current kernels do not send it. */
    sealed interface Nmi extends X86Exit permits Bare.Nmi {
    }

    /**
     * KVM_EXIT_EXCEPTION: an exception in the guest that KVM does not know what to do with. It wants no answer.
     */
    @SuppressWarnings("AvoidCommonTypeNames") // the kernel's name
    sealed interface Exception extends X86Exit permits GuestException {

        /**
         * Returns which exception it is.
         *
         * @return the vector
         */
        int exception();

        /**
         * Returns what the processor gave with it.
         *
         * @return the error code
         */
        int errorCode();
    }
}
