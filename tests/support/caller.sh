#!/bin/sh
# Stands in for the calling child in tests of the webhook: keeps what it is told beside itself and says
# what `answer` says; without such a file it neither reads nor says anything. Linked to, as sender.sh is.
cd "${0%/*}" || exit
[ -e answer ] || exec /bin/sleep 60
{ echo; /bin/cat; } >> told
/bin/cat answer
