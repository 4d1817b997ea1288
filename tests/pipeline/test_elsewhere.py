"""The pipeline called from other places than its checkout: another working directory, another workflow."""

import shutil
import subprocess
import sys

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


def test_in_an_odd_folder_from_a_notebook_without_activation_and_beside_packages_of_ones_own(make_study, tmp_path):
    study, _ = make_study(["vit"])
    checkout = tmp_path / "te$t {x} it's"
    shutil.copytree(study.checkout, checkout)
    # Imported by each interpreter that finds it.
    (tmp_path / "sitecustomize.py").write_text(
        f"import os\nprint(os.environ['PYTHONPATH'], file=open({str(tmp_path / 'paths.txt')!r}, 'a'))\n"
    )
    stranger = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
    stranger["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # of a package that is not installed
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--snakefile", str(checkout / "Snakefile")]
    figure = "results/tiny/figures/fig01_samples.png"
    done = subprocess.run([*command, "--", figure], cwd=study.folder, env=stranger, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (study.folder / figure).exists()
    assert set((tmp_path / "paths.txt").read_text().splitlines()) == {str(tmp_path), f"{checkout}/src:{tmp_path}"}
