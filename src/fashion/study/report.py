"""The report that is reproduced, read from the folder that config.yaml names."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fashion.errors import UserError
from fashion.study.yaml_file import read_yaml

CHECKOUT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Report:
    """What a report says, shows and claims: the files in its `folder`, each described in its first lines."""

    folder: Path

    @cached_property
    def about(self) -> dict:
        """Title, authors and readings: report.yaml."""
        return self.read("report.yaml")

    @property
    def readings(self) -> dict[str, str]:
        """The title of each reading in which claims are judged, in the order of the page's columns."""
        return {reading["name"]: reading["title"] for reading in self.about["readings"]}

    @cached_property
    def reported(self) -> dict[str, dict[str, dict]]:
        """The reported numbers by model and augmentation: reported.yaml."""
        return self.read("reported.yaml")

    @cached_property
    def figures(self) -> dict[str, dict]:
        """The figures by file name: figures.yaml."""
        return self.read("figures.yaml")

    @cached_property
    def tables(self) -> dict[str, dict]:
        """The tables by file name: tables.yaml."""
        return self.read("tables.yaml")

    @cached_property
    def claims(self) -> dict:
        """The claims with their rules, and the protocols: claims.yaml."""
        return self.read("claims.yaml")

    @cached_property
    def deviations(self) -> dict[str, dict]:
        """Where the report contradicts itself, and where this pipeline deviates from it: deviations.yaml."""
        return self.read("deviations.yaml")

    @property
    def curves(self) -> Path:
        """The published curves, a row for each epoch of a published run."""
        return self.folder / "curves.csv"

    @property
    def networks(self) -> Path:
        """The document that says which network made which number."""
        return self.folder / "networks.md"

    def numbers(self, model: str, augmentation: str) -> dict:
        """Returns the reported numbers of a model with an augmentation; empty if there are none."""
        return self.reported.get(model, {}).get(augmentation, {})

    def read(self, name: str) -> dict:
        """Returns the content of one of the report's YAML files.

        Raises:
            UserError: the file cannot be read, or is no mapping.
        """
        path = self.folder / name
        try:
            content = read_yaml(path)
        except OSError as error:
            raise UserError(f"{path}: not a readable file of the report: {error.strerror}") from error
        if not isinstance(content, dict):
            raise UserError(f"{path}: not a mapping of names; an empty one is written {{}}")
        return content


def departures(specs: Iterable[dict], protocol: dict) -> list[str]:
    """Returns the settings in which the trainings of runs differ from a protocol of claims.yaml, each in words.

    The protocol's `models` has the settings of models with a recipe of their own; null stands for none.
    """
    runs, words = list(specs), []
    for key, value in protocol.items():
        if key == "models":
            continue
        pairs = {
            (spec["training"].get(key), protocol["models"].get(spec["model"]["name"], {}).get(key, value))
            for spec in runs
        }
        others = sorted((pair for pair in pairs if pair[0] != pair[1]), key=str)
        if others:
            given, wanted = (list(dict.fromkeys(map(str, values))) for values in zip(*others, strict=True))
            words.append(f"{key} {' and '.join(given)}, not {' or '.join(wanted)}")
    return words


def report_of(config: dict) -> Report:
    """Returns the report that a configuration names: a folder in the working directory, else in this checkout.

    Raises:
        UserError: there is no such folder.
    """
    folders = [Path(config["report"]), CHECKOUT / config["report"]]
    folder = next(filter(Path.is_dir, folders), None)
    if folder is None:
        raise UserError(f"config: report: no folder {folders[0]}; docs/own_report.md says what belongs there")
    return Report(folder)
