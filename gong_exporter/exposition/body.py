"""The response to a scrape: the snapshot's lines, prepared once, joined with the live metrics.

Only the compressed lines are kept, a twentieth of the plain ones. The rare client that does not
take gzip gets them unpacked while they are sent.

A snapshot's lines are rendered and deflated when it is published. The deflate stream ends in
``Z_FULL_FLUSH``: on a byte boundary and with an empty dictionary, so that another raw deflate
stream can follow, and both lie in one gzip member (RFC 1951, RFC 1952). The checksum in its
trailer continues the prepared part's.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from prometheus_client.exposition import choose_encoder, generate_latest, gzip_accepted
from prometheus_client.openmetrics.exposition import ALLOWUTF8, DOTS, UNDERSCORES
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from gong_exporter.activity.snapshot import EMPTY, Snapshot
from gong_exporter.exposition.drop_lines import DropReport
from gong_exporter.exposition.family import Families, escape
from gong_exporter.exposition.render import render

_LEVEL = 6
"""Compression level: a few tenths of a second per poll, a third fewer bytes per scrape."""

_RAW = -zlib.MAX_WBITS
"""Deflate without a header or trailer of its own."""

CHUNK_BYTES = 384 * 1024
"""A chunk of a compressed body has about this size: what a client that does not read can hold."""

_PACKED_PIECE = 8 * 1024
"""Bytes that are unpacked at a time, to some twenty times as many, which a client that does not
read can hold."""

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Deflate, no file name, no time, unknown operating system."""


_SAMPLE = re.compile(rb"^([a-zA-Z_:][a-zA-Z0-9_:]*)([{ ])", re.MULTILINE)
"""The begin of a sample's line in the text format."""


@dataclass(frozen=True, slots=True)
class Body:
    """One response to a scrape.

    Attributes:
        content_type: of the format chosen.
        content_encoding: ``gzip``, or None.
        chunks: what to send, in order, each when the client has taken the one before. None is much
            larger than CHUNK_BYTES. Can be iterated once.
        length: bytes of all chunks.
    """

    content_type: str
    content_encoding: str | None
    chunks: Iterable[bytes]
    length: int


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A published snapshot, ready to send.

    Attributes:
        length: bytes of its lines.
        packed: its lines as a gzip member, up to where more deflate blocks can follow, in chunks.
        crc: CRC-32 of the plain lines.
    """

    length: int
    packed: tuple[bytes, ...]
    crc: int

    @classmethod
    def of(cls, snapshot: Snapshot, drops: DropReport | None = None) -> _Prepared:
        chunks: list[bytes] = []
        held = bytearray(_GZIP_HEADER)
        length = crc = 0
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
        for piece in render(snapshot, drops):
            length += len(piece)
            crc = zlib.crc32(piece, crc)
            held += compressor.compress(piece)
            if len(held) >= CHUNK_BYTES:
                chunks.append(bytes(held))
                held.clear()
        held += compressor.flush(zlib.Z_FULL_FLUSH)
        return cls(length, (*chunks, bytes(held)), crc)

    def gzip_end(self, live: bytes) -> bytes:
        """The rest of the gzip member: the live part that follows these lines, and the trailer."""
        crc = zlib.crc32(live, self.crc)
        length = (self.length + len(live)) & 0xFFFFFFFF
        return zlib.compress(live, level=1, wbits=_RAW) + struct.pack("<II", crc, length)

    def unpacked(self) -> Iterator[bytes]:
        """Its lines, in pieces."""
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        for chunk in self.packed:
            for start in range(0, len(chunk), _PACKED_PIECE):
                yield inflater.decompress(chunk[start : start + _PACKED_PIECE])


class Exposition:
    """Serves the snapshot that was published last. All methods may run in any thread.

    ``live`` are collected at scrapes: the exporter's own metrics, the process, the platform.
    """

    def __init__(self, live: Iterable[Collector]) -> None:
        self._live = tuple(live)
        self._prepared = _Prepared.of(EMPTY)

    def publish(self, snapshot: Snapshot, drops: DropReport | None = None) -> None:
        """Render a snapshot and what was found about drops, then serve it instead of the last one.

        Rendering takes some tenths of a second for 10,000 users. Scrapes get the last snapshot
        until then, and a response that has begun keeps its snapshot to the end.
        """
        self._prepared = _Prepared.of(snapshot, drops)

    def body(self, accept: str | None, accept_encoding: str | None) -> Body:
        """The response to a scrape with these headers (None if absent)."""
        prepared = self._prepared  # read once: a response has one snapshot
        content_type = choose_content_type(accept)
        openmetrics = content_type.startswith("application/openmetrics-text")
        live = _render_live(self._live, openmetrics=openmetrics)
        if gzip_accepted(accept_encoding or ""):
            packed = *prepared.packed, prepared.gzip_end(live)
            return Body(content_type, "gzip", packed, sum(map(len, packed)))
        lines = chain(prepared.unpacked(), (live,))
        return Body(content_type, None, lines, prepared.length + len(live))


def choose_content_type(accept: str | None) -> str:
    """The first format of an Accept header that we have; the text format 0.0.4 if none is.

    Escaping with dots would double every underscore of our names, which are rendered once for all.
    """
    return choose_encoder((accept or "").replace(f"={DOTS}", f"={UNDERSCORES}"))[1]


def once_text(
    snapshot: Snapshot,
    metrics: Collector,
    labels: Sequence[tuple[str, str]] = (),
    drops: DropReport | None = None,
) -> bytes:
    """The exposition in the text format, for a file, so without ``process_*`` and ``python_*``.

    ``labels`` are added to every sample; no sample has one of these names already.
    """
    text = b"".join([*render(snapshot, drops), _render_live([metrics], openmetrics=False)])
    if not labels:
        return text
    added = b",".join(b'%b="%b"' % (name.encode(), escape(value)) for name, value in labels)

    def with_labels(line: re.Match[bytes]) -> bytes:
        name, brace = line.groups()
        return b"%b{%b%b" % (name, added, b"," if brace == b"{" else b"} ")

    return _SAMPLE.sub(with_labels, text)


def _render_live(collectors: Sequence[Collector], *, openmetrics: bool) -> bytes:
    """The collectors' families; in OpenMetrics with the ``# EOF`` that ends the exposition."""
    collected = list(chain.from_iterable(c.collect() for c in collectors))
    families = Families(lambda: collected)
    if openmetrics:
        # The default escaping looks at each character of the names, of which none needs any.
        text: bytes = generate_openmetrics(families, escaping=ALLOWUTF8)  # type: ignore[no-untyped-call]  # has none
        return text
    return generate_latest(families)
