#!/usr/bin/env bash
# Fuzz/run.sh <target> [seconds] [libFuzzer's options]: builds with the address sanitizer and runs one target.
# 0 seconds: every known input once, those of ARROW_TEST_DATA, those that broke something before, and what was found.
# Inputs that were found are kept in Fuzz/corpus/<target>; a failing one is written to Fuzz.
# Targets: codec ipc-stream ipc-file flatbuffers c-data parquet parquet-footer parquet-pages parquet-encoding
#   parquet-encryption
set -euo pipefail
cd "$(dirname "$0")"
target=${1:?which target?}
seconds=${2:-60}
shift $(($# < 2 ? $# : 2))
flags=(-c release -Xswiftc -use-ld=lld -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library)
swift build "${flags[@]}"
mkdir -p "corpus/$target"
inputs=("corpus/$target")
known=../bindings/python/tests/fuzz/$target
if [[ -d $known ]]; then inputs+=("$known"); fi
if [[ $target == ipc-* && -d ${ARROW_TEST_DATA:-} ]]; then
    inputs+=("$ARROW_TEST_DATA/arrow-ipc-stream" "$ARROW_TEST_DATA/arrow-ipc-file")
fi
if [[ $target == parquet && -d ${PARQUET_TEST_DATA:-} ]]; then
    inputs+=("$PARQUET_TEST_DATA" "$PARQUET_TEST_DATA/../bad_data" "$PARQUET_TEST_DATA/../shredded_variant")
fi
# Encrypted files begin with the byte that chooses the whole of a file.
if [[ $target == parquet-encryption && -d ${PARQUET_TEST_DATA:-} ]]; then
    for file in "$PARQUET_TEST_DATA"/*.parquet.encrypted; do
        { printf '\0'; cat "$file"; } >"corpus/$target/$(basename "$file")"
    done
fi
# The footers alone of the same files: the four bytes before the last four say how long they are.
if [[ $target == parquet-footer && -d ${PARQUET_TEST_DATA:-} ]]; then
    for file in "$PARQUET_TEST_DATA"/*.parquet; do
        length=$(tail -c 8 "$file" | od -An -tu4 -N4)
        tail -c $((length + 8)) "$file" | head -c "$length" >"corpus/$target/$(basename "$file")"
    done
fi
limit=(-max_total_time="$seconds")
if [[ $seconds == 0 ]]; then limit=(-runs=0); fi
# No leak detection: it takes values of enums for lost, whose pointers carry bits that tell the case. What the machine has no
# memory for is an error of Martlet's, not the end of the process.
MARTLET_FUZZ=$target ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 exec "$(swift build "${flags[@]}" --show-bin-path)/FuzzMartlet" \
    "${limit[@]}" -timeout=10 -rss_limit_mb=4096 -max_len=65536 -print_final_stats=1 "$@" "${inputs[@]}"
