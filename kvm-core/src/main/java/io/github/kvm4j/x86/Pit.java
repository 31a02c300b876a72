package io.github.kvm4j.x86;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

import io.github.kvm4j.bindings.x86.kvm_pit_state2;

/**
 * The in-kernel interval timer, an i8254 ({@code struct kvm_pit_state2}): plain values, which nothing ties to a VM.
 *
 * @see X86Irqchip#getPit2()
 */
public final class Pit {

    /** The three channels. */
    public final List<PitChannel> channels = List.of(new PitChannel(), new PitChannel(), new PitChannel());
    /** KVM_PIT_FLAGS_ bits: the HPET has taken channel 0 over, the speaker is on. */
    public int flags;

    /** Makes one of zeros. */
    public Pit() {
    }

    /**
     * Makes a copy.
     *
     * @return an equal one
     */
    public Pit copy() {
        Pit copy = new Pit();
        for (int i = 0; i < channels.size(); i++) {
            PitChannel from = channels.get(i);
            PitChannel to = copy.channels.get(i);
            to.set(from);
        }
        copy.flags = flags;
        return copy;
    }

    void readFrom(MemorySegment from) {
        for (int i = 0; i < channels.size(); i++) {
            channels.get(i).readFrom(kvm_pit_state2.channels(from, i));
        }
        flags = kvm_pit_state2.flags(from);
    }

    void writeTo(MemorySegment to) {
        for (int i = 0; i < channels.size(); i++) {
            channels.get(i).writeTo(kvm_pit_state2.channels(to, i));
        }
        kvm_pit_state2.flags(to, flags);
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof Pit other && channels.equals(other.channels) && flags == other.flags;
    }

    @Override
    public int hashCode() {
        return Objects.hash(channels, flags);
    }

    @Override
    public String toString() {
        return String.format("%s%n%s%n%s%nflags %x", channels.get(0), channels.get(1), channels.get(2), flags);
    }
}
