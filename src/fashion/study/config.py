"""Reading config.yaml, and the checks that go beyond its JSON schema.

The schema is workflow/schemas/config.schema.yaml; each family has the schema of its models' settings. Nothing here
imports torch, so that planning stays instant.
"""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from fashion.errors import UserError
from fashion.models.families import FAMILIES, complete, part, schema
from fashion.study.definition import Study, resolve
from fashion.study.kinds import DRAWN_FROM
from fashion.study.report import Report, report_of
from fashion.study.yaml_file import read_yaml

CONFIG = Path("config.yaml")
# `bool` is a kind of `int` in Python.
TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
        "number": lambda _, value: (
            isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        ),
    }
)
STRICT = validators.extend(Draft202012Validator, type_checker=TYPES)


def load_study(files: Sequence[Path], name: str | None = None) -> tuple[Study, Report]:
    """Returns the study `name`, by default the one that the configuration names, and its report.

    Args:
        files: the configuration files; each overrides the ones before it, as with Snakemake's --configfile.

    Raises:
        UserError: a file is missing or is no configuration, or the study does not exist.
    """
    config: dict = {}
    names = ", ".join(map(str, files))
    try:
        for path in files:
            config = _merge(config, read_yaml(path) or {})
        name = name or config["study"]
        if name in config["studies"]:
            return resolve(config, name), report_of(config)
    except FileNotFoundError as error:
        raise UserError(
            f"{error.filename}: no such file; run this in the folder where you run snakemake, which has config.yaml"
        ) from error
    except (OSError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{names}: not a configuration ({reason}); `snakemake --dry-run` says what is wrong") from error
    raise UserError(
        f"{names}: no study {name!r}{_suggestion(name, config['studies'])}; known: {', '.join(config['studies'])}"
    )


def typed(value: Any) -> Any:
    """Returns a value of Snakemake's command line with the numbers and booleans within it, which are texts there."""
    if isinstance(value, Mapping):
        return {key: typed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    with suppress(yaml.YAMLError):
        scalar = yaml.safe_load(value) if isinstance(value, str) else value
        return scalar if isinstance(scalar, int | float | None) else value
    return value


def check_schema(content: dict, schema: dict, source: str | Path = "config") -> None:
    """Raises a `UserError`, one line with the key's path and what is allowed, for what a JSON schema does not allow.

    Stricter than JSON Schema, for which 64.0 is an integer and a number may be infinite or none.
    """
    for error in STRICT(schema).iter_errors(content):
        raise UserError(explain(error, source=source))


def _merge(below: dict, above: dict) -> dict:
    return below | {
        key: _merge(below[key], value) if isinstance(value, dict) and isinstance(below.get(key), dict) else value
        for key, value in above.items()
    }


def check(config: dict) -> None:
    """Raises for what the schema cannot check: unknown names, conflicting values and wrong settings of a family.

    Raises:
        UserError: one line with the key's path and what is allowed.
    """
    _check_names("study", [config["study"]], config["studies"])
    for name, study in config["studies"].items():
        _check_names(f"studies.{name}.augmentations", study["augmentations"], config["augmentations"])
        _check_names(f"studies.{name}.models", study.get("models", []), config["models"])
        for key in ("training_of", "augmentations_of"):
            _check_names(f"studies.{name}.{key}", study.get(key, {}), config["models"])
        for model, names in study.get("augmentations_of", {}).items():
            _check_names(f"studies.{name}.augmentations_of.{model}", names, config["augmentations"])
    if not config["data"]["verify"] and not config["data"]["folder"]:
        raise UserError("config: data.verify: false needs data.folder; downloads are always verified")
    for name, entry in config["models"].items():
        _check_names(f"models.{name}.augmentations", entry.get("augmentations", []), config["augmentations"])
        _check_names(f"models.{name}.family", [entry["family"]], FAMILIES)
        _check_settings(f"models.{name}.settings", entry["family"], entry["settings"])


def check_report(config: dict, report: Report) -> None:
    """Raises for what the schemas of a report's files cannot check: unknown readings, and readings without an entry.

    Raises:
        UserError: one line with the file, the key's path and what is allowed.
    """
    about, figures, claims = (report.folder / f"{name}.yaml" for name in ("report", "figures", "claims"))
    _check_names("default_reading", [report.about["default_reading"]], report.readings, about)
    for name, study in config["studies"].items():
        if "reading" in study:
            _check_names(f"studies.{name}.reading", [study["reading"]], report.readings)
    for name, figure in report.figures.items():
        if isinstance(models := figure.get("models"), dict):
            _check_names(f"{name}.models", models, report.readings, figures)
        if (table := DRAWN_FROM.get(figure["kind"])) and table not in report.tables:
            raise UserError(f"{figures}: {name}: it is drawn from the table {table}, which tables.yaml lacks")
    rules = report.claims
    judged = {f"claims.{name}": rule.keys() - {"claim", "place", "reported"} for name, rule in rules["claims"].items()}
    for path, readings in {"protocols": rules["protocols"].keys(), **judged}.items():
        _check_names(path, readings, report.readings, claims)
        if missing := report.readings.keys() - readings:
            raise UserError(f"{claims}: {path}: no entry for the reading {min(missing)}")


def _check_names(path: str, names: Iterable[str], known: Iterable[str], source: str | Path = "config") -> None:
    for name in names:
        if name not in known:
            suggestion = _suggestion(name, known)
            raise UserError(f"{source}: {path}: unknown name {name!r}{suggestion}; known: {_listed(known)}")


def _check_settings(path: str, family: str, given: dict) -> None:
    for error in STRICT(schema(family)).iter_errors(given):
        raise UserError(explain(error, path))
    for conflict in part(family, "settings").conflicts(complete(family, given), given):
        raise UserError(f"config: {path}.{conflict}")


def refuse_repeated_keys(path: Path) -> None:
    """Raises if a mapping in a YAML file has a key twice, because YAML would silently drop the first.

    Raises:
        UserError: names the key and its line.
    """

    def visit(node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                if key.value in seen:
                    raise UserError(f"{path.name}: line {key.start_mark.line + 1}: a second {key.value!r}; rename one")
                seen.add(key.value)
                visit(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                visit(item)

    visit(read_yaml(path, yaml.compose))


def explain(error: ValidationError, *above: str, source: str | Path = "config") -> str:
    """Returns a schema error in one line: file, path of the key (after the keys `above`), error, allowed values."""
    path = ".".join(map(str, (*above, *error.absolute_path))) or "top level"
    properties = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties" and properties:
        unknown = next(key for key in error.instance if key not in properties)
        suggestion = _suggestion(unknown, properties)
        return f"{source}: {path}: unknown key {unknown!r}{suggestion}; allowed: {_listed(properties)}"
    allowed = error.schema.get("description") if isinstance(error.schema, dict) else None
    # A pattern's own message has the pattern, which says less than the description.
    said = f"{error.instance!r} is not allowed" if error.validator == "pattern" else error.message
    return f"{source}: {path}: {said}" + (f" ({allowed})" if allowed else "")


def _suggestion(name: Any, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
