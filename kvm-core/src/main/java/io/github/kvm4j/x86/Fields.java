package io.github.kvm4j.x86;

/** Fields that are wider in Java than in the kernel's structure, so that nobody needs a cast. */
final class Fields {

    private Fields() {
    }

    /** Refuses a value that the structure's field cannot hold. */
    static int check(String name, int value, int most) {
        if (value < 0 || value > most) {
            throw new IllegalArgumentException(name + " is " + value + "; it goes from 0 to " + most);
        }
        return value;
    }

    /** Refuses an array that is not as long as the structure's field. */
    static byte[] check(String name, byte[] bytes, int length) {
        if (bytes.length != length) {
            throw new IllegalArgumentException(name + " has " + length + " bytes; these are " + bytes.length);
        }
        return bytes;
    }
}
