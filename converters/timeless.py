"""Office documents without the time of their making, which the libraries write into them: same content, same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from xml.sax.saxutils import escape

_STAMP = re.compile(rb"(<dcterms:\w+[^>]*>)[^<]*")
_NO_TIME = (1980, 1, 1, 0, 0, 0)
FIRST_MOMENT = "1980-01-01T00:00:00"
"""The first moment a ZIP can hold."""


def timeless(document: bytes, created: str = FIRST_MOMENT, *, mode: int = 0) -> bytes:
    """Return an XLSX or DOCX with `created` (ISO 8601, to the second) as its time, and the first moment as that of its parts.

    `mode` are the permissions of a part once it is unpacked (0: none are said).
    """
    out = io.BytesIO()
    stamp = rb"\g<1>" + f"{escape(created[:19])}Z".encode()
    with zipfile.ZipFile(io.BytesIO(document)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(stamp, content)
            part = zipfile.ZipInfo(name, _NO_TIME)
            part.compress_type = zipfile.ZIP_DEFLATED
            part.external_attr = mode << 16
            target.writestr(part, content)
    return out.getvalue()
