/** What only x86 has. */
package io.github.kvm4j.x86;
