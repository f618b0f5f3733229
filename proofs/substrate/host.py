"""Where a host pallet keeps what IBC v2 speaks of: under one storage prefix, each path as it is, each value as it is.

A storage map has a prefix of 32 bytes, twox128 of the pallet's name and twox128 of the map's. The host uses the
Identity hasher and keys and values without a length in front, so that a key is the prefix and the path, and the stored
bytes are the value of the claim: 32 bytes of a commitment, 8 bytes big-endian of the last sequence sent. What is absent
has no key at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.errors import MalformedProof

PREFIX_BYTES: Final = 32
# A client id of up to 64 characters, the kind and a sequence; the send counter's path is as long.
_PATH_BYTES_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class HostLayout:
    """prefix: of the host's storage map. All have one length, so none is the beginning of another."""

    prefix: bytes

    def key(self, path: bytes) -> bytes:
        """The storage key of a path. Raises MalformedProof."""
        check_path_length(path)
        return self.prefix + path


def check_layout(layout: HostLayout) -> None:
    """A map of a pallet has a prefix of 32 bytes."""
    if len(layout.prefix) != PREFIX_BYTES:
        raise MalformedProof("storage prefix", got=len(layout.prefix), expected=PREFIX_BYTES)


def check_path_length(path: bytes) -> None:
    """A path names something, and is short: the depth of the trie grows with it."""
    if not 0 < len(path) <= _PATH_BYTES_MAX:
        raise MalformedProof("path", got=len(path), expected=f"1 to {_PATH_BYTES_MAX} bytes")
