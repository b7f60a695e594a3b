#!/usr/bin/env bash
# Builds the example package against this checkout and checks what its programs print.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
expected='rows 3000, nulls 300, sum of id 4498500, sum of temperature 43500.0'
swift build
output=$("$(swift build --show-bin-path)/measurements" "$work/measurements.parquet")
echo "$output"
[[ $(tail -1 <<<"$output") == "$expected" ]] || { echo "expected: $expected"; exit 1; }
echo "Swift example passed"
output=$("$(swift build --show-bin-path)/parquet" "$work/parquet.parquet")
echo "$output"
[[ $output == 'the whole of Parquet works from Swift' ]] || exit 1
