"""The data files of a page, read as a browser reads them."""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

_CALL = re.compile(r'receive\("([^"\\]*)","([A-Za-z0-9+/=]*)"\);\n')


def read_data(page: Path, name: str) -> Any:
    """Return the value of the file `NAME.js` of a page."""
    call = _CALL.fullmatch((page / "data" / f"{name}.js").read_text(encoding="ascii"))
    assert call is not None, "a data file is one call, in letters that end no script"
    assert call[1] == name

    def refuse(constant: str) -> None:
        raise ValueError(f"JSON has no {constant}")

    return json.loads(gzip.decompress(base64.b64decode(call[2])), parse_constant=refuse)


def read_chunks(page: Path, name: str) -> list[Any]:
    """Return the records of all files of a kind, such as `RUN/interactions`."""
    files = sorted((page / "data" / name).glob("*.js"))
    return [one for file in files for one in read_data(page, f"{name}/{file.stem}")]


def bytes_of(page: Path) -> dict[str, bytes]:
    """Return the contents of all files of a page, by their paths."""
    files = (file for file in sorted(page.rglob("*")) if file.is_file())
    return {str(file.relative_to(page)): file.read_bytes() for file in files}
