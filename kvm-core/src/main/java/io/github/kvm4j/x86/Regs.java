package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import io.github.kvm4j.bindings.x86.kvm_regs;

/**
 * The general registers of an x86 vCPU ({@code struct kvm_regs}): plain values, which nothing ties to a vCPU.
 *
 * @see X86Vcpu#getRegs(Regs)
 */
public final class Regs {

    /** General register RAX. */
    public long rax;
    /** General register RBX. */
    public long rbx;
    /** General register RCX. */
    public long rcx;
    /** General register RDX. */
    public long rdx;
    /** General register RSI. */
    public long rsi;
    /** General register RDI. */
    public long rdi;
    /** General register RSP. */
    public long rsp;
    /** General register RBP. */
    public long rbp;
    /** General register R8. */
    public long r8;
    /** General register R9. */
    public long r9;
    /** General register R10. */
    public long r10;
    /** General register R11. */
    public long r11;
    /** General register R12. */
    public long r12;
    /** General register R13. */
    public long r13;
    /** General register R14. */
    public long r14;
    /** General register R15. */
    public long r15;
    /** The instruction pointer, relative to the code segment's base. */
    public long rip;
    /** The flags; bit 1 is always set on a processor. */
    public long rflags = 0x2;

    /** Makes a set of zeros, but for bit 1 of the flags. */
    public Regs() {
    }

    /**
     * Makes a copy.
     *
     * @return equal registers
     */
    public Regs copy() {
        Regs copy = new Regs();
        copy.rax = rax;
        copy.rbx = rbx;
        copy.rcx = rcx;
        copy.rdx = rdx;
        copy.rsi = rsi;
        copy.rdi = rdi;
        copy.rsp = rsp;
        copy.rbp = rbp;
        copy.r8 = r8;
        copy.r9 = r9;
        copy.r10 = r10;
        copy.r11 = r11;
        copy.r12 = r12;
        copy.r13 = r13;
        copy.r14 = r14;
        copy.r15 = r15;
        copy.rip = rip;
        copy.rflags = rflags;
        return copy;
    }

    void readFrom(MemorySegment regs) {
        rax = kvm_regs.rax(regs);
        rbx = kvm_regs.rbx(regs);
        rcx = kvm_regs.rcx(regs);
        rdx = kvm_regs.rdx(regs);
        rsi = kvm_regs.rsi(regs);
        rdi = kvm_regs.rdi(regs);
        rsp = kvm_regs.rsp(regs);
        rbp = kvm_regs.rbp(regs);
        r8 = kvm_regs.r8(regs);
        r9 = kvm_regs.r9(regs);
        r10 = kvm_regs.r10(regs);
        r11 = kvm_regs.r11(regs);
        r12 = kvm_regs.r12(regs);
        r13 = kvm_regs.r13(regs);
        r14 = kvm_regs.r14(regs);
        r15 = kvm_regs.r15(regs);
        rip = kvm_regs.rip(regs);
        rflags = kvm_regs.rflags(regs);
    }

    void writeTo(MemorySegment regs) {
        kvm_regs.rax(regs, rax);
        kvm_regs.rbx(regs, rbx);
        kvm_regs.rcx(regs, rcx);
        kvm_regs.rdx(regs, rdx);
        kvm_regs.rsi(regs, rsi);
        kvm_regs.rdi(regs, rdi);
        kvm_regs.rsp(regs, rsp);
        kvm_regs.rbp(regs, rbp);
        kvm_regs.r8(regs, r8);
        kvm_regs.r9(regs, r9);
        kvm_regs.r10(regs, r10);
        kvm_regs.r11(regs, r11);
        kvm_regs.r12(regs, r12);
        kvm_regs.r13(regs, r13);
        kvm_regs.r14(regs, r14);
        kvm_regs.r15(regs, r15);
        kvm_regs.rip(regs, rip);
        kvm_regs.rflags(regs, rflags);
    }

    private long[] values() {
        return new long[]{rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags};
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Regs regs && Arrays.equals(values(), regs.values());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(values());
    }

    @Override
    public String toString() {
        return String.format("""
                rax %016x rbx %016x rcx %016x rdx %016x
                rsi %016x rdi %016x rsp %016x rbp %016x
                r8  %016x r9  %016x r10 %016x r11 %016x
                r12 %016x r13 %016x r14 %016x r15 %016x
                rip %016x rflags %x""", rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15,
                rip, rflags);
    }
}
