#!/bin/sh
# One study, several machines (or one), with GNU parallel: each call of fwupload has its shard of the series.
#
#   SHARDS=4 HOSTS=hosts.txt sh parallel.sh    one shard at a time on each of the hosts, over ssh
#   SHARDS=4 sh parallel.sh                    all on this machine; one run without shards does the same with less ado
#
# The hosts see the current folder under the same path. Both keys lie in it, in files that only you can read (chmod 600).
# Ends as one run would: 0, 3 when some files failed, 9 when all did, and so on.
set -eu
umask 077

SHARDS=${SHARDS:-4}
HOSTS=${HOSTS-}
INPUT=${INPUT:-study}
PROJECT=${PROJECT:-neuro/adni}
PROFILE=${PROFILE-} # empty where the server has a profile for the project
API_KEY_FILE=${API_KEY_FILE:-flywheel.key}
PSEUDONYM_KEY_FILE=${PSEUDONYM_KEY_FILE:-adni.key}
REPORTS=${REPORTS:-reports}
STATE=${STATE:-state}

mkdir -p "$REPORTS"
rm -f "$REPORTS"/shard-*.jsonl "$REPORTS/all.jsonl"

# A shard that fails stops none of the others; parallel.log has their exit codes.
seq "$SHARDS" | parallel --quote --halt never --workdir . --joblog "$REPORTS/parallel.log" \
    --jobs "$([ -n "$HOSTS" ] && echo 1 || echo "$SHARDS")" ${HOSTS:+--sshloginfile "$HOSTS"} \
    env "FWUPLOAD_STATE_HOME=$STATE" fwupload "$INPUT" --project "$PROJECT" ${PROFILE:+--profile "$PROFILE"} --shard "{}/$SHARDS" \
    --api-key-file "$API_KEY_FILE" --pseudonym-key-file "$PSEUDONYM_KEY_FILE" \
    --report "$REPORTS/shard-{}.jsonl" || echo "some shards did not end with 0" >&2

fwupload report merge "$REPORTS"/shard-*.jsonl --output "$REPORTS/all.jsonl"
code=$(sed -n 's/^{"type":"end",.*"exit_code":\([0-9]*\).*/\1/p' "$REPORTS/all.jsonl")
# Without an end, not every shard came to its own.
exit "${code:-1}"
