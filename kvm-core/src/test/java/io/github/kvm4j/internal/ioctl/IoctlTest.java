package io.github.kvm4j.internal.ioctl;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toCollection;
import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SequenceLayout;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.kvm4j.Capability;
import io.github.kvm4j.Capability.Arch;
import io.github.kvm4j.bindings.kvm_h;
import io.github.kvm4j.internal.sys.Architecture;

/** The registry, held against the bindings and the header. */
class IoctlTest {

    /** Of the header's own fields (asm-generic/ioctl.h). */
    private static final int KVMIO = kvm_h.KVMIO();

    private static final String BINDINGS = "io.github.kvm4j.bindings.";

    /** The architectures whose numbers and structures are bound in full. */
    private static final Set<Arch> TYPED = EnumSet.of(Arch.X86, Arch.ARM64, Arch.RISCV);

    /** Those with a header class; s390's and Power's have only what the others lack. */
    private static final Map<Arch, String> PACKAGES = Map.of(Arch.X86, "x86", Arch.ARM64, "arm64", Arch.RISCV, "riscv",
            Arch.S390, "s390", Arch.PPC, "powerpc");

    private static final Map<String, Long> SCALARS = Map.of("__u8", 1L, "int", 4L, "__u32", 4L, "__u64", 8L);

    /** The numbers that do not tell the size of the argument, with the size that they tell. */
    private static final Map<Ioctl, Long> SIZES_THAT_LIE = Map.of(
            // defined by _IO, but takes a pointer
            Ioctl.KVM_REINJECT_CONTROL, 0L,
            // defined for an unsigned long, but takes a pointer to a structure
            Ioctl.KVM_MEMORY_ENCRYPT_OP, 8L,
            // defined for an unsigned long, which it takes by value
            Ioctl.KVM_S390_STORE_STATUS, 8L, Ioctl.KVM_S390_VCPU_FAULT, 8L);

    /** Those that an architecture has without any capability of it that says so. */
    private static final Set<Ioctl> UNANNOUNCED_SOMEWHERE = EnumSet.of(
            // the kernel's code for it is KVM_IRQ_LINE's, wherever that is; only x86 has the capability
            Ioctl.KVM_IRQ_LINE_STATUS);

    private static Arch host() {
        return Architecture.ON_X86 ? Arch.X86 : Architecture.ON_ARM64 ? Arch.ARM64 : Arch.RISCV;
    }

    /** The number in an architecture's header class, or in that of what is the same on all. */
    private static OptionalLong numberOn(Arch arch, Ioctl ioctl) throws ReflectiveOperationException {
        String own = PACKAGES.get(arch);
        for (String header : new String[]{own + ".kvm_" + own + "_h", "kvm_h"}) {
            try {
                Object number = Class.forName(BINDINGS + header).getMethod(ioctl.name()).invoke(null);
                return OptionalLong.of(((Number) number).longValue() & 0xffff_ffffL);
            } catch (NoSuchMethodException e) {
                // in the other one, then
            }
        }
        return OptionalLong.empty();
    }

    private static Optional<MemoryLayout> layoutOn(Arch arch, String structure) throws ReflectiveOperationException {
        for (String bindings : new String[]{PACKAGES.get(arch) + ".", ""}) {
            try {
                Method layout = Class.forName(BINDINGS + bindings + structure).getMethod("layout");
                return Optional.of((MemoryLayout) layout.invoke(null));
            } catch (ClassNotFoundException e) {
                // in the other package, then
            }
        }
        return Optional.empty();
    }

    private static OptionalLong sizeOn(Arch arch, String type) throws ReflectiveOperationException {
        Long scalar = SCALARS.get(type);
        if (scalar != null) {
            return OptionalLong.of(scalar);
        }
        return layoutOn(arch, type).stream().mapToLong(MemoryLayout::byteSize).findAny();
    }

    /** The architectures on which a line can be checked. */
    private static Set<Arch> boundArchitectures(Ioctl ioctl) {
        EnumSet<Arch> bound = EnumSet.copyOf(ioctl.architectures());
        bound.retainAll(TYPED);
        if (bound.isEmpty()) {
            bound = EnumSet.copyOf(ioctl.architectures());
            bound.retainAll(PACKAGES.keySet());
        }
        return bound;
    }

    private static String structure(Argument argument) {
        return switch (argument) {
            case Argument.None _,Argument.Value _ -> "";
            case Argument.Pointer pointer -> pointer.structure();
            case Argument.Array array -> array.structure();
            case Argument.Sized sized -> sized.structure();
            case Argument.Extended extended -> extended.structure();
        };
    }

    private static boolean hasMember(MemoryLayout layout, String name) {
        return layout instanceof GroupLayout group
                && group.memberLayouts().stream().anyMatch(member -> member.name().equals(Optional.of(name)));
    }

