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

# --- linux/kvm.h: neutral

for arch in x86_64 aarch64 riscv64; do survey $arch $arch-linux-gnu $kvm_headers; done
neutral_constants=$(pick x86_64 constant linux/kvm.h | comm -12 - <(common constants | names))
same_structs=$(pick x86_64 struct linux/kvm.h | comm -12 - <(common sums | names))
neutral_structs=$(for s in $same_structs; do
  [[ -n $(embedded x86_64 $s | comm -23 - <(echo "$same_structs")) ]] || echo $s
done)
filter kvm "$neutral_constants" "$neutral_structs"

# --- an architecture's own; of kvm_para.h, which is for guests, the constants alone

# own NAME TARGET HEADER...
own() {
  survey "$@"
  sed -nE 's/.*Skipping ([^ ]+\.[^ ]+) \((type )?(.*) (is|are) not supported\)/\1 \3/p' "$work/log" >> "$work/members"
  local constants structs
  constants=$(pick $1 constant '(linux|asm)/kvm(_para)?.h' | comm -12 - <(names < "$work/$1/constants") |
    comm -23 - <(echo "$neutral_constants"))
  structs=$(pick $1 struct '(linux|asm)/kvm.h' | comm -23 - <(echo "$neutral_structs"))
  filter $1 "$constants" "$(embedded $1 $structs)"
}
own x86 x86_64-linux-gnu $x86_headers

# --- SKIPPED: the macros of KVM's headers that have no constant, and the members that have no accessor

{
  (cd "$KVM_HEADERS" && sed -E ':a; /\\$/{N; s/\\\n//; ba}' {linux,x86_64-linux-gnu/asm}/kvm{,_para}.h) |
    sed -nE 's/^#\s*define\s+([A-Za-z]\w*)\(.*/\1 function-like macro/p; t
      s/^#\s*define\s+([A-Za-z]\w*)\s+".*/\1 string/p; t
      s/^#\s*define\s+([A-Za-z]\w*)\s.*/\1 defined by a name that x86-64 lacks/p' |
    sort -u | join -v1 - <(cut -d' ' -f2 "$here"/*.includes | sort -u)
  cat "$work/members"
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
