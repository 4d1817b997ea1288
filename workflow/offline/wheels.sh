#!/usr/bin/env bash
# Downloads the wheels that workflow/offline/run.sh needs on a Linux machine without internet.
#
#   workflow/offline/wheels.sh FOLDER [PYTHON [PACKAGE ...]]
#
# PYTHON is that machine's version of Python (default: 3.12). It must have torch, torchvision, scipy, pandas and
# matplotlib: these large packages are not downloaded, and neither is any PACKAGE. Versions and hashes are those of
# requirements.lock.
set -euo pipefail
usage() { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; }
[ $# -ge 1 ] && [[ $1 != -* ]] || { usage >&2; exit 2; }
folder=$1 python=${2:-3.12} there=("${@:3}")
root=$(cd "$(dirname "$0")/../.." && pwd)
export PATH="$root/.venv/bin:$PATH" UV_PYTHON_DOWNLOADS=never

there+=(torch torchvision triton setuptools sympy mpmath networkx fsspec numpy scipy pandas)
there+=(matplotlib pillow fonttools contourpy kiwisolver)
mkdir -p "$folder"
printf 'pytest\npytest-xdist\n' |
    uv pip compile "$root/pyproject.toml" - --extra workflow --constraints "$root/requirements.lock" \
        --python-version "$python" --python-platform "$(uname -m)-manylinux_2_28" --quiet \
        --generate-hashes --no-annotate --no-header --no-emit-index-url "${there[@]/#/--no-emit-package=}" |
    awk '/^[^ ]/ { keep = /^nvidia-ml-py/ || !/^(nvidia|cuda)-/ } keep' > "$folder/requirements.txt"

platforms=(--platform manylinux1_"$(uname -m)" --platform manylinux2014_"$(uname -m)")
for minor in 5 12 17 24 26 27 28; do platforms+=(--platform "manylinux_2_${minor}_$(uname -m)"); done
pip download --quiet --no-deps --require-hashes --requirement "$folder/requirements.txt" \
    --implementation cp --python-version "$python" "${platforms[@]}" --dest "$folder"
# Some pure Python packages are published only as source.
find "$folder" -name '*.tar.gz' -exec pip wheel --quiet --no-deps --wheel-dir "$folder" {} \; -delete
echo "$(find "$folder" -name '*.whl' | wc -l) wheels, $(du -sh "$folder" | cut -f1), in $folder"
