package io.github.kvm4j.x86;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/** CPUID for people: names of features, and text that registers hold. */
final class CpuidText {

    private static final int WIDTH = 120;
    private static final String INDENT = "        ";

    private CpuidText() {
    }

    /** The characters in registers, four in each. */
    static String decode(int... registers) {
        ByteBuffer bytes = ByteBuffer.allocate(registers.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(registers);
        return new String(bytes.array(), StandardCharsets.ISO_8859_1);
    }

    /** The registers with these characters, zeros behind them. */
    static int[] encode(String text, int registers) {
        byte[] bytes = Arrays.copyOf(text.getBytes(StandardCharsets.ISO_8859_1), registers * Integer.BYTES);
        int[] words = new int[registers];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(words);
        return words;
    }

    /** Where a bit is: {@code 00000007/0.ecx.15}. */
    static String place(int leaf, int subleaf, CpuidRegister register, int bit) {
        return String.format("%08x/%x.%s.%d", leaf, subleaf, register.name().toLowerCase(Locale.ROOT), bit);
    }

    static String of(Cpuid cpuid) {
        StringBuilder text = new StringBuilder();
        List<CpuidEntry> entries = cpuid.entries();
        for (int i = 0; i < entries.size(); i++) {
            CpuidEntry entry = entries.get(i);
            int last = i;
            while (last < entries.size() && isZero(entries.get(last))) {
                last++;
            }
            if (last - i > 1) {
                CpuidEntry end = entries.get(last - 1);
                text.append(
                        String.format("%08x/%x  to %08x/%x: zeros%n", entry.function(), entry.index(), end.function(),
                                end.index()));
                i = last - 1;
            } else {
                text.append(String.format("%08x/%x  eax %08x  ebx %08x  ecx %08x  edx %08x%s%n", entry.function(),
                        entry.index(), entry.eax(), entry.ebx(), entry.ecx(), entry.edx(), meaning(cpuid, entry)));
                features(text, cpuid, entry);
            }
        }
        return text.isEmpty() ? "" : text.substring(0, text.length() - System.lineSeparator().length());
    }

    private static boolean isZero(CpuidEntry entry) {
        return (entry.eax() | entry.ebx() | entry.ecx() | entry.edx()) == 0;
    }

    private static String meaning(Cpuid cpuid, CpuidEntry entry) {
        return switch (entry.function()) {
            case 0, 0x8000_0000 -> quoted(entry.ebx(), entry.edx(), entry.ecx());
            case 1 -> String.format("  family 0x%x, model 0x%x, stepping %d", cpuid.family(), cpuid.model(),
                    cpuid.stepping());
            case 0x8000_0002, 0x8000_0003, 0x8000_0004 -> quoted(entry.eax(), entry.ebx(), entry.ecx(), entry.edx());
            case 0x8000_0008 -> String.format("  addresses: %d bits physical, %d virtual", entry.eax() & 0xff,
                    entry.eax() >> 8 & 0xff);
            default -> KvmLeaves.isBase(entry.function())
                    ? quoted(entry.ebx(), entry.ecx(), entry.edx())
                    : "";
        };
    }

    private static String quoted(int... registers) {
        String text = decode(registers).replace("\0", "");
        return text.isEmpty() ? "" : "  \"" + text + '"';
    }

    /** The names of what is set, as many in a line as fit. */
    private static void features(StringBuilder text, Cpuid cpuid, CpuidEntry entry) {
        StringBuilder line = new StringBuilder(INDENT);
        for (CpuidFeature feature : CpuidFeature.values()) {
            OptionalInt leaf = feature.word().leafIn(cpuid);
            if (leaf.isPresent() && entry.answers(leaf.getAsInt(), feature.subleaf())
                    && (entry.get(feature.register()) >> feature.bit() & 1) != 0) {
                if (line.length() + 1 + feature.name().length() > WIDTH) {
                    text.append(line).append(System.lineSeparator());
                    line.setLength(INDENT.length());
                }
                line.append(' ').append(feature.name());
            }
        }
        if (line.length() > INDENT.length()) {
            text.append(line).append(System.lineSeparator());
        }
    }
}
