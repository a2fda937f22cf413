#!/bin/sh
# Stands in for the sending child in tests of the outbox: keeps each mail that it is given beside
# itself and says what `answer` says. `before` is run first, if there is one. Tests link to this file
# instead of writing one of their own, because a file that was just written may be too busy to be run.
cd "${0%/*}" || exit
IFS= read -r order
count=0
while IFS= read -r parcel; do
    length=${parcel##*\"length\":}
    count=$((count + 1))
    { printf '%s\n' "$parcel"; /usr/bin/head -c "${length%%[!0-9]*}"; } > "in.$$.$count"
    [ ! -e before ] || . ./before
    /bin/cat answer
done
