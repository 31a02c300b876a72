package io.github.kvm4j.x86;

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

    @Override
    public String toString() {
        return String.format("%08x/%x flags %x: eax %08x ebx %08x ecx %08x edx %08x", function, index, flags, eax, ebx,
                ecx,
                edx);
    }
}
