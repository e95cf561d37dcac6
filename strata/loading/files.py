"""Reading the text files that a user writes: what can be wrong with them, said once.

Text is UTF-8, with or without a byte order mark, in any line ending; in memory it has `\\n` only.
"""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

MOST_BYTES = 8 * 2**20
"""A text larger than this was not written by hand; reading it would only hide the mistake."""


class UnreadableText(Exception):
    """A text file that cannot be used; `what` completes the sentence `FILE …`."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class TextMissing(UnreadableText):
    """There is no such file."""


def read_text(path: str | Path) -> str:
    """The text of the file `path`. Raises `UnreadableText`; never blocks on a pipe or device."""
    # os and open, as a notebook has many files and pathlib takes longer than reading them.
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableText("is a folder, not a file", "remove or rename the folder")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableText("is not a regular file", "put a text file in its place")
        if status.st_size > MOST_BYTES:
            size = f"{status.st_size / 2**20:.0f} MiB"
            raise UnreadableText(
                f"is {size} large", f"a text file here may have {MOST_BYTES // 2**20} MiB"
            )
        with open(path, "rb", buffering=0) as file:
            return decode(file.read())
    except (FileNotFoundError, NotADirectoryError):
        # A dangling link is there and cannot be read: not the same mistake as a wrong name.
        if os.path.islink(path):
            target = os.readlink(path)
            raise TextMissing(f"links to '{target}', which does not exist", _RELINK) from None
        raise TextMissing("does not exist", "create the file, or correct its name") from None
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise UnreadableText(f"cannot be read: {reason}", "check its permissions") from problem


_RELINK = "correct the link, or put the file in its place"


def decode(data: bytes) -> str:
    """`data` as text with `\\n` line endings. Raises `UnreadableText` if it is not UTF-8."""
    data = data.removeprefix(codecs.BOM_UTF8)  # "utf-8-sig" is a codec in Python, and slow
    try:
        text = data.decode()
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        byte = data[problem.start]
        raise UnreadableText(
            f"is not UTF-8: byte 0x{byte:02x} on line {line}", "save the file as UTF-8"
        ) from problem
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
