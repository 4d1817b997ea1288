"""The script for a machine without internet: it trains, stops when told, goes on, and packs what is finished."""

import shutil
import signal
import subprocess
import tarfile
import time

import pandas as pd
import yaml

RUN = "results/tiny/runs/vit/both/seed0/metrics.json"


def test_a_call_that_is_stopped_packs_and_the_next_goes_on(make_study, checkout, idx_folder, tmp_path):
    study, config = make_study(["vit"])
    config["training"] |= {"epochs": 60, "patience": 60}
    config["data"] = {"folder": None, "verify": False}  # the script says where
    # A copy without git history, as it reaches such a machine.
    copy = tmp_path / "copy"
    for folder in ("envs", "profiles", "src", "workflow"):
        shutil.copytree(checkout / folder, copy / folder)
    shutil.copy(checkout / "Snakefile", copy)
    (copy / "config.yaml").write_text(yaml.safe_dump(config))
    log, archive = copy / "results/tiny/logs/vit/both/seed0.log", tmp_path / "out/reference.tar.gz"
    script = copy / "workflow/offline/run.sh"
    dataset = shutil.copytree(idx_folder, tmp_path / 'the "data"')
    command = [script, "-d", dataset, "-o", archive.parent, "-b", "tiny", "-r", "c0ffee", "--", RUN]

    def start() -> subprocess.Popen:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=study.environment
        )

    first = start()
    deadline = time.monotonic() + 240
    while not (log.exists() and "epoch 5:" in log.read_text()):
        assert first.poll() is None, first.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    output, _ = first.communicate(timeout=120)
    assert first.returncode not in (0, -signal.SIGTERM), output
    assert "interrupted in epoch" in log.read_text()
    assert "vit both seed 0: not finished" in output
    with tarfile.open(archive) as packed:
        assert not any(name.startswith("reference") for name in packed.getnames())

    second = start()
    output, _ = second.communicate(timeout=400)
    assert second.returncode == 0, output
    assert "resumed at epoch" in log.read_text()
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    published = tmp_path / "reference/tiny"
    assert len(pd.read_csv(published / "runs/vit/both/seed0/history.csv")) == 60
    assert "commit c0ffee" in (published / "README.md").read_text()
    assert not list(published.rglob("*.safetensors"))
    assert (published / "tables/comparison.md").exists()
