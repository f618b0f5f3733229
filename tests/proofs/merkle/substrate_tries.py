"""A naive state trie to hold the real one against: built from the top by grouping keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b


def digest_of(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()


def compact(number: int) -> bytes:
    if number < 64:
        return bytes((number * 4,))
    if number < 2**14:
        return (number * 4 + 1).to_bytes(2, "little")
    return (number * 4 + 2).to_bytes(4, "little")


def header(prefix: int, room: int, nibbles: int) -> bytes:
    """`room`: the largest number that the first byte holds, which says that more follows."""
    if nibbles < room:
        return bytes((prefix + nibbles,))
    rest = nibbles - room
    return bytes((prefix + room, *[255] * (rest // 255), rest % 255))


def shared_by(texts: list[str]) -> str:
    if not texts:
        return ""
    first, last = min(texts), max(texts)
    return next((first[:end] for end in range(len(first), 0, -1) if last.startswith(first[:end])), "")


@dataclass(frozen=True)
class Placed:
    """A node or long value, the digits that lead to it, and for whom it is needed."""

    entry: str
    path: str
    encoded: bytes
    is_value: bool = False


@dataclass
class NaiveTrie:
    entries: Mapping[bytes, bytes]
    hashes_values: bool
    placed: list[Placed] = field(default_factory=list)
    root: bytes = b""

    def __post_init__(self) -> None:
        entries = {key.hex(): value for key, value in self.entries.items()}
        encoded = self._node(entries, "") if entries else b"\x00"
        self.root = digest_of(encoded)
        self.placed = [each for each in self.placed if each.entry or each.is_value]
        self.placed.append(Placed("", shared_by(list(entries)), encoded))

    def _node(self, entries: dict[str, bytes], entry: str) -> bytes:
        path = shared_by(list(entries))
        partial = path[len(entry) :]
        value = entries.get(path)
        below = {key: each for key, each in entries.items() if key != path}
        children = [
            self._reference({key: each for key, each in below.items() if key[len(path)] == digit}, path + digit)
            for digit in "0123456789abcdef"
        ]
        is_hashed = self.hashes_values and value is not None and len(value) > 32
        prefix, room = {
            (True, False): (0x40, 63),
            (True, True): (0x20, 31),
            (False, False): (0x80 if value is None else 0xC0, 63),
            (False, True): (0x10, 15),
        }[not below, is_hashed]
        encoded = header(prefix, room, len(partial)) + bytes.fromhex("0" * (len(partial) % 2) + partial)
        if below:
            encoded += sum(2**place for place, child in enumerate(children) if child).to_bytes(2, "little")
        if is_hashed:
            assert value is not None
            encoded += digest_of(value)
            self.placed.append(Placed(path, path, value, is_value=True))
        elif value is not None:
            encoded += compact(len(value)) + value
        encoded += b"".join(compact(len(child)) + child for child in children if child)
        self.placed.append(Placed(entry, path, encoded))
        return encoded

    def _reference(self, entries: dict[str, bytes], entry: str) -> bytes:
        if not entries:
            return b""
        encoded = self._node(entries, entry)
        return encoded if len(encoded) < 32 else digest_of(encoded)

    def _named_by_hash(self) -> Iterator[Placed]:
        return (each for each in self.placed if len(each.encoded) >= 32 or not each.entry)

    def proof(self, *keys: bytes) -> list[bytes]:
        """What a walk from the root to each key comes across, each once."""
        needed = [
            each.encoded
            for each in self._named_by_hash()
            if any(each.path == key.hex() if each.is_value else key.hex().startswith(each.entry) for key in keys)
        ]
        return list(dict.fromkeys(needed))

    def proof_under(self, prefix: bytes, *, values: bool = True) -> list[bytes]:
        """What listing all keys with a prefix comes across."""
        begin = prefix.hex()
        needed = [
            each.encoded
            for each in self._named_by_hash()
            if (values and each.path.startswith(begin) if each.is_value else _meets(each.entry, begin))
        ]
        return list(dict.fromkeys(needed))


def _meets(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
