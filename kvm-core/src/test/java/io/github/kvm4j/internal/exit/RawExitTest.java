package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.kvm4j.exit.Exit;

/** The exits of architectures without types: named, with their payload. */
class RawExitTest extends ExitPages {

    RawExitTest() {
        super("x86_64");
    }

    @ParameterizedTest
    @EnumSource(names = {
            "KVM_EXIT_S390_.*|KVM_EXIT_(DCR|OSI|PAPR_HCALL|EPR|WATCHDOG)"}, mode = EnumSource.Mode.MATCH_ANY)
    void aKindHasItsNameAndItsPayload(ExitReason reason) throws ReflectiveOperationException {
        c.reason(reason.number()).put("padding", 0, 3).put("padding", 255, 4);
        Exit exit = decode(reason.type().orElseThrow());
        Raw raw = assertInstanceOf(Raw.class, exit);
        assertEquals(3, raw.payload()[0]);
        assertEquals(4, raw.payload()[255]);
        raw.payload()[0] = 9;
        assertEquals(3, raw.payload()[0], "a copy");
        assertWantsNoAnswer();
        Raw copy = (Raw) raw.copy();
        c.put("padding", 0, 5);
        assertEquals(5, ((Raw) decoder.decode()).payload()[0]);
        assertEquals(3, copy.payload()[0]);
        String kernel = reason.name().replace("KVM_EXIT_", "").replace("S390_", "").replace("_", "");
        assertEquals(kernel.toLowerCase(java.util.Locale.ROOT), raw.toString().toLowerCase(java.util.Locale.ROOT));
    }
}
