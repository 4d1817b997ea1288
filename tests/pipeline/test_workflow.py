"""The workflow's files themselves: their form, and that they agree with each other."""

import re
import tomllib

import yaml

from helpers.checkout import ROOT


def test_the_conda_environment_has_what_the_package_needs_in_the_versions_of_the_lock():
    lock = (ROOT / "requirements.lock").read_text()
    requirements = yaml.safe_load((ROOT / "envs/fashion.yaml").read_text())["dependencies"][-1]["pip"]
    for requirement in requirements:
        assert re.search(rf"^{re.escape(requirement)}(?=[ \n])", lock, re.MULTILINE), requirement
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert [re.split("[=>]", entry)[0] for entry in requirements] == [re.split("[=>]", entry)[0] for entry in needed]


def test_the_cluster_profile_has_what_the_default_one_has():
    default, slurm = (
        yaml.safe_load((ROOT / path / "config.yaml").read_text())
        for path in ("profiles/default", "workflow/profiles/slurm")
    )
    assert slurm | default == slurm


def test_the_lock_names_no_index_and_every_package_has_its_hashes():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    packages = re.split(r"^(?=\w)", lock, flags=re.MULTILINE)[1:]
    assert len(packages) > 50
    assert all("==" in package and "--hash=sha256:" in package for package in packages)


def test_a_study_needs_no_note(make_study):
    study, config = make_study(["vit"])
    del config["studies"]["tiny"]["note"]
    study.configure(config)
    done = study.snakemake("--", "results/tiny/tables/table3_hyperparameters.md")
    assert done.returncode == 0, done.stdout
