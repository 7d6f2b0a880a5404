#!/bin/sh
# One study, several machines (or one), with GNU parallel: each call of fwupload has its shard of the series.
#
#   SHARDS=4 HOSTS=hosts.txt sh parallel.sh    one shard at a time on each of the hosts, over ssh
#   PLAN=plan SHARDS=4 ...                     lists the files once, in the folder `plan`, instead of having each shard walk all of them
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
PLAN=${PLAN-}

mkdir -p "$REPORTS"
rm -f "$REPORTS"/shard-*.jsonl "$REPORTS/all.jsonl"

if [ -n "$PLAN" ]; then
    rm -f "$PLAN/plan.json" "$PLAN"/shard-*.jsonl
    fwupload plan "$INPUT" --shards "$SHARDS" --output "$PLAN"
    set -- --from-plan "$PLAN"
else
    set -- "$INPUT"
fi

# 3 and 9, some or all files of a shard failed, are results: the report says which. A shard that ends otherwise, as with 255 where a
# host cannot be reached, is tried again, on another host if there is one, and goes on where it stopped. No shard stops another one.
seq "$SHARDS" | parallel --quote --halt never --retries 3 --workdir "$PWD" --joblog "$REPORTS/parallel.log" \
    --jobs "$([ -n "$HOSTS" ] && echo 1 || echo "$SHARDS")" ${HOSTS:+--sshloginfile "$HOSTS"} \
    sh -c '"$@"; code=$?; case $code in 3 | 9) exit 0 ;; *) exit $code ;; esac' shard \
    env "FWUPLOAD_STATE_HOME=$STATE" fwupload "$@" --project "$PROJECT" ${PROFILE:+--profile "$PROFILE"} --shard "{}/$SHARDS" \
    --api-key-file "$API_KEY_FILE" --pseudonym-key-file "$PSEUDONYM_KEY_FILE" \
    --report "$REPORTS/shard-{}.jsonl" || echo "some shards did not come to their end" >&2

# With 1 where a shard did not come to its end.
exec fwupload report merge "$REPORTS"/shard-*.jsonl --output "$REPORTS/all.jsonl" --exit-code
