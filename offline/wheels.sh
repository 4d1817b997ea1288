#!/usr/bin/env bash
# The wheels that offline/run.sh needs on a Linux machine without internet, whose Python has torch and torchvision.
#
#   offline/wheels.sh INSTALLED FOLDER [PYTHON]
#
# INSTALLED lists what that Python has: `python3 -m pip list --format=freeze > installed.txt` there; names alone will
# do. PYTHON is its version, 3.12 if not given. The versions are those of requirements.lock, hashes checked.
set -euo pipefail
usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; }
[ $# -ge 2 ] || { usage >&2; exit 2; }
installed=$1 folder=$2 python=${3:-3.12}
[ -r "$installed" ] || { echo "error: $installed: no such file; make it on that machine, see $0 without arguments" >&2; exit 1; }
root=$(cd "$(dirname "$0")/.." && pwd)
export PATH="$root/.venv/bin:$PATH" UV_PYTHON_DOWNLOADS=never

leave_out=(torch torchvision triton)
while IFS='= ' read -r name _; do leave_out+=("$name"); done < <(grep -E '^[A-Za-z0-9]' "$installed")
mkdir -p "$folder"
# What torch itself needs came with it, whatever that pip lists; only NVIDIA's nvidia-ml-py is the pipeline's own.
printf 'pytest\npytest-xdist\n' |
    uv pip compile "$root/pyproject.toml" - --extra workflow --constraints "$root/requirements.lock" \
        --python-version "$python" --python-platform "$(uname -m)-manylinux_2_28" --quiet \
        --generate-hashes --no-annotate --no-header --no-emit-index-url "${leave_out[@]/#/--no-emit-package=}" |
    awk '/^[^ ]/ { keep = /^nvidia-ml-py/ || !/^(nvidia|cuda)-/ } keep' > "$folder/requirements.txt"

platforms=(--platform manylinux1_"$(uname -m)" --platform manylinux2014_"$(uname -m)")
for minor in 5 12 17 24 26 27 28; do platforms+=(--platform "manylinux_2_${minor}_$(uname -m)"); done
pip download --quiet --no-deps --require-hashes --requirement "$folder/requirements.txt" \
    --implementation cp --python-version "$python" "${platforms[@]}" --dest "$folder"
# Some pure Python packages are published as source alone.
find "$folder" -name '*.tar.gz' -exec pip wheel --quiet --no-deps --wheel-dir "$folder" {} \; -delete
echo "$(find "$folder" -name '*.whl' | wc -l) wheels, $(du -sh "$folder" | cut -f1), in $folder"
