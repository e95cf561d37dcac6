"""The names of distributions: of what is in a lock, and of what is installed."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[-_.]+")


def normalized(name: str) -> str:
    """The one spelling of a distribution's name (PEP 503): `Scikit_Learn` is `scikit-learn`."""
    return _SEPARATORS.sub("-", name).lower()
