/** What only riscv has. */
package io.github.kvm4j.riscv;
