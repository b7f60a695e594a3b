#!/usr/bin/env bash
# Fuzz/run.sh <target> [seconds] [libFuzzer's options]: builds with the address sanitizer and runs one target.
# Inputs that were found are kept in Fuzz/corpus/<target>; a failing one is written to the working directory.
set -euo pipefail
cd "$(dirname "$0")"
target=${1:?which target?}
seconds=${2:-60}
shift $(($# < 2 ? $# : 2))
flags=(-c release -Xswiftc -use-ld=lld -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library)
swift build "${flags[@]}"
mkdir -p "corpus/$target"
MARTLET_FUZZ=$target exec "$(swift build "${flags[@]}" --show-bin-path)/FuzzMartlet" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 "$@" "corpus/$target"
