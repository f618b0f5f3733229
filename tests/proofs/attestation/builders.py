"""Attestors with keys, and what they sign."""

from __future__ import annotations

from collections.abc import Sequence

from coincurve import PrivateKey

from proofs.attestation.client import AttestationClient, bootstrap
from proofs.attestation.spec import TAGGED, Tag, signing_digest
from proofs.attestation.types import Attested, PacketAttestation, StateAttestation, path_entry
from proofs.encoding.proof_batch import join_batch
from proofs.light_client import Claim
from proofs.primitives.secp256k1 import ORDER, address_of

KEYS = tuple(PrivateKey(number.to_bytes(32, "big")) for number in range(1, 8))
ADDRESSES = tuple(address_of(key.public_key.format()) for key in KEYS)


def client_of(count: int = 3, threshold: int = 2, variant: str = TAGGED) -> AttestationClient:
    return bootstrap(ADDRESSES[:count], threshold=threshold, height=10, timestamp=1_000, variant=variant)


def sign(data: bytes, signers: Sequence[int], *, tag: Tag, variant: str = TAGGED) -> Attested:
    digest = signing_digest(data, tag=tag, variant=variant)
    return Attested(data, tuple(_with_27(KEYS[each].sign_recoverable(digest, hasher=None)) for each in signers))


def _with_27(signature: bytes) -> bytes:
    return signature[:64] + bytes((signature[64] + 27,))


def high_s(signature: bytes) -> bytes:
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes((55 - signature[64],))


def state(height: int, timestamp: int, signers: Sequence[int] = (0, 1), *, variant: str = TAGGED) -> bytes:
    data = StateAttestation(height, timestamp).encode()
    return sign(data, signers, tag=Tag.STATE, variant=variant).encode_protobuf()


def packets(height: int, claims: Sequence[Claim], signers: Sequence[int] = (0, 1), *, variant: str = TAGGED) -> bytes:
    attestation = PacketAttestation(height, tuple(path_entry(claim.path, claim.value) for claim in claims))
    return sign(attestation.encode(), signers, tag=Tag.PACKET, variant=variant).encode_protobuf()


def batch(height: int, claims: Sequence[Claim], signers: Sequence[int] = (0, 1), *, variant: str = TAGGED) -> bytes:
    return join_batch([packets(height, [claim], signers, variant=variant) for claim in claims])
