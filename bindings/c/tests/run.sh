#!/usr/bin/env bash
# The C contract: header against library, every prototype as C and C++, error paths, the example both ways.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
CC=${CC:-cc}
CXX=${CXX:-c++}
strict=(-Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Werror)

make --no-print-directory -s -C "$root" install PREFIX="$prefix" >"$work/install.log" 2>&1 || { cat "$work/install.log"; exit 1; }
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
read -ra compile <<<"$(pkg-config --cflags martlet)"
read -ra link <<<"$(pkg-config --libs martlet) -Wl,-rpath,$prefix/lib"

# The functions that the header declares, and those that the library shows.
printf '#include <martlet/martlet.h>\n' | $CC -E -P "${compile[@]}" -x c - |
    grep -oE '\bmartlet_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u >"$work/declared"
nm -D --defined-only "$prefix/lib/libmartlet.so" | awk '{print $3}' | sort >"$work/exported"
if ! diff "$work/declared" "$work/exported" >"$work/difference"; then
    echo "martlet.h (<) and libmartlet.so (>) differ:"
    cat "$work/difference"
    exit 1
fi
echo "header and library agree on $(wc -l <"$work/declared") functions"

# Each declaration is used, so each is compiled and linked.
{
    printf '#include <martlet/martlet.h>\n#include <stdio.h>\n\ntypedef void (*function)(void);\n\nint main(void) {\n'
    printf '  const function functions[] = {\n'
    sed 's/.*/    (function)&,/' "$work/declared"
    printf '  };\n  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)\n'
    printf '    if (functions[i] == 0) return 1;\n  printf("%%s\\n", martlet_version());\n  return 0;\n}\n'
} >"$work/prototypes.c"
$CC -std=c99 "${strict[@]}" "${compile[@]}" "$work/prototypes.c" "${link[@]}" -o "$work/prototypes-c"
cp "$work/prototypes.c" "$work/prototypes.cpp"
$CXX -std=c++17 -Wall -Wextra -Wpedantic -Wshadow -Werror "${compile[@]}" "$work/prototypes.cpp" "${link[@]}" \
    -o "$work/prototypes-cpp"
[[ $("$work/prototypes-c") == "$(pkg-config --modversion martlet)" ]]
[[ $("$work/prototypes-cpp") == "$(pkg-config --modversion martlet)" ]]
echo "every prototype compiles as C99 and C++17"

$CC -std=c99 -g "${strict[@]}" "${compile[@]}" errors.c "${link[@]}" -o "$work/errors"
(cd "$work" && ./errors)
$CC -std=c99 -g "${strict[@]}" "${compile[@]}" parquet.c "${link[@]}" -o "$work/parquet"
"$work/parquet" "$work/parquet.parquet"

# The example through pkg-config, then through CMake.
expected='rows 3000, nulls 300, sum of id 4498500, sum of temperature 43500.0'
$CC -std=c99 -O2 "${strict[@]}" "${compile[@]}" ../examples/measurements.c "${link[@]}" -o "$work/by-pkg-config"
cmake -S ../examples -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" >"$work/cmake.log" 2>&1 || { cat "$work/cmake.log"; exit 1; }
cmake --build "$work/cmake" >"$work/cmake.log" 2>&1 || { cat "$work/cmake.log"; exit 1; }
for program in "$work/by-pkg-config" "$work/cmake/measurements"; do
    "$program" "$work/measurements.parquet" | tee "$work/output"
    [[ $(tail -1 "$work/output") == "$expected" ]] || { echo "expected: $expected"; exit 1; }
done
echo "C tests passed"
