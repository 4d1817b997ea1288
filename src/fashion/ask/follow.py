"""A study that may be under way: what its configuration says, and its runs' states again and again."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from fashion.errors import UserError
from fashion.records.progress import DIVERGED, FINISHED, State, states
from fashion.records.run import Key
from fashion.study.study import Study, resolve

CONFIG = Path("config.yaml")
SECONDS = 3


def study_of(configfiles: Sequence[Path], name: str | None) -> Study:
    """The study `name`, or the one that the configuration names.

    Args:
        configfiles: go on top of the working directory's config.yaml, as with Snakemake's --configfile.

    Raises:
        UserError: a file is missing or no configuration, or there is no such study.
    """
    config: dict = {}
    files = [CONFIG, *configfiles]
    names = ", ".join(map(str, files))
    try:
        for path in files:
            config = _merge(config, yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        name = name or config["study"]
        if name in config["studies"]:
            return resolve(config, name)
    except FileNotFoundError as error:
        raise UserError(
            f"{error.filename}: no such file; call it where you call snakemake, in a folder with config.yaml"
        ) from error
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{names}: not a configuration ({reason}); `snakemake --dry-run` says what is wrong") from error
    raise UserError(f"{names}: no study {name!r}; there are {', '.join(config['studies'])}")


def _merge(below: dict, above: dict) -> dict:
    return below | {
        key: _merge(below[key], value) if isinstance(value, dict) and isinstance(below.get(key), dict) else value
        for key, value in above.items()
    }


def follow(study: Study, results: Path) -> Iterator[dict[Key, State]]:
    """The states of a study's runs every few seconds, until all have ended."""
    while True:
        found = states(study, results)
        yield found
        if all(state.word in (FINISHED, DIVERGED) for state in found.values()):
            return
        time.sleep(SECONDS)
