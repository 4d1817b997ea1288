"""The report's folder: how it is found, and how a mistake in one of its files is refused; and what stays in it."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from fashion.errors import UserError
from fashion.records.metrics import MEASURES
from fashion.study.config import check_report, check_schema
from fashion.study.kinds import FIGURE_KINDS, TABLE_KINDS
from fashion.study.report import Report, report_of
from fashion.study.yaml_file import read_yaml
from helpers.checkout import CONFIG, REPORT, ROOT

FILES = ("report", "reported", "figures", "tables", "claims", "deviations")
OWN = Report(ROOT / "tests/own_report/report")


def schema(name: str) -> Path:
    return ROOT / f"workflow/schemas/{name}.schema.yaml"


def refusal(name: str, content) -> str:
    """The line with which the pipeline refuses a file's content, by the way that workflow/rules/common.smk takes."""
    try:
        check_schema(content, read_yaml(schema(name)), f"{name}.yaml")
    except UserError as error:
        return str(error)
    return "accepted"


def change(content, path: str, *value) -> None:
    """Replace or add the value at a dotted path, or remove it."""
    *parents, key = path.split(".")
    for parent in parents:
        content = content[int(parent) if parent.isdigit() else parent]
    if value:
        (content[key],) = value
    else:
        del content[key]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("report", [REPORT, OWN], ids=["this report", "the miniature one"])
def test_the_files_of_a_report_are_accepted(report, name):
    assert refusal(name, report.read(f"{name}.yaml")) == "accepted"


@pytest.mark.parametrize("name", FILES)
def test_an_empty_file_is_refused(name, tmp_path):
    (tmp_path / f"{name}.yaml").write_text("# Nothing yet.\n")
    with pytest.raises(UserError, match=rf"^{tmp_path}/{name}.yaml: not a mapping of names; an empty one is "):
        Report(tmp_path).read(f"{name}.yaml")


@pytest.mark.parametrize(
    ("name", "path", "value", "expected"),
    [
        ("report", "autors", ["A"], "report.yaml: top level: unknown key 'autors' (did you mean 'authors'?); allowed:"),
        ("report", "authors", "A", "report.yaml: authors: 'A' is not of type 'array'"),
        ("report", "link", "example.org", "report.yaml: link: 'example.org' is not allowed (an address that"),
        ("report", "readings.0.meaning", "x", "report.yaml: readings.0: unknown key 'meaning' (did you mean 'means'?)"),
        ("report", "readings.0.name", "As said", "report.yaml: readings.0.name: 'As said' is not allowed"),
        ("report", "accuracy_goals", [91.8], "accuracy_goals.0: 91.8 is greater than the maximum of 1 (a share, not"),
        ("reported", "vgg8.both.acuracy", 0.9, "reported.yaml: vgg8.both: unknown key 'acuracy'"),
        ("reported", "vgg8.both.test_accuracy", 91.8, "reported.yaml: vgg8.both.test_accuracy: 91.8 is greater than t"),
        ("reported", "vit.both.augmented_test_accuracy", 86.34, "(a share, not a percentage)"),
        ("reported", "vit.test_accuracy", 0.8634, "reported.yaml: vit.test_accuracy: 0.8634 is not of type 'object'"),
        ("reported", "vit.both.run", 13, "vit.both.run: 13 is not of type 'string' (a published run, as curves.csv na"),
        ("figures", "fig04_vgg8_curves.captoin", "x", "fig04_vgg8_curves: unknown key 'captoin' (did you mean 'captio"),
        ("figures", "fig04_vgg8_curves.kind", "curve", "fig04_vgg8_curves.kind: 'curve' is not one of ['samples', "),
        ("figures", "fig04_vgg8_curves.models", ["vgg8"], "fig04_vgg8_curves.models: ['vgg8'] is not of type 'object'"),
        ("figures", "fig03_vgg8_diagram.models", ["vgg8", "vit"], "fig03_vgg8_diagram.models: ['vgg8', 'vit'] is too "),
        ("figures", "fig04_vgg8_curves.number", 0, "fig04_vgg8_curves.number: 0 is less than the minimum of 1"),
        ("figures", "fig04_vgg8_curves.report.words", "x", "fig04_vgg8_curves.report: unknown key 'words'; allowed: c"),
        ("figures", "figure 4", {}, "(a name is figNN_... or extNN_...)"),
        ("tables", "claims.note", "x", "tables.yaml: claims: unknown key 'note'; allowed: title, caption"),
        ("tables", "table1_classes.kind", "class", "tables.yaml: table1_classes.kind: 'class' is not one of ['classes"),
        ("tables", "calibartion", {"title": "t", "caption": "c"}, "tables.yaml: calibartion: 'kind' is a required pro"),
        ("claims", "claims.C8.as_described.0.hgih", 0, "C8.as_described.0: unknown key 'hgih' (did you mean 'high'?)"),
        ("claims", "claims.C8.as_described.0.metric", "accuracy", "0.metric: 'accuracy' is not one of ['test_accuracy"),
        ("claims", "claims.C8.as_described.0.low", "0", "claims.yaml: claims.C8.as_described.0.low: '0' is not of typ"),
        ("claims", "claims.C8.as_descibed", "x", "claims.yaml: claims.C8.as_descibed: 'x' is not of type 'array'"),
        ("claims", "claims.C 8", {}, "(a claim's name is letters and digits)"),
        ("claims", "claim", {"C1": {}}, "(lists of models, to be named in statements)"),
        ("claims", "protocols.as_described", {"epochs": 2}, "protocols.as_described: 'models' is a required property"),
        ("deviations", "D1.effect", "x", "deviations.yaml: D1: unknown key 'effect'; allowed: subject, report, here, "),
        ("deviations", "D1.statements.0.modle", "vit", "D1.statements.0: unknown key 'modle' (did you mean 'model'?)"),
    ],
)
def test_a_mistake_is_one_line_with_file_path_and_what_is_allowed(name, path, value, expected):
    content = deepcopy(REPORT.read(f"{name}.yaml"))
    change(content, path, value)
    line = refusal(name, content)
    assert expected in line
    assert line.startswith(f"{name}.yaml: ")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("report", "title"),
        ("report", "default_reading"),
        ("figures", "fig04_vgg8_curves.caption"),
        ("figures", "fig03_vgg8_diagram.models"),
        ("tables", "claims.title"),
        ("tables", "statements"),
        ("claims", "claims.C8.reported"),
        ("claims", "claims.C8.as_described.0.model"),
        ("deviations", "D1.here"),
    ],
)
def test_a_missing_key_is_named(name, path):
    content = deepcopy(REPORT.read(f"{name}.yaml"))
    change(content, path)
    place, _, key = path.rpartition(".")
    assert refusal(name, content) == f"{name}.yaml: {place or 'top level'}: '{key}' is a required property"


