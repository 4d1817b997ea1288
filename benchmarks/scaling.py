"""Measures how long planning takes as a study grows: `snakemake -n` on 100 to 2,000 runs.

Run `python benchmarks/scaling.py`. Each study is planned with nothing done, with every run finished and with every run
stale. If runs are finished, Snakemake compares each file's recorded inputs, params and code with the present ones.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import yaml
from tabulate import tabulate

from fashion.study.definition import resolve

ROOT = Path(__file__).parents[1]
MODELS = ("vgg8", "vgg12", "resnet18", "vit", "vit_beyer")
AUGMENTATIONS = ("none", "mixup", "randaugment", "both")
RUNS = (100, 500, 1000, 2000)

# By default `--touch` sleeps for a tenth of a second before each job.
TOUCH_AT_ONCE = (
    "-c",
    "from snakemake import cli; from snakemake.executors import touch; touch.Executor.SLEEPING_TIME = 0; cli.main()",
)


def make_config(runs: int) -> dict:
    """Returns a study of so many runs, a multiple of 20: five models, four augmentations, many seeds."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["models"] = {name: config["models"][name] for name in MODELS}
    config["study"] = "large"
    seeds = list(range(runs // (len(MODELS) * len(AUGMENTATIONS))))
    config["studies"] = {"large": {"seeds": seeds, "augmentations": list(AUGMENTATIONS)}}
    return config


def finish(folder: Path, config: dict) -> None:
    """Makes every file that a dry run lists and has Snakemake record them; files that a status reads have content."""
    listed, *_ = snakemake(folder, "--dry-run", "--printshellcmds")
    for paths in re.findall(r"^ *output: (.*)$", listed, re.MULTILINE):
        for path in paths.split(", "):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).touch()
    for (model, augmentation, seed), spec in resolve(config, "large").specs.items():
        run = folder / f"results/large/runs/{model}/{augmentation}/seed{seed}"
        (run / "spec.json").write_text(json.dumps(spec))
        rows = "".join(f"{epoch},0.5,1.5\n" for epoch in range(40))
        (run / "history.csv").write_text("epoch,validation_loss,seconds\n" + rows)
        (run / "provenance.json").write_text(json.dumps({"device": "a device", "finished": "2026-01-01"}))
    snakemake(folder, "--touch", "--forceall", "--quiet", "all", program=TOUCH_AT_ONCE)


def snakemake(folder: Path, *arguments: str, program: Sequence[str] = ("-m", "snakemake")) -> tuple[str, float, float]:
    """Runs snakemake in `folder`; returns its output, seconds and peak memory (MB)."""
    command = [sys.executable, *program, "--snakefile", ROOT / "Snakefile", "--directory", folder, "--cores", "2"]
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([*command, *arguments], stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    if status:
        sys.exit(f"snakemake {' '.join(arguments)} failed:\n{text}")
    return text, seconds, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=RUNS, help="sizes of the studies, multiples of 20")
    sizes, rows = parser.parse_args().runs, []
    if any(runs <= 0 or runs % 20 for runs in sizes):
        parser.error(f"--runs: expected multiples of 20, got {' '.join(map(str, sizes))}")
    for runs in sizes:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            config = make_config(runs)
            for state, stale in (("nothing done", runs), ("all finished", 0), ("all stale", runs)):
                if state == "all stale":
                    config["training"]["patience"] += 1
                # JSON is YAML that is read faster: only planning is to be measured.
                (folder / "config.yaml").write_text(json.dumps(config))
                listed, seconds, memory = snakemake(folder, "--dry-run")
                if f"{runs} runs, {stale or 'none'} to train" not in listed:
                    sys.exit(f"planned otherwise than {state}:\n{listed}")
                rows.append((state, runs, seconds, memory, seconds / runs * 1000))
                print(f"{runs} runs, {state}: {seconds:.1f} s", flush=True)
                if state == "nothing done":
                    finish(folder, config)
    headers = ("study", "runs", "seconds", "peak memory (MB)", "seconds per 1,000 runs")
    print(tabulate(rows, headers, floatfmt=("", ",.0f", ".1f", ".0f", ".1f")))


if __name__ == "__main__":
    main()
