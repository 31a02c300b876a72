/** What only arm64 has. */
package io.github.kvm4j.arm64;
