package io.github.kvm4j.riscv;

import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/** The registers that have a name, by their ids. */
final class NamedRegisters {

    private static final Map<Long, RiscvRegister> BY_ID = new HashMap<>();

    static {
        add(ConfigRegister.values());
        add(CoreRegister.values());
        add(ControlRegister.values());
        add(TimerRegister.values());
        add(VectorControlRegister.values());
        add(IsaExtension.values());
        add(SbiExtension.values());
        add(SbiStateRegister.values());
    }

    private NamedRegisters() {
    }

    private static void add(RiscvRegister[] registers) {
        for (RiscvRegister register : registers) {
            BY_ID.put(register.id(), register);
        }
    }

    static @Nullable RiscvRegister find(long id) {
        return BY_ID.get(id);
    }
}
