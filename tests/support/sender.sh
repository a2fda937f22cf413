#!/bin/sh
# Stands in for the sending child in tests of the outbox: keeps what it is given beside itself and
# says what `answer` says. `before` is run first, if there is one. Tests link to this file instead of
# writing one of their own, because a file that was just written may be too busy to be run.
cd "${0%/*}" || exit
/bin/cat > in.$$
[ ! -e before ] || . ./before
/bin/cat answer
