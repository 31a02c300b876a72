package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import io.github.kvm4j.bindings.x86.kvm_vcpu_events;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * The exceptions, interrupts and NMIs that an x86 vCPU is about to take ({@code struct kvm_vcpu_events}): plain values,
 * which nothing ties to a vCPU.
 * <p>
 * KVM documentation, sections 4.31 and 4.32.
 *
 * @see X86Vcpu#getVcpuEvents(VcpuEvents)
 */
public final class VcpuEvents {

    private static final long EXCEPTION = kvm_vcpu_events.exception$offset();
    private static final long INTERRUPT = kvm_vcpu_events.interrupt$offset();
    private static final long NMI = kvm_vcpu_events.nmi$offset();
    private static final long SMI = kvm_vcpu_events.smi$offset();
    private static final long TRIPLE_FAULT = kvm_vcpu_events.triple_fault$offset();
    private static final int BYTE = 0xff;

    /** A field that counts only when it is named in {@link #flags}; the others always do. */
    public enum Valid {

        /** KVM_VCPUEVENT_VALID_NMI_PENDING: {@link VcpuEvents#nmiPending}. */
        NMI_PENDING(kvm_x86_h.KVM_VCPUEVENT_VALID_NMI_PENDING()),
        /** KVM_VCPUEVENT_VALID_SIPI_VECTOR: {@link VcpuEvents#sipiVector}; only ever set by the caller. */
        SIPI_VECTOR(kvm_x86_h.KVM_VCPUEVENT_VALID_SIPI_VECTOR()),
        /** KVM_VCPUEVENT_VALID_SHADOW: {@link VcpuEvents#interruptShadow}. */
        SHADOW(kvm_x86_h.KVM_VCPUEVENT_VALID_SHADOW()),
        /** KVM_VCPUEVENT_VALID_SMM: the fields of system management mode. */
        SMM(kvm_x86_h.KVM_VCPUEVENT_VALID_SMM()),
        /**
         * KVM_VCPUEVENT_VALID_PAYLOAD: {@link VcpuEvents#exceptionPending} and the payload. With
         * {@link io.github.kvm4j.Capability#EXCEPTION_PAYLOAD}, enabled.
         */
        PAYLOAD(kvm_x86_h.KVM_VCPUEVENT_VALID_PAYLOAD()),
        /**
         * KVM_VCPUEVENT_VALID_TRIPLE_FAULT: {@link VcpuEvents#tripleFaultPending}. With
         * {@link io.github.kvm4j.Capability#X86_TRIPLE_FAULT_EVENT}, enabled.
         */
        TRIPLE_FAULT(kvm_x86_h.KVM_VCPUEVENT_VALID_TRIPLE_FAULT());

        private final int bit;

        Valid(int bit) {
            this.bit = bit;
        }

        /**
         * Returns the kernel's bit.
         *
         * @return a KVM_VCPUEVENT_VALID_ number
         */
        public int bit() {
            return bit;
        }
    }

    /**
     * Whether an exception has been given to the guest and not yet taken. Those of instructions, #BP (3) and #OF (4), are read
     * as not given: the guest executes the instruction again.
     */
    public boolean exceptionInjected;
    /** The exception's vector, 0 to 31. */
    public int exceptionVector;
    /** Whether the exception has an error code. */
    public boolean exceptionHasErrorCode;
    /** Whether an exception waits to be given to the guest; see {@link Valid#PAYLOAD}. */
    public boolean exceptionPending;
    /** The exception's error code. */
    public int exceptionErrorCode;
    /** Whether a pending exception has a payload. */
    public boolean exceptionHasPayload;
    /** What a pending exception will put into DR6 or CR2. */
    public long exceptionPayload;
    /** Whether an interrupt has been given to the guest and not yet taken. */
    public boolean interruptInjected;
    /** The interrupt's vector, 0 to 255. */
    public int interruptVector;
    /** Whether the interrupt is an INT instruction's. */
    public boolean interruptSoft;
    /** KVM_X86_SHADOW_INT_ bits: interrupts wait until after the instruction behind a MOV SS (1) or STI (2). */
    public int interruptShadow;
    /** Whether an NMI has been given to the guest and not yet taken. */
    public boolean nmiInjected;
    /** How many NMIs wait to be given to the guest, 0 to 2. */
    public int nmiPending;
    /** Whether NMIs are blocked, as in the handler of one. */
    public boolean nmiMasked;
    /** The vector of the start-up interrupt that was received. */
    public int sipiVector;
    /** KVM_VCPUEVENT_VALID_ bits: see {@link Valid}. */
    public int flags;
    /** Whether the vCPU is in system management mode. */
    public boolean smm;
    /** Whether a system management interrupt waits. */
    public boolean smiPending;
    /** Whether system management mode was entered out of the handler of an NMI. */
    public boolean smmInsideNmi;
    /** Whether an INIT waits for the end of system management mode. */
    public boolean latchedInit;
    /** Whether a triple fault waits to be an exit. */
    public boolean tripleFaultPending;

