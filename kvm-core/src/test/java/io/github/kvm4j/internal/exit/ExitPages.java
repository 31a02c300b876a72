package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.testing.CRunPage;

/** A run page as C lays it out, and the decoder that reads it. */
abstract class ExitPages {

    final CRunPage c;
    final ExitDecoder decoder;

    ExitPages(String table) {
        c = new CRunPage(table);
        decoder = new ExitDecoder(new RunPage(c.page));
        // A field that is read where there is none reads something else than 0.
        c.dirty(0xa5);
    }

    <T extends Exit> T decode(Class<T> kind) {
        return assertInstanceOf(kind, decoder.decode());
    }

    /** Holds that a kind is one object, that its copy stays what it was, and that only the current exit is answered. */
    <T extends Exit> void assertKept(T exit, String text, Runnable change, String changed) {
        assertEquals(text, exit.toString());
        Exit copy = exit.copy();
        assertNotSame(exit, copy);
        change.run();
        decoder.complete();
        assertSame(exit, decoder.decode(), "one object per kind");
        assertEquals(changed, exit.toString());
        assertEquals(text, copy.toString());
    }

    /** Holds that an answer is refused by a copy, during the next run, and after close. */
    @SuppressWarnings("unchecked")
    <T extends Exit> void assertRefuses(T exit, java.util.function.Consumer<T> answer) {
        T copy = (T) exit.copy();
        assertThrows(IllegalStateException.class, () -> answer.accept(copy), "a copy");
        decoder.complete();
        assertThrows(IllegalStateException.class, () -> answer.accept(exit), "during the next run");
        assertSame(exit, decoder.decode());
        answer.accept(exit);
        decoder.retire();
        assertThrows(IllegalStateException.class, () -> answer.accept(exit), "after close");
    }
}
