package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.Exit;

/** An exit without a type. */
public final class Untyped extends Flyweight implements Exit.Unknown {

    private int reason;
    private byte[] payload = {};

    Untyped() {
    }

    @Override
    void load(RunPage run) {
        reason = run.exitReason();
        payload = run.payload();
    }

    @Override
    public int reason() {
        return reason;
    }

    @Override
    public byte[] payload() {
        return payload.clone();
    }

    @Override
    public String toString() {
        return "Unknown[reason " + reason + "]";
    }
}