    /** Makes one without events. */
    public VcpuEvents() {
    }

    /**
     * Tells whether a field counts.
     *
     * @param field
     *            the field
     * @return whether {@link #flags} names it
     */
    public boolean has(Valid field) {
        return (flags & field.bit) != 0;
    }

    /**
     * Makes fields count.
     *
     * @param fields
     *            the fields to name in {@link #flags}
     */
    public void mark(Valid... fields) {
        for (Valid field : fields) {
            flags |= field.bit;
        }
    }

    /**
     * Makes a copy.
     *
     * @return equal events
     */
    public VcpuEvents copy() {
        VcpuEvents copy = new VcpuEvents();
        copy.exceptionInjected = exceptionInjected;
        copy.exceptionVector = exceptionVector;
        copy.exceptionHasErrorCode = exceptionHasErrorCode;
        copy.exceptionPending = exceptionPending;
        copy.exceptionErrorCode = exceptionErrorCode;
        copy.exceptionHasPayload = exceptionHasPayload;
        copy.exceptionPayload = exceptionPayload;
        copy.interruptInjected = interruptInjected;
        copy.interruptVector = interruptVector;
        copy.interruptSoft = interruptSoft;
        copy.interruptShadow = interruptShadow;
        copy.nmiInjected = nmiInjected;
        copy.nmiPending = nmiPending;
        copy.nmiMasked = nmiMasked;
        copy.sipiVector = sipiVector;
        copy.flags = flags;
        copy.smm = smm;
        copy.smiPending = smiPending;
        copy.smmInsideNmi = smmInsideNmi;
        copy.latchedInit = latchedInit;
        copy.tripleFaultPending = tripleFaultPending;
        return copy;
    }

    void readFrom(MemorySegment events) {
        exceptionInjected = bool(events, EXCEPTION + kvm_vcpu_events.exception.injected$offset());
        exceptionVector = uint8(events, EXCEPTION + kvm_vcpu_events.exception.nr$offset());
        exceptionHasErrorCode = bool(events, EXCEPTION + kvm_vcpu_events.exception.has_error_code$offset());
        exceptionPending = bool(events, EXCEPTION + kvm_vcpu_events.exception.pending$offset());
        exceptionErrorCode = events.get(kvm_vcpu_events.exception.error_code$layout(),
                EXCEPTION + kvm_vcpu_events.exception.error_code$offset());
        exceptionHasPayload = bool(events, kvm_vcpu_events.exception_has_payload$offset());
        exceptionPayload = kvm_vcpu_events.exception_payload(events);
        interruptInjected = bool(events, INTERRUPT + kvm_vcpu_events.interrupt.injected$offset());
        interruptVector = uint8(events, INTERRUPT + kvm_vcpu_events.interrupt.nr$offset());
        interruptSoft = bool(events, INTERRUPT + kvm_vcpu_events.interrupt.soft$offset());
        interruptShadow = uint8(events, INTERRUPT + kvm_vcpu_events.interrupt.shadow$offset());
        nmiInjected = bool(events, NMI + kvm_vcpu_events.nmi.injected$offset());
        nmiPending = uint8(events, NMI + kvm_vcpu_events.nmi.pending$offset());
        nmiMasked = bool(events, NMI + kvm_vcpu_events.nmi.masked$offset());
        sipiVector = kvm_vcpu_events.sipi_vector(events);
        flags = kvm_vcpu_events.flags(events);
        smm = bool(events, SMI + kvm_vcpu_events.smi.smm$offset());
        smiPending = bool(events, SMI + kvm_vcpu_events.smi.pending$offset());
        smmInsideNmi = bool(events, SMI + kvm_vcpu_events.smi.smm_inside_nmi$offset());
        latchedInit = bool(events, SMI + kvm_vcpu_events.smi.latched_init$offset());
        tripleFaultPending = bool(events, TRIPLE_FAULT + kvm_vcpu_events.triple_fault.pending$offset());
    }

