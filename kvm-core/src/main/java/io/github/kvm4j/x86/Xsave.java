package io.github.kvm4j.x86;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

import io.github.kvm4j.bindings.x86.kvm_xsave;

/**
 * The extended state of an x86 vCPU, x87 to AVX-512, AMX and what comes ({@code struct kvm_xsave}): bytes as XSAVE writes
 * them in its standard, not compacted, format. Nothing ties them to a vCPU. The first 512 bytes and the header behind them
 * are the same everywhere; the rest lies where the {@link XsaveLayout} of the host says.
 *
 * @see X86Fpu#getXsave(Xsave)
 */
public final class Xsave {

    /** The bytes that there always are: 4096. */
    public static final int MIN_SIZE = (int) kvm_xsave.sizeof();

    // The FXSAVE area and the XSAVE header, by architecture.
    private static final int FCW = 0;
    private static final int FSW = 2;
    private static final int FTW = 4;
    private static final int MXCSR = 24;
    private static final int ST = 32;
    private static final int XMM = 160;
    private static final int XSTATE_BV = 512;
    private static final int XCOMP_BV = 520;

    private static final int XMM_SIZE = 16;
    private static final int XMMS = 16;
    private static final int STS = 8;
    private static final int ZMM_HIGH_SIZE = 32;
    private static final int ZMM_SIZE = 64;
    private static final int MASK_SIZE = 8;
    private static final int MASKS = 8;
    private static final int INITIAL_FCW = 0x37f;
    private static final int INITIAL_MXCSR = 0x1f80;

    private byte[] content;
    private ByteBuffer bytes;

    /** Makes the state after a reset, of 4096 bytes. */
    public Xsave() {
        this(MIN_SIZE);
    }

    /**
     * Makes the state after a reset.
     *
     * @param size
     *            its bytes, at least 4096: what {@link io.github.kvm4j.Capability#XSAVE2} says on the VM
     * @throws IllegalArgumentException
     *             when there are fewer
     */
    public Xsave(int size) {
        this(new byte[checkSize(size)], true);
        bytes.putShort(FCW, (short) INITIAL_FCW);
        bytes.putInt(MXCSR, INITIAL_MXCSR);
    }

    private Xsave(byte[] content, boolean owned) {
        this.content = owned ? content : content.clone();
        this.bytes = wrap(this.content);
    }

    /**
     * Makes the state that has these bytes, such as {@link #toByteArray()} has given.
     *
     * @param content
     *            at least 4096 bytes
     * @return the state
     * @throws IllegalArgumentException
     *             when there are fewer
     */
    public static Xsave of(byte[] content) {
        checkSize(content.length);
        return new Xsave(content, false);
    }

