package io.github.kvm4j.bench;

import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What a benchmark of kvm4j opens and closes. */
@State(Scope.Thread)
public abstract class Opened {

    /** Only for what is in this package. */
    Opened() {
    }

    /**
     * Opens everything, twice: JMH counts what the tear-down allocates into the last iteration, and a first close loads
     * classes.
     */
    @Setup
    public final void setUp() {
        open();
        close();
        open();
        opened();
    }

    abstract void open();

    /** What else there is to set up. JMH would not say whether it calls a set-up of the subclass before this one. */
    void opened() {
    }

    /** Closes everything. */
    @TearDown
    public abstract void close();
}
