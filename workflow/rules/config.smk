# The configuration's file, which Snakemake reads next, and the place of the package.
import os
import sys
from pathlib import Path

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
if not (ROOT / "src/fashion").is_dir():
    sys.exit(f"error: {ROOT}: jobs run the code of a checkout; clone the repository and name its Snakefile as a file")
# Jobs and this file find the package in this checkout, installed or not, on every node that sees the checkout.
sys.path[:0] = [f"{ROOT}/src", f"{ROOT}/workflow"]

# Jobs show nothing on a screen, and may not have the package of the backend that a notebook names.
os.environ |= {"MPLBACKEND": "agg"}

from fashion.errors import UserError
from fashion.study.yaml_file import read_yaml

# In a working directory without a configuration, this checkout's applies.
CONFIG_FILE = Path("config.yaml") if Path("config.yaml").exists() else ROOT / "config.yaml"
try:
    if CONFIG_FILE.exists():  # a workflow that uses this one as a module may have none
        read_yaml(CONFIG_FILE)  # Snakemake would read an endless one for ever
except UserError as error:
    sys.exit(f"error: {error}")
