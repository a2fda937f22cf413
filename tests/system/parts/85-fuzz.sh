#!/bin/bash
# Every fuzz target for ten seconds, with --long an hour altogether. Not the release build: decoders
# are optimised in the other one too, and our own code counts its overflows there. The seed is the
# day or FUZZ_SEED, so that each day sees other inputs and a finding can be had again.
set -uo pipefail

seed=${FUZZ_SEED:-$(date -u +%Y%m%d)}
fuzz() { cargo test --locked --quiet --test fuzz -- "$@"; }

targets=$(fuzz --list 2>/dev/null | grep -c ': test$')
[ "$targets" -gt 0 ] || { echo "there are no fuzz targets"; exit 1; }
seconds=10
[ "${EXPORTD_LONG:-0}" = 1 ] && seconds=$((3600 / targets))
echo "$targets targets, $seconds s each, seed $seed"
fuzz --seconds "$seconds" --seed "$seed" 2>&1
