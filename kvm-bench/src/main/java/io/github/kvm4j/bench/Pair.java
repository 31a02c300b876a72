package io.github.kvm4j.bench;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

import io.github.kvm4j.x86.Regs;
import io.github.kvm4j.x86.SyncReg;

/** What is compared with a {@link Baseline} by turns, in one guest: the benchmark of the same name, without JMH. */
enum Pair {

    /** {@link PortIoExit}. */
    PORT_IO_EXIT("PortIoExit", Pair::portIoExit),
    /** {@link MmioExit}. */
    MMIO_EXIT("MmioExit", Pair::mmioExit),
    /** {@link ImmediateExit}. */
    IMMEDIATE_EXIT("ImmediateExit", Pair::immediateExit),
    /** {@link CompletePending}. */
    COMPLETE_PENDING("CompletePending", Pair::completePending),
    /** {@link BareCall}. */
    BARE_CALL("BareCall", Pair::bareCall),
    /** {@link Registers}, read. */
    GET_REGS("Registers.get", Pair::getRegs),
    /** {@link Registers}, written. */
    SET_REGS("Registers.set", Pair::setRegs),
    /** {@link SyncRegisters}, read. */
    SYNC_REGS_READ("SyncRegisters.read", guests -> syncRegisters(guests, false)),
    /** {@link SyncRegisters}, read and changed. */
    SYNC_REGS_CHANGE("SyncRegisters.change", guests -> syncRegisters(guests, true)),
    /** {@link DirtyLogHarvest}, and each page visited, beside the bare ioctl. */
    DIRTY_LOG_HARVEST("DirtyLogHarvest", guests -> dirtyLog(guests, true)),
    /** {@link DirtyLogHarvest}, read alone. */
    DIRTY_LOG_READ("DirtyLogHarvest.read", guests -> dirtyLog(guests, false)),
    /** {@link MemoryCopy}, in. */
    COPY_IN_4_KIB("MemoryCopy.in 4 KiB", Baseline.SEGMENT, guests -> memoryCopy(guests, "4 KiB", true)),
    /** {@link MemoryCopy}, in. */
    COPY_IN_64_KIB("MemoryCopy.in 64 KiB", Baseline.SEGMENT, guests -> memoryCopy(guests, "64 KiB", true)),
    /** {@link MemoryCopy}, in. */
    COPY_IN_1_MIB("MemoryCopy.in 1 MiB", Baseline.SEGMENT, guests -> memoryCopy(guests, "1 MiB", true)),
    /** {@link MemoryCopy}, in. */
    COPY_IN_16_MIB("MemoryCopy.in 16 MiB", Baseline.SEGMENT, guests -> memoryCopy(guests, "16 MiB", true)),
    /** {@link MemoryCopy}, in. */
    COPY_IN_64_MIB("MemoryCopy.in 64 MiB", Baseline.SEGMENT, guests -> memoryCopy(guests, "64 MiB", true)),
    /** {@link MemoryCopy}, out. */
    COPY_OUT_4_KIB("MemoryCopy.out 4 KiB", Baseline.SEGMENT, guests -> memoryCopy(guests, "4 KiB", false)),
    /** {@link MemoryCopy}, out. */
    COPY_OUT_64_KIB("MemoryCopy.out 64 KiB", Baseline.SEGMENT, guests -> memoryCopy(guests, "64 KiB", false)),
    /** {@link MemoryCopy}, out. */
    COPY_OUT_1_MIB("MemoryCopy.out 1 MiB", Baseline.SEGMENT, guests -> memoryCopy(guests, "1 MiB", false)),
    /** {@link MemoryCopy}, out. */
    COPY_OUT_16_MIB("MemoryCopy.out 16 MiB", Baseline.SEGMENT, guests -> memoryCopy(guests, "16 MiB", false)),
    /** {@link MemoryCopy}, out. */
    COPY_OUT_64_MIB("MemoryCopy.out 64 MiB", Baseline.SEGMENT, guests -> memoryCopy(guests, "64 MiB", false)),
    /** {@link MemoryAccess}, read. */
    GET_LONG("MemoryAccess.get 2 regions", Baseline.SEGMENT, guests -> memoryAccess(guests, "2 regions", true)),
    /** {@link MemoryAccess}, written. */
    PUT_LONG("MemoryAccess.put 2 regions", Baseline.SEGMENT, guests -> memoryAccess(guests, "2 regions", false)),
    /** {@link MemoryAccess}, read where there is nothing to look for. */
    GET_LONG_IN_ONE("MemoryAccess.get 1 region", Baseline.SEGMENT, guests -> memoryAccess(guests, "1 region", true)),
    /** {@link MemoryAccess}, read where the region is searched for. */
    GET_LONG_SEARCHED("MemoryAccess.get " + MemoryAccess.Kvm4j.SEARCHED, Baseline.SEGMENT,
            guests -> memoryAccess(guests, MemoryAccess.Kvm4j.SEARCHED, true)),
    /** {@link MemoryDirtyPages}. */
    VISIT_DIRTY_PAGES("MemoryDirtyPages.visit", Baseline.SEGMENT, Pair::visitDirtyPages);

