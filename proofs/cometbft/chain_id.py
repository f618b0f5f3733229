"""The revision that a chain id carries: heights start anew with each, so IBC counts it in front of the height."""

from __future__ import annotations

import re
from typing import Final

_U64_LIMIT: Final = 1 << 64
_WITH_REVISION: Final = re.compile(r".*[^\n-]-([1-9][0-9]{0,19})", re.ASCII)


def revision_of(chain_id: str) -> int:
    """Return the number behind the last hyphen, 0 where there is none. Source: ibc-go 02-client ParseChainID.

    >>> revision_of("cosmoshub-4"), revision_of("mocha"), revision_of("chain-04"), revision_of("a--1")
    (4, 0, 0, 0)
    """
    match = _WITH_REVISION.fullmatch(chain_id)
    revision = int(match[1]) if match else 0
    return revision if revision < _U64_LIMIT else 0
