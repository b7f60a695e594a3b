#!/usr/bin/env bash
# Builds build/libmartlet.so: the engine, the Swift runtime and the compression libraries in one file that needs
# nothing but the C and C++ runtimes. Called by `make lib`; works incrementally and in any checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
out=$root/build
mkdir -p "$out/pkgconfig"

# The package asks pkg-config for the codecs; these answers name their archives instead of their shared objects.
answer() {
    printf 'Name: %s\nDescription: linked statically\nVersion: 1\nLibs: %s\nCflags:\n' "$1" "$2" >"$out/pkgconfig/$1.pc.new"
    cmp -s "$out/pkgconfig/$1.pc.new" "$out/pkgconfig/$1.pc" 2>/dev/null || cp "$out/pkgconfig/$1.pc.new" "$out/pkgconfig/$1.pc"
    rm "$out/pkgconfig/$1.pc.new"
}
answer libzstd '-l:libzstd.a'
answer liblz4 '-l:liblz4.a'
answer snappy '-l:libsnappy.a -lstdc++'
answer libdeflate '-l:libdeflate.a'
answer libbrotlienc '-l:libbrotlienc.a -l:libbrotlicommon.a'
answer libbrotlidec '-l:libbrotlidec.a -l:libbrotlicommon.a'

clang -c -O2 -fPIC -fno-math-errno -o "$out/compatibility.o" cmake/compatibility.c

flags=(
    -c release --product martlet --scratch-path "$out/lib"
    -Xswiftc -static-stdlib -Xswiftc -use-ld=lld -Xswiftc "-ld-path=$root/cmake/link.py"
    # A section for each function, so that the linker can drop and merge them one by one.
    -Xswiftc -Xfrontend -Xswiftc -function-sections
    -Xlinker "--version-script=$root/cmake/martlet.map"
    -Xlinker -soname=libmartlet.so.0 -Xlinker "$out/compatibility.o"
    -Xlinker "$root/cmake/no-unwind-tables.ld"
    -Xlinker --gc-sections -Xlinker --icf=all -Xlinker -O2
    # The Swift runtime cannot be unloaded.
    -Xlinker -z -Xlinker nodelete -Xlinker -z -Xlinker now
)
PKG_CONFIG_PATH=$out/pkgconfig swift build "${flags[@]}"
built=$(PKG_CONFIG_PATH=$out/pkgconfig swift build "${flags[@]}" --show-bin-path)/libmartlet.so

if [[ ! $out/libmartlet.so -nt $built ]]; then
    objcopy --only-keep-debug "$built" "$out/libmartlet.so.debug"
    objcopy --strip-unneeded --add-gnu-debuglink="$out/libmartlet.so.debug" "$built" "$out/libmartlet.so.new"

    needed=$(readelf -d "$out/libmartlet.so.new" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    for library in $needed; do
        case $library in
            libc.so.6 | libm.so.6 | libstdc++.so.6 | libgcc_s.so.1 | ld-linux-*) ;;
            *) echo "libmartlet.so must not need $library" >&2; exit 1 ;;
        esac
    done
    if foreign=$(nm -D --defined-only "$out/libmartlet.so.new" | awk '{print $3}' | grep -v '^martlet_'); then
        echo "libmartlet.so must export martlet_* only, not: $foreign" >&2
        exit 1
    fi
    if nm "$built" | grep -q _StringProcessing; then
        echo "a megabyte of regular expressions is linked in: somebody calls String.contains(String), .replacing," \
            ".firstRange, .ranges or .trimmingPrefix. nm -u build/lib/*/release/Martlet*.build/*.o tells who" >&2
        exit 1
    fi
    if [[ $(uname -m) == x86_64 ]]; then
        python3 cmake/check-error-register.py "$built"
    fi
    # manylinux_2_34: what the wheel's tag promises.
    newest=$(objdump -T "$out/libmartlet.so.new" | grep -oE 'GLIBC(XX)?_[0-9.]+' | sort -uV)
    for version in $newest; do
        case $version in
            GLIBC_*) limit=GLIBC_2.34 ;;
            GLIBCXX_*) limit=GLIBCXX_3.4.29 ;;
        esac
        if [[ $(printf '%s\n%s\n' "$version" $limit | sort -V | tail -1) != "$limit" ]]; then
            echo "libmartlet.so must not need $version (at most $limit)" >&2
            exit 1
        fi
    done
    # A running process keeps the old file; a copy over it would pull the ground from under it.
    mv "$out/libmartlet.so.new" "$out/libmartlet.so"
    ln -sf libmartlet.so "$out/libmartlet.so.0"
    # What is linked in has licences that want to be told.
    {
        echo "libmartlet.so contains the Swift runtime (Apache License 2.0 with Runtime Library Exception,"
        echo "https://swift.org/LICENSE.txt) and the following libraries."
        for package in libzstd-dev liblz4-dev libsnappy-dev libdeflate-dev libbrotli-dev; do
            printf '\n==== %s ====\n\n' "${package%-dev}"
            cat "/usr/share/doc/$package/copyright"
        done
    } >"$out/THIRD_PARTY_NOTICES"
fi
echo "build/libmartlet.so: $(stat -c %s "$out/libmartlet.so") bytes, $(nm -D --defined-only "$out/libmartlet.so" | wc -l) functions"
