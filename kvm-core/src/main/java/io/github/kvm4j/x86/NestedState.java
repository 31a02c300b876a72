package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_nested_state;
import io.github.kvm4j.bindings.x86.kvm_svm_nested_state_hdr;
import io.github.kvm4j.bindings.x86.kvm_vmx_nested_state_hdr;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * What a vCPU that runs guests of its own has beyond a vCPU's state ({@code struct kvm_nested_state}): plain values, which
 * nothing ties to a vCPU. The fields of VMX count in VMX's format alone, that of SVM in SVM's.
 *
 * @see X86Nested#getNestedState(NestedState)
 */
public final class NestedState {

    private static final long HEADER = kvm_nested_state.hdr$offset();
    private static final long SMM = HEADER + kvm_vmx_nested_state_hdr.smm$offset()
            + kvm_vmx_nested_state_hdr.smm.flags$offset();

    /** The bytes before {@link #data}. */
    static final int HEADER_SIZE = (int) kvm_nested_state.sizeof();

    /** An address of VMX's that is not there: all ones. */
    public static final long NO_ADDRESS = -1;

    /** Which processor's. */
    public enum Format {

        /** KVM_STATE_NESTED_FORMAT_VMX: Intel's. */
        VMX(kvm_x86_h.KVM_STATE_NESTED_FORMAT_VMX()),
        /** KVM_STATE_NESTED_FORMAT_SVM: AMD's. */
        SVM(kvm_x86_h.KVM_STATE_NESTED_FORMAT_SVM()),
        /** One that a newer kernel has. */
        UNKNOWN(-1);

        private final int number;

        Format(int number) {
            this.number = number;
        }

        static Format of(int number) {
            return Arrays.stream(values()).filter(format -> format.number == number).findFirst().orElse(UNKNOWN);
        }
    }

    /** KVM_STATE_NESTED_ bits: see {@link NestedStateFlag}. */
    public int flags;
    /** Which processor's. */
    public Format format = Format.VMX;
    /** VMX: the guest-physical address of the VMXON region, or {@link #NO_ADDRESS}. */
    public long vmxonPa = NO_ADDRESS;
    /** VMX: the guest-physical address of the current VMCS, or {@link #NO_ADDRESS}. */
    public long vmcs12Pa = NO_ADDRESS;
    /** VMX: KVM_STATE_NESTED_SMM_ bits. */
    public int smmFlags;
    /** VMX: KVM_STATE_VMX_ bits. */
    public int vmxFlags;
    /** VMX: when the preemption timer fires, as the guest's time stamp counter. */
    public long preemptionTimerDeadline;
    /** SVM: the guest-physical address of the VMCB of the last VMRUN. */
    public long vmcbPa;
    /** SVM: the guest's IA32_PAT of nested paging, where the kernel has it. */
    public long gpat;
    /** The guest's VMCS, and the shadow one, or VMCB; empty when there is none. */
    public byte[] data = new byte[0];

    /** Makes the state of a vCPU that has not entered VMX operation. */
    public NestedState() {
    }

    /**
     * Makes a copy.
     *
     * @return equal state
     */
    public NestedState copy() {
        NestedState copy = new NestedState();
        copy.flags = flags;
        copy.format = format;
        copy.vmxonPa = vmxonPa;
        copy.vmcs12Pa = vmcs12Pa;
        copy.smmFlags = smmFlags;
        copy.vmxFlags = vmxFlags;
        copy.preemptionTimerDeadline = preemptionTimerDeadline;
        copy.vmcbPa = vmcbPa;
        copy.gpat = gpat;
        copy.data = data.clone();
        return copy;
    }