    private static Stream<MemoryLayout> parts(MemoryLayout layout) {
        Stream<MemoryLayout> inner = switch (layout) {
            case GroupLayout group -> group.memberLayouts().stream();
            case SequenceLayout sequence -> Stream.of(sequence.elementLayout());
            default -> Stream.empty();
        };
        return Stream.concat(Stream.of(layout), inner.flatMap(IoctlTest::parts));
    }

    private static long sizeIn(long number) {
        return number >> 16 & 0x3fff;
    }

    @Test
    void everyIoctlOfTheHeaderHasALineAndNoOther() throws IOException {
        try (BufferedReader list = new BufferedReader(
                new InputStreamReader(Objects.requireNonNull(IoctlTest.class.getResourceAsStream("/ioctls.txt")),
                        StandardCharsets.UTF_8))) {
            Set<String> header = list.lines().filter(line -> !line.startsWith("#")).collect(toCollection(TreeSet::new));
            assertEquals(header,
                    Arrays.stream(Ioctl.values()).map(Enum::name).collect(toCollection(TreeSet::new)));
        }
        assertEquals(151, Ioctl.values().length);
    }

    @Test
    void theCountsAreThoseOfTheDocumentation() {
        Map<Arch, Long> counts = TYPED.stream().collect(toMap(arch -> arch, arch -> Stream.of(Ioctl.values())
                .filter(ioctl -> ioctl.architectures().contains(arch)).count()));
        assertEquals(Map.of(Arch.X86, 107L, Arch.ARM64, 43L, Arch.RISCV, 33L), counts);
    }

    @ParameterizedTest
    @EnumSource
    void aLineHasTheNumberOfItsNameOnThisHost(Ioctl ioctl) throws ReflectiveOperationException {
        assertEquals(numberOn(host(), ioctl).orElse(0), ioctl.number());
    }

    @ParameterizedTest
    @EnumSource
    void aNumberIsThereWhereALineSaysThatTheIoctlIs(Ioctl ioctl) throws ReflectiveOperationException {
        assertFalse(boundArchitectures(ioctl).isEmpty());
        for (Arch arch : boundArchitectures(ioctl)) {
            long number = numberOn(arch, ioctl).orElseThrow(() -> new AssertionError("no number on " + arch));
            assertEquals(KVMIO, number >> 8 & 0xff);
        }
    }

