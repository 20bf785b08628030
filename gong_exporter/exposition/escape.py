"""Label values as both formats write them."""

from __future__ import annotations

import re

from gong_exporter.exposition.names import label_value

_SPECIAL = re.compile('[\x00\ud800-\udfff\\\\\n"]')
"""Characters that need escaping or replacing in a label value; hardly any value has one."""


def escape(text: str) -> bytes:
    """A label value between its quotes, as both formats write it."""
    if _SPECIAL.search(text) is None:
        return text.encode()
    clean = label_value(text)
    return clean.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"").encode()
