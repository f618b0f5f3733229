"""A state trie built from its entries, read literally from the specification: roots and read proofs for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proofs.merkle.substrate_node import WIDTH, Node, encode_node
from proofs.merkle.substrate_trie import encode_proof
from proofs.primitives.hashing import blake2b_256

HASH_BYTES = 32


class State:
    """Layout v1: values above 32 bytes are named by their hash."""

    def __init__(self, entries: Mapping[bytes, bytes]) -> None:
        self.entries = dict(entries)
        self._by_hash: dict[bytes, bytes] = {}
        items = sorted((key.hex(), value) for key, value in entries.items())
        self._top = self._build(items)
        self.root = self._store(self._top)

    def nodes(self, keys: Iterable[bytes]) -> tuple[bytes, ...]:
        """What shows each key's value or absence, each node once."""
        found: dict[bytes, None] = {}
        for key in keys:
            self._collect(key.hex(), found)
        return tuple(found)

    def prove(self, keys: Iterable[bytes]) -> bytes:
        return encode_proof(self.nodes(keys))

    def _build(self, items: list[tuple[str, bytes]]) -> bytes:
        partial = shared([path for path, _ in items])
        rest = [(path[len(partial) :], value) for path, value in items]
        own = next((value for path, value in rest if not path), None)
        children: list[bytes | None] = [None] * WIDTH
        for nibble in range(WIDTH):
            below = [(path[1:], value) for path, value in rest if path and int(path[0], 16) == nibble]
            if below:
                encoded = self._build(below)
                children[nibble] = encoded if len(encoded) < HASH_BYTES else self._store(encoded)
        hashed = own is not None and len(own) > HASH_BYTES
        return encode_node(
            Node(
                partial,
                None if hashed else own,
                self._store(own) if hashed and own is not None else None,
                tuple(children),
            )
        )

    def _store(self, data: bytes) -> bytes:
        digest = blake2b_256(data)
        self._by_hash[digest] = data
        return digest

    def _collect(self, path: str, found: dict[bytes, None]) -> None:
        """Walk down without decoding: the entries say how the trie branches."""
        before = ""
        while below := {key.hex(): value for key, value in self.entries.items() if key.hex().startswith(before)}:
            encoded = self._build(sorted((key[len(before) :], value) for key, value in below.items()))
            if len(encoded) >= HASH_BYTES or not before:
                found[encoded] = None
            reached = shared(list(below))
            if path == reached and len(below[path]) > HASH_BYTES:
                found[below[path]] = None
            if path == reached or not path.startswith(reached):
                return
            before = path[: len(reached) + 1]


def shared(paths: list[str]) -> str:
    """The longest beginning that all have in common."""
    first, last = min(paths), max(paths)
    length = next((n for n, digit in enumerate(first) if last[n : n + 1] != digit), len(first))
    return first[:length]
