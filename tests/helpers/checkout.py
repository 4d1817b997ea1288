"""The checkout that is tested, with its configuration and its report."""

from pathlib import Path

import yaml

from fashion.study.report import Report

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())  # the fixture `config` is a copy to change
CONFIGURED = CONFIG["models"]
# The two largest take gigabytes and seconds to train a step; their layers are those of the others.
LIGHT = [name for name in CONFIGURED if name not in ("vgg12", "resnet18_wide")]
REPORT = Report(ROOT / "workflow/report")
