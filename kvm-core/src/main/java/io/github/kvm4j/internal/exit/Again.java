package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.Exit;

/** EAGAIN. */
public final class Again extends Flyweight implements Exit.NotReady {

    Again() {
    }

    @Override
    void load(RunPage run) {
    }

    @Override
    public String toString() {
        return "NotReady";
    }
}
