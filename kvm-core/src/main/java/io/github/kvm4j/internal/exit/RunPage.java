package io.github.kvm4j.internal.exit;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

import io.github.kvm4j.bindings.x86.kvm_run;

/**
 * A vCPU's mapping of {@code struct kvm_run}, shared with the kernel. Whoever uses it holds the vCPU, so that it is not
 * unmapped meanwhile.
 * <p>
 * The offsets are x86's. All but those inside the debug exit and the register block behind the union are the same on
 * every architecture.
 */
public final class RunPage {

    /** The least that the kernel must map. */
    public static final long SIZE = kvm_run.sizeof();

    /** Where the exit's union is, and how large its padding makes it. */
    static final long PAYLOAD = kvm_run.padding$offset();
    static final long PAYLOAD_SIZE = kvm_run.padding$layout().byteSize();

    /** A port's data has a page of its own: the next is that of coalesced writes, which all vCPUs share. Only x86 has ports. */
    static final int PORT_DATA_SIZE = 4096;

    private static final long IMMEDIATE_EXIT = kvm_run.immediate_exit$offset();
    private static final long EXIT_REASON = kvm_run.exit_reason$offset();
    private static final long FLAGS = kvm_run.flags$offset();
    private static final long CR8 = kvm_run.cr8$offset();
    private static final long APIC_BASE = kvm_run.apic_base$offset();
    private static final long REQUEST_INTERRUPT_WINDOW = kvm_run.request_interrupt_window$offset();
    private static final long READY_FOR_INTERRUPT_INJECTION = kvm_run.ready_for_interrupt_injection$offset();
    private static final long IF_FLAG = kvm_run.if_flag$offset();
    private static final VarHandle BYTE = JAVA_BYTE.varHandle();

    // The mapping is page-aligned, but a port's data need not be aligned to its size.
    private static final ValueLayout.OfShort SHORT = JAVA_SHORT.withByteAlignment(1);
    private static final ValueLayout.OfInt INT = JAVA_INT.withByteAlignment(1);

    private final MemorySegment page;
    private final SyncBlock sync;

    public RunPage(MemorySegment page) {
        this.page = page;
        this.sync = new SyncBlock(page);
    }

    /** The registers in the page. */
    public SyncBlock sync() {
        return sync;
    }

    /** Asks for the next, or the current, KVM_RUN to return with EINTR at once; ordered before what follows. */
    public void requestImmediateExit() {
        BYTE.setVolatile(page, IMMEDIATE_EXIT, (byte) 1);
    }

    /** Asks the same for a KVM_RUN that the caller is about to issue itself: no other thread is to see it. */
    public void requestOwnImmediateExit() {
        page.set(JAVA_BYTE, IMMEDIATE_EXIT, (byte) 1);
    }

    public void clearImmediateExit() {
        BYTE.setVolatile(page, IMMEDIATE_EXIT, (byte) 0);
    }

    /** Whether {@link #requestImmediateExit()} stands. */
    public boolean immediateExit() {
        return (byte) BYTE.getVolatile(page, IMMEDIATE_EXIT) != 0;
    }

    /** The guest's CR8 at the next KVM_RUN, where the local APIC is not the kernel's. */
    public void setCr8(long cr8) {
        page.set(JAVA_LONG, CR8, cr8);
    }

    public long cr8() {
        return page.get(JAVA_LONG, CR8);
    }

    public long apicBase() {
        return page.get(JAVA_LONG, APIC_BASE);
    }

    /** Asks for an exit as soon as the guest can take an interrupt, as long as this stays set. */
    public void requestInterruptWindow(boolean wanted) {
        page.set(JAVA_BYTE, REQUEST_INTERRUPT_WINDOW, (byte) (wanted ? 1 : 0));
    }

    public boolean isReadyForInterruptInjection() {
        return page.get(JAVA_BYTE, READY_FOR_INTERRUPT_INJECTION) != 0;
    }

    public boolean isInterruptFlagSet() {
        return page.get(JAVA_BYTE, IF_FLAG) != 0;
    }

    int exitReason() {
        return page.get(JAVA_INT, EXIT_REASON);
    }

    void setExitReason(int reason) {
        page.set(JAVA_INT, EXIT_REASON, reason);
    }

    /** What accompanies every exit; the bits are an architecture's own. */
    int flags() {
        return Short.toUnsignedInt(page.get(JAVA_SHORT, FLAGS));
    }

    long size() {
        return page.byteSize();
    }

    byte getByte(long offset) {
        return page.get(JAVA_BYTE, offset);
    }

    short getShort(long offset) {
        return page.get(SHORT, offset);
    }

    int getInt(long offset) {
        return page.get(INT, offset);
    }

    long getLong(long offset) {
        return page.get(JAVA_LONG, offset);
    }

    /** Reads as many words as fit into the array. */
    void getLongs(long offset, long[] to) {
        for (int i = 0; i < to.length; i++) {
            to[i] = page.get(JAVA_LONG, offset + (long) i * Long.BYTES);
        }
    }

    void setByte(long offset, byte value) {
        page.set(JAVA_BYTE, offset, value);
    }

    void setShort(long offset, short value) {
        page.set(SHORT, offset, value);
    }

    void setInt(long offset, int value) {
        page.set(INT, offset, value);
    }

    void setLong(long offset, long value) {
        page.set(JAVA_LONG, offset, value);
    }

    /** Fills the rest of a port's data. */
    void fillPortData(long from, byte value) {
        if (from >= SIZE && from < size()) {
            page.asSlice(from, Math.min(size() - from, portRoom(from))).fill(value);
        }
    }

    /** How much a port's data can be from an offset on. */
    static long portRoom(long from) {
        return PORT_DATA_SIZE - (from & (PORT_DATA_SIZE - 1));
    }

    void copyPayload(byte[] to) {
        MemorySegment.copy(page, JAVA_BYTE, PAYLOAD, to, 0, to.length);
    }
}
