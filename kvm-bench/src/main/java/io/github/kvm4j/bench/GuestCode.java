package io.github.kvm4j.bench;

/** What the guests execute: 16-bit code, the same for every implementation of a benchmark. */
final class GuestCode {

    /** Where the code is, and where its one page of memory starts. */
    static final long ENTRY = 0x1000;
    static final long MEMORY_SIZE = 0x1000;

    /** A port, to be in DX. */
    static final int PORT = 0x3f8;

    /** What is written, to be in AL: no zero, which would be there without being read, too. */
    static final int BYTE = 42;

    /** An address without memory behind it. */
    static final int DEVICE = 0x8000;

    /** A byte of memory that changes while {@link #COUNT} runs. */
    static final int COUNTER = 0x1800;

    // @formatter:off
    /** Writes to the port, for ever. */
    static final byte[] WRITE_PORT = {
        (byte) 0xee,                    // again: out  dx, al
        (byte) 0xeb, (byte) 0xfd,       //        jmp  again
    };

    /** Writes to the device, for ever. */
    static final byte[] WRITE_DEVICE = {
        (byte) 0xa2, 0x00, (byte) 0x80, // again: mov  [0x8000], al
        (byte) 0xeb, (byte) 0xfb,       //        jmp  again
    };

    /** Counts, for ever, without an exit. */
    static final byte[] COUNT = {
        (byte) 0xfe, 0x06, 0x00, 0x18,  // again: inc  byte [0x1800]
        (byte) 0xeb, (byte) 0xfa,       //        jmp  again
    };

    /** Halts at once. */
    static final byte[] HALT = {
        (byte) 0xf4,                    //        hlt
    };
    // @formatter:on

    private GuestCode() {
    }
}
