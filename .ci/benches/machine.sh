# The emulated machines, and what becomes of one that is booted: sourced by .ci/bench.
# shellcheck shell=bash

# Where the tests are in a machine.
readonly place=/tests

# C1 alone and the simplest collector: what C2 and G1 take to start is more than they give back in minutes. An AOT cache
# (JEP 514) was tried: it takes 50 s of processor time to make, for every build anew, and saves 2 of the 27 that four
# tests take with it.
readonly java_options="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx256m"

# How much slower than real ones these machines are: a KVM exit takes a hundred times as long, but starting Java does not.
readonly divisor=20

# Sets what depends on the architecture, $arch.
set_machine() {
    cpus=2
    case $arch in
        amd64)
            triplet=x86_64-linux-gnu kvm_module=kvm_amd console=ttyS0
            # With two, a kernel that patches its code under the other's feet dies of "Oops: int3": seen with 7.2.
            cpus=1
            qemu="qemu-system-x86_64 -M q35 -cpu EPYC,+svm" ;;
        arm64)
            triplet=aarch64-linux-gnu kvm_module=kvm console=ttyAMA0
            qemu="qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu max,pauth-impdef=on" ;;
        riscv64)
            triplet=riscv64-linux-gnu kvm_module=kvm
            # HotSpot refuses to run on five levels of page tables.
            console="ttyS0 no5lvl"
            qemu="qemu-system-riscv64 -M virt -cpu rv64,h=true,v=true" ;;
    esac
}

# payload ARGUMENT...: the layer with the tests, $out/payload.cpio.gz, and how /init runs them: with these arguments.
payload() {
    local folder=$out/payload
    rm -rf "$folder"
    mkdir -p "$folder$place"
    cp -a "$jars/." "$folder$place/"
    echo "JAVA_OPTIONS='$java_options' DIVISOR=$divisor RESULTS=/out sh $place/run-tests $(printf "'%s' " "$@")" \
        > "$folder$place/run"
    # Firmware boots this; without it that test is skipped, and says so.
    if [ "$arch" = amd64 ] && [ -e /usr/share/seabios/bios.bin ]; then
        install -D -m 644 /usr/share/seabios/bios.bin "$folder/usr/share/seabios/bios.bin"
    fi
    archive "$folder" | gzip -1 > "$out/payload.cpio.gz"
    rm -rf "$folder"
}

# boot LIMIT: boots a machine with the payload, waits for its end, and leaves in $out what came back. The array $machine
# then has the kernel's version, the times of boot and tests in seconds, and the tests' exit status; or, of a machine that
# ended otherwise, its death.
boot() {
    local limit=$1 initrd=$out/initrd disk=$out/disk began tests at line
    declare -gA machine=([boot]=- [tests]=-)
    # What is not compressed must come first, since it has to begin at a multiple of four.
    cat "$(java_layer_file)" "$(kernel_layer_file)" "$out/payload.cpio.gz" > "$initrd"
    truncate -s 0 "$disk"
    truncate -s 256M "$disk"
    began=$(now)
    tests=$began
    : > "$out/console.log"
    while IFS= read -r line; do
        line=${line%$'\r'}
        at=$(seconds $(($(now) - began)))
        printf '%7s %s\n' "$at" "$line" >> "$out/console.log"
        case $line in
            *@@kernel*) machine[kernel]=${line##*@@kernel } ;;
            *@@tests) tests=$(now) machine[boot]=$at ;;
            @@status*) machine[tests]=$(seconds $(($(now) - tests))) machine[status]=${line##*@@status } ;;
            *@@end) machine[end]=$at ;;
            *"@@qemu 124" | *"@@qemu 137") machine[death]="was ended after the limit of $limit s" ;;
            *@@qemu*) machine[death]="ended by itself, QEMU's status is ${line##*@@qemu }," ;;
        esac
    done < <(
        status=0
        # Without mitigations, which are for processors that this is not: a start of Java takes half the time.
        # shellcheck disable=SC2086
        timeout --foreground -k 10 "$limit" $qemu -accel tcg,thread=multi -smp $cpus -m 2G \
            -kernel "$(find "$cache/kernel-$suite-$arch" -type f -name 'vmlinu[xz]*')" -initrd "$initrd" \
            -append "console=$console panic=-1 quiet loglevel=4 random.trust_cpu=on mitigations=off" \
            -drive if=none,id=disk,format=raw,file="$disk" -device virtio-blk-pci,drive=disk \
            -nodefaults -nographic -serial stdio -no-reboot </dev/null 2>&1 || status=$?
        echo "@@qemu $status"
    )
    tar xf "$disk" -C "$out" 2>/dev/null || true
    rm -f "$initrd" "$disk" "$out/payload.cpio.gz"
}

now() { echo "${EPOCHREALTIME/[.,]/}"; } # in microseconds
seconds() { printf '%d.%d' $(($1 / 1000000)) $(($1 / 100000 % 10)); }
