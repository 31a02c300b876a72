package io.github.kvm4j;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;

/** The rules of the house that a compiler does not check. */
class ArchitectureRulesTest {

    private static final String ROOT = "io.github.kvm4j";
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("bindings")).importPackages(ROOT);

    @Test
    void downcallsAreInInternalSysAlone() {
        noClasses().that().resideOutsideOfPackage(ROOT + ".internal.sys").should().dependOnClassesThat()
                .areAssignableTo(MethodHandle.class).orShould().dependOnClassesThat().areAssignableTo(Linker.class)
                .check(CLASSES);
    }

    @Test
    void noPublicSignatureHasATypeOfTheBindings() {
        List<String> offenders = new ArrayList<>();
        int members = 0;
        for (JavaClass type : CLASSES) {
            if (type.getPackageName().startsWith(ROOT + ".internal")
                    || !type.getModifiers().contains(JavaModifier.PUBLIC)) {
                continue;
            }
            for (JavaMember member : type.getMembers()) {
                if (member.getModifiers().contains(JavaModifier.PUBLIC)
                        || member.getModifiers().contains(JavaModifier.PROTECTED)) {
                    members++;
                    if (member.getAllInvolvedRawTypes().stream().anyMatch(t -> t.getName().contains(".bindings."))) {
                        offenders.add(member.getFullName());
                    }
                }
            }
        }
        assertFalse(members < 100, "too few members looked at: " + members);
        assertEquals(List.of(), offenders);
    }

    @Test
    void internalTypesAreInNoPublicSignatureButThatOfAHiddenConstructor() {
        List<String> offenders = new ArrayList<>();
        for (JavaClass type : CLASSES) {
            if (type.getPackageName().startsWith(ROOT + ".internal")
                    || !type.getModifiers().contains(JavaModifier.PUBLIC)) {
                continue;
            }
            for (JavaCodeUnit unit : type.getMethods()) {
                if (unit.getModifiers().contains(JavaModifier.PUBLIC)
                        && unit.getAllInvolvedRawTypes().stream().anyMatch(t -> t.getName().contains(".internal."))) {
                    offenders.add(unit.getFullName());
                }
            }
        }
        assertEquals(List.of(), offenders);
    }

    @Test
    void nothingInTheCoreDependsOnTheConveniences() {
        noClasses().that().resideOutsideOfPackage(ROOT + ".util..").should().dependOnClassesThat()
                .resideInAPackage(ROOT + ".util..").check(CLASSES);
    }
}
