#!/usr/bin/env bash
# Asks a C compiler for KVM's ABI, per architecture: what src/test/resources/abi holds and AbiTest compares
# the generated Java with. Nothing here comes from jextract but the list of libc's names.
#
#   tables.sh DIR           writes DIR/<architecture>.tsv and DIR/libc-<architecture>.tsv
#   tables.sh --check DIR   the same, and fails on a difference from the committed tables
#
# Environment:
#   KVM_HEADERS  usr/include of an unpacked linux-libc-dev (architecture: all)
# Needs, on an amd64 Debian: gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-riscv64-linux-gnu
# libc6-dev-riscv64-cross gcc-s390x-linux-gnu gcc-powerpc64le-linux-gnu
#
# Macros come from the preprocessor (-dD), structs and enum constants from DWARF (-g); the values of all
# are the compiler's, out of the assembly (-S) of a program that names each. Nothing is run.
#
# Rows, tab-separated: ioctl, exit, cap, const and enum NAME VALUE TYPE (s4: signed, 4 bytes);
# absent NAME (an ioctl that this architecture lacks); other NAME function-like|string|not-constant;
# struct NAME SIZE ALIGNMENT; field STRUCT PATH OFFSET SIZE ELEMENT-SIZE; bitfield STRUCT PATH BITS.
set -euo pipefail
export LC_ALL=C # one sort order everywhere

die() { echo "tables.sh: $*" >&2; exit 1; }

