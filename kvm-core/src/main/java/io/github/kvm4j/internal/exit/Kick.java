package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.Exit;

/** EINTR, on account of a kick. */
public final class Kick extends Flyweight implements Exit.Interrupted {

    Kick() {
    }

    @Override
    void load(RunPage run) {
    }

    @Override
    public String toString() {
        return "Interrupted";
    }
}
