# Derives *.includes and SKIPPED; sourced by generate.sh --update-filters.
#
# A symbol of linux/kvm.h is neutral if it is the same on x86-64, arm64 and riscv64: a constant by its
# value, a struct by its generated source and that of every struct it embeds. What is not neutral, and
# all that asm/kvm.h declares, is the architecture's own. Functions, typedefs, string constants and
# names that begin with an underscore stay out.
# shellcheck shell=bash disable=SC2086,SC2154 # lists are lists; generate.sh sets the other variables

# survey NAME TARGET HEADER...: what jextract sees without a filter, in the folder $work/NAME:
# all (kind, name, header), constants (name, value), structs/*.java and their sums.
survey() {
  local dir=$work/$1 target=$2; shift 2
  mkdir "$dir"
  run "$target" --dump-includes "$dir/dump" --header-class-name header "$@"
  run "$target" --output "$dir" -t structs --header-class-name header "$@"
  sed -nE "s|^--include-([a-z]+) ([^ ]+) +# header: ($KVM_HEADERS/)?([a-z0-9_]+-linux-gnu/)?|\1 \2 |p" \
    "$dir/dump" > "$dir/all"
  # from the Javadoc: "#define NAME VALUE" or "enum TAG.NAME = VALUE"
  sed -nE 's/^ +\* (#define |enum [^.]+\.)([A-Za-z0-9_]+)( =)? ([^"].*)/\2 \4/p' \
    "$dir"/structs/header*.java | sort -u > "$dir/constants"
  (cd "$dir/structs" && cksum -- *.java) | sort > "$dir/sums"
}

# pick SURVEY KIND HEADER-PATTERN: names.
pick() { awk -v k="$2" -v h="^($3)\$" '$1 == k && $3 ~ h && $2 !~ /^_/ { print $2 }' "$work/$1/all" | sort -u; }

# names < lines of constants or sums
names() { sed -E 's/^[0-9]+ [0-9]+ (.*)\.java$/\1/; s/ .*//' | sort -u; }

# common FILE: the lines that this file has in the surveys of every architecture.
common() { comm -12 "$work/x86_64/$1" "$work/aarch64/$1" | comm -12 - "$work/riscv64/$1"; }

# embedded SURVEY STRUCT...: those structs and all that they embed.
embedded() {
  local dir=$work/$1/structs known todo; shift
  known='' todo=$*
  while [[ -n $todo ]]; do
    known=$(printf '%s\n' $known $todo | sort -u)
    todo=$(cd "$dir" && sed -nE 's/^[^*]*[ (]([A-Za-z0-9_]+)\.layout\(\).*/\1/p' $(printf '%s.java ' $todo) |
      sort -u | comm -23 - <(echo "$known"))
  done
  echo "$known"
}

# filter NAME CONSTANTS STRUCTS [TYPEDEFS]: writes a committed filter.
filter() { {
  printf -- '--include-constant %s\n' $2
  printf -- '--include-struct %s\n' $3
  [[ -z ${4-} ]] || printf -- '--include-typedef %s\n' $4
} | sort > "$here/$1.includes"; }

# skipped_members NAME: notes what jextract said, in its last run, that it left out of the structs of this
# filter and of unnamed ones.
skipped_members() {
  sed -nE 's/.*Skipping ([^ ]+)\.([^ ]+) \((type )?(.*) (is|are) not supported\)/\1 \2 \4/p' "$work/log" |
    sort -u | join -v1 - <(pick $1 struct '.*' | comm -23 - <(sed -n 's/^--include-struct //p' "$here/$1.includes")) |
    sed "s/^\([^ ]*\) /$1 \1./" >> "$work/members"
}

# --- linux/kvm.h: neutral

for arch in x86_64 aarch64 riscv64; do survey $arch $arch-linux-gnu $kvm_headers; done
neutral_constants=$(pick x86_64 constant linux/kvm.h | comm -12 - <(common constants | names))
same_structs=$(pick x86_64 struct linux/kvm.h | comm -12 - <(common sums | names))
neutral_structs=$(for s in $same_structs; do
  [[ -n $(embedded x86_64 $s | comm -23 - <(echo "$same_structs")) ]] || echo $s
done)
filter kvm "$neutral_constants" "$neutral_structs"

# --- an architecture's own; of kvm_para.h, which is for guests, and of psci.h the constants alone; of
# x86's prctl.h the permission to give guests large state