    /** C once more, with three functions between the loop and the ioctl. */
    static final String DEEP = "c, three calls down";

    /** Without an ioctl for the registers. */
    static final String KVM4J_IN_PAGE = "kvm4j, run page";
    static final String C_IN_PAGE = "c, run page";

    /** The ways there are, in the order in which they are shown. */
    static final List<String> WAYS = List.of("kvm4j", "ffm", DEEP, "jni", "jna", KVM4J_IN_PAGE, C_IN_PAGE);

    private static final String C = Baseline.C.side();

    private final String title;
    private final Baseline baseline;
    private final Function<Guests, List<Side>> sides;

    Pair(String title, Function<Guests, List<Side>> sides) {
        this(title, Baseline.C, sides);
    }

    Pair(String title, Baseline baseline, Function<Guests, List<Side>> sides) {
        this.title = title;
        this.baseline = baseline;
        this.sides = sides;
    }

    static Pair of(String title) {
        for (Pair pair : values()) {
            if (pair.title.equals(title)) {
                return pair;
            }
        }
        throw new IllegalArgumentException("no such pair: " + title);
    }

    /** A pair by its title, or all of a benchmark's by its name, which their titles begin with. */
    static List<Pair> named(String name) {
        List<Pair> all = Stream.of(values())
                .filter(pair -> pair.title.equals(name) || pair.title.split("[. ]")[0].equals(name)).toList();
        if (all.isEmpty()) {
            throw new IllegalArgumentException("no such pair: " + name);
        }
        return all;
    }

    static List<Pair> heldAgainst(Baseline baseline) {
        return Stream.of(values()).filter(pair -> pair.baseline == baseline).toList();
    }

    String title() {
        return title;
    }

    Baseline baseline() {
        return baseline;
    }

    /** Opens the guest. */
    List<Side> open(Guests guests) {
        List<Side> all = new ArrayList<>(sides.apply(guests));
        Side its = all.stream().filter(side -> side.name().equals(baseline.side())).findFirst().orElseThrow();
        all.add(new Side(baseline.control(), its.before(), its.loop()));
        return List.copyOf(all);
    }

    private static List<Side> portIoExit(Guests guests) {
        var kvm4j = guests.open(new PortIoExit.Kvm4j());
        var byHand = guests.borrow(new PortIoExit.ByHand());
        var benchmark = new PortIoExit();
        return List.of(new Side("kvm4j", operations -> PortIoExit.loop(kvm4j, operations)),
                new Side("ffm", operations -> {
                    long sum = 0;
                    for (int i = 0; i < operations; i++) {
                        sum += benchmark.ffm(byHand);
                    }
                    return sum;
                }), new Side(C, operations -> Baselines.runLoop(byHand.vcpu, byHand.run, operations)));
    }

    private static List<Side> mmioExit(Guests guests) {
        var kvm4j = guests.open(new MmioExit.Kvm4j());
        var byHand = guests.borrow(new MmioExit.ByHand());
        var benchmark = new MmioExit();
        return List.of(new Side("kvm4j", operations -> MmioExit.loop(kvm4j, operations)),
                new Side("ffm", operations -> {
                    long sum = 0;
                    for (int i = 0; i < operations; i++) {
                        sum += benchmark.ffm(byHand);
                    }
                    return sum;
                }), new Side(C, operations -> Baselines.runLoop(byHand.vcpu, byHand.run, operations)));
    }

