"""Signed transactions of 3.x as clients send them: the part of TARS that they use, read strictly.

A field is a head byte (tag and type; from tag 15 on the tag follows), then its value. Tags ascend. Integers take any
width, since some clients write zeros that others leave out; what is signed is the hash of the values, not these bytes.
Source: TARS base protocol; published transactions of several SDKs, decoded and hashed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof
from proofs.fisco_bcos.transactions import TransactionV3, check_data_hash, sender_v3
from proofs.fisco_bcos.types import Suite

# A node takes transactions of 128 KiB unless its operator says otherwise; deployments are the largest.
TRANSACTION_BYTES_MAX: Final = 1 << 20

_WIDTHS: Final = {0: 1, 1: 2, 2: 4, 3: 8}
_TEXT_1, _TEXT_4, _BEGIN, _END, _ZERO, _BYTES = 6, 7, 10, 11, 12, 13
_NESTED: Final = 1
_BCOS: Final = 0

Value = int | bytes | Mapping[int, "Value"]


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """stated_hash: what the sender says the hash is. attribute: flags for the node, covered by no signature."""

    transaction: TransactionV3
    stated_hash: bytes
    signature: bytes
    attribute: int


def verify_signed(encoded: bytes, suite: Suite) -> tuple[SignedTransaction, bytes]:
    """Return a transaction and the address of its sender. Raises InvalidProof."""
    signed = decode_signed(encoded)
    digest = signed.transaction.hash(suite)
    check_data_hash(digest, signed.stated_hash)
    return signed, sender_v3(suite, digest, signed.signature)


def decode_signed(encoded: bytes) -> SignedTransaction:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    if len(encoded) > TRANSACTION_BYTES_MAX:
        raise LimitExceeded("transaction", got=len(encoded), limit=TRANSACTION_BYTES_MAX)
    fields = _Reader(encoded).fields(0)
    check_fields_are_known(fields, highest=11)
    check_type(_int(fields, 9))
    data = fields.get(1)
    if not isinstance(data, Mapping):
        raise MalformedProof("TARS transaction", got="no data", expected="a struct under tag 1")
    check_fields_are_known(data, highest=14)
    return SignedTransaction(_transaction(data), _raw(fields, 2), _raw(fields, 3), _int(fields, 5))


def check_type(kind: int) -> None:
    """Type 1 carries a transaction of Ethereum, which is hashed otherwise."""
    if kind != _BCOS:
        raise UnsupportedProof("transaction type", got=kind, expected=_BCOS)


def check_fields_are_known(fields: Mapping[int, Value], *, highest: int) -> None:
    """A field that this reader does not know may change what the others mean."""
    unknown = [tag for tag in fields if not 1 <= tag <= highest]
    if unknown:
        raise MalformedProof("TARS tag", got=unknown[0], expected=f"1 to {highest}")


def _transaction(data: Mapping[int, Value]) -> TransactionV3:
    version, limit, gas_limit = (_int(data, tag) for tag in (1, 4, 11))
    if not 0 <= version < 1 << 31 or limit < 0 or gas_limit < 0:
        raise MalformedProof("TARS transaction", got=(version, limit, gas_limit), expected="no negative number")
    texts = {tag: _text(data, tag) for tag in (2, 3, 5, 6, 8, 9, 10, 12, 13)}
    return TransactionV3(
        version, texts[2], texts[3], limit, texts[5], texts[6], _raw(data, 7), texts[8], texts[9], texts[10],
        gas_limit, texts[12], texts[13], _raw(data, 14),
    )  # fmt: skip


def _int(fields: Mapping[int, Value], tag: int) -> int:
    value = fields.get(tag, 0)
    if not isinstance(value, int):
        raise MalformedProof("TARS field", got=tag, expected="an integer")
    return value


def _raw(fields: Mapping[int, Value], tag: int) -> bytes:
    value = fields.get(tag, b"")
    if not isinstance(value, bytes):
        raise MalformedProof("TARS field", got=tag, expected="bytes")
    return value


def _text(fields: Mapping[int, Value], tag: int) -> str:
    data = _raw(fields, tag)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MalformedProof("TARS text", got=data, expected="UTF-8") from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def fields(self, depth: int) -> dict[int, Value]:
        """All fields up to the end: of the bytes, or of the struct that began before."""
        fields: dict[int, Value] = {}
        previous = -1
        while depth or self._at < len(self._data):
            tag, kind = self._head()
            if depth and kind == _END:
                return fields
            if tag <= previous:
                raise MalformedProof("TARS tag", got=tag, expected=f"above {previous}")
            previous = tag
            fields[tag] = self._value(kind, depth)
        return fields

    def _head(self) -> tuple[int, int]:
        (head,) = self._take(1)
        tag, kind = head >> 4, head & 0x0F
        if tag == 15:
            (tag,) = self._take(1)
            if tag < 15:
                raise MalformedProof("TARS tag", got=tag, expected="the short form")
        return tag, kind

    def _value(self, kind: int, depth: int) -> Value:
        if kind in _WIDTHS:
            return int.from_bytes(self._take(_WIDTHS[kind]), "big", signed=True)
        if kind == _ZERO:
            return 0
        if kind == _TEXT_1:
            return self._take(self._take(1)[0])
        if kind == _TEXT_4:
            return self._take(int.from_bytes(self._take(4), "big"))
        if kind == _BYTES:
            return self._byte_list()
        if kind == _BEGIN and depth < _NESTED:
            return self.fields(depth + 1)
        raise MalformedProof("TARS type", got=kind, expected="an integer, text, bytes, or one struct")

    def _byte_list(self) -> bytes:
        if self._take(1) != b"\x00":
            raise MalformedProof("TARS bytes", got=self._data[self._at - 1], expected="elements of type 0")
        tag, kind = self._head()
        if tag or (kind not in _WIDTHS and kind != _ZERO):
            raise MalformedProof("TARS length", got=kind, expected="an integer")
        length = self._value(kind, _NESTED)
        assert isinstance(length, int), "an integer type was asked for"
        return self._take(length)

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= len(self._data) - self._at:
            raise MalformedProof("TARS length", got=count, expected=f"at most {len(self._data) - self._at}")
        self._at += count
        return self._data[self._at - count : self._at]