# own NAME TARGET EXTRA-STRUCTS HEADER...
own() {
  local name=$1 extra=$3 constants structs
  survey $name $2 "${@:4}"
  constants=$({
      pick $name constant '(linux|asm)/kvm(_para)?.h|linux/psci.h'
      pick $name constant asm/prctl.h | sed -n '/_XCOMP_/p'
    } | sort | comm -12 - <(names < "$work/$name/constants") | comm -23 - <(echo "$neutral_constants"))
  structs=$(pick $name struct '(linux|asm)/kvm.h' | comm -23 - <(echo "$neutral_structs"))
  filter $name "$constants" "$(embedded $name $structs $extra)"
  skipped_members $name
}
own x86 x86_64-linux-gnu '' $x86_headers
own arm64 aarch64-linux-gnu '' $arm64_headers
# The extra ones are what KVM_REG_RISCV_*_REG(name) take the offset of a member of.
own riscv riscv64-linux-gnu '__riscv_d_ext_state __riscv_f_ext_state __riscv_v_ext_state' $riscv_headers

# --- s390 and powerpc: only the ioctls that no other architecture has, and the structs that they take

# macros FILE...: the headers' macros, one line each, continued lines joined.
macros() { (cd "$KVM_HEADERS" && sed -E ':a; /\\$/{N; s/\\\n//; ba}' "$@") | grep -E '^#\s*define\s'; }

# rest NAME TARGET
rest() {
  local name=$1 ioctls structs
  survey $name $2 $kvm_headers
  ioctls=$(macros linux/kvm.h | awk '/_IO(R|W|WR)?\(KVMIO/ { print $2 }' | sort -u |
    comm -12 - <(names < "$work/$name/constants") | comm -23 - <(sed -n 's/^--include-constant //p' \
      "$here"/{kvm,x86,arm64,riscv}.includes | sort -u))
  structs=$(macros linux/kvm.h | grep -wF "$ioctls" | sed -nE 's/.*,\s*struct (\w+)\).*/\1/p' | sort -u)
  filter $name "$ioctls" "$(embedded $name $structs)"
  skipped_members $name
}
rest s390 s390x-linux-gnu
rest powerpc powerpc64le-linux-gnu

# --- SKIPPED: the macros of KVM's headers that no package has, and the members that have no accessor

{
  macros linux/kvm{,_para}.h {x86_64,aarch64}-linux-gnu/asm/kvm{,_para}.h riscv64-linux-gnu/asm/kvm.h linux/psci.h |
    sed -nE 's/^#\s*define\s+([A-Za-z]\w*)\(.*/\1 function-like macro/p; t
      s/^#\s*define\s+([A-Za-z]\w*)\s+".*/\1 string/p; t
      s/^#\s*define\s+([A-Za-z]\w*)\s+\S.*/\1 defined by a name that the headers lack/p' |
    sort -u | join -v1 - <(cut -d' ' -f2 "$here"/*.includes | sort -u)
  sort -u "$work/members"
} > "$here/SKIPPED"

# --- libc: of a list of names, those that have the same value in glibc and in the kernel's headers of
# every architecture; _SC_PAGESIZE is glibc's alone

survey libc libc $libc_headers
rm -r "$work/x86_64" "$work/aarch64" "$work/riscv64"
for arch in x86_64 aarch64 riscv64; do
  survey $arch $arch-linux-gnu '<linux/errno.h>' '<linux/fcntl.h>' '<linux/signal.h>' '<linux/eventfd.h>' \
    '<linux/falloc.h>' '<linux/memfd.h>' '<linux/mman.h>'
done
wanted='O_(RDONLY|RDWR|CLOEXEC|NONBLOCK)|F_(GETFD|SETFD|ADD_SEALS|GET_SEALS|SEAL_.*)|FD_CLOEXEC|PROT_.*'
wanted+='|MAP_(SHARED|PRIVATE|ANONYMOUS|NORESERVE|POPULATE|HUGETLB|HUGE_.*|FIXED|FIXED_NOREPLACE)|MADV_.*'
wanted+='|MFD_.*|EFD_.*|FALLOC_FL_.*|SA_(RESTART|SIGINFO)|SIG_(BLOCK|UNBLOCK|SETMASK)'
{
  pick libc constant 'asm-generic/errno.*'
  pick libc constant '.*' | grep -xE "$wanted"
} | sort -u > "$work/wanted"
filter libc "_SC_PAGESIZE
$(common constants | comm -12 - "$work/libc/constants" | names | comm -12 - "$work/wanted")" sigaction __sigset_t
