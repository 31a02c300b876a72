package io.github.kvm4j.internal.ioctl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.bindings.x86.kvm_x86_h;

/** The registry, held against the bindings. */
class IoctlTest {

    /** Of the header's own fields (asm-generic/ioctl.h). */
    private static final int KVMIO = 0xae;

    private static long sizeIn(long number) {
        return number >> 16 & 0x3fff;
    }

    private static long sizeOf(String structure) throws ReflectiveOperationException {
        if (structure.equals("__u64")) {
            return Long.BYTES;
        }
        for (String bindings : new String[]{"io.github.kvm4j.bindings.", "io.github.kvm4j.bindings.x86."}) {
            try {
                return (long) Class.forName(bindings + structure).getMethod("sizeof").invoke(null);
            } catch (ClassNotFoundException e) {
                // in the other package, then
            }
        }
        throw new ClassNotFoundException(structure);
    }

    @ParameterizedTest
    @EnumSource
    void aLineHasTheNumberOfItsName(Ioctl ioctl) throws ReflectiveOperationException {
        Object number;
        try {
            number = kvm_h.class.getMethod(ioctl.name()).invoke(null);
        } catch (NoSuchMethodException e) {
            number = kvm_x86_h.class.getMethod(ioctl.name()).invoke(null);
        }
        assertEquals(((Number) number).longValue() & 0xffff_ffffL, ioctl.number());
        assertEquals(KVMIO, ioctl.number() >> 8 & 0xff);
    }

    @ParameterizedTest
    @EnumSource
    void anArgumentHasTheSizeThatTheNumberSays(Ioctl ioctl) throws ReflectiveOperationException {
        switch (ioctl.argument()) {
            case Argument.None _,Argument.Value _ -> assertEquals(0, sizeIn(ioctl.number()));
            case Argument.Array array -> assertEquals(sizeOf(array.structure()), sizeIn(ioctl.number()));
            case Argument.Pointer pointer -> assertEquals(sizeOf(pointer.structure()), sizeIn(ioctl.number()));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aLineHasADescriptorKind(Ioctl ioctl) {
        assertFalse(ioctl.kinds().isEmpty());
    }

    @Test
    void numbersAreUnique() {
        assertEquals(Ioctl.values().length,
                Arrays.stream(Ioctl.values()).map(Ioctl::number).collect(Collectors.toSet()).size());
    }

    @Test
    void theNumbersThatNeedABitMoreThanAnIntAreUnsigned() {
        assertTrue(Stream.of(Ioctl.values()).allMatch(ioctl -> ioctl.number() > 0));
        assertEquals(0x8090ae81L, Ioctl.KVM_GET_REGS.number());
    }
}
