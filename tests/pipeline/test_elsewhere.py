"""The pipeline called from other places than its checkout: another working directory, another workflow."""

import subprocess

import yaml

from helpers import forked
from helpers.checkout import ROOT


def test_as_a_module_of_another_workflow(make_study):
    study, config = make_study(["vit"])
    (study.folder / "config.yaml").unlink()
    (study.folder / "fashion.yaml").write_text(yaml.safe_dump(config))
    outer = study.folder / "Snakefile"
    outer.write_text(
        f'configfile: "fashion.yaml"\n'
        f"module fashion:\n    snakefile: {str(study.checkout / 'Snakefile')!r}\n    config: config\n"
        "use rule * from fashion as fashion_*\n"
        "rule mine:\n    default_target: True\n    input: 'results/tiny/tables/comparison.csv'\n"
        "    output: 'mine.txt'\n"
        "    shell: 'head -1 {input} > {output}; echo \"${{MALLOC_TRIM_THRESHOLD_-}}\" >> {output}'\n"
    )
    command = [forked.python(), "-m", "snakemake", "--cores", "2"]
    done = subprocess.run(command, cwd=study.folder, env=study.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    header, ours = (study.folder / "mine.txt").read_text().splitlines()
    assert header.startswith("model,augmentation,")
    assert ours == "", "the other workflow's jobs have their own environment"


def test_with_a_directory_and_no_configuration_there_the_checkouts_is_used(make_study, tmp_path):
    study, _ = make_study(["vit"])
    study.checkout = ROOT
    (study.folder / "config.yaml").unlink()
    done = study.snakemake("--directory", str(tmp_path), "--dry-run", "--config", "study=quick")
    assert done.returncode == 0, done.stdout
    assert "study quick: 16 runs, 16 to train" in done.stdout
