package io.github.kvm4j.x86;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/**
 * One entry of a CPUID table ({@code struct kvm_cpuid_entry2}): what the guest's CPUID instruction returns.
 *
 * @param function
 *            the leaf: EAX of the instruction
 * @param index
 *            the subleaf: ECX of the instruction; counts only with KVM_CPUID_FLAG_SIGNIFCANT_INDEX
 * @param flags
 *            KVM_CPUID_FLAG_ bits
 * @param eax
 *            the result in EAX
 * @param ebx
 *            the result in EBX
 * @param ecx
 *            the result in ECX
 * @param edx
 *            the result in EDX
 */
public record CpuidEntry(int function, int index, int flags, int eax, int ebx, int ecx, int edx) {

    /**
     * Makes an entry for a leaf without subleaves.
     *
     * @param function
     *            the leaf
     * @param eax
     *            the result in EAX
     * @param ebx
     *            the result in EBX
     * @param ecx
     *            the result in ECX
     * @param edx
     *            the result in EDX
     * @return the entry, its flags 0
     */
    public static CpuidEntry leaf(int function, int eax, int ebx, int ecx, int edx) {
        return new CpuidEntry(function, 0, 0, eax, ebx, ecx, edx);
    }

    /**
     * Makes an entry for one subleaf of a leaf.
     *
     * @param function
     *            the leaf
     * @param index
     *            the subleaf
     * @param eax
     *            the result in EAX
     * @param ebx
     *            the result in EBX
     * @param ecx
     *            the result in ECX
     * @param edx
     *            the result in EDX
     * @return the entry, with KVM_CPUID_FLAG_SIGNIFCANT_INDEX
     */
    public static CpuidEntry subleaf(int function, int index, int eax, int ebx, int ecx, int edx) {
        return new CpuidEntry(function, index, kvm_x86_h.KVM_CPUID_FLAG_SIGNIFCANT_INDEX(), eax, ebx, ecx, edx);
    }

    /**
     * Tells whether the subleaf counts.
     *
     * @return false when the entry answers for its leaf whatever ECX has
     */
    public boolean hasSubleaf() {
        return (flags & kvm_x86_h.KVM_CPUID_FLAG_SIGNIFCANT_INDEX()) != 0;
    }

    /**
     * Returns the result in one register.
     *
     * @param register
     *            which
     * @return its 32 bits
     */
    public int get(CpuidRegister register) {
        return switch (register) {
            case EAX -> eax;
            case EBX -> ebx;
            case ECX -> ecx;
            case EDX -> edx;
        };
    }

    /**
     * Makes an entry with another result in one register.
     *
     * @param register
     *            which
     * @param value
     *            its 32 bits
     * @return the entry
     */
    public CpuidEntry with(CpuidRegister register, int value) {
        return new CpuidEntry(function, index, flags,
                register == CpuidRegister.EAX ? value : eax,
                register == CpuidRegister.EBX ? value : ebx,
                register == CpuidRegister.ECX ? value : ecx,
                register == CpuidRegister.EDX ? value : edx);
    }

    /** Whether it is what the instruction finds for a leaf and subleaf. */
    boolean answers(int leaf, int subleaf) {
        return function == leaf && (index == subleaf || !hasSubleaf());
    }

    /** Whether another is for the same leaf and subleaf. */
    boolean isAt(CpuidEntry other) {
        return function == other.function && hasSubleaf() == other.hasSubleaf()
                && (index == other.index || !hasSubleaf());
    }

    @Override
    public String toString() {
        return String.format("%08x/%x flags %x: eax %08x ebx %08x ecx %08x edx %08x", function, index, flags, eax, ebx,
                ecx, edx);
    }
}
