"""Modules beside the notebook are compiled from their source each time they are imported.

Python trusts a `.pyc` whose recorded size and modification time, in whole seconds, are those of the
source: an edit of the same size within a second is served stale. That is a good bargain for
installed packages, which nobody edits, and none for the files that a user works on. It also keeps
`__pycache__` out of the user's folders.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

# The frozen module behind `importlib.machinery`, which every interpreter has loaded already.
_external = sys.modules["_frozen_importlib_external"]


class _FromSource(_external.SourceFileLoader):  # type: ignore[misc, name-defined]
    """Loads a module from its source, never from bytecode, and writes none."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def install(folder: str) -> None:
    """From now on, modules in and below `folder` are loaded from source."""
    folder = os.path.join(os.path.realpath(folder), "")
    environment = os.path.join(os.path.realpath(sys.prefix), "")
    loaders = (
        (_external.ExtensionFileLoader, _suffixes()),
        (_FromSource, _external.SOURCE_SUFFIXES),
    )
    finder_of = _external.FileFinder.path_hook(*loaders)

    def hook(path: str) -> Any:
        here = os.path.join(os.path.realpath(path or "."), "")
        # An environment inside the folder holds installed packages.
        if not here.startswith(folder) or here.startswith(environment):
            raise ImportError(path)
        return finder_of(path)

    sys.path_hooks.insert(0, hook)


def _suffixes() -> list[str]:
    import _imp

    return _imp.extension_suffixes()
