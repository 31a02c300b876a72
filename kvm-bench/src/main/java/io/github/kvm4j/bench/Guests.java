package io.github.kvm4j.bench;

import java.util.ArrayDeque;
import java.util.Deque;

/** A guest that is open in kvm4j and borrowed by hand, closed together. */
final class Guests implements AutoCloseable {

    private final Deque<Runnable> closing = new ArrayDeque<>();

    <G extends Opened> G open(G guest) {
        guest.setUp();
        closing.push(guest::close);
        return guest;
    }

    <G extends FfmGuest> G borrow(G guest) {
        guest.borrow();
        closing.push(guest::giveBack);
        return guest;
    }

    @Override
    public void close() {
        closing.forEach(Runnable::run);
    }
}
