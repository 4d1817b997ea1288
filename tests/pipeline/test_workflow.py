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


def test_a_command_sets_numbers_too_and_an_endless_configuration_ends_in_one_line(make_study):
    study, _ = make_study(["vit"])
    assert study.planned("--config", "training={batch_size: 8, epochs: 1}")["train"] == 1
    done = study.snakemake("--dry-run", "--config", "training={batch_size: many}")
    assert done.stdout.splitlines()[-1] == "error: config: training.batch_size: 'many' is not of type 'integer'"
    with (study.folder / "config.yaml").open("a") as file:
        file.write("a0: &a0 [1, 1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)))
    done = study.snakemake("--dry-run")
    assert re.fullmatch(r"error: config\.yaml: line \d+: more than 50 levels, or .*", done.stdout.splitlines()[-1])


def test_a_study_needs_no_note(make_study):
    study, config = make_study(["vit"])
    del config["studies"]["tiny"]["note"]
    study.configure(config)
    done = study.snakemake("--", "results/tiny/tables/table3_hyperparameters.md")
    assert done.returncode == 0, done.stdout
