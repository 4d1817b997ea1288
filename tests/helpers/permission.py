"""A file that its reader may not read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def denied(path: Path) -> Iterator[None]:
    """In the block, this process may not read the file; root, who may read all, is somebody else meanwhile."""
    path.chmod(0)
    if root := os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        path.chmod(0o644)
