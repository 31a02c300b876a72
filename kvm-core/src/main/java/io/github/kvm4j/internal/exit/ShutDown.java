package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.Exit;

/** KVM_EXIT_SHUTDOWN. */
public final class ShutDown extends Flyweight implements Exit.Shutdown {

    ShutDown() {
    }

    @Override
    void load(RunPage run) {
    }

    @Override
    public String toString() {
        return "Shutdown";
    }
}
