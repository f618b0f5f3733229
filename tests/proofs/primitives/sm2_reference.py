"""SM2 read literally from GB/T 32918.2, slowly: signs for tests, and verifies as an oracle for the real thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.primitives.hashing import sm3

P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G: Final = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
Point = tuple[int, int] | None


def add(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P) if one == other else (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def multiply(scalar: int, point: Point) -> Point:
    total: Point = None
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def _be(value: int) -> bytes:
    return value.to_bytes(32, "big")


def digest(message: bytes, public: tuple[int, int], user_id: bytes) -> int:
    z = sm3((8 * len(user_id)).to_bytes(2, "big") + user_id + b"".join(_be(each) for each in (A, B, *G, *public)))
    return int.from_bytes(sm3(z + message), "big")


@dataclass(frozen=True)
class Sm2Key:
    secret: int

    @property
    def point(self) -> tuple[int, int]:
        point = multiply(self.secret, G)
        assert point is not None
        return point

    @property
    def public(self) -> bytes:
        """x‖y."""
        return _be(self.point[0]) + _be(self.point[1])

    def sign(self, message: bytes, user_id: bytes = b"1234567812345678") -> bytes:
        """r‖s. The nonce is derived from key and message, so a test says the same every time."""
        k = int.from_bytes(sm3(_be(self.secret) + message), "big") % N
        kg = multiply(k, G)
        assert kg is not None
        r = (digest(message, self.point, user_id) + kg[0]) % N
        s = pow(1 + self.secret, -1, N) * (k - r * self.secret) % N
        return _be(r) + _be(s)


def is_valid(message: bytes, signature: bytes, public: bytes, user_id: bytes = b"1234567812345678") -> bool:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    point = int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big")
    if not (0 < r < N and 0 < s < N) or (r + s) % N == 0:
        return False
    sum_ = add(multiply(s, G), multiply((r + s) % N, point))
    return sum_ is not None and (digest(message, point, user_id) + sum_[0]) % N == r
