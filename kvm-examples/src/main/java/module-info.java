/** Example programs: one class per idea. */
module io.github.kvm4j.examples {
    requires io.github.kvm4j;
}