    @ParameterizedTest
    @EnumSource
    void anArgumentHasTheSizeThatTheNumberSays(Ioctl ioctl) throws ReflectiveOperationException {
        String type = structure(ioctl.argument());
        for (Arch arch : PACKAGES.keySet()) {
            OptionalLong number = numberOn(arch, ioctl);
            OptionalLong size = type.isEmpty() ? OptionalLong.of(0) : sizeOn(arch, type);
            if (boundArchitectures(ioctl).contains(arch)) {
                assertTrue(size.isPresent(), () -> arch + " has no " + type);
            }
            if (number.isPresent() && size.isPresent()) {
                long told = sizeIn(number.getAsLong());
                Long lie = SIZES_THAT_LIE.get(ioctl);
                assertEquals(lie == null ? size.getAsLong() : lie, told, () -> "on " + arch);
                assertFalse(lie != null && lie == size.getAsLong(), "no exception any more");
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatFollowsAHeaderIsAsALineSays(Ioctl ioctl) throws ReflectiveOperationException {
        for (Arch arch : boundArchitectures(ioctl)) {
            MemoryLayout layout = layoutOn(arch, structure(ioctl.argument())).orElse(null);
            List<SequenceLayout> open = layout == null
                    ? List.of()
                    : parts(layout).filter(SequenceLayout.class::isInstance).map(SequenceLayout.class::cast)
                            .filter(sequence -> sequence.elementCount() == 0).toList();
            switch (ioctl.argument()) {
                case Argument.Array array -> {
                    assertTrue(hasMember(layout, array.count()), () -> "no " + array.count());
                    assertEquals(1, open.size());
                    assertEquals(sizeOn(arch, array.element()).orElseThrow(),
                            open.getFirst().elementLayout().byteSize());
                }
                case Argument.Sized sized -> {
                    assertTrue(hasMember(layout, sized.size()), () -> "no " + sized.size());
                    assertFalse(open.isEmpty());
                }
                case Argument.Extended _ -> assertEquals(1, open.size());
                case Argument.Pointer _ when ioctl == Ioctl.KVM_GET_XSAVE -> assertEquals(1, open.size(),
                        "the one that writes no more than the header");
                case Argument.None _,Argument.Value _,Argument.Pointer _ -> assertTrue(open.isEmpty());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void anIoctlIsOnNoArchitectureThatItsCapabilityIsNotOn(Ioctl ioctl) {
        EnumSet<Arch> announced = EnumSet.noneOf(Arch.class);
        for (FdKind kind : ioctl.kinds()) {
            if (ioctl.capabilities(kind).isEmpty()) {
                announced.addAll(Arch.ALL);
            }
            for (Capability capability : ioctl.capabilities(kind)) {
                announced.addAll(capability.architectures());
                assertFalse(Collections.disjoint(capability.architectures(), ioctl.architectures()),
                        () -> capability + " is elsewhere");
            }
        }
        assertEquals(!UNANNOUNCED_SOMEWHERE.contains(ioctl), announced.containsAll(ioctl.architectures()),
                () -> announced + " announce it");
    }

    @Test
    void noTwoIoctlsOfOneDescriptorShareANumber() throws ReflectiveOperationException {
        for (Arch arch : PACKAGES.keySet()) {
            for (FdKind kind : FdKind.values()) {
                Map<Long, Ioctl> byNumber = new HashMap<>();
                for (Ioctl ioctl : Ioctl.values()) {
                    OptionalLong number = numberOn(arch, ioctl);
                    if (number.isPresent() && ioctl.kinds().contains(kind) && ioctl.architectures().contains(arch)) {
                        assertNull(byNumber.put(number.getAsLong(), ioctl), () -> ioctl + " on " + kind + ", " + arch);
                    }
                }
            }
        }
    }

    @Test
    void theNumbersThatNeedABitMoreThanAnIntAreUnsigned() {
        assertTrue(Stream.of(Ioctl.values()).allMatch(ioctl -> ioctl.number() >= 0));
        assertTrue(Ioctl.KVM_GET_MP_STATE.number() > Integer.MAX_VALUE);
    }

    @ParameterizedTest
    @EnumSource
    void aStructureWithAPointerIsMarked(Ioctl ioctl) throws ReflectiveOperationException {
        for (Arch arch : boundArchitectures(ioctl)) {
            boolean pointer = layoutOn(arch, structure(ioctl.argument())).stream().flatMap(IoctlTest::parts)
                    .anyMatch(AddressLayout.class::isInstance);
            assertTrue(!pointer || ioctl.marks().contains(Ioctl.Mark.HAS_POINTERS), () -> "a pointer on " + arch);
        }
    }

    /** Addresses in a __u64 look like numbers; but what one ioctl's structure has, another's of it has too. */
    @Test
    void ioctlsOfOneStructureAreMarkedAlike() {
        Map<String, Set<Boolean>> marked = Stream.of(Ioctl.values())
                .collect(groupingBy(ioctl -> structure(ioctl.argument()),
                        mapping(ioctl -> ioctl.marks().contains(Ioctl.Mark.HAS_POINTERS), toSet())));
        marked.forEach((structure, marks) -> assertEquals(1, marks.size(), structure));
        assertEquals(Set.of(false), marked.get(""), "no structure, no pointer in it");
    }

    @ParameterizedTest
    @EnumSource
    void whatCreatesADescriptorIsMarked(Ioctl ioctl) {
        boolean named = ioctl.name().startsWith("KVM_CREATE_") && !ioctl.name().contains("IRQCHIP")
                && !ioctl.name().contains("_PIT") || ioctl.name().endsWith("_FD");
        assertEquals(named || ioctl == Ioctl.KVM_ALLOCATE_RMA, ioctl.marks().contains(Ioctl.Mark.RETURNS_FD));
    }

    @ParameterizedTest
    @EnumSource
    void aFirstKernelIsARelease(Ioctl ioctl) {
        ioctl.since().ifPresent(since -> assertTrue(since.matches("2\\.6\\.\\d\\d|[3-7]\\.\\d\\d?"), since));
    }

    /** The branches that this host does not take are held to their names in the source. */
    @Test
    void everyNumberOfALineIsThatOfItsNameAndItsArchitecture() throws IOException {
        Map<String, String> guards = Map.of("x86", "ON_X86", "arm64", "ON_ARM64", "riscv", "ON_RISCV", "s390",
                "ON_S390",
                "powerpc", "ON_PPC");
        int lines = 0;
        for (String line : Files.readAllLines(Path.of("src/main/java/io/github/kvm4j/internal/ioctl/Ioctl.java"))) {
            Matcher constant = Pattern.compile("^    (KVM_\\w+)\\((.*?), on\\(.*").matcher(line);
            if (!constant.matches()) {
                continue;
            }
            lines++;
            Matcher number = Pattern.compile("(?:(ON_\\w+) \\? )?kvm_(?:(\\w+)_)?h\\.(KVM_\\w+)\\(\\)")
                    .matcher(constant.group(2));
            int numbers = 0;
            while (number.find()) {
                numbers++;
                assertEquals(constant.group(1), number.group(3), line);
                assertEquals(number.group(2) == null ? null : guards.get(number.group(2)), number.group(1), line);
            }
            assertTrue(numbers > 0, line);
        }
        assertEquals(151, lines);
    }
}
