"""Compares trainings of one thread side by side with trainings on all cores one after the other.

Run `python benchmarks/threads.py` on a quiet machine without a GPU. It measures images per second, model by model:

- one after the other: one training with a thread for each core;
- side by side: a training of one thread for each core, summed;
- crowded: a training for each core with a thread for each core, summed; once with OpenMP's default, and once with
  OMP_WAIT_POLICY=PASSIVE, which the pipeline sets for its jobs.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import torch
import yaml
from augment import BATCH, CLASSES, CORES

from fashion.models.build import build
from fashion.tables.writing import write_table
from fashion.training.optimizer import make_optimizer
from fashion.training.step import make_step

ROOT = Path(__file__).parents[1]
MODELS = ("published_vgg8", "published_resnet18", "published_vit_5x8", "published_vit_depthwise_5x8")
WARM_UP_SECONDS = 3


def train(entry: dict, threads: int, seconds: float) -> float:
    """Returns images per second of one of several trainings, after a warm-up in which the others begin too."""
    torch.set_num_threads(threads)
    model = build(entry).to(memory_format=torch.channels_last)
    step = make_step(model, make_optimizer(model, 0.001))
    batch = torch.rand(BATCH, 1, 28, 28), torch.eye(CLASSES)[torch.arange(BATCH) % CLASSES]
    images, started = 0, time.perf_counter()
    counted_from = started + WARM_UP_SECONDS
    while (now := time.perf_counter()) < counted_from + seconds:
        step(*batch)
        images += BATCH * (now >= counted_from)
    return images / (now - counted_from)


def together(entry: dict, processes: int, threads: int, policy: str | None, seconds: float) -> float:
    """Returns images per second of so many trainings at a time, summed."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    environment |= {"OMP_WAIT_POLICY": policy} if policy else {}
    command = [sys.executable, __file__, "--train", json.dumps(entry), str(threads), str(seconds)]
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    return sum(float(process.communicate()[0]) for process in running)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS, help="names in config.yaml (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=8, help="length of each measurement (default: %(default)s)")
    parser.add_argument("--repetitions", type=int, default=3, help="takes the median of so many (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks/threads.csv")
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        entry, threads, seconds = arguments.train
        print(train(json.loads(entry), int(threads), float(seconds)))
        return
    models = yaml.safe_load((ROOT / "config.yaml").read_text())["models"]
    ways = {
        "one after the other": (1, CORES, "PASSIVE"),
        "side by side": (CORES, 1, "PASSIVE"),
        "crowded, as OpenMP comes": (CORES, CORES, None),
        "crowded, passive": (CORES, CORES, "PASSIVE"),
    }
    rows = []
    for name in arguments.models:
        measured: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(arguments.repetitions):
            for way, settings in ways.items():
                measured[way].append(together(models[name], *settings, arguments.seconds))
        rate = {way: statistics.median(values) for way, values in measured.items()}
        rows.append(
            {
                "model": name,
                **{f"{way} (images/s)": round(value) for way, value in rate.items()},
                "side by side / one after the other": round(rate["side by side"] / rate["one after the other"], 2),
                "passive / as OpenMP comes": round(rate["crowded, passive"] / rate["crowded, as OpenMP comes"], 2),
            }
        )
        print(rows[-1], flush=True)
    write_table(pd.DataFrame(rows), arguments.output)
    print(f"\n{CORES} cores, torch {torch.__version__}\n\n{arguments.output.with_suffix('.md').read_text()}")


if __name__ == "__main__":
    main()
