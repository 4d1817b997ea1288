"""The state of a run: whether its records say that it was made from what it is to be made from now.

`spec.json` has the settings; `provenance.json` the digests of the code that trained, and the checksums of the dataset
and of the weights; `metrics.json` the checksum of the weights that were measured, and the digests of the code that did
it. Modification times count for nothing: copies, backups and archives change them.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from fashion.data.dataset import CHECKSUMS, CHECKSUMS_FILE
from fashion.errors import UserError
from fashion.files import canonical_json, read_json, write_json
from fashion.records.schema import read_metrics, read_provenance
from fashion.study.changes import changes
from fashion.study.definition import Study
from fashion.study.digest import EVALUATION, NETWORK, TRAINING, code_digest
from fashion.study.run_folder import CORRECT, FOLDER, HISTORY, METRICS, PREDICTIONS, PROVENANCE, SPEC, WEIGHTS, run_path
from fashion.study.spec import Key, read_spec

NEVER_RUN, NEVER_EVALUATED = "never run", "never evaluated"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a run is to be made from: its spec, the digests of code, and the dataset's checksums; None allows any."""

    spec: dict | None = None
    training: Mapping[str, str] | None = None
    evaluation: Mapping[str, str] | None = None
    dataset: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """Why a run has to be trained, or else only evaluated, in words; None if it has not.

    Args:
        note: what a reader should know of a run that is up to date.
        damaged: whether that is because a file holds no record of a run; the words name the file.
    """

    training: str | None = None
    evaluation: str | None = None
    note: str = ""
    damaged: bool = False

    @property
    def finished(self) -> bool:
        return self.training is None and self.evaluation is None

    @property
    def why(self) -> str | None:
        """Why the run's job has to be done; None if it has not."""
        return self.training or self.evaluation

    @property
    def words(self) -> str:
        if self.finished:
            return f"up to date{self.note and f'; {self.note}'}"
        return self.training or f"trained, to evaluate: {self.evaluation}"


ANY, UP_TO_DATE = Wanted(), State()


def state(folder: Path, wanted: Wanted = ANY) -> State:
    """Returns the state of the run in a folder, from its records alone: other files need only be there."""
    missing = [name for name in (SPEC, HISTORY, PROVENANCE) if not (folder / name).is_file()]
    if len(missing) == 3:
        return State(training=NEVER_RUN)
    if missing:
        return State(training=f"{missing[0]} is missing")
    try:
        spec, provenance = read_spec(folder / SPEC), read_provenance(folder)
    except UserError as error:
        return State(training=str(error), damaged=True)
    why = _differences(spec, wanted.spec) + _differences(_code(provenance), wanted.training)
    # Older code did not record the dataset.
    if wanted.dataset and provenance.get("dataset", CHECKSUMS) != wanted.dataset:
        why.append("made on other data")
    evaluated = _evaluation(folder, provenance, wanted)
    if evaluated.evaluation and not (folder / WEIGHTS).exists():
        why.append(f"{WEIGHTS} is missing")
    return State(training="; ".join(why)) if why else evaluated


def states(study: Study, results: Path, dataset: Mapping[str, str] | None = None) -> dict[Key, State]:
    """Returns the state of each run of a study, as `state` and `wanted` say."""
    return {key: state(results / run_path(FOLDER, key), each) for key, each in wanted(study, results, dataset).items()}


def wanted(study: Study, results: Path, dataset: Mapping[str, str] | None = None) -> dict[Key, Wanted]:
    """Returns what each run of a study is to be made from, with the code of this checkout.

    Args:
        results: the study's folder of results.
        dataset: the SHA-256 of the dataset's files; if not given, of the dataset that lies beside the study's results.
    """
    path = results.parent / "data" / CHECKSUMS_FILE
    if dataset is None and path.exists():
        dataset = read_json(path)
    families = {spec["model"]["family"] for spec in study.specs.values()}
    training, evaluation = (
        {family: code_digest(*modules, NETWORK.format(family)) for family in families}
        for modules in (TRAINING, EVALUATION)
    )
    return {
        key: Wanted(spec=spec, training=training[family], evaluation=evaluation[family], dataset=dataset)
        for key, spec in study.specs.items()
        for family in [spec["model"]["family"]]
    }


def _evaluation(folder: Path, provenance: dict, wanted: Wanted) -> State:
    """Returns the state of a run whose training is up to date."""
    if not (folder / METRICS).is_file():
        return State(evaluation=NEVER_EVALUATED)
    if not any((folder / name).is_file() for name in (PREDICTIONS, CORRECT)):
        return State(evaluation=f"{PREDICTIONS} is missing")
    try:
        metrics = read_metrics(folder)
    except UserError as error:
        return State(evaluation=str(error), damaged=True)
    if "weights" in provenance and metrics.get("weights") != provenance["weights"]:
        return State(evaluation="evaluated from other weights")
    why = _differences(_code(metrics), wanted.evaluation)
    return State(evaluation="; ".join(why)) if why else State(note=_note(provenance))


def accept(folder: Path, wanted: Wanted) -> None:
    """Records that the run in a folder counts as made by other code, whose user says that it changes no number."""
    for file, code in ((PROVENANCE, wanted.training), (METRICS, wanted.evaluation)):
        with suppress(UserError):  # a damaged record stays one
            record = read_json(folder / file)
            if "code" in record and _code(record) != code:
                write_json(folder / file, record | {"accepted_code": code})


def _code(record: dict) -> dict | None:
    """Returns the digests of the code that a record counts as made by; None for records of before they were kept."""
    return record.get("accepted_code", record.get("code"))


def _differences(recorded: Mapping | None, now: Mapping | None) -> list[str]:
    """Returns in words how what is wanted now differs from what was recorded, if both are known."""
    if recorded is None or now is None:
        return []
    return changes([repr(canonical_json(recorded))], [repr(canonical_json(now))])


def _note(provenance: dict) -> str:
    # Runs without digests count as what their commit and their spec say.
    notes = [] if "code" in provenance else ["made before records were kept"]
    notes += ["made by other code that was accepted"] * ("accepted_code" in provenance)
    made, here = provenance["packages"].get("torch", "").partition("+")[0], version("torch")
    return "; ".join(notes + [f"made with torch {made}, here is {here}"] * (made not in ("", here)))
