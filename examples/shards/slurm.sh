#!/bin/sh
# One study, eight Slurm tasks, each with its shard of the series.
#
#   sh slurm.sh                          submits the tasks, and the merge of their reports for when all are over
#   SHARDS=8 sbatch --array=3,5 slurm.sh   runs shards 3 and 5 again; SHARDS is what the first call had
#
# Both keys lie in files that only you can read, in a folder that all nodes see (chmod 600).
#SBATCH --job-name=fwupload
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --mem=2G
#SBATCH --time=12:00:00
#SBATCH --output=fwupload-%A_%a.log
set -eu
umask 077

INPUT=${INPUT:-study}
PROJECT=${PROJECT:-neuro/adni}
PROFILE=${PROFILE-} # empty where the server has a profile for the project
API_KEY_FILE=${API_KEY_FILE:-flywheel.key}
PSEUDONYM_KEY_FILE=${PSEUDONYM_KEY_FILE:-adni.key}
REPORTS=${REPORTS:-reports}
STATE=${STATE:-state}

if [ -z "${SLURM_ARRAY_TASK_ID:-}" ]; then
    mkdir -p "$REPORTS"
    rm -f "$REPORTS"/shard-*.jsonl "$REPORTS/all.jsonl"
    job=$(sbatch --parsable "$0")
    # afterany: also when a task ended with 3, because some of its files failed.
    export REPORTS
    sbatch --dependency="afterany:${job%%;*}" --job-name=fwupload-merge --output=fwupload-merge-%j.log \
        --wrap 'fwupload report merge "$REPORTS"/shard-*.jsonl --output "$REPORTS/all.jsonl"'
    exit
fi

shard=$SLURM_ARRAY_TASK_ID
shards=${SHARDS:-$SLURM_ARRAY_TASK_COUNT}
report=$REPORTS/shard-$shard.jsonl
mkdir -p "$REPORTS"
# A task that dies before it has begun must not leave the report of an earlier one.
rm -f "$report"

# The journals, one for each shard: a task that is run again goes on where it stopped.
export FWUPLOAD_STATE_HOME="$STATE"
exec fwupload "$INPUT" --project "$PROJECT" ${PROFILE:+--profile "$PROFILE"} --shard "$shard/$shards" --jobs "${SLURM_CPUS_PER_TASK:-4}" \
    --api-key-file "$API_KEY_FILE" --pseudonym-key-file "$PSEUDONYM_KEY_FILE" --report "$report"
