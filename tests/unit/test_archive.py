"""An archive of a study: made, unpacked, checked and used."""

import hashlib
import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fashion.ask.predict import classify
from fashion.ask.runs import SHIPPED
from fashion.errors import UserError
from fashion.records.run import Run, finished_runs
from fashion.reference import archive, compare
from fashion.study.definition import Study, resolve
from fashion.study.run_folder import ALONE, CORRECT, run_path
from helpers.checkout import CONFIG, REPORT, ROOT


@pytest.fixture
def study() -> Study:
    """A study of the run that comes with the program, and of one that was never run."""
    spec = Run(SHIPPED).spec
    key = (spec["model"]["name"], spec["augmentation"]["name"], spec["seed"])
    return replace(resolve(CONFIG, "quick"), specs={key: spec, (*key[:2], 99): spec | {"seed": 99}})


@pytest.fixture
def results(study, tmp_path, monkeypatch) -> Path:
    """That study's folder of results."""
    monkeypatch.chdir(ROOT)
    (key, _) = study.specs
    folder = tmp_path / "results/quick"
    run = folder / f"runs/{key[0]}/{key[1]}/seed{key[2]}"
    shutil.copytree(SHIPPED, run)
    np.save(run / CORRECT, np.packbits(np.arange(10_000) % 10 < 9))
    shutil.copytree(run, folder / run_path(ALONE, key))
    for name in ("report.html", "tables/claims.csv", "figures/fig01_samples.png", "logs/claims.log"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def unpacked(study, results, tmp_path) -> Path:
    assert archive.pack(study, REPORT, results, tmp_path / "quick.zip") == list(study.specs)[1:]
    zipfile.ZipFile(tmp_path / "quick.zip").extractall(tmp_path / "elsewhere")
    shutil.rmtree(results)
    return tmp_path / "elsewhere/quick"


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_has_what_a_reader_needs_and_sums_that_check(unpacked):
    there = files(unpacked)
    assert {"README.md", "CITATION.cff", "LICENSE", "requirements.lock", "config.yaml", "report/claims.yaml"} <= there
    assert {"results/quick/report.html", "results/quick/tables/claims.csv"} <= there
    assert any(name.startswith("results/quick/alone/") for name in there)
    assert not any("logs" in name for name in there)
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=unpacked, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    summed = {line.split("  ")[1] for line in (unpacked / "SHA256SUMS").read_text().splitlines()}
    assert summed == there - {"SHA256SUMS"}
    assert "Missing:" in (unpacked / "README.md").read_text()


def test_its_metadata_are_a_ro_crate_that_describes_every_file_and_run(unpacked):
    graph = json.loads((unpacked / "ro-crate-metadata.json").read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    # What RO-Crate 1.1 asks of the descriptor and the root.
    about = entities["ro-crate-metadata.json"]
    assert about["@type"] == "CreativeWork"
    assert (about["about"], about["conformsTo"]) == ({"@id": "./"}, {"@id": "https://w3id.org/ro/crate/1.1"})
    root = entities["./"]
    assert root["@type"] == "Dataset"
    assert {"name", "description", "datePublished", "license"} <= root.keys()
    parts = {part["@id"] for part in root["hasPart"]}
    assert parts == files(unpacked) - {"ro-crate-metadata.json", "SHA256SUMS"}
    for part in parts:
        content = (unpacked / part).read_bytes()
        assert entities[part]["sha256"] == hashlib.sha256(content).hexdigest()
        assert entities[part]["contentSize"] == str(len(content))
    # Every reference leads to an entity.
    values = [
        one for entity in graph for value in entity.values() for one in (value if type(value) is list else [value])
    ]
    named = {value["@id"] for value in values if isinstance(value, dict)}
    assert named - entities.keys() == {"https://w3id.org/ro/crate/1.1"}
    (action,) = (entities[one["@id"]] for one in root["mentions"])
    assert action["@type"] == "CreateAction"
    assert {Path(one["@id"]).name for one in action["result"]} >= {"model.safetensors", "spec.json", "metrics.json"}


def test_its_models_answer_and_its_runs_compare_without_a_training(unpacked, tmp_path):
    Image.effect_noise((64, 64), 50).save(tmp_path / "photograph.png")
    ((_, run),) = finished_runs(unpacked / "results/quick").items()
    (answer,) = classify(run.folder, [tmp_path / "photograph.png"])
    assert answer == classify(SHIPPED, [tmp_path / "photograph.png"])[0]
    assert "error" not in answer
    (row,) = compare.check(unpacked / "results/quick", unpacked / "results/quick").to_dict("records")
    assert (row["own"], row["difference"]) == (0.9, 0)


def test_the_same_files_give_the_same_bytes(study, results, tmp_path):
    archive.pack(study, REPORT, results, tmp_path / "quick.zip")
    first = (tmp_path / "quick.zip").read_bytes()
    for path in results.rglob("*"):
        path.touch()
    archive.pack(study, REPORT, results, tmp_path / "quick.zip")
    assert (tmp_path / "quick.zip").read_bytes() == first


def test_a_study_with_missing_runs_is_packed_with_its_partial_page(study, results, tmp_path):
    (results / "partial").mkdir()
    for name in ("tables", "figures", "report.html"):
        (results / name).rename(results / "partial" / name)
    archive.pack(study, REPORT, results, tmp_path / "quick.zip")
    names = zipfile.ZipFile(tmp_path / "quick.zip").namelist()
    assert {"quick/results/quick/report.html", "quick/results/quick/tables/claims.csv"} <= set(names)


def test_without_a_finished_run_there_is_nothing_to_pack(study, tmp_path):
    with pytest.raises(UserError, match="no finished run of the study quick"):
        archive.pack(study, REPORT, tmp_path, tmp_path / "quick.zip")
    assert not (tmp_path / "quick.zip").exists()