    void readFrom(MemorySegment from) {
        flags = Short.toUnsignedInt(kvm_nested_state.flags(from));
        format = Format.of(Short.toUnsignedInt(kvm_nested_state.format(from)));
        int size = Math.clamp(kvm_nested_state.size(from), HEADER_SIZE, (int) from.byteSize());
        MemorySegment header = from.asSlice(HEADER, HEADER_SIZE - HEADER);
        boolean vmx = format == Format.VMX;
        boolean svm = format == Format.SVM;
        vmxonPa = vmx ? kvm_vmx_nested_state_hdr.vmxon_pa(header) : NO_ADDRESS;
        vmcs12Pa = vmx ? kvm_vmx_nested_state_hdr.vmcs12_pa(header) : NO_ADDRESS;
        smmFlags = vmx
                ? Short.toUnsignedInt(from.get(kvm_vmx_nested_state_hdr.smm.flags$layout(), SMM))
                : 0;
        vmxFlags = vmx ? kvm_vmx_nested_state_hdr.flags(header) : 0;
        preemptionTimerDeadline = vmx ? kvm_vmx_nested_state_hdr.preemption_timer_deadline(header) : 0;
        vmcbPa = svm ? kvm_svm_nested_state_hdr.vmcb_pa(header) : 0;
        gpat = svm ? kvm_svm_nested_state_hdr.gpat(header) : 0;
        data = from.asSlice(HEADER_SIZE, size - HEADER_SIZE).toArray(JAVA_BYTE);
    }

    int size() {
        return HEADER_SIZE + data.length;
    }

    void writeTo(MemorySegment to) {
        to.asSlice(0, HEADER_SIZE).fill((byte) 0);
        kvm_nested_state.flags(to, (short) Fields.check("flags", flags, 0xffff));
        if (format == Format.UNKNOWN) {
            throw new IllegalArgumentException(
                    "nested state of a format that this version of the library does not know");
        }
        kvm_nested_state.format(to, (short) format.number);
        kvm_nested_state.size(to, size());
        MemorySegment header = to.asSlice(HEADER, HEADER_SIZE - HEADER);
        if (format == Format.VMX) {
            kvm_vmx_nested_state_hdr.vmxon_pa(header, vmxonPa);
            kvm_vmx_nested_state_hdr.vmcs12_pa(header, vmcs12Pa);
            to.set(kvm_vmx_nested_state_hdr.smm.flags$layout(), SMM,
                    (short) Fields.check("smmFlags", smmFlags, 0xffff));
            kvm_vmx_nested_state_hdr.flags(header, vmxFlags);
            kvm_vmx_nested_state_hdr.preemption_timer_deadline(header, preemptionTimerDeadline);
        } else {
            kvm_svm_nested_state_hdr.vmcb_pa(header, vmcbPa);
            kvm_svm_nested_state_hdr.gpat(header, gpat);
        }
        MemorySegment.copy(data, 0, to, JAVA_BYTE, HEADER_SIZE, data.length);
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof NestedState other
                && flags == other.flags
                && format == other.format
                && vmxonPa == other.vmxonPa
                && vmcs12Pa == other.vmcs12Pa
                && smmFlags == other.smmFlags
                && vmxFlags == other.vmxFlags
                && preemptionTimerDeadline == other.preemptionTimerDeadline
                && vmcbPa == other.vmcbPa
                && gpat == other.gpat
                && Arrays.equals(data, other.data);
    }

    @Override
    public int hashCode() {
        return Objects.hash(flags, format, vmxonPa, vmcs12Pa, vmcbPa, Arrays.hashCode(data));
    }

    @Override
    public String toString() {
        String text = format + " " + Flags.text(NestedStateFlag.class, NestedStateFlag::bit, flags);
        return switch (format) {
            case VMX -> String.format("%s vmxon %x vmcs12 %x smm %x flags %x deadline %x, %d bytes", text, vmxonPa,
                    vmcs12Pa, smmFlags, vmxFlags, preemptionTimerDeadline, data.length);
            case SVM -> String.format("%s vmcb %x gpat %x, %d bytes", text, vmcbPa, gpat, data.length);
            case UNKNOWN -> text + ", " + data.length + " bytes";
        };
    }
}