def test_the_schemas_know_what_the_engine_knows():
    def read(name: str) -> dict:
        return yaml.safe_load(schema(name).read_text())

    def kinds(name: str) -> set[str]:
        return set(read(name)["additionalProperties"]["properties"]["kind"]["enum"])

    assert kinds("figures") == FIGURE_KINDS.keys()
    assert kinds("tables") | read("tables")["properties"].keys() == TABLE_KINDS.keys()
    part, statement = read("claims")["$defs"]["part"], read("deviations")["$defs"]["statement"]
    assert set(part["properties"]["metric"]["enum"]) == MEASURES.keys() | {"imbalance"}
    # A part of a claim is a statement with words.
    assert part["properties"].keys() - statement["properties"].keys() == {"part", "essence"}
    assert part["properties"].items() >= statement["properties"].items()


def test_this_report_and_the_miniature_one_fit_their_configurations():
    check_report(CONFIG, REPORT)
    check_report(yaml.safe_load((OWN.folder.parent / "config.yaml").read_text()), OWN)


@pytest.mark.parametrize(
    ("file", "path", "value", "expected"),
    [
        ("report", "default_reading", "as_said", "report.yaml: default_reading: unknown name 'as_said'; known: as_pub"),
        ("config", "studies.quick.reading", "as_publishd", "config: studies.quick.reading: unknown name 'as_publishd'"),
        ("figures", "fig04_vgg8_curves.models.as_drawn", ["vgg8"], "figures.yaml: fig04_vgg8_curves.models: unknown n"),
        ("tables", "comparison", None, "figures.yaml: ext07_tradeoff: it is drawn from the table comparison, which ta"),
        ("claims", "claims.C1.as_drawn", [{"metric": "imbalance"}], "claims.yaml: claims.C1: unknown name 'as_drawn';"),
        ("claims", "claims.C1", {"claim": "a", "as_published": []}, "claims.yaml: claims.C1: no entry for the reading"),
        ("claims", "protocols", {"as_described": {}}, "claims.yaml: protocols: no entry for the reading as_published"),
    ],
)
def test_names_that_files_do_not_have_in_common_are_refused(file, path, value, expected, tmp_path):
    config, files = deepcopy(CONFIG), {name: deepcopy(REPORT.read(f"{name}.yaml")) for name in FILES}
    change(config if file == "config" else files[file], path, *([] if value is None else [value]))
    for name, content in files.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(UserError) as refused:
        check_report(config, Report(tmp_path))
    assert str(refused.value).removeprefix(f"{tmp_path}/").startswith(expected)
    assert "\n" not in str(refused.value)


def test_a_report_is_a_folder_from_here_or_else_of_the_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert report_of(CONFIG).folder == ROOT / "workflow/report"
    (tmp_path / "workflow/report").mkdir(parents=True)
    assert report_of(CONFIG).folder == Path("workflow/report")
    (tmp_path / "mine").write_text("no folder")
    with pytest.raises(
        UserError, match=r"^config: report: no folder mine; docs/own_report.md says what belongs there$"
    ):
        report_of({"report": "mine"})


@pytest.mark.parametrize(
    "content", [None, b"a: [", b"a: b: c", b"\xff\xfe\xfa"], ids=["missing", "cut", "no YAML", "bytes"]
)
def test_a_file_that_cannot_be_read_is_one_line(content, tmp_path):
    if content is not None:
        (tmp_path / "figures.yaml").write_bytes(content)
    with pytest.raises(
        UserError, match=f"^{tmp_path}/figures.yaml: .*(No such file|not YAML|not text in UTF-8)"
    ) as caught:
        _ = Report(tmp_path).figures
    assert "\n" not in str(caught.value)


def test_what_a_report_has_not_reported_has_no_numbers():
    assert REPORT.numbers("vgg8", "both")["epochs"] == 48
    assert REPORT.numbers("vgg8", "none") == REPORT.numbers("nothing", "both") == {}
