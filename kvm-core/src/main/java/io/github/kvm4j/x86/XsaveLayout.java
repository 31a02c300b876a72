package io.github.kvm4j.x86;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Where the components are in {@link Xsave}: CPUID leaf 0xD says it, and it differs between processors, AVX-512 of Intel's
 * and AMD's for one. KVM's format is the standard one, not the compacted one, so that a component has its place whether or
 * not those before it are there. An immutable value.
 */
public final class XsaveLayout {

    /** CPUID's leaf of extended states. */
    private static final int LEAF = 0xd;

    /** The x87 and SSE registers have their places by architecture; leaf 0xD does not give them. */
    private static final int LEGACY_SIZE = 512;

    private record Place(int offset, int size) {
    }

    private final Map<XsaveComponent, Place> places = new EnumMap<>(XsaveComponent.class);

    private XsaveLayout() {
    }

    /**
     * Reads the layout out of a CPUID table of this host, such as {@link X86Kvm#getSupportedCpuid()} returns.
     *
     * @param cpuid
     *            the table; a guest's will do, as long as nobody has changed its leaf 0xD
     * @return the layout of what the table has
     */
    public static XsaveLayout of(Cpuid cpuid) {
        XsaveLayout layout = new XsaveLayout();
        layout.places.put(XsaveComponent.X87, new Place(0, LEGACY_SIZE));
        layout.places.put(XsaveComponent.SSE, new Place(0, LEGACY_SIZE));
        cpuid.find(LEAF, 0).ifPresent(all -> {
            long supported = Integer.toUnsignedLong(all.edx()) << Integer.SIZE | Integer.toUnsignedLong(all.eax());
            for (XsaveComponent component : XsaveComponent.values()) {
                if (component.number() > XsaveComponent.SSE.number() && (supported & component.bit()) != 0) {
                    cpuid.find(LEAF, component.number())
                            .filter(entry -> entry.index() == component.number() && entry.eax() > 0)
                            .ifPresent(entry -> layout.places.put(component, new Place(entry.ebx(), entry.eax())));
                }
            }
        });
        return layout;
    }

    /**
     * Returns the components that the table has.
     *
     * @return at least x87 and SSE
     */
    public Set<XsaveComponent> components() {
        return Collections.unmodifiableSet(places.keySet());
    }

    /**
     * Tells whether the table has a component.
     *
     * @param component
     *            the component
     * @return whether it has its place here
     */
    public boolean has(XsaveComponent component) {
        return places.containsKey(component);
    }

    /**
     * Returns where a component begins.
     *
     * @param component
     *            the component
     * @return bytes from the start
     * @throws IllegalArgumentException
     *             when the table does not have it
     */
    public int offset(XsaveComponent component) {
        return place(component).offset;
    }

    /**
     * Returns how large a component is.
     *
     * @param component
     *            the component
     * @return bytes
     * @throws IllegalArgumentException
     *             when the table does not have it
     */
    public int size(XsaveComponent component) {
        return place(component).size;
    }

    private Place place(XsaveComponent component) {
        Place place = places.get(component);
        if (place == null) {
            throw new IllegalArgumentException(component + " is not in this processor's extended state: " + this);
        }
        return place;
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof XsaveLayout other && places.equals(other.places);
    }

    @Override
    public int hashCode() {
        return places.hashCode();
    }

    @Override
    public String toString() {
        return places.entrySet().stream()
                .map(entry -> entry.getKey() + " " + entry.getValue().offset + "+" + entry.getValue().size)
                .collect(Collectors.joining(", ", "XsaveLayout[", "]"));
    }
}
