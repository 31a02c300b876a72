package io.github.kvm4j.x86;

import static io.github.kvm4j.x86.CpuidRegister.EAX;
import static io.github.kvm4j.x86.CpuidRegister.EBX;
import static io.github.kvm4j.x86.CpuidRegister.ECX;
import static io.github.kvm4j.x86.CpuidRegister.EDX;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** A register of a leaf whose bits each stand for something that the guest has, or has not. */
enum CpuidWord {
    L1_ECX(1, 0, ECX), L1_EDX(1, 0, EDX), L6_EAX(6, 0, EAX), L6_ECX(6, 0, ECX), L7_0_EBX(7, 0, EBX), L7_0_ECX(7, 0,
            ECX), L7_0_EDX(7, 0,
                    EDX), L7_1_EAX(7, 1, EAX), L7_1_ECX(7, 1, ECX), L7_1_EDX(7, 1, EDX), L7_2_EDX(7, 2, EDX),
    // The parts of XSAVE's area, by their bits in XCR0 and in IA32_XSS.
    XCR0_LOW(0xd, 0, EAX), XCR0_HIGH(0xd, 0, EDX), LD_1_EAX(0xd, 1, EAX), XSS_LOW(0xd, 1, ECX), XSS_HIGH(0xd, 1,
            EDX), KVM_EAX(kvm_x86_h.KVM_CPUID_FEATURES(), 0, EAX), KVM_EDX(kvm_x86_h.KVM_CPUID_FEATURES(), 0,
                    EDX), L8000_0001_ECX(0x8000_0001, 0, ECX), L8000_0001_EDX(0x8000_0001, 0, EDX), L8000_0007_EBX(
                            0x8000_0007, 0, EBX), L8000_0007_EDX(0x8000_0007, 0, EDX), L8000_0008_EBX(0x8000_0008, 0,
                                    EBX), L8000_000A_EDX(0x8000_000a, 0, EDX), L8000_001F_EAX(0x8000_001f, 0,
                                            EAX), L8000_0021_EAX(0x8000_0021, 0, EAX), L8000_0021_ECX(0x8000_0021, 0,
                                                    ECX), L8000_0022_EAX(0x8000_0022, 0, EAX);

    private final int leaf;
    private final int subleaf;
    private final CpuidRegister register;

    CpuidWord(int leaf, int subleaf, CpuidRegister register) {
        this.leaf = leaf;
        this.subleaf = subleaf;
        this.register = register;
    }

    int leaf() {
        return leaf;
    }

    int subleaf() {
        return subleaf;
    }

    CpuidRegister register() {
        return register;
    }

    /** What a table has there; zeros where it has no such leaf. */
    int in(Cpuid cpuid) {
        return cpuid.get(leaf, subleaf, register);
    }
}
