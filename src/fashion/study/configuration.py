"""The configuration as the command line finds it: config.yaml, and files that go on top of it."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from fashion.errors import UserError
from fashion.study.report import Report, report_of
from fashion.study.study import Study, resolve

CONFIG = Path("config.yaml")


def load_study(paths: Sequence[Path], name: str | None = None) -> tuple[Study, Report]:
    """The study `name`, or the one that the configuration names, and its report.

    Args:
        paths: configuration files, each on top of those before it, as with Snakemake's --configfile.

    Raises:
        UserError: a file is missing or no configuration, or there is no such study.
    """
    config: dict = {}
    names = ", ".join(map(str, paths))
    try:
        for path in paths:
            config = _merge(config, yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        name = name or config["study"]
        if name in config["studies"]:
            return resolve(config, name), report_of(config)
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
