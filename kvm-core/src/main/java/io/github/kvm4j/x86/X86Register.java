package io.github.kvm4j.x86;

import java.util.OptionalInt;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * A register of an x86 vCPU by its id, as {@link X86Vcpu#getOneReg} and its like take it: an MSR, or one that has no other
 * interface. Each has 64 bits.
 * <p>
 * Kernel documentation, section 4.68 (KVM_SET_ONE_REG), "x86 MSR registers" and "x86 KVM registers".
 *
 * @param id
 *            a KVM_REG_X86 number
 */
public record X86Register(long id) {

    /** KVM_REG_GUEST_SSP: the pointer of the guest's shadow stack. */
    public static final X86Register GUEST_SSP = of(kvm_x86_h.KVM_X86_REG_TYPE_KVM(), kvm_x86_h.KVM_REG_GUEST_SSP());

    /** The index has the low 32 bits, the type the 8 above. */
    private static X86Register of(int type, int index) {
        return new X86Register(kvm_h.KVM_REG_X86() | kvm_h.KVM_REG_SIZE_U64() | (long) type << Integer.SIZE
                | Integer.toUnsignedLong(index));
    }

    /**
     * Returns a model-specific register.
     *
     * @param msr
     *            which
     * @return it, as a register by id
     */
    public static X86Register msr(Msr msr) {
        return msr(msr.index());
    }

    /**
     * Returns a model-specific register.
     *
     * @param index
     *            its number
     * @return it, as a register by id
     */
    public static X86Register msr(int index) {
        return of(kvm_x86_h.KVM_X86_REG_TYPE_MSR(), index);
    }

    /**
     * Returns which model-specific register it is.
     *
     * @return its number, or empty when it is none
     */
    public OptionalInt msrIndex() {
        return msr((int) id).equals(this) ? OptionalInt.of((int) id) : OptionalInt.empty();
    }

    @Override
    public String toString() {
        return msrIndex().isPresent()
                ? Msr.name((int) id)
                : equals(GUEST_SSP) ? "GUEST_SSP" : String.format("0x%x", id);
    }
}
