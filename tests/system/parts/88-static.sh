#!/bin/bash
# The static program: built with musl, its bytes are those of the other, and what is hostile, huge, killed or
# mailed is met as well by it. Only with --long: it takes minutes to build.
set -euo pipefail

if [ "${EXPORTD_LONG:-0}" != 1 ]; then
    echo "only with --long"
    exit 0
fi
cd "$(dirname "$0")/../../.."
usual=${EXPORTD:-$PWD/target/release/exportd}
target=x86_64-unknown-linux-musl
command -v musl-gcc > /dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends musl-tools > /dev/null
rustup --quiet target add $target
CC_x86_64_unknown_linux_musl=musl-gcc cargo build --release --locked --quiet --bin exportd --target $target
export EXPORTD=${CARGO_TARGET_DIR:-$PWD/target}/$target/release/exportd
if ldd "$EXPORTD" 2>&1 | grep "=>"; then
    echo "it needs libraries" >&2
    exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$usual" demo "$work/usual" > /dev/null
"$EXPORTD" demo "$work/static" > /dev/null
# Names of runs hold the time.
sums() { cat "$work/$1"/out/Spring-tops_*/SHA256SUMS; }
[ "$(sums usual | wc -l)" -gt 5 ]
diff <(sums usual) <(sums static)
for part in 13-doctor 20-mta 30-kill 40-hostile 45-bombs 60-same 70-writers 75-readers; do
    EXPORTD_LONG=0 /usr/bin/python3 tests/system/parts/$part.py > "$work/log" 2>&1 || { tail -50 "$work/log" >&2; echo "$part fails" >&2; exit 1; }
    echo "$part"
done
