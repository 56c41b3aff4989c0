"""What a file is instead of data: a Git LFS pointer, a web page or an archive."""

from pathlib import Path

_POINTERS = (b"version https://git-lfs", b"version https://hawser")
_PAGES = (b"<!doctype html", b"<html", b"<?xml")
_ARCHIVES = {
    b"PK\x03\x04": "a ZIP archive: unpack it",
    b"BZh": "compressed by bzip2: bunzip2 it",
    b"\xfd7zXZ\x00": "compressed by xz: unxz it",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unzstd it",
    b"PAR1": "a Parquet file: its name must end with .parquet",
    b"ARROW1": "an Arrow file: save it as Parquet or JSON lines",
}

HEAD = 512
"""Number of bytes at the beginning of a file that `wrong_kind` needs."""

GZIP = b"\x1f\x8b"
"""The first bytes of a file that gzip has compressed."""


def pointer(head: bytes) -> str | None:
    """Return what a pointer that stands for a large file is, from its first bytes; else None."""
    if head.startswith(_POINTERS):
        return "a Git LFS pointer and not the file itself: git lfs pull"
    if head.startswith((b"/annex/objects/", b"../.git/annex/", b".git/annex/objects/")):
        return "a git-annex pointer and not the file itself: git annex get"
    return None


def pointer_at(path: Path) -> str | None:
    """Return what a file is that is a pointer, see `pointer`; else None.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return pointer(file.read(HEAD))


def wrong_kind(head: bytes, name: str = "") -> str | None:
    """Return what a file is that should hold data, from its first bytes; else None.

    Args:
        head: The first `HEAD` bytes of the file, or all of a shorter one.
        name: Name of the file; one that ends with .parquet may be a Parquet file.

    Returns:
        Words that go behind "FILE is"; None where nothing is known to be wrong.
    """
    if named := pointer(head):
        return named
    if name.endswith(".parquet") and head.startswith(b"PAR1"):
        return None
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        return "a web page and not the file itself: download the raw file"
    return next((name for magic, name in _ARCHIVES.items() if head.startswith(magic)), None)
