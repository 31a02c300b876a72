/** Why a vCPU's run returned. */
package io.github.kvm4j.exit;
