package io.github.kvm4j.exit;

import io.github.kvm4j.internal.exit.Bare;
import io.github.kvm4j.internal.exit.EntryFailure;
import io.github.kvm4j.internal.exit.GuestCall;
import io.github.kvm4j.internal.exit.HardwareExit;
import io.github.kvm4j.internal.exit.InternalFailure;
import io.github.kvm4j.internal.exit.MemoryAbort;
import io.github.kvm4j.internal.exit.MmioAccess;
import io.github.kvm4j.internal.exit.PortAccess;
import io.github.kvm4j.internal.exit.SystemNotice;
import io.github.kvm4j.internal.exit.Untyped;

/**
 * Why {@link io.github.kvm4j.Vcpu#run()} returned: a value to switch over.
 *
 * <pre>{@code
 * switch (vcpu.run()) {
 *     case Exit.Io io when io.isOut() -> console.write(io.value());
 *     case Exit.Mmio mmio when mmio.isRead() -> mmio.answer(registers.read(mmio.address()));
 *     case Exit.Hlt _ -> running = false;
 *     default -> throw new IllegalStateException("unexpected exit");
 * }
 * }</pre>
 *
 * End a switch with a default case: a later version of the library may know more kinds, and a switch that was compiled
 * without one would throw {@link MatchException}.
 * <p>
 * An architecture's own kinds are in {@link X86Exit}, {@link Arm64Exit}, {@link RiscvExit}, {@link LoongarchExit},
 * {@link S390Exit} and {@link PpcExit}: {@code case X86Exit.Rdmsr read -> read.answer(0)}. A kind that no architecture
 * claims stands here, also where only some have it.
 * <p>
 * <b>Lifetime.</b> A vCPU has one object per kind, made at the latest when the first exit of that kind comes, and reuses
 * it, so that a run allocates nothing. What an exit says is
 * valid until the next {@code run()} of its vCPU; a reference kept across runs shows the newer exit of its kind. Use
 * {@link #copy()} to keep one. The payload was copied out of the run page, so reading it is safe at any time, also after
 * the vCPU is closed.
 * <p>
 * <b>Answers.</b> Some exits wait for an answer (the value of a port that the guest reads). It is handed to the kernel
 * by the next {@code run()}, which completes the guest's instruction. An answer to an exit that is not its vCPU's
 * current one, to a copy, or after close is refused with {@link IllegalStateException}. What happens without an answer
 * stands at each kind.
 * <p>
 * KVM documentation, section 5, "The kvm_run structure".
 */
