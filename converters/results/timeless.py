"""Office documents without the time of their making, which the libraries write into them: same content, same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime

_STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def timeless(document: bytes, created: datetime) -> bytes:
    """Return an XLSX or DOCX with `created` as its time, and the first moment a ZIP can hold as that of every part."""
    out = io.BytesIO()
    moment = created.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(io.BytesIO(document)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>" + moment, content)
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return out.getvalue()
