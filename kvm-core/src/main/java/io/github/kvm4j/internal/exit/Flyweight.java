package io.github.kvm4j.internal.exit;

import org.jspecify.annotations.Nullable;

import io.github.kvm4j.exit.Exit;

/**
 * One kind of exit of one vCPU, an object that is filled anew at every exit of its kind. It copies its payload out of the
 * run page and keeps an answer until the next KVM_RUN, so that the page is touched only by the thread that runs the vCPU.
 */
abstract class Flyweight implements Cloneable {

    private boolean current;
    private int runFlags;

    /** Takes the payload over, which {@link #select} has found to be possible. */
    abstract void load(RunPage run);

    /**
     * What to load instead, where the payload itself says of which kind it is, or null where it cannot be: that is an exit of
     * a kernel that this library does not know. A read is then answered already, as one that gets no answer.
     */
    @Nullable
    Flyweight select(RunPage run) {
        return this;
    }

    /** Makes it the current exit, with the payload that is in the page. */
    final void enter(RunPage run) {
        runFlags = run.flags();
        load(run);
        current = true;
    }

    /** Makes it refuse answers. */
    final void retire() {
        current = false;
    }

    /** Hands an answer over, where the kind has one. */
    void complete(RunPage run) {
    }

    final void requireCurrent() {
        if (!current) {
            throw new IllegalStateException("this exit cannot be answered: it is not its vCPU's current exit");
        }
    }

    /** Implements {@link Exit#runFlags()}. */
    public int runFlags() {
        return runFlags;
    }

    /** Words for a text, in hexadecimal. */
    static String hex(long[] words, int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(' ').append(Long.toHexString(words[i]));
        }
        return text.toString();
    }

    /** Implements {@link Exit#copy()}. */
    public Exit copy() {
        try {
            Flyweight copy = (Flyweight) clone();
            copy.current = false;
            return (Exit) copy;
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }
}
