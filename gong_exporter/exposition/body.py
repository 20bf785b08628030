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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import ALLOWUTF8
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from gong_exporter.activity.snapshot import EMPTY, Snapshot
from gong_exporter.exposition.drop_lines import DropReport
from gong_exporter.exposition.family import Families, escape
from gong_exporter.exposition.negotiate import choose_format, gzip_wanted
from gong_exporter.exposition.render import render

LIVE_FOR = 1.0
"""Seconds for which the live part is kept: rendering it is most of what a scrape costs."""

_LEVEL = 6
"""Compression level: a few tenths of a second per poll, a third fewer bytes per scrape."""

_RAW = -zlib.MAX_WBITS
"""Deflate without a header or trailer of its own."""

CHUNK_BYTES = 384 * 1024
"""A chunk of a compressed body has about this size: what a client that does not read can hold."""

_PACKED_PIECE = 8 * 1024
_PIECE = 128 * 1024
"""Bytes that are unpacked at a time: the memory that a client that does not read can hold."""

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
class _Live:
    """The live part in one format, as of one moment on the monotonic clock.

    Attributes:
        taken_at: that moment.
        plain: its lines.
        packed: the rest of the gzip member whose begin is the snapshot's lines.
    """

    taken_at: float
    plain: bytes
    packed: bytes


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A published snapshot, ready to send.

    Attributes:
        length: bytes of its lines.
        packed: its lines as a gzip member, up to where more deflate blocks can follow, in chunks.
        crc: CRC-32 of the plain lines.
        live: the live parts last joined to it, by format (True for OpenMetrics). A new snapshot
            starts without one, so that everything that a poll changed appears together.
    """

    length: int
    packed: tuple[bytes, ...]
    crc: int
    live: dict[bool, _Live] = field(default_factory=dict)

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

    def join(self, plain: bytes, taken_at: float) -> _Live:
        """The live part that follows these lines."""
        crc = zlib.crc32(plain, self.crc)
        length = (self.length + len(plain)) & 0xFFFFFFFF
        deflated = zlib.compress(plain, level=1, wbits=_RAW)
        return _Live(taken_at, plain, deflated + struct.pack("<II", crc, length))

    def unpacked(self) -> Iterator[bytes]:
        """Its lines, in pieces of at most _PIECE bytes."""
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        for chunk in self.packed:
            for start in range(0, len(chunk), _PACKED_PIECE):
                packed = chunk[start : start + _PACKED_PIECE]
                while packed:
                    yield inflater.decompress(packed, _PIECE)
                    packed = inflater.unconsumed_tail


class Exposition:
    """Serves the snapshot that was published last. All methods may run in any thread.

    ``live`` are collected at scrapes: the exporter's own metrics, the process, the platform.
    """

    def __init__(self, live: Iterable[Collector], monotonic: Callable[[], float]) -> None:
        self._live = tuple(live)
        self._monotonic = monotonic
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
        wanted = choose_format(accept)
        live = self._live_part(prepared, openmetrics=wanted.openmetrics)
        if gzip_wanted(accept_encoding):
            packed = *prepared.packed, live.packed
            return Body(wanted.content_type, "gzip", packed, sum(map(len, packed)))
        lines = chain(prepared.unpacked(), (live.plain,))
        return Body(wanted.content_type, None, lines, prepared.length + len(live.plain))

    def _live_part(self, prepared: _Prepared, *, openmetrics: bool) -> _Live:
        now = self._monotonic()
        kept = prepared.live.get(openmetrics)
        if kept is not None and now - kept.taken_at < LIVE_FOR:
            return kept
        plain = _render_live(self._live, openmetrics=openmetrics)
        live = prepared.join(plain, now)
        prepared.live[openmetrics] = live
        return live


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
