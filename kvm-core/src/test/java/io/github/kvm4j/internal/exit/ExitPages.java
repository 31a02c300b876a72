package io.github.kvm4j.internal.exit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntToLongFunction;

import io.github.kvm4j.exit.Exit;
import io.github.kvm4j.testing.CRunPage;

/** A run page as C lays it out, and the decoder that reads it. */
abstract class ExitPages {

    private final String table;
    final CRunPage c;
    final ExitDecoder decoder;

    ExitPages(String table) {
        this.table = table;
        c = new CRunPage(table);
        decoder = new ExitDecoder(new RunPage(c.page));
        // A field that is read where there is none reads something else than 0.
        c.dirty(0xa5);
    }

    <T extends Exit> T decode(Class<T> kind) {
        return assertInstanceOf(kind, decoder.decode());
    }

    /** Completes an exit that wants no answer, and holds that nothing is written. */
    void assertWantsNoAnswer() {
        byte[] before = c.page.toArray(ValueLayout.JAVA_BYTE);
        decoder.complete();
        assertArrayEquals(before, c.page.toArray(ValueLayout.JAVA_BYTE));
    }

    /** Completes an exit, and holds that the fields named have these values and that nothing else has changed. */
    void assertHandsOver(Map<String, Long> fields) {
        CRunPage expected = new CRunPage(table);
        expected.page.copyFrom(c.page);
        fields.forEach(expected::put);
        decoder.complete();
        assertArrayEquals(expected.page.toArray(ValueLayout.JAVA_BYTE), c.page.toArray(ValueLayout.JAVA_BYTE));
    }

    void putAll(String name, int count, long first) {
        for (int i = 0; i < count; i++) {
            c.put(name, i, first + i);
        }
    }

    void assertWords(IntToLongFunction words, int count, long first) {
        for (int i = 0; i < count; i++) {
            assertEquals(first + i, words.applyAsLong(i));
        }
        assertThrows(IndexOutOfBoundsException.class, () -> words.applyAsLong(count));
        assertThrows(IndexOutOfBoundsException.class, () -> words.applyAsLong(-1));
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
    <T extends Exit> void assertRefuses(T exit, Consumer<T> answer) {
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
