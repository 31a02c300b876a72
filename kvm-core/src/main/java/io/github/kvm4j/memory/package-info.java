/** The guest's memory. */
package io.github.kvm4j.memory;
