#!/bin/sh
# Sends what has arrived in a folder and was quiet for a while: to be run again and again, by cron or by a timer of systemd.
#
#   INBOX=/srv/inbox PROJECT=neuro/adni REPORTS=/var/lib/fwupload ./upload.sh
set -u

now=$(date -u +%Y%m%dT%H%M%SZ)
fwupload "$INBOX" --project "$PROJECT" --min-age "${QUIET:-15m}" --quiet \
    --report "$REPORTS/failures-$now.jsonl" --log-file "$REPORTS/fwupload.log" "$@"
code=$?
# Nothing lies there yet.
if [ "$code" = 8 ]; then
    exit 0
fi
exit "$code"
