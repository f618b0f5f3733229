"""Signatures that count: each by a valid member, over its own bytes, and each member once.

A signature that does not count is left out, not refused: orderers and peers add theirs independently, and one bad
one must not spoil a block that enough others signed. Nothing is gained by adding one.
Source: fabric common/policies/policy.go (SignatureSetToValidIdentities), bccsp/sw/ecdsa.go (low-S).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding.protobuf import decode
from proofs.errors import InvalidProof, UnknownSigner, UnsupportedProof
from proofs.fabric import certificates
from proofs.fabric.config_messages import SERIALIZED_IDENTITY, SerializedIdentity
from proofs.fabric.msp import Member, Msp
from proofs.primitives import p256
from proofs.primitives.ecdsa_der import decode_signature
from proofs.primitives.hashing import sha256

_UNCOMPRESSED_P256_BYTES: Final = 65


@dataclass(frozen=True, slots=True)
class SignedBytes:
    """identity: a SerializedIdentity. signature: DER, as carried."""

    message: bytes
    identity: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Members:
    """The organisations of a channel by MSP id. None: one whose identities are never accepted (idemix)."""

    organisations: Mapping[str, Msp | None]

    def member(self, identity: SerializedIdentity) -> Member:
        """Raises InvalidProof for anybody who is no valid member of an organisation of the channel."""
        msp = self.organisations.get(identity.msp_id)
        if msp is None:
            raise UnknownSigner(signer=identity.msp_id.encode(), signers="organisations of the channel")
        return msp.member(certificates.parse_pem(identity.content))

    def find(self, identity: SerializedIdentity) -> Member | None:
        try:
            return self.member(identity)
        except InvalidProof:
            return None

    def decoded(self, identity: bytes) -> Member:
        return self.member(decode(identity, SERIALIZED_IDENTITY, part="identity"))


def signers(signed: Sequence[SignedBytes], members: Members) -> tuple[Member, ...]:
    """The distinct members whose signatures hold, in order. Their number bounds what a policy can count."""
    found: dict[tuple[str, bytes], Member] = {}
    tried: set[tuple[str, bytes]] = set()
    for each in signed:
        try:
            member = members.decoded(each.identity)
            name = (member.msp_id, member.fingerprint)
            if name in tried:
                continue  # the first signature of a member decides, as on the ledger
            tried.add(name)
            verify_signature(each.message, each.signature, member)
        except InvalidProof:
            continue
        found[name] = member
    return tuple(found.values())


def verify_signature(message: bytes, signature: bytes, member: Member) -> None:
    """ECDSA over SHA-256, strict DER, lower half only. Raises InvalidSignature, MalformedProof, UnsupportedProof."""
    check_key_type(member)
    p256.verify(sha256(message), decode_signature(signature), public_key=member.point, high_s=False)


def check_key_type(member: Member) -> None:
    """Members sign with P-256; authorities may use P-384."""
    if len(member.point) != _UNCOMPRESSED_P256_BYTES:
        raise UnsupportedProof("signing key", got=f"{len(member.point)} bytes", expected="a point of P-256")