    private static ByteBuffer wrap(byte[] content) {
        return ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int checkSize(int size) {
        if (size < MIN_SIZE) {
            throw new IllegalArgumentException(size + " bytes of extended state; there are at least " + MIN_SIZE);
        }
        return size;
    }

    /**
     * Returns how many bytes there are.
     *
     * @return at least 4096
     */
    public int size() {
        return content.length;
    }

    /**
     * Returns all bytes.
     *
     * @return a copy
     */
    public byte[] toByteArray() {
        return content.clone();
    }

    /**
     * Returns which components have a value that is not the initial one: XSTATE_BV. The kernel takes the initial value for
     * the others, whatever their bytes say.
     *
     * @return bits of {@link XsaveComponent}
     */
    public long xstateBv() {
        return bytes.getLong(XSTATE_BV);
    }

    /**
     * Says which components count: XSTATE_BV. The setters here set the bit of their component.
     *
     * @param bits
     *            bits of {@link XsaveComponent}
     */
    public void setXstateBv(long bits) {
        bytes.putLong(XSTATE_BV, bits);
    }

    /**
     * Returns XCOMP_BV, which is 0 in the standard format.
     *
     * @return the second word of the header
     */
    public long xcompBv() {
        return bytes.getLong(XCOMP_BV);
    }

    /**
     * Returns the x87 control word.
     *
     * @return 16 bits
     */
    public int fcw() {
        return Short.toUnsignedInt(bytes.getShort(FCW));
    }

    /**
     * Sets the x87 control word.
     *
     * @param fcw
     *            16 bits
     * @throws IllegalArgumentException
     *             when there are more
     */
    public void setFcw(int fcw) {
        bytes.putShort(FCW, (short) Fields.check("fcw", fcw, 0xffff));
        mark(XsaveComponent.X87);
    }

    /**
     * Returns the x87 status word.
     *
     * @return 16 bits
     */
    public int fsw() {
        return Short.toUnsignedInt(bytes.getShort(FSW));
    }

    /**
     * Returns the abridged x87 tag word.
     *
     * @return a bit per register, set when it has a value
     */
    public int ftw() {
        return Byte.toUnsignedInt(bytes.get(FTW));
    }

    /**
     * Returns the SSE control and status register, which counts when either SSE or AVX does.
     *
     * @return the register
     */
    public int mxcsr() {
        return bytes.getInt(MXCSR);
    }

    /**
     * Sets the SSE control and status register.
     *
     * @param mxcsr
     *            the register
     */
    public void setMxcsr(int mxcsr) {
        bytes.putInt(MXCSR, mxcsr);
        mark(XsaveComponent.SSE);
    }

    /**
     * Returns an x87 register.
     *
     * @param n
     *            0 to 7, from the top of the stack
     * @return 10 bytes, the lowest first
     */
    public byte[] st(int n) {
        int offset = ST + XMM_SIZE * Fields.check("an x87 register", n, STS - 1);
        return Arrays.copyOfRange(content, offset, offset + 10);
    }

    /**
     * Returns an XMM register.
     *
     * @param n
     *            0 to 15
     * @return 16 bytes, the lowest first
     */
    public byte[] xmm(int n) {
        int offset = XMM + XMM_SIZE * Fields.check("an XMM register", n, XMMS - 1);
        return Arrays.copyOfRange(content, offset, offset + XMM_SIZE);
    }

    /**
     * Sets an XMM register, the lower half of the YMM register.
     *
     * @param n
     *            0 to 15
     * @param value
     *            16 bytes, the lowest first
     */
    public void setXmm(int n, byte[] value) {
        bytes.put(XMM + XMM_SIZE * Fields.check("an XMM register", n, XMMS - 1),
                Fields.check("an XMM register", value, XMM_SIZE));
        mark(XsaveComponent.SSE);
    }

    /**
     * Returns a YMM register.
     *
     * @param layout
     *            where AVX is
     * @param n
     *            0 to 15
     * @return 32 bytes, the lowest first
     */
    public byte[] ymm(XsaveLayout layout, int n) {
        byte[] value = Arrays.copyOf(xmm(n), 2 * XMM_SIZE);
        bytes.get(place(layout, XsaveComponent.AVX, n * XMM_SIZE, XMM_SIZE), value, XMM_SIZE, XMM_SIZE);
        return value;
    }

    /**
     * Sets a YMM register.
     *
     * @param layout
     *            where AVX is
     * @param n
     *            0 to 15
     * @param value
     *            32 bytes, the lowest first
     */
    public void setYmm(XsaveLayout layout, int n, byte[] value) {
        Fields.check("a YMM register", n, XMMS - 1);
        Fields.check("a YMM register", value, 2 * XMM_SIZE);
        bytes.put(place(layout, XsaveComponent.AVX, n * XMM_SIZE, XMM_SIZE), value, XMM_SIZE, XMM_SIZE);
        mark(XsaveComponent.AVX);
        setXmm(n, Arrays.copyOf(value, XMM_SIZE));
    }

    /**
     * Returns a ZMM register.
     *
     * @param layout
     *            where AVX and AVX-512 are
     * @param n
     *            0 to 31
     * @return 64 bytes, the lowest first
     */
    public byte[] zmm(XsaveLayout layout, int n) {
        Fields.check("a ZMM register", n, 2 * XMMS - 1);
        if (n >= XMMS) {
            int offset = place(layout, XsaveComponent.HI16_ZMM, (n - XMMS) * ZMM_SIZE, ZMM_SIZE);
            return Arrays.copyOfRange(content, offset, offset + ZMM_SIZE);
        }
        byte[] value = Arrays.copyOf(ymm(layout, n), ZMM_SIZE);
        bytes.get(place(layout, XsaveComponent.ZMM_HI256, n * ZMM_HIGH_SIZE, ZMM_HIGH_SIZE), value, ZMM_HIGH_SIZE,
                ZMM_HIGH_SIZE);
        return value;
    }

    /**
     * Sets a ZMM register.
     *
     * @param layout
     *            where AVX and AVX-512 are
     * @param n
     *            0 to 31
     * @param value
     *            64 bytes, the lowest first
     */
    public void setZmm(XsaveLayout layout, int n, byte[] value) {
        Fields.check("a ZMM register", n, 2 * XMMS - 1);
        Fields.check("a ZMM register", value, ZMM_SIZE);
        if (n >= XMMS) {
            bytes.put(place(layout, XsaveComponent.HI16_ZMM, (n - XMMS) * ZMM_SIZE, ZMM_SIZE), value);
            mark(XsaveComponent.HI16_ZMM);
        } else {
            bytes.put(place(layout, XsaveComponent.ZMM_HI256, n * ZMM_HIGH_SIZE, ZMM_HIGH_SIZE), value,
                    ZMM_HIGH_SIZE, ZMM_HIGH_SIZE);
            mark(XsaveComponent.ZMM_HI256);
            setYmm(layout, n, Arrays.copyOf(value, ZMM_HIGH_SIZE));
        }
    }

    /**
     * Returns an AVX-512 mask register.
     *
     * @param layout
     *            where AVX-512 is
     * @param n
     *            0 to 7
     * @return 64 bits
     */
    public long opmask(XsaveLayout layout, int n) {
        Fields.check("a mask register", n, MASKS - 1);
        return bytes.getLong(place(layout, XsaveComponent.OPMASK, n * MASK_SIZE, MASK_SIZE));
    }

    /**
     * Sets an AVX-512 mask register.
     *
     * @param layout
     *            where AVX-512 is
     * @param n
     *            0 to 7
     * @param mask
     *            64 bits
     */
    public void setOpmask(XsaveLayout layout, int n, long mask) {
        Fields.check("a mask register", n, MASKS - 1);
        bytes.putLong(place(layout, XsaveComponent.OPMASK, n * MASK_SIZE, MASK_SIZE), mask);
        mark(XsaveComponent.OPMASK);
    }

    /**
     * Returns the protection key rights of user pages.
     *
     * @param layout
     *            where PKRU is
     * @return two bits for each of 16 keys
     */
    public int pkru(XsaveLayout layout) {
        return bytes.getInt(place(layout, XsaveComponent.PKRU, 0, Integer.BYTES));
    }

    /**
     * Sets the protection key rights of user pages.
     *
     * @param layout
     *            where PKRU is
     * @param pkru
     *            two bits for each of 16 keys
     */
    public void setPkru(XsaveLayout layout, int pkru) {
        bytes.putInt(place(layout, XsaveComponent.PKRU, 0, Integer.BYTES), pkru);
        mark(XsaveComponent.PKRU);
    }

    /**
     * Returns a component whole.
     *
     * @param layout
     *            where it is
     * @param component
     *            which
     * @return its bytes
     * @throws IllegalArgumentException
     *             when the layout does not have it, or it is not within these bytes
     */
    public byte[] get(XsaveLayout layout, XsaveComponent component) {
        int offset = place(layout, component, 0, layout.size(component));
        return Arrays.copyOfRange(content, offset, offset + layout.size(component));
    }

    /**
     * Sets a component whole. x87 and SSE share their bytes, and are set by the registers alone.
     *
     * @param layout
     *            where it is
     * @param component
     *            which; not x87 or SSE
     * @param value
     *            its bytes
     * @throws IllegalArgumentException
     *             when the layout does not have it, it is not within these bytes, or has another size
     */
    public void set(XsaveLayout layout, XsaveComponent component, byte[] value) {
        if (component == XsaveComponent.X87 || component == XsaveComponent.SSE) {
            throw new IllegalArgumentException(component + " shares its bytes; set its registers");
        }
        Fields.check(component.name(), value, layout.size(component));
        bytes.put(place(layout, component, 0, value.length), value);
        mark(component);
    }

    private void mark(XsaveComponent component) {
        setXstateBv(xstateBv() | component.bit());
    }

    /** The offset of a part of a component, when it is within the component and these bytes. */
    private int place(XsaveLayout layout, XsaveComponent component, int offset, int length) {
        int start = layout.offset(component) + offset;
        if (offset + length > layout.size(component) || start < 0 || start + length > size()) {
            throw new IllegalArgumentException(
                    component + " ends at " + (start + length) + "; this state has " + size() + " bytes");
        }
        return start;
    }

    /** Takes so many bytes over. */
    void readFrom(MemorySegment from, int size) {
        if (size() != size) {
            content = new byte[size];
            bytes = wrap(content);
        }
        MemorySegment.copy(from, JAVA_BYTE, 0, content, 0, size);
    }

    /** Writes so many bytes: more than there are become zeros, fewer are refused unless the rest is zeros. */
    void writeTo(MemorySegment to, int size) {
        for (int i = size; i < size(); i++) {
            if (bytes.get(i) != 0) {
                throw new IllegalArgumentException("extended state of " + size() + " bytes, of which this VM takes "
                        + size + " and the rest is not zero");
            }
        }
        to.asSlice(0, size).fill((byte) 0);
        MemorySegment.copy(content, 0, to, JAVA_BYTE, 0, Math.min(size, size()));
    }

    /**
     * Makes a copy.
     *
     * @return equal state
     */
    public Xsave copy() {
        return new Xsave(content, false);
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Xsave other && Arrays.equals(content, other.content);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(content);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(String.format("%d bytes, state %s fcw %x fsw %x ftw %x mxcsr %x", size(),
                Flags.text(XsaveComponent.class, XsaveComponent::bit, xstateBv()), fcw(), fsw(), ftw(), mxcsr()));
        for (int i = 0; i < STS; i++) {
            text.append(String.format("%nst%d   %s", i, Fpu.hex(st(i))));
        }
        for (int i = 0; i < XMMS; i++) {
            text.append(String.format("%nxmm%-2d %s", i, Fpu.hex(xmm(i))));
        }
        return text.toString();
    }
}
