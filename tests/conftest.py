"""What unit and pipeline tests share: the checkout's paths and its configuration."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


@pytest.fixture
def config() -> dict:
    """The checkout's config.yaml, freshly read: a test may change it."""
    return yaml.safe_load((ROOT / "config.yaml").read_text())
