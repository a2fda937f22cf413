#!/bin/bash
# The AVIF writer of builds with the feature libaom: its unit tests, which compare it with the other
# one. Only with --long: libaom takes minutes to build. `.ci/run` looks at its code in any case.
set -euo pipefail

if [ "${EXPORTD_LONG:-0}" != 1 ]; then
    echo "only with --long"
    exit 0
fi
cargo test --locked --quiet --features libaom --lib -- avif
