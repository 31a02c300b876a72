# What a machine is made of, out of Debian's archive: sourced by .ci/bench, which has set $cache, $arch and $suite.
# shellcheck shell=bash

readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The programs that this host needs for it, installed where they are absent.
install_tools() {
    local -A package=([qemu-system-x86_64]=qemu-system-x86 [qemu-system-aarch64]=qemu-system-arm
        [qemu-system-riscv64]=qemu-system-misc [cpio]=cpio [xz]=xz-utils)
    local -a absent=()
    local tool
    for tool in "${qemu%% *}" cpio xz; do
        command -v "$tool" >/dev/null || absent+=("${package[$tool]}")
    done
    [ -e "$keyring" ] || absent+=(debian-archive-keyring)
    [ ${#absent[@]} -gt 0 ] || return 0
    say "installing ${absent[*]}"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${absent[@]}"; } >&2 \
        || cannot_have "cannot install ${absent[*]}: this takes Debian's apt-get, and root"
}

# Debian's mirror of this host, or its main one: others have a folder /debian too, but no component main.
mirror() {
    local uri
    uri=$({
        awk 'BEGIN { RS = "" } {
                uri = ""; main = 0; lines = split($0, line, "\n")
                for (i = 1; i <= lines; i++) {
                    if (line[i] ~ /^URIs: /) { split(line[i], word, " "); uri = word[2] }
                    if (line[i] ~ /^Components:.* main( |$)/) main = 1
                }
                if (main) print uri
            }' /etc/apt/sources.list.d/*.sources
        awk '$1 == "deb" && / main( |$)/ { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:/) { print $i; break } }' \
            /etc/apt/sources.list /etc/apt/sources.list.d/*.list
    } 2>/dev/null | grep -m1 '/debian/\?$' || true)
    echo "${uri:-http://deb.debian.org/debian}"
}

# apt SUITE COMMAND ARGUMENT...: apt-get, or apt-cache, with a state of its own, so that the host's package lists and
# architectures stay as they are. Signatures are checked against Debian's own keyring, which the host's apt trusts too.
apt() {
    local suite=$1 state=$cache/apt/$1-$arch tool=apt-get
    [ "$2" != depends ] || tool=apt-cache
    if [ ! -e "$state/sources" ]; then
        mkdir -p "$state"/{lists,archives}/partial
        : > "$state/status"
        echo "deb [signed-by=$keyring] $(mirror) $suite main" > "$state/sources"
    fi
    "$tool" -o APT::Architecture="$arch" -o APT::Architectures::="$arch" \
        -o Dir::Etc::SourceList="$state/sources" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$state/lists" -o Dir::State::Status="$state/status" \
        -o Dir::Cache="$state" -o Dir::Cache::Archives="$state/archives" \
        -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 \
        -o APT::Update::Error-Mode=any -o Acquire::Retries=3 "${@:2}"
}

# fetched WHAT COMMAND...: runs apt for something. That Debian cannot be reached is no failure of ours; that it has not what is
# asked for, or what came is not signed as it should be, is.
fetched() {
    local log=$cache/apt-$$.log
    if "${@:2}" > "$log" 2>&1; then
        rm "$log"
        return
    fi
    cat "$log" >&2
    local unreachable=
    ! grep -qiE 'could not resolve|temporary failure|could not connect|cannot initiate the connection|connection (failed|refused)|timed out|timeout|network is unreachable|no route to host|50[0-9] ' \
        "$log" || unreachable=yes
    ! grep -qiE 'signature|not signed|hash sum|mismatch|NO_PUBKEY|unable to locate|no installation candidate|no downloadable' "$log" \
        || unreachable=
    rm "$log"
    [ -z "$unreachable" ] || cannot_have "cannot $1: Debian is not reached"
    fail "cannot $1"
}

# unpacked SUITE NAME PACKAGE...: downloads packages and unpacks them into the folder $cache/NAME.
unpacked() {
    local suite=$1 folder=$cache/$2
    rm -rf "$folder.new"
    mkdir -p "$folder.new/packages"
    (cd "$folder.new/packages" && fetched "download ${*:3} from Debian's $suite" apt "$suite" download -qq "${@:3}") || exit
    local package
    for package in "$folder.new"/packages/*.deb; do
        dpkg-deb --extract "$package" "$folder.new"
    done
    (cd "$folder.new/packages" && echo *.deb) > "$folder.new/names"
    rm -r "$folder.new/packages"
    mv "$folder.new/names" "$folder.new/packages"
    rm -rf "$folder"
    mv "$folder.new" "$folder"
}

# A Java runtime, the few libraries that it uses, and busybox: $cache/java-ARCH. Always sid's, the suite with a Java 25.
get_java() {
    [ ! -f "$cache/java-$arch/packages" ] || return 0
    say "downloading Java for $arch"
    fetched "read Debian's package lists" apt sid update -qq
    unpacked sid "java-$arch" openjdk-25-jre-headless libc6 zlib1g libstdc++6 libgcc-s1 busybox-static
}

# A kernel and its modules: $cache/kernel-SUITE-ARCH.
get_kernel() {
    [ ! -f "$cache/kernel-$suite-$arch/packages" ] || return 0
    say "downloading the kernel of Debian's $suite for $arch"
    fetched "read Debian's package lists" apt "$suite" update -qq
    local flavour=cloud-$arch image parts
    [ "$arch" != riscv64 ] || flavour=riscv64
    image=$(apt "$suite" depends "linux-image-$flavour" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1 || true)
    [ -n "$image" ] || fail "Debian's $suite has no kernel for $arch that linux-image-$flavour depends on"
    # A newer Debian has the image in two packages, and linux-image is empty.
    parts=$(apt "$suite" depends "$image" | sed -n 's/^ *Depends: \(linux-\(binary\|modules\)-[0-9].*\)/\1/p' || true)
    # shellcheck disable=SC2086
    unpacked "$suite" "kernel-$suite-$arch" ${parts:-$image}
}
