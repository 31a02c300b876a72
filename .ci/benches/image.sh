# What a machine boots: sourced by .ci/bench, after debian.sh has got the parts. The initial RAM file system is put
# together of layers, one archive behind another, as the kernel takes them.
# shellcheck shell=bash

archive() { # FOLDER: its cpio archive, in an order that does not depend on the file system
    (cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio --null --create --format=newc --quiet --owner=0:0)
}

# The files of the layers. Their names have what is in them: what was downloaded, and the scripts that put it together.
layer_file() { # NAME FOLDER
    echo "$cache/$1-$( { cat "$here/image.sh" "$here/init" "$2/packages"; echo "$kvm_module"; } | sha256sum | cut -c1-12).cpio"
}
java_layer_file() { layer_file "java-$arch" "$cache/java-$arch"; }
kernel_layer_file() { layer_file "kernel-$suite-$arch" "$cache/kernel-$suite-$arch"; }

# The Java layer, not compressed: unpacking takes longer than reading, on an emulated processor.
java_layer() {
    local layer
    layer=$(java_layer_file)
    [ ! -e "$layer" ] || return 0
    local from=$cache/java-$arch root=$cache/java-$arch.root library loader
    rm -rf "$root"
    mkdir -p "$root"/{bin,etc,opt/java,usr/lib/$triplet}
    ln -s usr/lib "$root/lib"
    for library in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libz.so.1 libstdc++.so.6 libgcc_s.so.1; do
        cp -L "$from/usr/lib/$triplet/$library" "$root/usr/lib/$triplet/"
    done
    while read -r loader; do
        mkdir -p "$root/${loader%/*}"
        cp -a "$from/$loader" "$root/$loader"
    done < <(cd "$from" && find usr/lib* -name 'ld-linux*')
    [ ! -d "$root/usr/lib64" ] || ln -s usr/lib64 "$root/lib64"
    cp "$from/usr/bin/busybox" "$root/bin/"
    cp -a "$from/etc/java-25-openjdk" "$root/etc/"
    cp -a "$from/usr/lib/jvm/java-25-openjdk-$arch"/{bin,conf,lib,release} "$root/opt/java/"
    # What no test uses, and half of what is left: desktop libraries, and class data for collectors that are not used.
    rm -f "$root"/opt/java/lib/lib{awt,awt_headless,fontmanager,j2gss,j2pkcs11,javajpeg,jdwp,jsound,lcms,mlib_image,saproc,sctp}.so \
        "$root"/opt/java/lib/server/classes_*.jsa
    archive "$root" > "$layer.new"
    rm -rf "$root"
    mv "$layer.new" "$layer"
}

# The kernel, and the layer with its modules and our init.
kernel_layer() {
    local from=$cache/kernel-$suite-$arch root=$cache/kernel-$suite-$arch.root
    local layer
    layer=$(kernel_layer_file)
    if [ ! -e "$layer" ]; then
        rm -rf "$root"
        mkdir -p "$root/modules"
        : > "$root/modules/order"
        local name
        for name in $kvm_module virtio_pci virtio_blk; do
            add_module "$from" "$root/modules" "$name"
        done
        install -m 755 "$here/init" "$root/init"
        archive "$root" > "$layer.new"
        rm -rf "$root"
        mv "$layer.new" "$layer"
    fi
}

add_module() { # FROM TO NAME: a module behind those that it needs; one that is built in has no file
    local file
    file=$(find "$1" -name "${3//_/[-_]}.ko*" | head -1)
    [ -n "$file" ] && [ ! -e "$2/$3.ko" ] || return 0
    case $file in
        *.xz) xz -dc "$file" ;;
        *) cat "$file" ;;
    esac > "$2/$3.ko"
    local needed
    for needed in $(tr '\0' '\n' < "$2/$3.ko" | LC_ALL=C sed -n 's/^depends=//p' | tr ',' ' '); do
        add_module "$1" "$2" "$needed"
    done
    echo "$3" >> "$2/order"
}
