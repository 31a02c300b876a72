package io.github.kvm4j.internal.exit;

import io.github.kvm4j.exit.Exit;

/** An exit without a type. */
public final class Untyped extends Flyweight implements Exit.Unknown {

    private int reason;
    private byte[] payload = new byte[(int) RunPage.PAYLOAD_SIZE];

    Untyped() {
    }

    @Override
    void load(RunPage run) {
        reason = run.exitReason();
        run.copyPayload(payload);
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
    public Exit copy() {
        Untyped copy = (Untyped) super.copy();
        copy.payload = payload.clone();
        return copy;
    }

    @Override
    public String toString() {
        return "Unknown[" + ExitReason.name(reason) + "]";
    }
}
