"""Lists the studies of config.yaml, each with the states of its runs, from their files alone."""

from collections import Counter
from pathlib import Path

import yaml
from tabulate import tabulate

from fashion.records.progress import STATES, WAITING, progress
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study.config import CONFIG, load_study


def listing(config: Path, results: Path) -> str:
    """Returns a line for each study of a configuration: how many of its runs are in which state."""
    load_study([config])  # which names what is wrong with it
    rows = []
    for name in yaml.safe_load(config.read_text(encoding="utf-8"))["studies"]:
        study, _ = load_study([config], name)
        counts = Counter(state.word for state in progress(study, results / name).values())
        words = ", ".join(f"{counts[word]} {word}" for word in STATES if counts[word] and word != WAITING)
        rows.append((name, f"{len(study.specs)} runs: {words or 'none has begun'}"))
    return tabulate(rows, tablefmt="plain")


def main() -> None:
    stage_parser(__doc__).parse_args()
    print(listing(CONFIG, Path("results")))
    print("make status STUDY=... says which runs are not up to date, why, and how long they take")


if __name__ == "__main__":
    exit_on_user_error(main)
