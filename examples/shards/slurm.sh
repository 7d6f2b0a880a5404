#!/bin/sh
# One study, several Slurm tasks, each with its shard of the studies, and one that merges their reports.
#
#   SHARDS=8 sh slurm.sh             submits all shards, and the merge for when all are over
#   SHARDS=8 sh slurm.sh 3,5         runs shards 3 and 5 again once the first call is over, and merges anew; SHARDS is as it was
#   WAIT=yes SHARDS=8 sh slurm.sh    waits for the merge and ends as it does
#   PLAN=plan SHARDS=8 sh slurm.sh   lists the files once, in the folder `plan`, instead of having each shard walk all of them
#
# The merge ends as one run would: 0, 3 when some files failed, 9 when all did, and so on; with 1 when a shard did not come to its end.
# SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_TIMELIMIT and the like are those of sbatch. Both keys lie in files that only you can
# read (chmod 600), in a folder that all nodes see.
#SBATCH --job-name=fwupload
#SBATCH --cpus-per-task=4
#SBATCH --mem=2G
#SBATCH --time=12:00:00
#SBATCH --output=fwupload-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
set -eu
umask 077

INPUT=${INPUT:-study}
PROJECT=${PROJECT:-neuro/adni}
PROFILE=${PROFILE-} # empty where the server has a profile for the project
API_KEY_FILE=${API_KEY_FILE:-flywheel.key}
PSEUDONYM_KEY_FILE=${PSEUDONYM_KEY_FILE:-adni.key}
REPORTS=${REPORTS:-reports}
STATE=${STATE:-state}
PLAN=${PLAN-}

if [ -z "${SLURM_ARRAY_TASK_ID:-}" ]; then
    SHARDS=${SHARDS:-8}
    mkdir -p "$REPORTS"
    rm -f "$REPORTS/all.jsonl"
    # A shard that never begins must not leave the report of an earlier call.
    if [ $# = 0 ]; then
        rm -f "$REPORTS"/shard-*.jsonl
    else
        # As sbatch reads them: 3,5 or 2-4 or 1-7:2, and %2 for two at a time.
        for part in $(echo "${1%\%*}" | tr ',' ' '); do
            case $part in *:*) step=${part#*:} ;; *) step=1 ;; esac
            part=${part%:*}
            for shard in $(seq "${part%-*}" "$step" "${part#*-}"); do rm -f "$REPORTS/shard-$shard.jsonl"; done
        done
    fi
    export SHARDS INPUT PROJECT PROFILE API_KEY_FILE PSEUDONYM_KEY_FILE REPORTS STATE PLAN
    planned=
    if [ -n "$PLAN" ] && [ $# = 0 ]; then
        planned=$(sbatch --parsable --export=ALL --job-name=fwupload-plan --output=fwupload-plan-%j.log \
            --ntasks=1 --cpus-per-task=2 --mem=1G --time=04:00:00 --open-mode=append --requeue \
            --wrap 'rm -f "$PLAN/plan.json" "$PLAN"/shard-*.jsonl; exec fwupload plan "$INPUT" --shards "$SHARDS" --output "$PLAN"')
        echo "Submitted batch job ${planned%%;*}: the plan"
    fi
    # Without a plan there is nothing to do for the shards.
    job=$(sbatch --parsable --export=ALL ${planned:+--dependency="afterok:${planned%%;*}" --kill-on-invalid-dep=yes} \
        --array="${1:-1-$SHARDS}" "$0")
    echo "Submitted batch job ${job%%;*}: shards ${1:-1-$SHARDS}"
    # afterany: also when a task ended with 3, because some of its files failed.
    sbatch ${WAIT:+--wait} --export=ALL --dependency="afterany:${job%%;*}" --job-name=fwupload-merge --output=fwupload-merge-%j.log \
        --ntasks=1 --cpus-per-task=1 --mem=1G --time=01:00:00 --open-mode=append --requeue \
        --wrap 'exec fwupload report merge "$REPORTS"/shard-*.jsonl --output "$REPORTS/all.jsonl" --exit-code'
    exit
fi

shard=$SLURM_ARRAY_TASK_ID
report=$REPORTS/shard-$shard.jsonl
# A task that is requeued and dies before it has begun must not leave the report of the time before.
rm -f "$report"

# The journals, one for each shard: a task that is run again goes on where it stopped.
export FWUPLOAD_STATE_HOME="$STATE"
# exec: what Slurm sends to the script (--signal) is for fwupload, which then stops in order.
if [ -n "$PLAN" ]; then set -- --from-plan "$PLAN"; else set -- "$INPUT"; fi
exec fwupload "$@" --project "$PROJECT" ${PROFILE:+--profile "$PROFILE"} --shard "$shard/${SHARDS:?}" --jobs "${SLURM_CPUS_PER_TASK:-4}" \
    --api-key-file "$API_KEY_FILE" --pseudonym-key-file "$PSEUDONYM_KEY_FILE" --report "$report"