    void writeTo(MemorySegment events) {
        // What is reserved must be 0.
        events.fill((byte) 0);
        set(events, EXCEPTION + kvm_vcpu_events.exception.injected$offset(), exceptionInjected);
        set(events, EXCEPTION + kvm_vcpu_events.exception.nr$offset(), "exceptionVector", exceptionVector);
        set(events, EXCEPTION + kvm_vcpu_events.exception.has_error_code$offset(), exceptionHasErrorCode);
        set(events, EXCEPTION + kvm_vcpu_events.exception.pending$offset(), exceptionPending);
        events.set(kvm_vcpu_events.exception.error_code$layout(),
                EXCEPTION + kvm_vcpu_events.exception.error_code$offset(), exceptionErrorCode);
        set(events, kvm_vcpu_events.exception_has_payload$offset(), exceptionHasPayload);
        kvm_vcpu_events.exception_payload(events, exceptionPayload);
        set(events, INTERRUPT + kvm_vcpu_events.interrupt.injected$offset(), interruptInjected);
        set(events, INTERRUPT + kvm_vcpu_events.interrupt.nr$offset(), "interruptVector", interruptVector);
        set(events, INTERRUPT + kvm_vcpu_events.interrupt.soft$offset(), interruptSoft);
        set(events, INTERRUPT + kvm_vcpu_events.interrupt.shadow$offset(), "interruptShadow", interruptShadow);
        set(events, NMI + kvm_vcpu_events.nmi.injected$offset(), nmiInjected);
        set(events, NMI + kvm_vcpu_events.nmi.pending$offset(), "nmiPending", nmiPending);
        set(events, NMI + kvm_vcpu_events.nmi.masked$offset(), nmiMasked);
        kvm_vcpu_events.sipi_vector(events, sipiVector);
        kvm_vcpu_events.flags(events, flags);
        set(events, SMI + kvm_vcpu_events.smi.smm$offset(), smm);
        set(events, SMI + kvm_vcpu_events.smi.pending$offset(), smiPending);
        set(events, SMI + kvm_vcpu_events.smi.smm_inside_nmi$offset(), smmInsideNmi);
        set(events, SMI + kvm_vcpu_events.smi.latched_init$offset(), latchedInit);
        set(events, TRIPLE_FAULT + kvm_vcpu_events.triple_fault.pending$offset(), tripleFaultPending);
    }

    private static boolean bool(MemorySegment events, long offset) {
        return uint8(events, offset) != 0;
    }

    private static int uint8(MemorySegment events, long offset) {
        return Byte.toUnsignedInt(events.get(kvm_vcpu_events.exception.nr$layout(), offset));
    }

    private static void set(MemorySegment events, long offset, boolean value) {
        events.set(kvm_vcpu_events.exception.nr$layout(), offset, (byte) (value ? 1 : 0));
    }

    private static void set(MemorySegment events, long offset, String name, int value) {
        events.set(kvm_vcpu_events.exception.nr$layout(), offset, (byte) Fields.check(name, value, BYTE));
    }

    private Object[] values() {
        return new Object[]{exceptionInjected, exceptionVector, exceptionHasErrorCode, exceptionPending,
                exceptionErrorCode, exceptionHasPayload, exceptionPayload, interruptInjected, interruptVector,
                interruptSoft, interruptShadow, nmiInjected, nmiPending, nmiMasked, sipiVector, flags, smm, smiPending,
                smmInsideNmi, latchedInit, tripleFaultPending};
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof VcpuEvents events && Arrays.equals(values(), events.values());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(values());
    }

    @Override
    public String toString() {
        return String.format("""
                exception %d injected %b pending %b error code %b %x payload %b %x
                interrupt %d injected %b soft %b shadow %x
                nmi injected %b pending %d masked %b sipi vector %x flags %x
                smm %b smi pending %b inside nmi %b latched init %b triple fault %b""", exceptionVector,
                exceptionInjected, exceptionPending, exceptionHasErrorCode, exceptionErrorCode, exceptionHasPayload,
                exceptionPayload, interruptVector, interruptInjected, interruptSoft, interruptShadow, nmiInjected,
                nmiPending, nmiMasked, sipiVector, flags, smm, smiPending, smmInsideNmi, latchedInit,
                tripleFaultPending);
    }
}
