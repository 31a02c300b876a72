package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.Exit;

/** KVM_EXIT_HLT. */
public final class Halt extends Flyweight implements Exit.Hlt {

    Halt() {
    }

    @Override
    void load(RunPage run) {
    }

    @Override
    public String toString() {
        return "Hlt";
    }
}
