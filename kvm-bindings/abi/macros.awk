# The macros of KVM's headers, out of the preprocessor's -dD: kind, name, and for kind "other" why.
# Names that begin with an underscore and those without a value are no constants.

$1 == "#" && $2 ~ /^[0-9]+$/ { header = $3 ~ /\/(kvm|kvm_para|psci|prctl)\.h"$/; next }

!header || $1 != "#define" { next }

# Of x86's prctl.h what permits guests large state.
$2 ~ /^ARCH_/ && $2 !~ /_XCOMP_/ { next }

# The exit reasons stand in one run, which KVM_EXIT_UNKNOWN begins: KVM_EXIT_IO_IN and its like are none.
$2 == "KVM_EXIT_UNKNOWN" { exits = 1 }
$2 !~ /^KVM_EXIT_/ { exits = 0 }

$2 ~ /^_/ || NF < 3 && $2 !~ /\(/ { next }
$2 ~ /\(/ { sub(/\(.*/, "", $2); print "other", $2, "function-like"; next }
$3 ~ /^"/ { print "other", $2, "string"; next }
/[ \t]_IO(R|W|WR)?\(KVMIO/ { print "ioctl", $2; next }
exits { print "exit", $2; next }
$2 ~ /^KVM_CAP_/ { print "cap", $2; next }
{ print "const", $2 }
