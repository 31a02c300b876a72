/** The way down, where the library cannot keep the promise that nothing breaks: raw ioctls. */
package io.github.kvm4j.unsafe;
