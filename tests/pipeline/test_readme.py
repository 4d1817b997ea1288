"""Every command that README.md, CONTRIBUTING.md and docs/ tell their reader to type is one that works."""

import re
import shlex
import subprocess

import pytest
from PIL import Image

from helpers import forked
from helpers.checkout import ROOT

PAGES = [(ROOT / page).read_text() for page in ("README.md", "CONTRIBUTING.md", "docs/running.md", "docs/baseline.md")]
BLOCKS = [block for page in PAGES for block in re.findall(r"^```bash\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
COMMANDS = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]
RUN = "results/tiny/runs/vit/both/seed0"


def test_the_first_commands_are_those_that_ci_runs():
    assert COMMANDS[:4] == ["make quick", "make test", "make published", "make report"]
    assert {"make quick", "make test"} <= set((ROOT / ".ci/run").read_text().splitlines())


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("pytest ")])
def test_a_command_for_some_tests_names_tests(command):
    assert (ROOT / command.partition(" ")[2]).exists()


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_a_make_target_exists_and_says_what_it_would_do(command):
    # The virtual environment is the one that the tests run in: nothing is installed.
    done = subprocess.run(
        [*shlex.split(command), "--dry-run", "--no-print-directory", "--assume-old=.venv/.installed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_make_report_is_the_plain_snakemake_command():
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "--assume-old=.venv/.installed", "report"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "snakemake --cores all --resources gpu=1"
    assert done.stdout.splitlines()[-1] in COMMANDS


def arguments_of(command: str) -> list[str]:
    """A command's words after the first, of the one study that the tests have in the place of those it names."""
    # An unpacked archive is tried in test_archive.py.
    command = command.replace("elsewhere/published/results/published/runs/baseline/light/seed0", RUN)
    command = command.replace("photograph.jpg", "trousers.jpg")
    return shlex.split(re.sub("quick|baseline_long", "tiny", command).replace("published_vgg8", "vit"))[1:]


@pytest.fixture(scope="module")
def study(whole, tmp_path_factory):
    """A finished study in which commands may write."""
    study = whole.study.copy(tmp_path_factory.mktemp("readme") / "study")
    (study.folder / "workflow").symlink_to(ROOT / "workflow")
    (study.folder / "mine.yaml").write_text("training: {epochs: 1}\n")
    return study


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("snakemake ")])
def test_a_snakemake_command_is_understood(command, study):
    arguments = arguments_of(command)
    done = study.snakemake(*([] if "--report" in arguments else ["--dry-run"]), *arguments)
    assert done.returncode == 0, done.stdout
    assert "--report" not in arguments or (study.folder / arguments[-1]).exists()
    # One that is not found is passed over in silence.
    assert "--workflow-profile" not in arguments or f"workflow specific profile {arguments[-1]} " in done.stdout


def test_a_runs_spec_repeats_it(study):
    (command,) = (command for command in COMMANDS if command.startswith("python -m fashion"))
    environment = study.environment | {"PYTHONPATH": str(study.checkout / "src")}
    # To the last bit only with as many threads: `Study` gives a training one.
    program = [forked.python(), *arguments_of(command), "--threads", "1"]
    subprocess.run(program, cwd=study.folder, env=environment, check=True)
    again, first = (study.folder / folder / "model.safetensors" for folder in ("again", RUN))
    assert again.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("fashion ")])
def test_a_fashion_command_works(command, study, dataset):
    (study.folder / "photographs").mkdir(exist_ok=True)
    for name in ("trousers.jpg", "photographs/bag.png"):
        Image.fromarray(dataset.test_images[0]).save(study.folder / name)
    environment = study.environment | {"PYTHONPATH": str(study.checkout / "src")}
    program = [forked.python(), "-m", "fashion", *arguments_of(command)]
    done = subprocess.run(program, cwd=study.folder, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("workflow/offline/")])
def test_a_script_for_a_machine_without_internet_knows_its_options(command):
    script, *arguments = shlex.split(command)
    usage = subprocess.run([ROOT / script], cwd=ROOT, capture_output=True, text=True)
    assert usage.returncode == 2
    for option in arguments:
        assert not option.startswith("-") or f"{option} " in usage.stderr
    assert subprocess.run(["bash", "-n", script], cwd=ROOT).returncode == 0