    private static List<Side> immediateExit(Guests guests) {
        var kvm4j = guests.open(new ImmediateExit.Kvm4j());
        var byHand = guests.borrow(new ImmediateExit.ByHand());
        var benchmark = new ImmediateExit();
        return List.of(new Side("kvm4j", operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += benchmark.kvm4j(kvm4j).hashCode();
            }
            return sum;
        }), new Side("ffm", operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += benchmark.ffm(byHand);
            }
            return sum;
        }), new Side(C, operations -> Baselines.immediateExit(byHand.vcpu, byHand.run, operations)));
    }

    private static List<Side> completePending(Guests guests) {
        var kvm4j = guests.open(new ImmediateExit.Kvm4j());
        var byHand = guests.borrow(new ImmediateExit.ByHand());
        var benchmark = new CompletePending();
        var other = new ImmediateExit();
        return List.of(new Side("kvm4j", operations -> {
            for (int i = 0; i < operations; i++) {
                benchmark.kvm4j(kvm4j);
            }
            return operations;
        }), new Side("ffm", operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += other.ffm(byHand);
            }
            return sum;
        }), new Side(C, operations -> Baselines.immediateExit(byHand.vcpu, byHand.run, operations)));
    }

    private static List<Side> bareCall(Guests guests) {
        var kvm4j = guests.open(new BareCall.Kvm4j());
        var byHand = guests.borrow(new BareCall.ByHand());
        var benchmark = new BareCall();
        return List.of(new Side("kvm4j", operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += benchmark.kvm4j(kvm4j);
            }
            return sum;
        }), new Side("ffm", operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += benchmark.ffm(byHand);
            }
            return sum;
        }), new Side("jni", operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += benchmark.jni(byHand);
            }
            return sum;
        }), new Side("jna", operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += benchmark.jna(byHand);
            }
            return sum;
        }), new Side(DEEP, operations -> Baselines.deepCall(byHand.system, operations)),
                new Side(C, operations -> Baselines.bareCall(byHand.system, operations)));
    }

    private static List<Side> getRegs(Guests guests) {
        var kvm4j = guests.open(new Registers.Kvm4j());
        var byHand = guests.borrow(new Registers.ByHand());
        var benchmark = new Registers();
        return List.of(new Side("kvm4j", operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += benchmark.getKvm4j(kvm4j);
            }
            return sum;
        }), new Side("ffm", operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += benchmark.getFfm(byHand);
            }
            return sum;
        }), new Side(C, operations -> Baselines.getRegs(byHand.vcpu, operations)));
    }

    private static List<Side> setRegs(Guests guests) {
        var kvm4j = guests.open(new Registers.Kvm4j());
        var byHand = guests.borrow(new Registers.ByHand());
        var benchmark = new Registers();
        benchmark.getKvm4j(kvm4j);
        return List.of(new Side("kvm4j", operations -> {
            for (int i = 0; i < operations; i++) {
                benchmark.setKvm4j(kvm4j);
            }
            return operations;
        }), new Side("ffm", operations -> {
            for (int i = 0; i < operations; i++) {
                benchmark.setFfm(byHand);
            }
            return operations;
        }), new Side(C, operations -> Baselines.setRegs(byHand.vcpu, operations)));
    }

    private static List<Side> dirtyLog(Guests guests, boolean visit) {
        var kvm4j = guests.open(new DirtyLogHarvest.Kvm4j());
        Side.Loop harvest = operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += kvm4j.harvest();
            }
            return sum;
        };
        Side.Loop read = operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += kvm4j.read();
            }
            return sum;
        };
        return List.of(new Side("kvm4j", visit ? harvest : read), new Side(C, kvm4j::readInC));
    }

    private static List<Side> syncRegisters(Guests guests, boolean change) {
        var kvm4j = guests.open(new SyncRegisters.ByIoctl());
        var byHand = guests.borrow(new SyncRegisters.ByHand());
        var regs = new Regs();
        Runnable byIoctl = () -> SyncRegisters.putIntoPage(kvm4j, EnumSet.noneOf(SyncReg.class));
        Runnable inPage = () -> SyncRegisters.putIntoPage(kvm4j, EnumSet.of(SyncReg.REGS));
        // A loop of one's own for each, as everywhere.
        Side.Loop kvm4jByIoctl = change
                ? operations -> SyncRegisters.changeByIoctl(kvm4j, regs, operations)
                : operations -> SyncRegisters.readByIoctl(kvm4j, regs, operations);
        Side.Loop kvm4jInPage = change
                ? operations -> SyncRegisters.changeInPage(kvm4j, regs, operations)
                : operations -> SyncRegisters.readInPage(kvm4j, regs, operations);
        return List.of(new Side("kvm4j", byIoctl, kvm4jByIoctl), new Side(KVM4J_IN_PAGE, inPage, kvm4jInPage),
                new Side(C, byIoctl,
                        operations -> Baselines.registersByIoctl(byHand.vcpu, byHand.run, change, operations)),
                new Side(C_IN_PAGE, inPage,
                        operations -> Baselines.registersInPage(byHand.vcpu, byHand.run, change, operations)));
    }

    private static List<Side> memoryCopy(Guests guests, String size, boolean in) {
        var kvm4j = guests.open(new MemoryCopy.Kvm4j(size));
        return in
                ? besideSegment(kvm4j::write, kvm4j::copyIn)
                : besideSegment(kvm4j::read, kvm4j::copyOut);
    }

    private static List<Side> memoryAccess(Guests guests, String regions, boolean get) {
        var kvm4j = guests.open(new MemoryAccess.Kvm4j(regions));
        return get
                ? besideSegment(kvm4j::get, kvm4j::getFromSegment)
                : besideSegment(kvm4j::put, kvm4j::putIntoSegment);
    }

    private static List<Side> visitDirtyPages(Guests guests) {
        var kvm4j = guests.open(new MemoryDirtyPages.Kvm4j());
        Side.Loop visit = operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += kvm4j.visit();
            }
            return sum;
        };
        Side.Loop byHand = operations -> {
            long sum = 0;
            for (int i = 0; i < operations; i++) {
                sum += kvm4j.visitInSegment();
            }
            return sum;
        };
        return besideSegment(visit, byHand);
    }

    private static List<Side> besideSegment(Side.Loop kvm4j, Side.Loop segment) {
        return List.of(new Side("kvm4j", kvm4j), new Side(Baseline.SEGMENT.side(), segment));
    }
}
