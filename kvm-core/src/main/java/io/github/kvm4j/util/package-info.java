/** Conveniences that stand on the rest, and that nothing in it depends on. */
package io.github.kvm4j.util;
