package io.github.kvm4j.x86;

import static io.github.kvm4j.x86.CpuidRegister.EAX;
import static io.github.kvm4j.x86.CpuidRegister.EBX;
import static io.github.kvm4j.x86.CpuidRegister.ECX;
import static io.github.kvm4j.x86.CpuidRegister.EDX;

import java.util.OptionalInt;

import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** A register of a leaf whose bits, or some of them, each stand for something that the guest has, or has not. */
enum CpuidWord {

    // @formatter:off
    L1_ECX(1, 0, ECX), L1_EDX(1, 0, EDX),
    L6_EAX(6, 0, EAX), L6_ECX(6, 0, ECX),
    L7_0_EBX(7, 0, EBX), L7_0_ECX(7, 0, ECX), L7_0_EDX(7, 0, EDX),
    L7_1_EAX(7, 1, EAX), L7_1_ECX(7, 1, ECX), L7_1_EDX(7, 1, EDX), L7_2_EDX(7, 2, EDX),
    /** Events of the performance monitoring: here a bit that is set is one that there is not. */
    LA_EBX(0xa, 0, EBX),
    /** Fixed counters of the performance monitoring, where they are not just counted. */
    LA_ECX(0xa, 0, ECX),
    // The parts of XSAVE's area, by their bits in XCR0 and in IA32_XSS.
    XCR0_LOW(0xd, 0, EAX), XCR0_HIGH(0xd, 0, EDX), LD_1_EAX(0xd, 1, EAX), XSS_LOW(0xd, 1, ECX), XSS_HIGH(0xd, 1, EDX),
    // SGX: what there is of it, and an enclave's attributes.
    L12_0_EAX(0x12, 0, EAX), L12_0_EBX(0x12, 0, EBX),
    L12_1_EAX(0x12, 1, EAX), L12_1_EBX(0x12, 1, EBX), L12_1_ECX(0x12, 1, ECX), L12_1_EDX(0x12, 1, EDX),
    // Intel PT.
    L14_0_EBX(0x14, 0, EBX), L14_0_ECX(0x14, 0, ECX), L14_1_EAX(0x14, 1, EAX, 0xffff_0000), L14_1_EBX(0x14, 1, EBX),
    // AMX's multiplications, and AVX10.
    L1E_1_EAX(0x1e, 1, EAX), L24_0_EBX(0x24, 0, EBX, 0xffff_ff00), L24_1_ECX(0x24, 1, ECX),
    KVM_EAX(kvm_x86_h.KVM_CPUID_FEATURES(), 0, EAX), KVM_EDX(kvm_x86_h.KVM_CPUID_FEATURES(), 0, EDX),
    L8000_0001_ECX(0x8000_0001, 0, ECX), L8000_0001_EDX(0x8000_0001, 0, EDX),
    L8000_0007_EBX(0x8000_0007, 0, EBX), L8000_0007_EDX(0x8000_0007, 0, EDX),
    L8000_0008_EBX(0x8000_0008, 0, EBX), L8000_000A_EDX(0x8000_000a, 0, EDX), L8000_001F_EAX(0x8000_001f, 0, EAX),
    L8000_0021_EAX(0x8000_0021, 0, EAX), L8000_0021_ECX(0x8000_0021, 0, ECX), L8000_0022_EAX(0x8000_0022, 0, EAX);
    // @formatter:on

    private final int leaf;
    private final int subleaf;
    private final CpuidRegister register;
    private final int mask;

    CpuidWord(int leaf, int subleaf, CpuidRegister register) {
        this(leaf, subleaf, register, -1);
    }

    CpuidWord(int leaf, int subleaf, CpuidRegister register, int mask) {
        this.leaf = leaf;
        this.subleaf = subleaf;
        this.register = register;
        this.mask = mask;
    }

    /** The leaf; of KVM's own, the one where they are as a rule. */
    int leaf() {
        return leaf;
    }

    int subleaf() {
        return subleaf;
    }

    CpuidRegister register() {
        return register;
    }

    /** The leaf that a table has it in: KVM's own are behind KVM's signature, wherever that is, and nowhere without it. */
    OptionalInt leafIn(Cpuid cpuid) {
        return leaf == kvm_x86_h.KVM_CPUID_FEATURES() ? KvmLeaves.featuresIn(cpuid) : OptionalInt.of(leaf);
    }

    /** What a table has there, a bit for each thing that there is; zeros where it has no such leaf. */
    int in(Cpuid cpuid) {
        OptionalInt place = leafIn(cpuid);
        int bits = place.isPresent() ? cpuid.get(place.getAsInt(), subleaf, register) & mask : 0;
        if (this == LA_EBX) {
            // As many as EAX says, and of those the ones that are not set.
            int events = cpuid.get(leaf, subleaf, EAX) >>> 24;
            return ~bits & (int) ((1L << Math.min(events, Integer.SIZE)) - 1);
        }
        return bits;
    }

    /** What is in an entry, of a leaf and subleaf that this is in, beside these bits. */
    CpuidEntry without(CpuidEntry entry) {
        return entry.with(register, entry.get(register) & ~mask);
    }
}
