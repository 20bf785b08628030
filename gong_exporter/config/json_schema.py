"""What the JSON Schema of the configuration says of single values.

The loader takes every scalar as text, but an editor sees YAML's numbers and booleans, so both are
allowed where both can be written.
"""

from __future__ import annotations

from pydantic import WithJsonSchema
from pydantic.config import JsonDict

from gong_exporter.activity.windows import PERIODS
from gong_exporter.config.durations import UNITS

_ID = "[0-9]{1,20}"
_EMAIL_CHARACTER = r"[^@\s<>(),;\"\u00ad\u200b-\u200f\ufeff]"
_EMAIL = rf"(?![mM]ailto:|'){_EMAIL_CHARACTER}{{1,64}}@{_EMAIL_CHARACTER}{{1,255}}(?<![.'])"
_METRIC = "^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
_WINDOW = f"^([1-9][0-9]?|[123][0-9][0-9]|400)d$|^({'|'.join(PERIODS)})$"
_SCHEME = "[hH][tT][tT][pP][sS]?://"
_ANY_TEXT = ["string", "number", "boolean"]


def _text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


def _names(pattern: str) -> JsonDict:
    """A list of different names."""
    return {
        "type": "array",
        "items": {"type": "string", "pattern": pattern},
        "minItems": 1,
        "uniqueItems": True,
    }


PATH = WithJsonSchema({"type": "string", "minLength": 1})
ACCESS_KEY = WithJsonSchema({"type": _ANY_TEXT, "pattern": "^[!-9;-~]+$"})
SECRET = WithJsonSchema({"type": _ANY_TEXT, "pattern": "^[!-~]+$"})
NAME = WithJsonSchema({"type": "string", "minLength": 1})
CRON = _text(r"^\s*(@[A-Za-z]+|[\w*/,-]+(\s+[\w*/,-]+){4})\s*$")
PROXY_URL = _text(rf"^{_SCHEME}[^\s<>/?#]+/?$")
BASE_URL = _text(rf"^{_SCHEME}[^\s<>@?#/:][^\s<>@?#]*$")
DURATION = _text(f"^(?=.){''.join(f'([0-9]+{unit})?' for unit in UNITS)}$")
MOMENT = _text(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$")
RATE = WithJsonSchema(
    {"type": ["number", "string"], "exclusiveMinimum": 0, "pattern": r"^\d*\.?\d+$"}
)
QUOTA = WithJsonSchema({"type": ["integer", "string"], "minimum": 1, "pattern": r"^\d+$"})
ONE_SCHEDULE: JsonDict = {
    "not": {
        "required": ["interval", "cron"],
        "properties": {"interval": {"type": "string"}, "cron": {"type": "string"}},
    }
}
SWITCH = WithJsonSchema({"type": "boolean"})
ROSTER = WithJsonSchema({"const": "gong"})
ROSTER_LABELS = WithJsonSchema(
    {
        "type": "array",
        "items": {"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
        "uniqueItems": True,
    }
)
EMAIL_LABEL = WithJsonSchema({"enum": ["plain", "hashed", "omitted"]})
WINDOWS = WithJsonSchema(_names(_WINDOW))
METRICS = WithJsonSchema({"anyOf": [{"const": "all"}, _names(_METRIC)]})
_ID_OR_EMAIL: tuple[JsonDict, ...] = (
    {"type": "integer", "minimum": 0},
    {"type": "string", "pattern": f"^({_ID}|{_EMAIL})$"},
)
_KEY = {
    "id": {"type": ["integer", "string"], "minimum": 0, "pattern": f"^({_ID})?$"},
    "email": {"type": ["string", "null"], "pattern": f"^({_EMAIL})?$"},
}
USERS = WithJsonSchema(
    {
        "anyOf": [
            {"const": "all"},
            {
                "type": "array",
                "minItems": 1,
                "items": {
                    "anyOf": [
                        *_ID_OR_EMAIL,
                        {
                            "type": "object",
                            "properties": _KEY,
                            "anyOf": [{"required": ["id"]}, {"required": ["email"]}],
                            "additionalProperties": {"type": [*_ANY_TEXT, "null"]},
                        },
                    ]
                },
            },
        ]
    }
)
EXCLUDE_USERS = WithJsonSchema({"type": "array", "items": {"anyOf": [*_ID_OR_EMAIL]}})
