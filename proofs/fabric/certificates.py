"""X.509 certificates, read once into plain values. What a library may raise lazily is asked for here, and only here.

A certificate has one identity whatever its signature's twin: `normalised_der` turns an upper-half s into the lower
one before anything is compared or hashed, as Fabric does.
Source: RFC 5280; fabric msp/cert.go (sanitizeECDSASignedCert); Go crypto/x509 for what a chain may contain.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature as _Refused
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proofs.encoding import asn1
from proofs.errors import InvalidSignature, LimitExceeded, MalformedProof, UnsupportedProof

E = TypeVar("E", bound=x509.ExtensionType)

# An identity certificate takes less than 1 KiB; a chain of attributes may take some more.
CERTIFICATE_BYTES_MAX: Final = 16 << 10
# Revoked certificates of one authority: 40 bytes each.
REVOCATION_LIST_BYTES_MAX: Final = 1 << 20

_HASHES: Final = {
    "1.2.840.10045.4.3.2": (hashes.SHA256(), bytes.fromhex("300a06082a8648ce3d040302")),
    "1.2.840.10045.4.3.3": (hashes.SHA384(), bytes.fromhex("300a06082a8648ce3d040303")),
    "1.2.840.10045.4.3.4": (hashes.SHA512(), bytes.fromhex("300a06082a8648ce3d040304")),
}
_ORDERS: Final = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16
    ),
}
# What a chain's verifier understands; another critical extension may change what the certificate means.
_UNDERSTOOD: Final = {"2.5.29.15", "2.5.29.19", "2.5.29.37", "2.5.29.17"}
_NAME_CONSTRAINTS: Final = "2.5.29.30"


@dataclass(frozen=True, slots=True)
class Certificate:
    """der: normalised. point: the key as SEC 1 writes it. not_before, not_after: unix seconds, inclusive.

    path_length: how many intermediates may follow; None without bound. usable_for_server: no extended key usage,
    or one that lists serverAuth or any. unknown: extensions that nobody here may pass over.
    """

    der: bytes = field(repr=False)
    subject: bytes
    issuer: bytes
    serial: int
    curve: str
    point: bytes
    not_before: int
    not_after: int
    is_authority: bool
    path_length: int | None
    may_sign_certificates: bool
    usable_for_server: bool
    units: tuple[str, ...]
    key_identifier: bytes
    unknown: tuple[str, ...]
    tbs: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    algorithm: str


@dataclass(frozen=True, slots=True)
class RevocationList:
    """authority: key identifier of who signed it. serials: what is revoked."""

    authority: bytes
    serials: frozenset[int]
    tbs: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    algorithm: str


@lru_cache(maxsize=1024)  # the same orderers and peers sign every block; refusals are not kept
def parse_pem(pem: bytes) -> Certificate:
    return parse_der(read_pem(pem, "CERTIFICATE", limit=CERTIFICATE_BYTES_MAX))


def read_pem(pem: bytes, label: str, *, limit: int) -> bytes:
    """Exactly one block and nothing around it. Raises MalformedProof, LimitExceeded."""
    if len(pem) > 2 * limit:
        raise LimitExceeded(f"PEM {label}", got=len(pem), limit=2 * limit)
    head, tail = f"-----BEGIN {label}-----\n".encode(), f"-----END {label}-----".encode()
    text = pem.replace(b"\r\n", b"\n").strip(b"\n")
    if not text.startswith(head) or not text.endswith(tail) or len(text) < len(head) + len(tail):
        raise MalformedProof(f"PEM {label}", got=text[:32], expected="one block, nothing around it")
    try:
        return binascii.a2b_base64(text[len(head) : -len(tail)].replace(b"\n", b""), strict_mode=True)
    except binascii.Error:
        raise MalformedProof(f"PEM {label}", got=text[len(head) : len(head) + 16], expected="base64") from None


def parse_der(der: bytes) -> Certificate:
    """Raises MalformedProof, UnsupportedProof, LimitExceeded."""
    if len(der) > CERTIFICATE_BYTES_MAX:
        raise LimitExceeded("certificate", got=len(der), limit=CERTIFICATE_BYTES_MAX)
    with _library_refusals("certificate"):
        return _certificate(x509.load_der_x509_certificate(der), der)


def _certificate(parsed: x509.Certificate, der: bytes) -> Certificate:
    algorithm = parsed.signature_algorithm_oid.dotted_string
    check_algorithm(algorithm)
    check_serial(parsed.serial_number)
    curve, point = _public_key(parsed)
    extensions = parsed.extensions
    authority = _find(extensions, x509.BasicConstraints)
    usage = _find(extensions, x509.KeyUsage)
    purposes = _find(extensions, x509.ExtendedKeyUsage)
    identifier = _find(extensions, x509.SubjectKeyIdentifier)
    unknown = tuple(
        each.oid.dotted_string
        for each in extensions
        if (each.critical and each.oid.dotted_string not in _UNDERSTOOD) or each.oid.dotted_string == _NAME_CONSTRAINTS
    )
    return Certificate(
        der=der,
        subject=parsed.subject.public_bytes(),
        issuer=parsed.issuer.public_bytes(),
        serial=parsed.serial_number,
        curve=curve,
        point=point,
        not_before=int(parsed.not_valid_before_utc.timestamp()),
        not_after=int(parsed.not_valid_after_utc.timestamp()),
        is_authority=authority is not None and authority.ca,
        path_length=None if authority is None else authority.path_length,
        may_sign_certificates=usage is None or usage.key_cert_sign,
        usable_for_server=purposes is None
        or any(
            each in (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE) for each in purposes
        ),
        units=tuple(
            str(each.value) for each in parsed.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        ),
        key_identifier=b"" if identifier is None else identifier.digest,
        unknown=unknown,
        tbs=parsed.tbs_certificate_bytes,
        signature=_checked_signature(parsed.signature),
        algorithm=algorithm,
    )


def parse_revocation_list(data: bytes) -> RevocationList:
    """PEM or DER. The list's own dates play no part. Raises MalformedProof, UnsupportedProof, LimitExceeded."""
    der = read_pem(data, "X509 CRL", limit=REVOCATION_LIST_BYTES_MAX) if data[:5] == b"-----" else data
    if len(der) > REVOCATION_LIST_BYTES_MAX:
        raise LimitExceeded("revocation list", got=len(der), limit=REVOCATION_LIST_BYTES_MAX)
    with _library_refusals("revocation list"):
        parsed = x509.load_der_x509_crl(der)
        algorithm = parsed.signature_algorithm_oid.dotted_string
        check_algorithm(algorithm)
        authority = _find(parsed.extensions, x509.AuthorityKeyIdentifier)
        return RevocationList(
            authority=b"" if authority is None else authority.key_identifier or b"",
            serials=frozenset(each.serial_number for each in parsed),
            tbs=parsed.tbs_certlist_bytes,
            signature=_checked_signature(parsed.signature),
            algorithm=algorithm,
        )


