"""SM2 signatures for tests, from the standard's equations: the product only verifies.

Source: GB/T 32918.2 section 6.1.
"""

from __future__ import annotations

from proofs.primitives.hashing import sm3
from proofs.primitives.sm2 import ORDER

_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")

Point = tuple[int, int] | None


def _add(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % _P == 0:
        return None
    rise, run = (3 * a[0] * a[0] + _A, 2 * a[1]) if a == b else (b[1] - a[1], b[0] - a[0])
    slope = rise * pow(run, -1, _P)
    x = (slope * slope - a[0] - b[0]) % _P
    return x, (slope * (a[0] - x) - a[1]) % _P


def _times(scalar: int, point: Point) -> tuple[int, int]:
    result: Point = None
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    assert result is not None
    return result


def _bytes(number: int) -> bytes:
    return number.to_bytes(32, "big")


def public_key(secret: int) -> bytes:
    """SubjectPublicKeyInfo in DER."""
    x, y = _times(secret, _G)
    return _SPKI + b"\x04" + _bytes(x) + _bytes(y)


def sign(message: bytes, secret: int) -> tuple[int, int]:
    """r and s, over the default user id."""
    user_id = b"1234567812345678"
    curve = b"".join(_bytes(each) for each in (_A, _B, *_G))
    z = sm3((8 * len(user_id)).to_bytes(2, "big") + user_id + curve + public_key(secret)[-64:])
    e = int.from_bytes(sm3(z + message), "big")
    k = int.from_bytes(sm3(_bytes(secret) + message), "big") % ORDER
    r = (e + _times(k, _G)[0]) % ORDER
    return r, pow(1 + secret, -1, ORDER) * (k - r * secret) % ORDER
