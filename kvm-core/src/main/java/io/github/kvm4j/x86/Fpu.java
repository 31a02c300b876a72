package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_fpu;

/**
 * The x87 and SSE registers of an x86 vCPU ({@code struct kvm_fpu}): plain values, which nothing ties to a vCPU. What goes
 * beyond them, AVX for one, is in {@link Xsave}, which has these too.
 *
 * @see X86Fpu#getFpu(Fpu)
 */
public final class Fpu {

    private static final int REGISTER = 16;
    private static final int FPRS = (int) (kvm_fpu.fpr$layout().byteSize() / REGISTER);
    private static final int XMMS = (int) (kvm_fpu.xmm$layout().byteSize() / REGISTER);

    /** ST0 to ST7, the low 80 bits of 16 bytes each. */
    public final byte[][] fpr = new byte[FPRS][REGISTER];
    /** The control word. */
    public int fcw;
    /** The status word. */
    public int fsw;
    /** The abridged tag word: a bit per register, set when it has a value. */
    public int ftwx;
    /** The opcode of the last instruction, 11 bits. */
    public int lastOpcode;
    /** The address of the last instruction. */
    public long lastIp;
    /** The address of the last operand. */
    public long lastDp;
    /** XMM0 to XMM15, 16 bytes each, the lowest first. */
    public final byte[][] xmm = new byte[XMMS][REGISTER];
    /** The SSE control and status register, which the kernel's structure has and x86's KVM neither fills nor reads. */
    public int mxcsr;

    /** Makes a set of zeros. */
    public Fpu() {
    }

    /**
     * Makes a copy.
     *
     * @return equal registers
     */
    public Fpu copy() {
        Fpu copy = new Fpu();
        for (int i = 0; i < FPRS; i++) {
            copy.fpr[i] = fpr[i].clone();
        }
        for (int i = 0; i < XMMS; i++) {
            copy.xmm[i] = xmm[i].clone();
        }
        copy.fcw = fcw;
        copy.fsw = fsw;
        copy.ftwx = ftwx;
        copy.lastOpcode = lastOpcode;
        copy.lastIp = lastIp;
        copy.lastDp = lastDp;
        copy.mxcsr = mxcsr;
        return copy;
    }

    void readFrom(MemorySegment from) {
        for (int i = 0; i < FPRS; i++) {
            MemorySegment.copy(from, JAVA_BYTE, kvm_fpu.fpr$offset() + (long) i * REGISTER, fpr[i], 0, REGISTER);
        }
        for (int i = 0; i < XMMS; i++) {
            MemorySegment.copy(from, JAVA_BYTE, kvm_fpu.xmm$offset() + (long) i * REGISTER, xmm[i], 0, REGISTER);
        }
        fcw = Short.toUnsignedInt(kvm_fpu.fcw(from));
        fsw = Short.toUnsignedInt(kvm_fpu.fsw(from));
        ftwx = Byte.toUnsignedInt(kvm_fpu.ftwx(from));
        lastOpcode = Short.toUnsignedInt(kvm_fpu.last_opcode(from));
        lastIp = kvm_fpu.last_ip(from);
        lastDp = kvm_fpu.last_dp(from);
        mxcsr = kvm_fpu.mxcsr(from);
    }

    void writeTo(MemorySegment to) {
        to.asSlice(0, kvm_fpu.sizeof()).fill((byte) 0);
        for (int i = 0; i < FPRS; i++) {
            MemorySegment.copy(Fields.check("fpr " + i, fpr[i], REGISTER), 0, to, JAVA_BYTE,
                    kvm_fpu.fpr$offset() + (long) i * REGISTER, REGISTER);
        }
        for (int i = 0; i < XMMS; i++) {
            MemorySegment.copy(Fields.check("xmm " + i, xmm[i], REGISTER), 0, to, JAVA_BYTE,
                    kvm_fpu.xmm$offset() + (long) i * REGISTER, REGISTER);
        }
        kvm_fpu.fcw(to, (short) Fields.check("fcw", fcw, 0xffff));
        kvm_fpu.fsw(to, (short) Fields.check("fsw", fsw, 0xffff));
        kvm_fpu.ftwx(to, (byte) Fields.check("ftwx", ftwx, 0xff));
        kvm_fpu.last_opcode(to, (short) Fields.check("lastOpcode", lastOpcode, 0xffff));
        kvm_fpu.last_ip(to, lastIp);
        kvm_fpu.last_dp(to, lastDp);
        kvm_fpu.mxcsr(to, mxcsr);
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Fpu other
                && Arrays.deepEquals(fpr, other.fpr)
                && Arrays.deepEquals(xmm, other.xmm)
                && fcw == other.fcw
                && fsw == other.fsw
                && ftwx == other.ftwx
                && lastOpcode == other.lastOpcode
                && lastIp == other.lastIp
                && lastDp == other.lastDp
                && mxcsr == other.mxcsr;
    }

    @Override
    public int hashCode() {
        return Objects.hash(Arrays.deepHashCode(fpr), Arrays.deepHashCode(xmm), fcw, mxcsr);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(
                String.format("fcw %x fsw %x ftwx %x opcode %x ip %x dp %x mxcsr %x", fcw, fsw, ftwx,
                        lastOpcode, lastIp, lastDp, mxcsr));
        for (int i = 0; i < FPRS; i++) {
            text.append(String.format("%nst%d   %s", i, hex(fpr[i])));
        }
        for (int i = 0; i < XMMS; i++) {
            text.append(String.format("%nxmm%-2d %s", i, hex(xmm[i])));
        }
        return text.toString();
    }

    /** As one number: the highest byte first. */
    static String hex(byte[] littleEndian) {
        byte[] bigEndian = new byte[littleEndian.length];
        for (int i = 0; i < bigEndian.length; i++) {
            bigEndian[i] = littleEndian[bigEndian.length - 1 - i];
        }
        return HexFormat.of().formatHex(bigEndian);
    }
}
