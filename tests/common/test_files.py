"""Bounded reads of files."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from gong_exporter.common.files import UnreadableFile, read_bounded


def test_a_file_up_to_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")

    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(UnreadableFile, match=r"^is larger than 4 bytes$"):
        read_bounded(path, 4)


def test_a_file_without_an_end_is_refused_and_takes_no_memory() -> None:
    with pytest.raises(UnreadableFile, match="is not a file"):
        read_bounded(Path("/dev/zero"), 10)


def test_a_pipe_without_a_writer_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(UnreadableFile, match=r"^is not a file \(a pipe could be read only once\)$"):
        read_bounded(tmp_path / "pipe", 10)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "cannot be read: No such file or directory"),
        (".", "cannot be read: Is a directory"),
        ("a\0b", "cannot be read: no file can have this name"),
        ("x" * 300, "cannot be read: File name too long"),
    ],
)
def test_the_reason_is_named_without_the_file(name: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_bounded(tmp_path / name, 10)

    assert str(caught.value) == why


def test_a_file_that_is_too_large_is_not_in_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("HIDDEN" * 10)

    with pytest.raises(UnreadableFile) as caught:
        read_bounded(tmp_path / "secret", 10)

    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert frames[-1].f_code.co_name == "read_bounded"
    assert "HIDDEN" not in repr(frames[-1].f_locals)
