"""ECDSA signatures in DER: read so strictly that each has exactly one encoding.

Lenient readers take longer lengths, padded integers and trailing bytes, so that a stranger can change a signature
without breaking it. Source: ITU-T X.690 sections 8.1.3, 8.3 and 10.1; SEC 1 section C.8; BIP 66 states the same rules.
"""

from __future__ import annotations

from typing import Final

from proofs.errors import MalformedProof

_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_SCALAR_BYTES: Final = 32
# Two integers of 33 bytes with their headers: below 128, so that every length is one byte.
_SIGNATURE_BYTES_MAX: Final = 72


def decode_signature(der: bytes) -> bytes:
    r"""Return r‖s, 64 bytes, of a DER signature over a curve of 256 bits. Raises MalformedProof.

    >>> decode_signature(bytes.fromhex("3006020101020102")) == bytes(31) + b"\x01" + bytes(31) + b"\x02"
    True
    """
    check_frame(der)
    r, position = _read_integer(der, 2)
    s, position = _read_integer(der, position)
    check_end(der, position)
    return r + s


def check_frame(der: bytes) -> None:
    """A sequence whose one-byte length covers exactly the rest."""
    if not 2 < len(der) <= _SIGNATURE_BYTES_MAX or der[0] != _SEQUENCE or der[1] != len(der) - 2:
        raise MalformedProof("DER signature", got=der[:2], expected="30, and the length of the rest")


def check_integer(data: bytes) -> None:
    """Positive and as short as possible: a leading zero only where the next bit would be the sign."""
    if not data or data[0] > 0x7F or (data[0] == 0 and (len(data) == 1 or data[1] < 0x80)):
        raise MalformedProof("DER integer", got=data, expected="a positive number, as short as possible")
    if len(data) - (data[0] == 0) > _SCALAR_BYTES:
        raise MalformedProof("DER integer", got=len(data), expected=f"at most {_SCALAR_BYTES} bytes")


def check_end(der: bytes, position: int) -> None:
    if position != len(der):
        raise MalformedProof("DER signature", got=len(der) - position, expected="no bytes after s")


def _read_integer(der: bytes, position: int) -> tuple[bytes, int]:
    if der[position : position + 1] != bytes((_INTEGER,)) or position + 2 > len(der):
        raise MalformedProof("DER integer", got=der[position : position + 2], expected="02 and a length")
    end = position + 2 + der[position + 1]
    if end > len(der):
        raise MalformedProof("DER integer", got=der[position + 1], expected=f"at most {len(der) - position - 2}")
    data = der[position + 2 : end]
    check_integer(data)
    return data[-_SCALAR_BYTES:].rjust(_SCALAR_BYTES, b"\x00"), end
