"""One parser or client, and honest seeds to change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proofs.light_client import Claim, Height, LightClient


@dataclass(frozen=True, slots=True)
class Target:
    family: str
    name: str
    parse: Callable[[bytes], object]
    seeds: Sequence[bytes]

    def __str__(self) -> str:
        return f"{self.family}/{self.name}"


def check_claims_of(client: LightClient, claims: Sequence[Claim], at: Height, proof: bytes) -> None:
    """The proof in the last place, so that all else can be given before."""
    client.check(claims, at=at, proof=proof)
