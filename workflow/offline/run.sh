#!/usr/bin/env bash
# Trains a study on a machine without internet and without Snakemake, in as many calls as it takes.
#
#   workflow/offline/run.sh -d DATASET -o OUTPUT [-w WHEELS] [-b STUDY] [-m MINUTES] [-r COMMIT] [-c] [-- SNAKEMAKE ARGUMENTS]
#
#   -d DATASET  folder with the four Fashion-MNIST files
#   -o OUTPUT   folder for reference.tar.gz: the finished runs, for fashion.reference.publish, and the logs
#   -w WHEELS   folder that workflow/offline/wheels.sh filled; without it, python3 must have all packages
#   -b STUDY    a study of config.yaml (default: report)
#   -m MINUTES  limit for the whole call (default: none); trainings are told to stop a minute and a half earlier
#   -r COMMIT   the commit of this source, for the runs' provenance; needed if the source came without its git history
#   -c          before the first trainings, test the CUDA code and time the augmentation and training steps
#
# python3 must have torch and torchvision. Nothing is installed into it: packages go to .offline/, results and
# checkpoints to results/, where the next call goes on. Exit status: 0 if all is done, 75 if time was up, else Snakemake's.
set -euo pipefail
usage() { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; }
wheels="" dataset="" output="" study=report minutes="" commit="" check=""
while getopts w:d:o:b:m:r:ch option; do
    case $option in
        w) wheels=$OPTARG ;; d) dataset=$OPTARG ;; o) output=$OPTARG ;; b) study=$OPTARG ;;
        m) minutes=$OPTARG ;; r) commit=$OPTARG ;; c) check=yes ;;
        h) usage; exit ;; *) usage >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ -n "$dataset" ] && [ -n "$output" ] || { usage >&2; exit 2; }
mkdir -p "$output"
dataset=$(realpath -e "$dataset") output=$(realpath "$output") wheels=${wheels:+$(realpath -e "$wheels")}
cd "$(dirname "$0")/../.."
mkdir -p .offline/checks

# Trainings that outlive a killed call keep the lock.
exec 9> .offline/lock
flock --nonblock 9 || { echo "error: another call is still at work in $PWD" >&2; exit 1; }

list=$([ -z "$wheels" ] || ls "$wheels"/*.whl)
if [ "$list" != "$(cat .offline/installed 2> /dev/null)" ] || [ ! -e .offline/venv ]; then
    rm -rf .offline/venv
    python3 -m venv --without-pip .offline/venv
    # If python3 is itself in a virtual environment, `--system-site-packages` would skip its packages.
    python3 -c 'import sys; print(*(path for path in sys.path if path.endswith("-packages")), sep="\n")' \
        > "$(echo .offline/venv/lib/python3*/site-packages)/outer.pth"
    [ -z "$wheels" ] ||
        python3 -m pip --python .offline/venv/bin/python install --quiet --no-index --no-deps --no-compile "$wheels"/*.whl
    echo "$list" > .offline/installed
fi
export PATH="$PWD/.offline/venv/bin:$PATH" PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1 MPLBACKEND=agg
python -c 'import torch; print("torch", torch.__version__, torch.cuda.get_device_name() if torch.cuda.is_available() else "without CUDA")'

measure() { # NAME COMMAND...: runs a command once and keeps its output as .offline/checks/NAME.txt
    local log=.offline/checks/$1.txt
    shift
    [ ! -e "$log" ] || return 0
    timeout 150 "$@" > "$log.part" 2>&1 || echo "failed with status $?" >> "$log.part"
    mv "$log.part" "$log"
    tail -n 25 "$log"
}
if [ "$check" ]; then
    measure cuda_tests python -m pytest -n0 tests/unit/test_step.py
    measure augment python benchmarks/augment.py
    measure training python benchmarks/training.py --output .offline/checks/training.csv
fi

python -c 'import json, sys; print(json.dumps({"study": sys.argv[1], "data": {"folder": sys.argv[2]}}))' \
    "$study" "$dataset" > .offline/config.yaml
# The lock above suffices; Snakemake's own would outlive a killed call.
command=(snakemake --cores all --resources gpu=1 --configfile config.yaml .offline/config.yaml --nolock "$@")
seconds=0 # no limit
if [ "$minutes" ]; then
    seconds=$((minutes * 60 - SECONDS - 90))
    [ $seconds -gt 0 ] || { echo "error: $minutes minutes leave none for trainings" >&2; exit 2; }
fi
# `timeout`, or a signal to this script, tells all of Snakemake's processes to stop; trainings then write checkpoints.
timeout --kill-after=60 $seconds "${command[@]}" > >(tee .offline/snakemake.log) 2>&1 &
job=$! status=0
trap 'kill $job 2> /dev/null || true' INT TERM HUP
wait $job || status=$?
while kill -0 $job 2> /dev/null; do wait $job && status=0 || status=$?; done # a signal ends `wait`, not the job
case $status in
    0) echo "all done" ;;
    124 | 137) status=75 && echo "time is up; call again to go on" ;;
    *) echo "Snakemake ended with status $status" ;;
esac
"${command[@]}" --dry-run --quiet 2> /dev/null | sed '1,/^Building DAG/d' | tee .offline/status.txt || true

python -m fashion.reference.publish --study "$study" --reference .offline/reference ${commit:+--commit "$commit"} || true
tar -czf "$output/reference.tar.gz" -C .offline $(cd .offline && ls -d reference/* checks snakemake.log status.txt 2> /dev/null)
ls -l "$output/reference.tar.gz"
exit $status
