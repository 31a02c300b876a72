# The emulated machines, and what becomes of one that is booted: sourced by .ci/bench.
# shellcheck shell=bash

# Where tests are in a machine: an AOT cache holds for these paths.
readonly place=/tests

# C1 alone and the simplest collector: what C2 and G1 take to start is more than they give back in minutes.
readonly java_options="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx256m"

# How much slower than real ones these machines are: a KVM exit takes a hundred times as long, but starting Java does not.
readonly divisor=20

# Sets what depends on the architecture, $arch.
set_machine() {
    case $arch in
        amd64)
            triplet=x86_64-linux-gnu kvm_module=kvm_amd console=ttyS0
            qemu="qemu-system-x86_64 -M q35 -cpu EPYC,+svm" ;;
        arm64)
            triplet=aarch64-linux-gnu kvm_module=kvm console=ttyAMA0
            qemu="qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu neoverse-n1" ;;
        riscv64)
            triplet=riscv64-linux-gnu kvm_module=kvm
            # HotSpot refuses to run on five levels of page tables.
            console="ttyS0 no5lvl"
            qemu="qemu-system-riscv64 -M virt -cpu rv64,h=true" ;;
    esac
}

# test_payload ARGUMENT...: the layer with the tests and how to run them, $out/tests.cpio.gz.
test_payload() {
    local options=$java_options
    [ ! -e "$cache/${aot:-none}" ] || options="$options -XX:AOTCache=$place/libraries.aot"
    payload "$out" "JAVA_OPTIONS='$options' DIVISOR=$divisor RESULTS=/out sh $place/run-tests $(printf "'%s' " "$@")"
}

# payload FOLDER COMMAND: the layer with the jars, in FOLDER.
payload() {
    local folder=$1/payload
    rm -rf "$folder"
    mkdir -p "$folder$place"
    cp -a "$jars/." "$folder$place/"
    echo "$2" > "$folder$place/run"
    # Firmware boots this; without it that test is skipped, and says so.
    if [ "$arch" = amd64 ] && [ -e /usr/share/seabios/bios.bin ]; then
        install -D -m 644 /usr/share/seabios/bios.bin "$folder/usr/share/seabios/bios.bin"
    fi
    archive "$folder" | gzip -1 > "$1/payload.cpio.gz"
    rm -rf "$folder"
}

# An AOT cache (JEP 514) of the classes of the JDK, JUnit and the bindings, which do not change with every build: made in
# the machine that it is for, by running a few tests whose own classes stay out of it.
aot_layer() {
    local key
    key=$(cat "$cache/java-$arch/usr/lib/jvm/java-25-openjdk-$arch/release" "$jars"/libraries/*.jar <(echo "$java_options") \
        | sha256sum | cut -c1-16)
    aot=aot-$arch-$key.cpio
    [ ! -e "$cache/${aot:-none}" ] || return 0
    say "making an AOT cache for $arch"
    rm -f "$cache/aot-$arch-"*
    local folder=$cache/aot-$arch
    mkdir -p "$folder"
    payload "$folder" "cd $place && mkdir -p target && java $java_options -XX:AOTCacheOutput=/out/libraries.aot \\
        --enable-native-access=ALL-UNNAMED --illegal-native-access=deny -Dkvm.tests.divisor=1000 \\
        -cp \$(printf '%s:' $place/libraries/*.jar | sed 's/:\$//') org.junit.platform.console.ConsoleLauncher execute \\
        --class-path=\$(printf '%s:' $place/tests/*.jar) --disable-banner --disable-ansi-colors --details=testfeed \\
        --select-class=io.github.kvm4j.OpenTest --select-class=io.github.kvm4j.BadInputTest \\
        --config=junit.platform.reporting.open.xml.enabled=true --reports-dir=/tmp/reports"
    boot 300 "$folder" || true
    if [ -e "$folder/libraries.aot" ]; then
        mkdir -p "$folder/root$place"
        mv "$folder/libraries.aot" "$folder/root$place/"
        archive "$folder/root" > "$cache/$aot.new"
        mv "$cache/$aot.new" "$cache/$aot"
    else
        say "no AOT cache could be made; the end of $folder/console.log:"
        tail -5 "$folder/console.log" >&2
    fi
    rm -rf "$folder/root" "$folder/payload.cpio.gz"
}

# boot LIMIT FOLDER: boots a machine with the payload of FOLDER, waits for its end, and leaves in FOLDER what came back.
# The array $machine then has the kernel's version, the times of boot and tests in seconds, and the tests' exit status;
# or, of a machine that ended otherwise, the death.
boot() {
    local limit=$1 folder=$2 initrd=$2/initrd disk=$2/disk began tests at line
    declare -gA machine=([boot]=- [tests]=-)
    # What is not compressed must come first, since it has to begin at a multiple of four.
    cat "$cache/java-$arch.cpio" $([ ! -e "$cache/${aot:-none}" ] || echo "$cache/$aot") \
        "$cache/kernel-$suite-$arch.cpio.gz" "$folder/payload.cpio.gz" > "$initrd"
    truncate -s 0 "$disk"
    truncate -s 256M "$disk"
    began=$(now)
    : > "$folder/console.log"
    while IFS= read -r line; do
        line=${line%$'\r'}
        at=$(seconds $(($(now) - began)))
        printf '%7s %s\n' "$at" "$line" >> "$folder/console.log"
        case $line in
            *@@kernel*) machine[kernel]=${line##*@@kernel } ;;
            @@tests) tests=$(now) machine[boot]=$at ;;
            @@status*) machine[tests]=$(seconds $(($(now) - tests))) machine[status]=${line#@@status } ;;
            "@@qemu 124") machine[death]="was ended after the limit of $limit s" ;;
            @@qemu*) machine[death]="ended by itself, QEMU's status is ${line#@@qemu }," ;;
        esac
    done < <(
        status=0
        # shellcheck disable=SC2086
        timeout "$limit" $qemu -accel tcg,thread=${TH:-multi}${TB:-} -smp "${KVM4J_CPUS:-2}" -m 2G \
            -kernel "$cache/kernel-$suite-$arch.image" -initrd "$initrd" \
            -append "console=$console panic=-1 quiet loglevel=4 random.trust_cpu=on ${KVM4J_APPEND:-}" \
            -drive if=none,id=disk,format=raw,file="$disk" -device virtio-blk-pci,drive=disk \
            -nodefaults -nographic -serial stdio -no-reboot </dev/null 2>&1 || status=$?
        echo "@@qemu $status"
    )
    tar xf "$disk" -C "$folder" 2>/dev/null || true
    rm -f "$initrd" "$disk" "$folder/payload.cpio.gz"
}

now() { echo "${EPOCHREALTIME/[.,]/}"; } # in microseconds
seconds() { printf '%d.%d' $(($1 / 1000000)) $(($1 / 100000 % 10)); }
