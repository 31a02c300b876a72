package io.github.kvm4j.x86;

/** A register that the CPUID instruction writes its result to. */
public enum CpuidRegister {

    /** Register EAX. */
    EAX,
    /** Register EBX. */
    EBX,
    /** Register ECX. */
    ECX,
    /** Register EDX. */
    EDX
}
