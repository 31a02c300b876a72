package io.github.kvm4j.programs;

import io.github.kvm4j.Kvm;

/** Opens KVM twice, and prints what comes of it. */
public final class OpenKvm {

    private OpenKvm() {
    }

    public static void main(String[] args) {
        for (int i = 0; i < 2; i++) {
            try (Kvm kvm = Kvm.open()) {
                System.out.println("opened, version " + kvm.getApiVersion());
            } catch (RuntimeException e) {
                System.out.println(e);
            }
        }
    }
}
