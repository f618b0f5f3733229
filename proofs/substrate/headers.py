"""Headers as Substrate writes and hashes them: SCALE, then BLAKE2b-256.

One header has one encoding, so what was read is hashed by writing it again.
Source: Polkadot specification, sections 3.3.1.1 "Block Header" and 3.3.1.2 "Header Digest".
"""

from __future__ import annotations

from typing import Final

from proofs.encoding.scale import ScaleReader, encode_bytes, encode_compact, encode_u8, encode_vector
from proofs.errors import UnsupportedProof
from proofs.primitives.hashing import blake2b_256
from proofs.substrate.types import ENGINE_BYTES, HASH_BYTES, DigestItem, DigestKind, Header

NUMBER_BITS: Final = 32
# Chains write two to five. An item may hold a whole list of authorities.
DIGEST_ITEMS_MAX: Final = 32
DIGEST_ITEM_BYTES_MAX: Final = 256 << 10


def header_hash(header: Header) -> bytes:
    return blake2b_256(encode_header(header))


def encode_header(header: Header) -> bytes:
    fixed = (header.parent_hash, encode_compact(header.number), header.state_root, header.extrinsics_root)
    return b"".join(fixed) + encode_vector([_encode_item(each) for each in header.digest])


def read_header(reader: ScaleReader) -> Header:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    return Header(
        reader.fixed(HASH_BYTES),
        reader.compact(bits=NUMBER_BITS),
        reader.fixed(HASH_BYTES),
        reader.fixed(HASH_BYTES),
        reader.vector(lambda: _read_item(reader), limit=DIGEST_ITEMS_MAX),
    )


def decode_header(encoded: bytes) -> Header:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    reader = ScaleReader(encoded, "header")
    header = read_header(reader)
    reader.end()
    return header


def _encode_item(item: DigestItem) -> bytes:
    data = b"" if item.kind is DigestKind.RUNTIME_UPDATED else encode_bytes(item.data)
    return encode_u8(item.kind) + item.engine + data


def _read_item(reader: ScaleReader) -> DigestItem:
    kind = _read_kind(reader)
    if kind is DigestKind.RUNTIME_UPDATED:
        return DigestItem(kind)
    engine = b"" if kind is DigestKind.OTHER else reader.fixed(ENGINE_BYTES)
    return DigestItem(kind, engine, reader.bytes_(limit=DIGEST_ITEM_BYTES_MAX))


def _read_kind(reader: ScaleReader) -> DigestKind:
    index = reader.u8()
    check_digest_kind(index)
    return DigestKind(index)


def check_digest_kind(index: int) -> None:
    """An item of an unknown kind has an unknown length. Source: sp-runtime, DigestItemType."""
    if index not in set(DigestKind):
        raise UnsupportedProof("digest item", got=index, expected="0, 4, 5, 6 or 8")
