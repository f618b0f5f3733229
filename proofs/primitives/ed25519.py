"""Ed25519 under two rules: the fast strict one of libsodium, and the permissive one that CometBFT counts by.

Every signature that `verify` accepts is also accepted by `verify_zip215`, never the other way round: libsodium refuses
small-order and non-canonical points and demands the equation without cofactor. Ledgers that count votes by ZIP-215
need both, or two verifiers could disagree about a commit that carries such a signature.
"""

from __future__ import annotations

import hashlib
from typing import Final

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

# RFC 8032 section 5.1.
_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_SQRT_MINUS_1: Final = pow(2, (_P - 1) // 4, _P)
_SIGN_BIT: Final = 1 << 255

# Extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z.
_Point = tuple[int, int, int, int]
_IDENTITY: Final[_Point] = (0, 1, 1, 0)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Strict: what libsodium accepts."""
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def verify_zip215(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Cofactored: [8][S]B = [8]R + [8][k]A, points in any encoding, S reduced. About a hundred times slower.

    Source: ZIP-215, "Specification".
    """
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    key = _decode_point(public_key)
    commitment = _decode_point(signature[:32])
    if scalar >= _ORDER or key is None or commitment is None:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % _ORDER
    difference = _add(_double_product(scalar, _BASE, challenge, _negate(key)), _negate(commitment))
    for _ in range(3):  # times the cofactor, 8
        difference = _add(difference, difference)
    x, y, z, _t = difference
    return x == 0 and y == z


def _decode_point(encoded: bytes) -> _Point | None:
    """Decode as ZIP-215 does: y is taken modulo p, and x = 0 may carry either sign."""
    value = int.from_bytes(encoded, "little")
    negative, y = value >= _SIGN_BIT, value % _SIGN_BIT % _P
    x = _x_coordinate(y)
    if x is None:
        return None
    if (x & 1) != negative:
        x = -x % _P
    return (x, y, 1, x * y % _P)


def _x_coordinate(y: int) -> int | None:
    """Solve -x² + y² = 1 + dx²y² for x. Source: RFC 8032 section 5.1.3."""
    numerator, denominator = (y * y - 1) % _P, (_D * y * y + 1) % _P
    root = numerator * pow(denominator, 3, _P) * pow(numerator * pow(denominator, 7, _P), (_P - 5) // 8, _P) % _P
    square = denominator * root * root % _P
    if square == numerator:
        return root
    if square == -numerator % _P:
        return root * _SQRT_MINUS_1 % _P
    return None


def _add(a: _Point, b: _Point) -> _Point:
    """Complete for every pair of points, so also for doubling. Source: RFC 8032 section 5.1.4."""
    ax, ay, az, at = a
    bx, by, bz, bt = b
    low, high = (ay - ax) * (by - bx) % _P, (ay + ax) * (by + bx) % _P
    cross, scale = 2 * at * bt * _D % _P, 2 * az * bz % _P
    e, f, g, h = high - low, scale - cross, scale + cross, high + low
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _negate(point: _Point) -> _Point:
    x, y, z, t = point
    return (-x % _P, y, z, -t % _P)


def _double_product(a: int, first: _Point, b: int, second: _Point) -> _Point:
    """[a]first + [b]second with one row of doublings. Nothing here is secret, so time may depend on the bits."""
    both = _add(first, second)
    steps = {(1, 0): first, (0, 1): second, (1, 1): both}
    result = _IDENTITY
    for bit in range(_ORDER.bit_length() - 1, -1, -1):
        result = _add(result, result)
        step = steps.get((a >> bit & 1, b >> bit & 1))
        if step is not None:
            result = _add(result, step)
    return result


def _base_point() -> _Point:
    point = _decode_point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    assert point is not None, "the base point lies on the curve"
    return point


_BASE: Final = _base_point()