public sealed interface Exit
        permits Exit.Io, Exit.Mmio, Exit.Hlt, Exit.Shutdown, Exit.SystemEvent, Exit.Hypercall, Exit.Debug,
        Exit.DirtyRingFull, Exit.FailEntry, Exit.InternalError, Exit.MemoryFault, Exit.Interrupted, Exit.NotReady,
        Exit.UnknownHardware, Exit.Unknown, X86Exit, Arm64Exit, RiscvExit, LoongarchExit, S390Exit, PpcExit {

    /**
     * Returns the {@code flags} of {@code struct kvm_run}, which say more of the vCPU's state than the exit's kind does.
     * Their meaning is an architecture's own; {@link X86RunFlag} has x86's.
     *
     * @return the raw bits, 16 of them
     */
    int runFlags();

    /**
     * Makes a copy that stays as it is, and that cannot be answered.
     *
     * @return a copy of the same kind
     */
    Exit copy();

    /**
     * KVM_EXIT_IO: the guest executed a port I/O instruction. A string instruction ({@code rep outsb}) may transfer
     * several items with one exit; {@link #count()} tells how many. Where the guest reads, every item wants an answer;
     * one that gets none reads as all ones, like a port with nothing behind it.
     */
    sealed interface Io extends Exit permits PortAccess {

        /**
         * Tells whether the guest reads from the port (IN, INS).
         *
         * @return true for a read, false for a write
         */
        boolean isIn();

        /**
         * Tells whether the guest writes to the port (OUT, OUTS).
         *
         * @return true for a write, false for a read
         */
        default boolean isOut() {
            return !isIn();
        }

        /**
         * Returns the port.
         *
         * @return 0 to 0xffff
         */
        int port();

        /**
         * Returns the size of an item.
         *
         * @return 1, 2 or 4 bytes
         */
        int size();

        /**
         * Returns the number of items, all of {@link #size()} bytes and for the same port.
         *
         * @return 1 or more
         */
        int count();

        /**
         * Returns what the guest wrote, its first item.
         *
         * @return the item, zero-extended for sizes 1 and 2; for a read the answer given so far, or all ones
         */
        default int value() {
            return value(0);
        }

        /**
         * Returns one item of what the guest wrote.
         *
         * @param index
         *            0 to {@link #count()} − 1
         * @return the item, zero-extended for sizes 1 and 2; for a read the answer given so far, or all ones
         * @throws IndexOutOfBoundsException
         *             for another index
         */
        int value(int index);

        /**
         * Answers a read of one item.
         *
         * @param value
         *            what the guest reads; bits above {@link #size()} are ignored
         * @throws IllegalStateException
         *             when this is not a read, not the current exit, or the vCPU is closed
         */
        default void answer(int value) {
            answer(0, value);
        }

        /**
         * Answers one item of a read.
         *
         * @param index
         *            0 to {@link #count()} − 1
         * @param value
         *            what the guest reads; bits above {@link #size()} are ignored
         * @throws IllegalStateException
         *             when this is not a read, not the current exit, or the vCPU is closed
         * @throws IndexOutOfBoundsException
         *             for another index
         */
        void answer(int index, int value);
    }

    /**
     * KVM_EXIT_MMIO: the guest accessed a guest-physical address that no memory slot backs, or wrote to a read-only one.
     * A read wants an answer; without one it reads as all ones, like a bus with nothing behind the address. An access
     * that crosses a page comes as two exits.
     */
    sealed interface Mmio extends Exit permits MmioAccess {

        /**
         * Tells whether the guest writes.
         *
         * @return true for a write, false for a read
         */
        boolean isWrite();

        /**
         * Tells whether the guest reads.
         *
         * @return true for a read, false for a write
         */
        default boolean isRead() {
            return !isWrite();
        }

        /**
         * Returns the guest-physical address.
         *
         * @return the address, unsigned
         */
        long address();

        /**
         * Returns the size of the access.
         *
         * @return 1 to 8 bytes
         */
        int size();

        /**
         * Returns what the guest wrote.
         *
         * @return the bytes as a little-endian number, zero-extended; for a read the answer given so far, or all ones
         */
        long value();

        /**
         * Answers a read.
         *
         * @param value
         *            what the guest reads, as a little-endian number; bits above {@link #size()} are ignored
         * @throws IllegalStateException
         *             when this is not a read, not the current exit, or the vCPU is closed
         */
        void answer(long value);
    }

    /**
     * KVM_EXIT_HLT: the guest executed HLT, and no in-kernel interrupt controller is there to wake it. Running again
     * goes on behind the instruction.
     */
    sealed interface Hlt extends Exit permits Bare.Hlt {
    }

    /** KVM_EXIT_SHUTDOWN: the guest shut down; on x86 a triple fault. */
    sealed interface Shutdown extends Exit permits Bare.Shutdown {
    }

    /**
     * KVM_EXIT_SYSTEM_EVENT: something happened to the machine as a whole, mostly because the guest's firmware interface
     * (PSCI on arm64, SBI on RISC-V) was called. It wants no answer, and what follows is the caller's to do. On arm64 and
     * RISC-V a shutdown or reset has stopped every vCPU of the VM: one that is run again waits until its MP state is set.
     */
    sealed interface SystemEvent extends Exit permits SystemNotice {

        /** What happened. */
        enum Kind {
            /** KVM_SYSTEM_EVENT_SHUTDOWN: the guest wants to be switched off. */
            SHUTDOWN,
            /** KVM_SYSTEM_EVENT_RESET: the guest wants to be reset. */
            RESET,
            /** KVM_SYSTEM_EVENT_CRASH: the guest says that it has crashed. */
            CRASH,
            /** KVM_SYSTEM_EVENT_WAKEUP: a suspended vCPU has something to wake up for; make it runnable by its MP state. */
            WAKEUP,
            /** KVM_SYSTEM_EVENT_SUSPEND: the guest wants to be suspended; the arm64 vCPU goes on as from PSCI SYSTEM_SUSPEND. */
            SUSPEND,
            /** KVM_SYSTEM_EVENT_SEV_TERM: an SEV guest asks for its end; the first word is the GHCB's MSR. */
            SEV_TERM,
            /** KVM_SYSTEM_EVENT_TDX_FATAL: a TDX guest reports a fatal error; the words are its registers. */
            TDX_FATAL,
            /** A type that this version of the library does not know: see {@link SystemEvent#type()}. */
            UNKNOWN
        }

        /**
         * Returns what happened, as the kernel numbers it.
         *
         * @return the raw type, a {@code KVM_SYSTEM_EVENT_} number
         */
        int type();

        /**
         * Returns what happened.
         *
         * @return the kind, {@link Kind#UNKNOWN} for a type that is none of the others
         */
        Kind kind();

        /**
         * Returns the number of data words that came with it.
         *
         * @return 0 to 16; 0 of a kernel without KVM_CAP_SYSTEM_EVENT_DATA (Linux 5.19)
         */
        int dataCount();

        /**
         * Returns a data word. The first of a shutdown or reset on arm64 has KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_ or
         * KVM_SYSTEM_EVENT_RESET_FLAG_ bits, of which 1 means that PSCI's second version of the call was used; on RISC-V
         * it is the reset reason that the SBI call gave.
         *
         * @param index
         *            0 to {@link #dataCount()} − 1
         * @return the word
         * @throws IndexOutOfBoundsException
         *             for another index
         */
        long data(int index);
    }

    /**
     * KVM_EXIT_HYPERCALL: the guest called the hypervisor, and KVM leaves it to the caller. On x86 these are the calls
     * that KVM_CAP_EXIT_HYPERCALL (Linux 5.14), enabled on the VM, names: KVM_HC_MAP_GPA_RANGE. On arm64 they are those
     * that the VM's SMCCC filter forwards (Linux 6.4).
     * <p>
     * On x86 it wants an answer; without one the guest gets −KVM_ENOSYS, as for a call that KVM does not know. (In an
     * SEV-SNP or TDX guest KVM translates the answer, knows 0, EINVAL and EAGAIN alone, and fails the next run with EINVAL
     * otherwise.) On arm64 the answer is in the guest's registers, where the arguments are too: set x0.
     */
    sealed interface Hypercall extends Exit permits GuestCall {

        /** The number of arguments that a call has, used or not. */
        int ARGUMENTS = 6;

        /**
         * Returns which call it is.
         *
         * @return on x86 a {@code KVM_HC_} number, on arm64 the SMCCC function id
         */
        long number();

        /**
         * Returns an argument. On arm64 there are none: read x1 to x6.
         *
         * @param index
         *            0 to 5
         * @return the argument
         * @throws IndexOutOfBoundsException
         *             for another index
         */
        long argument(int index);

        /**
         * Returns how the call was made: on x86 KVM_EXIT_HYPERCALL_LONG_MODE, on arm64 the KVM_HYPERCALL_EXIT_ bits.
         *
         * @return the raw flags
         */
        long flags();

        /**
         * Answers the call.
         *
         * @param result
         *            what the guest finds in its result register, truncated to 32 bits outside of long mode; 0 for success,
         *            or a negative {@code KVM_} errno
         * @throws IllegalStateException
         *             when this is not the current exit, or the vCPU is closed
         */
        void answer(long result);
    }

    /**
     * KVM_EXIT_DEBUG: an event that KVM_SET_GUEST_DEBUG asked for, a single step or a breakpoint. What it says is an
     * architecture's own: {@link X86Exit.Debug}, {@link Arm64Exit.Debug}. It wants no answer.
     */
    sealed interface Debug extends Exit permits X86Exit.Debug, Arm64Exit.Debug, RiscvExit.Debug {
    }

    /**
     * KVM_EXIT_DIRTY_RING_FULL: the vCPU's dirty ring is full, or nearly. Harvest it and KVM_RESET_DIRTY_RINGS; without
     * that the next run returns this exit again. Capability KVM_CAP_DIRTY_LOG_RING or KVM_CAP_DIRTY_LOG_RING_ACQ_REL.
     */
    sealed interface DirtyRingFull extends Exit permits Bare.DirtyRingFull {
    }

    /** KVM_EXIT_FAIL_ENTRY: the processor refused to enter the guest, mostly because of an invalid register state. */
    sealed interface FailEntry extends Exit permits EntryFailure {

        /**
         * Returns the processor's own reason, whose meaning its manual gives (the VM-instruction error of VMX, the exit
         * code of SVM).
         *
         * @return the raw reason
         */
        long hardwareReason();

        /**
         * Returns the host CPU on which it happened.
         *
         * @return the CPU's number
         */
        int cpu();
    }

    /**
     * KVM_EXIT_INTERNAL_ERROR: KVM could not go on, for example at an instruction that its emulator does not know. It
     * wants no answer; the guest stands at the instruction, and running again most likely ends in the same error.
     */
    @SuppressWarnings("AvoidCommonTypeNames") // the kernel's name
    sealed interface InternalError extends Exit permits InternalFailure {

        /**
         * Returns what kind of error it is, a {@code KVM_INTERNAL_ERROR_} number: 1 emulation, 2 simultaneous
         * exceptions, 3 event delivery, 4 unexpected exit reason.
         *
         * @return the raw suberror
         */
        int suberror();

        /**
         * Returns the number of data words that came with it.
         *
         * @return 0 to 16
         */
        int dataCount();

        /**
         * Returns a data word, whose meaning depends on {@link #suberror()}.
         *
         * @param index
         *            0 to {@link #dataCount()} − 1
         * @return the word
         * @throws IndexOutOfBoundsException
         *             for another index
         */
        long data(int index);

        /**
         * Tells whether the instruction is known that could not be emulated. On x86, with suberror 1; with
         * KVM_CAP_EXIT_ON_EMULATION_FAILURE (Linux 5.15) enabled, also of the guest's user mode.
         *
         * @return true if {@link #instruction()} has bytes
         */
        boolean hasInstruction();

        /**
         * Returns the bytes at the instruction that could not be emulated, as many as KVM had fetched, which may be more
         * than the instruction's own.
         *
         * @return a copy, of at most 15 bytes; empty where they are not known
         */
        byte[] instruction();
    }

    /**
     * KVM_EXIT_MEMORY_FAULT, for which KVM_RUN fails with EFAULT or EHWPOISON: the guest's access to a range of
     * guest-physical memory could not be resolved. Mend the mapping before the next run, or it comes again.
     */
    sealed interface MemoryFault extends Exit permits MemoryAbort {

        /**
         * Returns the start of the range.
         *
         * @return the guest-physical address, unsigned
         */
        long address();

        /**
         * Returns the size of the range.
         *
         * @return bytes
         */
        long size();

        /**
         * Returns the KVM_MEMORY_EXIT_FLAG_ bits.
         *
         * @return the raw flags
         */
        long flags();

        /**
         * Tells whether the access was to private memory, KVM_MEMORY_EXIT_FLAG_PRIVATE: the guest takes the range for
         * private, and the VM's memory attributes say otherwise, or the other way round.
         *
         * @return true for private, false for shared
         */
        boolean isPrivate();

        /**
         * Returns what KVM_RUN failed with.
         *
         * @return EFAULT or EHWPOISON, positive; 0 if KVM_RUN did not fail
         */
        int errno();
    }

    /**
     * The run was interrupted by {@link io.github.kvm4j.Vcpu#kick()}; KVM_RUN returned EINTR. Any answer that was due has
     * been handed over. Running again goes on where the guest was.
     */
    sealed interface Interrupted extends Exit permits Bare.Interrupted {
    }

    /**
     * KVM_RUN returned EAGAIN: the vCPU has nothing to run yet. On x86 with the in-kernel interrupt controller it is an
     * application processor that left the wait for INIT or SIPI; run again.
     */
    sealed interface NotReady extends Exit permits Bare.NotReady {
    }

    /**
     * KVM_EXIT_UNKNOWN: the processor gave a reason for leaving the guest that KVM does not know, or KVM gave no reason.
     */
    sealed interface UnknownHardware extends Exit permits HardwareExit {

        /**
         * Returns the processor's own reason.
         *
         * @return the raw reason
         */
        long hardwareReason();
    }

    /**
     * An exit that this version of the library has no type for: a reason, or a kind within a reason, that a later kernel
     * invented, or a payload that its type cannot have. It cannot be answered; what the guest reads with an impossible port
     * or memory-mapped read is all ones.
     */
    sealed interface Unknown extends Exit permits Untyped {

        /**
         * Returns the kernel's number.
         *
         * @return the raw {@code exit_reason}, a {@code KVM_EXIT_} number
         */
        int reason();

        /**
         * Returns the exit's part of the run page.
         *
         * @return a copy of the union's 256 bytes
         */
        byte[] payload();
    }
}