check=false
if [[ ${1-} == --check ]]; then check=true; shift; fi
[[ $# -eq 1 ]] || die "usage: tables.sh [--check] DIR"
: "${KVM_HEADERS:?set it to usr/include of an unpacked linux-libc-dev (see jextract/README.md)}"
[[ -f $KVM_HEADERS/linux/kvm.h ]] || die "KVM_HEADERS has no linux/kvm.h: $KVM_HEADERS"
KVM_HEADERS=$(realpath "$KVM_HEADERS")
for arch in x86_64 aarch64 riscv64 s390x powerpc64le; do
  [[ -f $KVM_HEADERS/$arch-linux-gnu/asm/kvm.h ]] || die "KVM_HEADERS has no $arch-linux-gnu/asm/kvm.h"
  command -v "$arch-linux-gnu-gcc" > /dev/null || die "no $arch-linux-gnu-gcc; the packages it takes are at my top"
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1" && out=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# gcc ARCHITECTURE OPTION...
gcc() { "$1-linux-gnu-gcc" -w -I "$KVM_HEADERS/$1-linux-gnu" -I "$KVM_HEADERS" "${@:2}"; }

# rows FILE.s: what row.h left in the assembly; x86 writes numbers as $1, arm64 may as #1.
rows() { sed -nE 's/\t[$#]/\t/g; s/^@@ //p' "$1"; }

# values ARCHITECTURE NAME OPTION...: NAME.names (kind, name) to NAME.values, and what is no constant to
# NAME.failed. NAME.h includes the headers. A function each, because gcc reports an unknown name once a function.
values() {
  local arch=$1 name=$2 failed; shift 2
  cp "$name.names" try
  : > "$name.failed"
  while
    { echo "#include \"$name.h\""; awk '{ printf "void f%d(void) { VALUE(\"%s\", %s); }\n", NR, $1, $2 }' try; } > try.c
    ! gcc "$arch" -S "$@" -include "$here/row.h" -ftrack-macro-expansion=0 try.c -o try.s 2> try.log
  do
    failed=$(sed -nE 's/^try\.c:([0-9]+):.*error:.*/\1/p' try.log | sort -un)
    [[ -n $failed ]] || { cat try.log >&2; die "$arch: $name does not compile"; }
    awk 'NR == FNR { bad[$1 - 1]; next } FNR in bad' <(echo "$failed") try >> "$name.failed"
    awk 'NR == FNR { bad[$1 - 1]; next } !(FNR in bad)' <(echo "$failed") try > rest && mv rest try
  done
  rows try.s | awk -F '\t' -v OFS='\t' '{ print $1, $2, $3, ($5 == 1 ? "s" : "u") $4 }' > "$name.values"
}

# structs ARCHITECTURE NAME STRUCTS OPTION...: struct and field rows to NAME.structs, enum constants to
# NAME.enums; of NAME.h's structs those in the list STRUCTS (all that a kvm.h declares if empty) and what they embed.
structs() {
  local arch=$1 name=$2 wanted=$3; shift 3
  gcc "$arch" -gdwarf-4 -fno-eliminate-unused-debug-types -c "$@" -x c "$name.h" -o dwarf.o
  "$arch-linux-gnu-readelf" --debug-dump=rawline --debug-dump=info dwarf.o > dwarf
  awk -v wanted="$wanted" -v enums="$name.enums" -f "$here/structs.awk" dwarf dwarf > body
  # glibc has macros for members: sa_handler
  { echo "#include \"$name.h\""; sed -nE 's/^#undef .*/&/p' body | sort -u; sed '/^#undef/d' body; } > structs.c
  gcc "$arch" -S "$@" -include "$here/row.h" structs.c -o structs.s
  { rows structs.s; sed -nE 's,^//(bitfield),\1,p' body; } > "$name.structs"
}

# SZ_64K is the kernel's own; arm64's KVM_VGIC_V3_*_SIZE are defined by it all the same.
kernel_only='-nostdinc -DSZ_64K=0x10000'

# kvm ARCHITECTURE: the whole of KVM's headers.
kvm() {
  local arch=$1 para='' prctl='' named
  if [[ -f $KVM_HEADERS/$arch-linux-gnu/asm/kvm_para.h ]]; then para='#include <linux/kvm_para.h>'; fi
  if [[ $arch == x86_64 ]]; then prctl='#include <asm/prctl.h>'; fi
  # errno.h is for KVM_EFAULT and its like, bits.h for arm64's __GENMASK.
  printf '%s\n' '#include <linux/errno.h>' '#include <linux/bits.h>' '#include <linux/kvm.h>' "$para" "$prctl" > kvm.h
  gcc "$arch" $kernel_only -E -dD kvm.h | awk -v OFS='\t' -f "$here/macros.awk" > macros
  # What KVM_REG_*_REG(name) macros take the offset of a member of, kvm.h's or not.
  named=$(sed -nE 's/.*offsetof\(struct (\w+),.*/\1/p' "$KVM_HEADERS/$arch-linux-gnu/asm/kvm.h" | sort -u)
  structs "$arch" kvm "$named" $kernel_only
  awk '$1 != "other" { print $1, $2 }' macros > kvm.names
  sed 's/^/enum /' kvm.enums >> kvm.names
  values "$arch" kvm $kernel_only
  {
    cat kvm.values kvm.structs
    grep '^other' macros
    awk -v OFS='\t' '$1 == "ioctl" { print "absent", $2; next } { print "other", $2, "not-constant" }' kvm.failed
  } | sort
}

# rest ARCHITECTURE: the ioctls that none of the three has, and the structs that they take.
rest() {
  local arch=$1 types
  echo '#include <linux/kvm.h>' > kvm.h
  gcc "$arch" $kernel_only -E -dD kvm.h > preprocessed
  awk '$1 == "absent" { print "ioctl", $2 }' "$out"/{x86_64,aarch64,riscv64}.tsv | sort | uniq -c |
    awk '$1 == 3 { print $2, $3 }' > kvm.names
  values "$arch" kvm $kernel_only
  types=$(grep -wF "$(cut -f 2 kvm.values | sed 's/^/#define /')" preprocessed | sed -nE 's/.*, *struct (\w+)\).*/\1/p')
  structs "$arch" kvm "only $types" $kernel_only
  sort kvm.values kvm.structs
}

# libc ARCHITECTURE: what the bindings take from glibc, all of it, and struct sigaction.
libc() {
  printf '#include <%s>\n' errno.h fcntl.h signal.h sys/eventfd.h sys/mman.h unistd.h linux/falloc.h linux/memfd.h \
    linux/mman.h > libc.h
  sed -n 's/^--include-constant /const /p' "$here/../jextract/libc.includes" > libc.names
  values "$1" libc -D_GNU_SOURCE
  structs "$1" libc 'only sigaction' -D_GNU_SOURCE
  { cat libc.values libc.structs; sed 's/$/ not-constant/; s/^const/other/' libc.failed | tr ' ' '\t'; } | sort
}

for arch in x86_64 aarch64 riscv64; do kvm $arch > "$out/$arch.tsv"; done
for arch in s390x powerpc64le; do rest $arch > "$out/$arch.tsv"; done
for arch in x86_64 aarch64 riscv64; do libc $arch > "$out/libc-$arch.tsv"; done

cd "$out"
wc -l ./*.tsv
if $check && ! diff -r -x exceptions.tsv "$here/../src/test/resources/abi" .; then
  die "the committed tables (<) are not what the compilers say (>) of $(awk '
    $2 ~ /^LINUX_VERSION_(MAJOR|PATCHLEVEL|SUBLEVEL)$/ { v = v "." $3 } END { print "Linux " substr(v, 2) }
  ' "$KVM_HEADERS/linux/version.h"); theirs is $(head -1 "$here/../jextract/VERSION")"
fi
