"""Reading the four IDX files of Fashion-MNIST (Xiao et al. 2017), gzipped or not.

The format is described at http://yann.lecun.com/exdb/mnist.
"""

import gzip
import hashlib
import math
import zlib
from collections.abc import Mapping
from io import BytesIO

import numpy as np

from fashion.data.dataset import FILES, Dataset

LARGEST = 100_000_000  # bytes; Fashion-MNIST's largest file has 47 million


class SourceError(Exception):
    """The reason why a source cannot give the dataset, in one line."""


def uncompress(content: bytes) -> bytes:
    """Returns `content`, decompressed if it is gzipped; raises a `SourceError` if it is truncated or damaged."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        # A small file may unpack to gigabytes.
        with gzip.open(BytesIO(content)) as file:
            uncompressed = file.read(LARGEST + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise SourceError(f"truncated or damaged gzip file ({error})") from None
    if len(uncompressed) > LARGEST:
        raise SourceError(f"more than {LARGEST:,} bytes")
    return uncompressed


def parse_idx(content: bytes, dimensions: int) -> np.ndarray:
    """Returns the array of unsigned bytes in an IDX file; raises a `SourceError` for other content.

    The header is two zero bytes, the type (8: unsigned byte), the number of `dimensions`, and each size in 32 bits.
    """
    if content.lstrip()[:1] == b"<":
        raise SourceError("an HTML page instead of data")
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes((0, 0, 8, dimensions)):
        raise SourceError(f"not an IDX file of bytes in {dimensions} dimensions: it begins with {content[:4]!r}")
    shape = np.frombuffer(content, ">u4", dimensions, offset=4).tolist()
    size = header + math.prod(shape)
    if len(content) != size:
        raise SourceError(f"{len(content)} bytes, where its header promises {size}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def parse(contents: Mapping[str, bytes], checksums: Mapping[str, str] | None) -> tuple[Dataset, dict[str, str]]:
    """Returns the dataset in the four IDX files, and the SHA-256 of the uncompressed content of each.

    Raises `SourceError` if they hold no such dataset, or differ from `checksums`; None allows any content.
    """
    arrays, digests = {}, {}
    for key, name in FILES.items():
        try:
            content = uncompress(contents[name])
            arrays[key] = parse_idx(content, 3) if key.endswith("images") else parse_idx(content, 1).astype(np.int64)
            digests[name] = hashlib.sha256(content).hexdigest()
            if checksums is not None and digests[name] != checksums[name]:
                raise SourceError(f"wrong checksum: SHA-256 {digests[name]}, not {checksums[name]}")
        except SourceError as error:
            raise SourceError(f"{name}: {error}") from None
    try:
        return Dataset(**arrays), digests
    except ValueError as error:
        raise SourceError(str(error)) from None
