"""Certificates of members and of their authorities, and the chains between them.

ChainMaker's tools make leaf certificates that may sign others by their key usage but are no authorities, so general
verifiers refuse them. The rule here is smaller: issuer and subject meet, the issuer is an authority and signed, all of
them are valid at the time asked about, and the last one is a root of the member's own organisation.
Source: chainmaker protocol, access control (certificate mode); RFC 5280 sections 4.1 and 6.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from proofs.chainmaker import der
from proofs.chainmaker.keys import PublicKey, parse_key, verify_signature
from proofs.chainmaker.pem import PEM_BYTES_MAX, read_pem
from proofs.errors import (
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
)

# A root, two authorities between, and the member.
CHAIN_MAX: Final = 4

# What a certificate is signed with, and so what its owner hashes with. 503, SM2 over SHA-256, is taken by no key.
_SIGNATURE_HASHES: Final = {
    "1.2.840.10045.4.3.2": "SHA256",
    "1.2.156.10197.1.501": "SM3",
    "1.2.156.10197.1.503": "SHA256",
}
_ORGANISATION: Final = "2.5.4.10"
_UNIT: Final = "2.5.4.11"
_COMMON_NAME: Final = "2.5.4.3"
_BASIC_CONSTRAINTS: Final = "2.5.29.19"
_NAMES_MAX: Final = 16
_EXTENSIONS_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Certificate:
    """issuer and subject: as encoded. Texts of the subject: all that it has of each kind. Times: unix seconds."""

    encoded: bytes = field(repr=False)
    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    hash_name: str
    issuer: bytes
    subject: bytes
    organisations: tuple[str, ...]
    units: tuple[str, ...]
    common_names: tuple[str, ...]
    not_before: int
    not_after: int
    key: PublicKey
    is_authority: bool


@lru_cache(maxsize=1024)  # the same validators sign every block; refusals are not kept
def parse_certificate(encoded: bytes) -> Certificate:
    """Of DER. Raises MalformedProof, UnsupportedProof, LimitExceeded."""
    if len(encoded) > PEM_BYTES_MAX:
        raise LimitExceeded("certificate", got=len(encoded), limit=PEM_BYTES_MAX)
    outer = der.read_sequence(der.read_only(encoded, der.SEQUENCE, "certificate"), "certificate", limit=3)
    if len(outer) != 3:
        raise MalformedProof("certificate", got=len(outer), expected="body, algorithm and signature")
    body, algorithm, signature = outer
    fields = der.read_sequence(body, "certificate body", limit=10)
    if len(fields) < 7 or fields[0].tag != 0xA0:
        raise MalformedProof("certificate body", got=len(fields), expected="version 3 and six fields more")
    _version, _serial, inner_algorithm, issuer, validity, subject, key, *rest = fields
    check_algorithms_agree(inner_algorithm, algorithm)
    not_before, not_after = _validity(validity)
    names = tuple(_names(subject))
    return Certificate(
        encoded=encoded,
        body=body.raw,
        signature=der.read_bits(signature, "certificate signature"),
        hash_name=_hash_name(algorithm),
        issuer=issuer.raw,
        subject=subject.raw,
        organisations=tuple(text for kind, text in names if kind == _ORGANISATION),
        units=tuple(text for kind, text in names if kind == _UNIT),
        common_names=tuple(text for kind, text in names if kind == _COMMON_NAME),
        not_before=not_before,
        not_after=not_after,
        key=parse_key(key.raw),
        is_authority=_is_authority(rest),
    )


def parse_pem_certificate(text: bytes) -> Certificate:
    return parse_certificate(read_pem(text, "CERTIFICATE"))


def check_algorithms_agree(inner: der.Element, outer: der.Element) -> None:
    """RFC 5280 section 4.1.1.2: the algorithm outside is not signed, so it must repeat the one inside."""
    if inner.raw != outer.raw:
        raise ValueMismatch("certificate algorithm", got=outer.raw, expected=inner.raw)


def _hash_name(algorithm: der.Element) -> str:
    parts = der.read_sequence(algorithm, "certificate algorithm", limit=2)
    if not parts:
        raise MalformedProof("certificate algorithm", got=0, expected="an object identifier")
    name = der.read_object(parts[0], "certificate algorithm")
    check_signature_algorithm(name)
    return _SIGNATURE_HASHES[name]


def check_signature_algorithm(name: str) -> None:
    """What a certificate is signed with is also what its owner hashes with: an unknown one says neither."""
    if name not in _SIGNATURE_HASHES:
        raise UnsupportedProof("certificate algorithm", got=name, expected="ECDSA with SHA-256, or SM2")


def _validity(validity: der.Element) -> tuple[int, int]:
    times = der.read_sequence(validity, "validity", limit=2)
    if len(times) != 2:
        raise MalformedProof("validity", got=len(times), expected="two times")
    return der.read_time(times[0], "not before"), der.read_time(times[1], "not after")


def _names(subject: der.Element) -> Iterator[tuple[str, str]]:
    for group in der.read_sequence(subject, "subject", limit=_NAMES_MAX):
        for pair in der.read_sequence(group, "subject", limit=_NAMES_MAX, tag=der.SET):
            parts = der.read_sequence(pair, "subject", limit=2)
            if len(parts) != 2:
                raise MalformedProof("subject", got=len(parts), expected="kind and text")
            kind = der.read_object(parts[0], "subject")
            if kind in (_ORGANISATION, _UNIT, _COMMON_NAME):
                yield kind, der.read_text(parts[1], "subject")


def _is_authority(rest: Sequence[der.Element]) -> bool:
    """Whether the extensions say so. Source: RFC 5280 section 4.2.1.9."""
    found = [each for each in rest if each.tag == 0xA3]
    if not found:
        return False
    extensions = der.read_sequence(
        der.read_only(found[0].content, der.SEQUENCE, "extensions"), "extensions", limit=_EXTENSIONS_MAX
    )
    for extension in extensions:
        parts = der.read_sequence(extension, "extension", limit=3)
        if len(parts) < 2:
            raise MalformedProof("extension", got=len(parts), expected="name and value")
        if der.read_object(parts[0], "extension") == _BASIC_CONSTRAINTS:
            der.check_tag(parts[-1], der.OCTET_STRING, "basic constraints")
            value = der.read_only(parts[-1].content, der.SEQUENCE, "basic constraints")
            return value.content[:3] == b"\x01\x01\xff"
    return False


def verify_chain(member: Certificate, *, roots: Sequence[Certificate], pool: Sequence[Certificate], at: int) -> None:
    """Return only if `member` leads to one of `roots`, over authorities of `pool`, all valid at `at`.

    Raises UnknownSigner where no authority leads there, InvalidSignature, ValueMismatch outside of a validity.
    """
    anchors = {each.encoded for each in roots}
    current = member
    check_valid_at(current, at)
    for _ in range(CHAIN_MAX):
        if current.encoded in anchors:
            return
        issuer = _issuer(current, (*roots, *pool))
        check_valid_at(issuer, at)
        current = issuer
    raise UnknownSigner(member.key.point, signers="trust roots of the organisation")


def _issuer(certificate: Certificate, candidates: Sequence[Certificate]) -> Certificate:
    """The authority whose name and key made this certificate. Names may repeat when keys are renewed."""
    refused: InvalidSignature | None = None
    for each in candidates:
        if each.subject != certificate.issuer or not each.is_authority or each.encoded == certificate.encoded:
            continue
        try:
            check_issued_by(certificate, each)
        except InvalidSignature as refusal:
            refused = refusal
        else:
            return each
    raise refused or UnknownSigner(certificate.key.point, signers="trust roots of the organisation")


@lru_cache(maxsize=1024)  # as above: once, not with every block
def check_issued_by(certificate: Certificate, issuer: Certificate) -> None:
    """RFC 5280 section 6.1.3 (a)(1)."""
    verify_signature(certificate.body, certificate.signature, key=issuer.key, hash_name=certificate.hash_name)


def check_valid_at(certificate: Certificate, at: int) -> None:
    """At the block's time: a node asks its own clock when it signs, and an old block is no worse today."""
    if not certificate.not_before <= at <= certificate.not_after:
        raise ValueMismatch(
            "certificate validity", got=at, expected=f"{certificate.not_before} to {certificate.not_after}"
        )
