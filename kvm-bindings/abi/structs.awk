# From readelf's dump of DWARF (given twice: the file table stands behind) to C that asks for the layout of each
# struct. -v wanted: names that are wanted besides those that a kvm.h declares; after the word "only", nothing else.
# -v enums: the file for the names of enum constants.

BEGIN {
    n = split(wanted, names, " ")
    for (i = 1; i <= n; i++) named[names[i]]
    only = "only" in named
    printf "" > enums
}

FNR == NR {
    if (/File Name Table/) files = 1
    else if (files && $1 ~ /^[0-9]+$/ && NF == 5) kvm_h[$1] = $5 == "kvm.h" && $2 != 0
    else if (files && /^$/) files = 0
    next
}

/Abbrev Number: [0-9]+ \(DW_TAG_/ {
    match($0, /<[0-9]+>/); depth = substr($0, RSTART + 1, RLENGTH - 2) + 0
    match($0, /><[0-9a-f]+>/); die = substr($0, RSTART + 2, RLENGTH - 3)
    match($0, /DW_TAG_[a-z_]+/); tag[die] = substr($0, RSTART + 7, RLENGTH - 7)
    at[depth] = die
    if (depth > 1) { parent = at[depth - 1]; child[parent, ++children[parent]] = die }
    else top[++tops] = die
    next
}

$2 ~ /^DW_AT_/ {
    value = $0; sub(/^[^:]*: /, "", value); sub(/^\(indirect.*\): /, "", value); sub(/[ \t]+$/, "", value)
    if ($2 == "DW_AT_name") name[die] = value
    else if ($2 == "DW_AT_type") { gsub(/[<>]|0x/, "", value); type[die] = value }
    else if ($2 == "DW_AT_byte_size") size[die] = value
    else if ($2 == "DW_AT_decl_file") declared[die] = value + 0
    else if ($2 == "DW_AT_upper_bound") bound[die] = value + 1
    else if ($2 == "DW_AT_count") bound[die] = value
    else if ($2 == "DW_AT_bit_size") bits[die] = value
}

function stripped(t) {
    while (tag[t] ~ /^(typedef|const_type|volatile_type)$/) t = type[t]
    return t
}

function aggregate(t) { return tag[t] == "structure_type" || tag[t] == "union_type" }

# A row for each member, unnamed structs looked through, arrays by their first element.
function walk(owner, t, cpath, path, i, m, mt, c, p, d, known, element) {
    for (i = 1; i <= children[t]; i++) {
        m = child[t, i]
        if (tag[m] != "member") continue
        mt = stripped(type[m])
        if (!(m in name)) { walk(owner, mt, cpath, path); continue }
        c = cpath name[m]; p = path name[m]
        if (m in bits) { printf "//bitfield\t%s\t%s\t%s\n", name[owner], p, bits[m]; continue }
        element = c; known = 1
        while (tag[mt] == "array_type") {
            for (d = 1; d <= children[mt]; d++) {
                if (!bound[child[mt, d]]) known = 0
                element = element "[0]"; p = p "[]"
            }
            mt = stripped(type[mt])
        }
        print "#undef " name[m]
        # sizeof of a flexible array is an error: 0, as that of an array of length 0 is
        row(owner, p, c, known ? "sizeof(((" kind(owner) " *)0)->" c ")" : "0", element)
        if (!aggregate(mt)) continue
        if (mt in name) want(mt)
        walk(owner, mt, element ".", p ".")
    }
}

function kind(t) { return (tag[t] == "union_type" ? "union " : "struct ") name[t] }

function row(owner, path, c, total, element) {
    printf "ROW3(\"field\\t%s\\t%s\", __builtin_offsetof(%s, %s), %s, sizeof(((%s *)0)->%s));\n",
        name[owner], path, kind(owner), c, total, kind(owner), element
}

function want(t) { if (!(t in seen)) { seen[t]; queue[++queued] = t } }

END {
    for (i = 1; i <= tops; i++) {
        t = top[i]
        if (tag[t] == "enumeration_type" && kvm_h[declared[t]])
            for (j = 1; j <= children[t]; j++) if (name[child[t, j]] !~ /^_/) print name[child[t, j]] > enums
        if (aggregate(t) && (t in name) && (t in size))
            if ((name[t] in named) || !only && kvm_h[declared[t]]) want(t)
    }
    print "void layouts(void) {"
    for (i = 1; i <= queued; i++) {
        t = queue[i]
        printf "ROW(\"struct\\t%s\", sizeof(%s), _Alignof(%s));\n", name[t], kind(t), kind(t)
        walk(t, t, "", "")
    }
    print "}"
}
