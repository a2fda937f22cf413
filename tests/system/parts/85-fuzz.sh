#!/bin/bash
# Every fuzz target for ten seconds, optimised; with --long an hour altogether. The seed is the day
# or FUZZ_SEED, so that each day sees other inputs and a finding can be had again.
set -uo pipefail

seed=${FUZZ_SEED:-$(date -u +%Y%m%d)}
fuzz() { cargo test --release --locked --quiet --test fuzz -- "$@"; }

targets=$(fuzz --list 2>/dev/null | grep -c ': test$')
[ "$targets" -gt 0 ] || { echo "there are no fuzz targets"; exit 1; }
seconds=10
[ "${EXPORTD_LONG:-0}" = 1 ] && seconds=$((3600 / targets))
echo "$targets targets, $seconds s each, seed $seed"
fuzz --seconds "$seconds" --seed "$seed" 2>&1
