#!/bin/bash
# Every fuzz target for ten seconds, with --long an hour altogether. Not the release build: decoders
# are optimised in the other one too, and our own code counts its overflows there. The seed is
# always the same, so that a change is judged by what it did; with --long it is the day, so that each
# day sees other inputs. FUZZ_SEED sets it.
set -uo pipefail

seed=1
[ "${EXPORTD_LONG:-0}" = 1 ] && seed=$(date -u +%Y%m%d)
seed=${FUZZ_SEED:-$seed}
fuzz() { cargo test --locked --quiet --test fuzz -- "$@"; }

targets=$(fuzz --list 2>/dev/null | grep -c ': test$')
[ "$targets" -gt 0 ] || { echo "there are no fuzz targets"; exit 1; }
seconds=10
[ "${EXPORTD_LONG:-0}" = 1 ] && seconds=$((3600 / targets))
echo "$targets targets, $seconds s each, seed $seed"
fuzz --seconds "$seconds" --seed "$seed" 2>&1
