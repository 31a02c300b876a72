package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.Exit;

/**
 * One kind of exit of one vCPU, an object that is filled anew at every exit of its kind. It copies its payload out of the
 * run page and keeps an answer until the next KVM_RUN, so that the page is touched only by the thread that runs the vCPU.
 */
abstract class Flyweight implements Cloneable {

    private boolean current;

    /** Takes the payload over. What the kernel says is checked before it is used. */
    abstract void load(RunPage run);

    /** Hands an answer over, where the kind has one. */
    void complete(RunPage run) {
    }

    final void setCurrent(boolean current) {
        this.current = current;
    }

    final void requireCurrent() {
        if (!current) {
            throw new IllegalStateException("this exit cannot be answered: it is not its vCPU's current exit");
        }
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