def check_serial(serial: int) -> None:
    """RFC 5280 section 4.1.2.2: a positive number. Revocation goes by it."""
    if serial <= 0:
        raise MalformedProof("certificate serial", got=serial, expected="a positive number")


def _checked_signature(der: bytes) -> bytes:
    """Read and written again, so that one signature has one form. Raises ValueError."""
    return utils.encode_dss_signature(*utils.decode_dss_signature(der))


@lru_cache(maxsize=1024)  # as above: an intermediate and its list are checked once, not with every block
def check_signed_by(signed: Certificate | RevocationList, authority: Certificate) -> None:
    """The authority's key signed these bytes, with ECDSA and a hash of the SHA-2 family. Raises InvalidSignature."""
    curve: ec.EllipticCurve = ec.SECP256R1() if authority.curve == "secp256r1" else ec.SECP384R1()
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, authority.point)
        key.verify(signed.signature, signed.tbs, ec.ECDSA(_HASHES[signed.algorithm][0]))
    except _Refused:
        raise InvalidSignature(signer=authority.point, scheme="X.509") from None


def normalised_der(certificate: Certificate, authority: Certificate) -> bytes:
    """The certificate with the lower of its two equivalent signatures, in the one DER form."""
    r, s = utils.decode_dss_signature(certificate.signature)
    low = min(s, _ORDERS[authority.curve] - s)
    algorithm = _HASHES[certificate.algorithm][1]
    return asn1.sequence(certificate.tbs, algorithm, asn1.bit_string(asn1.sequence(asn1.integer(r), asn1.integer(low))))


def _public_key(parsed: x509.Certificate) -> tuple[str, bytes]:
    key = parsed.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _ORDERS:
        raise UnsupportedProof("certificate key", got=type(key).__name__, expected="ECDSA on P-256 or P-384")
    return key.curve.name, key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _find(extensions: x509.Extensions, kind: type[E]) -> E | None:
    return next((each.value for each in extensions if isinstance(each.value, kind)), None)


def check_algorithm(algorithm: str) -> None:
    """RFC 5758 section 3.2: ECDSA with SHA-256, -384 or -512. What a certificate names beside these is not verified."""
    if algorithm not in _HASHES:
        raise UnsupportedProof("certificate signature", got=algorithm, expected="ECDSA with SHA-2")


@contextmanager
def _library_refusals(part: str) -> Iterator[None]:
    """What the X.509 library raises on malformed input, as one refusal. It warns of what it will refuse one day."""
    try:
        yield
    except (
        ValueError,
        TypeError,
        Warning,
        UnsupportedAlgorithm,
        x509.InvalidVersion,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
        x509.AttributeNotFound,
    ) as refused:
        raise MalformedProof(part, got=type(refused).__name__, expected="X.509, DER") from None
