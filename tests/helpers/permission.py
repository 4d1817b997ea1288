"""A file or folder that this user may not use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def denied(path: Path) -> Iterator[None]:
    """In the block, this process may not use the file or folder; root, who may all, is somebody else meanwhile."""
    mode = path.stat().st_mode
    path.chmod(0)
    if root := os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        path.chmod(mode)
