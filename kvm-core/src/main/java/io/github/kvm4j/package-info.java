/** The four kinds of KVM file descriptor as Java objects, and what they share. */
package io.github.kvm4j;
