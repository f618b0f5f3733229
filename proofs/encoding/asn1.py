"""The few DER writers that hashes of permissioned ledgers need: what is hashed has exactly one encoding.

    >>> sequence(integer(0), octet_string(b"")).hex()
    '30050201000400'

Source: ITU-T X.690, sections 8.1.3 (lengths), 8.3 (INTEGER), 8.6 (BIT STRING), 8.7 (OCTET STRING), 10.1.
"""

from __future__ import annotations

from typing import Final

_INTEGER: Final = 0x02
_BIT_STRING: Final = 0x03
_OCTET_STRING: Final = 0x04
_SEQUENCE: Final = 0x30


def integer(value: int) -> bytes:
    """An unsigned number: a leading zero keeps the top bit from being a sign.

    >>> integer(128).hex()
    '02020080'
    """
    assert value >= 0, "only unsigned numbers are written here"
    return _element(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octet_string(data: bytes) -> bytes:
    return _element(_OCTET_STRING, data)


def bit_string(data: bytes) -> bytes:
    """Whole bytes only: no unused bits."""
    return _element(_BIT_STRING, b"\x00" + data)


def sequence(*elements: bytes) -> bytes:
    return _element(_SEQUENCE, b"".join(elements))


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
