"""Who belongs to an organisation: certificates that chain to its roots, with the roles that its configuration gives.

No clock: a chain is judged one second after its leaf became valid, so that a block verifies the same for ever.
Whether a client's certificate has expired since is a question that peers ask at proposal time, not verifiers.
Source: fabric msp/{mspimpl,mspimplsetup,mspimplvalidate}.go, rules MSPv1_4_3 and MSPv3_0; Go crypto/x509 Verify.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from proofs.encoding.protobuf import decode
from proofs.errors import (
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
)
from proofs.fabric import certificates
from proofs.fabric.certificates import Certificate, RevocationList
from proofs.fabric.config_messages import FABRIC_MSP, MSP_CONFIG, FabricMspConfig, NodeUnits, Role, UnitIdentifier
from proofs.primitives.hashing import sha256

_X509: Final = 0
# Root, a few intermediates, leaf. Go has no bound of its own; longer chains are not seen.
_CHAIN_MAX: Final = 6
# Authorities of one name whose signature is tried: a renewed key has the name of the old one.
_SAME_NAME_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Member:
    """A valid identity of an organisation. fingerprint: tells it from every other; der: normalised.

    chain_identifier: of the authorities above it. roles: beside MEMBER, which every member has.
    """

    msp_id: str
    der: bytes = field(repr=False)
    point: bytes
    units: tuple[str, ...]
    chain_identifier: bytes
    roles: frozenset[Role]

    @property
    def fingerprint(self) -> bytes:
        return sha256(self.der)


@dataclass(frozen=True, slots=True)
class RoleUnit:
    """The organisational unit that gives a role; chain: of which authority, or None for any of the organisation."""

    role: Role
    unit: str
    chain: bytes | None


@dataclass(frozen=True, slots=True)
class Msp:
    """One organisation. internal: authorities that have authorities below them, which sign no members."""

    msp_id: str
    roots: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]
    admins: frozenset[bytes]
    lists: tuple[RevocationList, ...]
    units: frozenset[tuple[str, bytes]]
    role_units: tuple[RoleUnit, ...]
    internal: frozenset[bytes]

    def member(self, certificate: Certificate) -> Member:
        """Raises InvalidProof for a certificate that is none of this organisation's."""
        check_not_an_authority(certificate)
        chain = self._only_chain(certificate)
        check_chain(chain)
        check_issuer_is_outermost(chain[1], self.internal)
        check_not_revoked(certificate, chain[1], self.lists)
        identifier = chain_identifier(chain[1:])
        check_units(certificate, identifier, self.units)
        der = certificates.normalised_der(certificate, chain[1])
        roles = {role_of_units(certificate, identifier, self.role_units)} if self.role_units else set()
        if der in self.admins:
            roles.add(Role.ADMIN)
        return Member(self.msp_id, der, certificate.point, certificate.units, identifier, frozenset(roles))

    def _only_chain(self, certificate: Certificate) -> tuple[Certificate, ...]:
        chains = list(find_chains((certificate,), self.roots, self.intermediates))
        check_one_chain(chains, certificate)
        return chains[0]


def find_chains(
    below: tuple[Certificate, ...], roots: Sequence[Certificate], intermediates: Sequence[Certificate]
) -> Iterator[tuple[Certificate, ...]]:
    """Every way from the leaf `below[0]` to a root, the leaf first. At most two are looked for by any caller's rule."""
    if len(below) >= _CHAIN_MAX:
        return
    last = below[-1]
    above = [each for each in (*roots, *intermediates) if each.subject == last.issuer and each not in below]
    for each in above[:_SAME_NAME_MAX]:
        try:
            certificates.check_signed_by(last, each)
        except InvalidSignature:
            continue
        if each in roots:
            yield (*below, each)
        else:
            yield from find_chains((*below, each), roots, intermediates)


def chain_identifier(authorities: Sequence[Certificate]) -> bytes:
    """Of a chain without its leaf: the hash of its certificates, the nearest first."""
    pairs = zip(authorities, (*authorities[1:], authorities[-1]), strict=True)
    return sha256(b"".join(certificates.normalised_der(each, above) for each, above in pairs))


def role_of_units(certificate: Certificate, identifier: bytes, role_units: Sequence[RoleUnit]) -> Role:
    """Exactly one of the certificate's units names a role. Raises ValueMismatch.

    Source: msp/mspimplvalidate.go, validateIdentityOUsV143.
    """
    names = {each.unit for each in role_units}
    named = [unit for unit in certificate.units if unit in names]
    if len(named) != 1:
        raise ValueMismatch("units that name a role", got=len(named), expected=1)
    fitting = [
        each.role for each in role_units if each.unit == named[0] and (each.chain is None or each.chain == identifier)
    ]
    if len(fitting) != 1:
        raise ValueMismatch("authority of the role's unit", got=identifier, expected=f"that of {named[0]}")
    return fitting[0]


def check_not_an_authority(certificate: Certificate) -> None:
    """An authority's certificate signs certificates, not blocks."""
    if certificate.is_authority:
        raise UnsupportedProof("identity", got="a certificate of an authority", expected="a leaf")


def check_one_chain(chains: Sequence[Sequence[Certificate]], certificate: Certificate) -> None:
    """None: a stranger. Several: which authority's rules hold is not told."""
    if not chains:
        raise UnknownSigner(signer=certificate.point, signers="the organisation's authorities")
    if len(chains) > 1:
        raise UnsupportedProof("certificate chains", got=len(chains), expected=1)


def check_chain(chain: Sequence[Certificate]) -> None:
    """What Go's verifier asks of every link, one second after the leaf became valid."""
    moment = chain[0].not_before + 1
    for below, each in enumerate(chain[1:]):
        check_may_issue(each)
        check_path_length(each, below)
    for each in chain:
        check_valid_at(each, moment)
        check_purpose(each)
        check_understood(each)


def check_may_issue(authority: Certificate) -> None:
    """RFC 5280 section 6.1.4 (k) and (n): basic constraints say so, and key usage does not deny it."""
    if not authority.is_authority or not authority.may_sign_certificates:
        raise UnsupportedProof("issuer", got="no authority", expected="CA, and keyCertSign where usage is given")


def check_path_length(authority: Certificate, intermediates_below: int) -> None:
    """RFC 5280 section 4.2.1.9: how many intermediates may follow."""
    if authority.path_length is not None and intermediates_below > authority.path_length:
        raise LimitExceeded("certificate path", got=intermediates_below, limit=authority.path_length)


def check_valid_at(certificate: Certificate, moment: int) -> None:
    """msp/mspimpl.go, getValidityOptsForCert: the clock plays no part, the leaf's first second does."""
    if not certificate.not_before <= moment <= certificate.not_after:
        raise ValueMismatch(
            "certificate validity", got=moment, expected=f"{certificate.not_before} to {certificate.not_after}"
        )


def check_purpose(certificate: Certificate) -> None:
    """Fabric leaves Go's purpose at its default: serverAuth, or no purposes at all."""
    if not certificate.usable_for_server:
        raise UnsupportedProof("extended key usage", got="other purposes", expected="none, any or serverAuth")


def check_understood(certificate: Certificate) -> None:
    """RFC 5280 section 4.2: an unknown critical extension refuses the certificate; so do name constraints here."""
    if certificate.unknown:
        raise UnsupportedProof("certificate extension", got=certificate.unknown[0], expected="a known one")


def check_issuer_is_outermost(issuer: Certificate, internal: frozenset[bytes]) -> None:
    """msp/mspimplvalidate.go: members are signed by the leaves of the tree of authorities only."""
    if issuer.der in internal:
        raise UnsupportedProof("issuer", got="an authority with authorities below it", expected="one without")


def check_not_revoked(certificate: Certificate, issuer: Certificate, lists: Sequence[RevocationList]) -> None:
    """A list that the issuer signed names the serial. Dates of lists play no part: a block is judged for ever."""
    for each in lists:
        if each.authority != issuer.key_identifier or certificate.serial not in each.serials:
            continue
        if list_is_signed_by(each, issuer):
            raise UnsupportedProof("certificate", got=f"serial {certificate.serial} revoked", expected="not revoked")


def list_is_signed_by(revocations: RevocationList, issuer: Certificate) -> bool:
    """A list that its authority did not sign revokes nothing, or anybody could revoke."""
    try:
        certificates.check_signed_by(revocations, issuer)
    except InvalidSignature:
        return False
    return True


def check_units(certificate: Certificate, identifier: bytes, units: frozenset[tuple[str, bytes]]) -> None:
    """Where the organisation lists units, a member has one of them, of the authority listed with it."""
    if units and not any((unit, identifier) in units for unit in certificate.units):
        raise ValueMismatch("organisational unit", got=certificate.units, expected="one of the organisation's")


def read_msp(data: bytes) -> Msp | None:
    """The organisation that an `MSP` value configures; None for idemix, none of whose signatures is ever counted.

    Raises MalformedProof and UnsupportedProof: an organisation that cannot be set up stops the channel in Fabric too.
    """
    config = decode(data, MSP_CONFIG, part="MSP")
    if config.type != _X509:
        return None
    return build_msp(decode(config.content, FABRIC_MSP, part="MSP"))


def build_msp(config: FabricMspConfig) -> Msp:
    check_crypto(config)
    roots = tuple(certificates.parse_pem(each) for each in config.roots)
    intermediates = tuple(certificates.parse_pem(each) for each in config.intermediates)
    lists = tuple(certificates.parse_revocation_list(each) for each in config.revocation_lists)
    check_roots(roots)
    chains = [_authority_chain(each, roots, intermediates, lists) for each in intermediates]
    internal = frozenset(above.der for chain in chains for above in chain[1:])
    bare = Msp(config.name, roots, intermediates, frozenset(), lists, frozenset(), (), internal)
    admins = frozenset(_admin_der(certificates.parse_pem(each), bare) for each in config.admins)
    units = frozenset(_listed_unit(each, bare) for each in config.units)
    return Msp(config.name, roots, intermediates, admins, lists, units, _role_units(config.node_units, bare), internal)


def check_crypto(config: FabricMspConfig) -> None:
    """Hashes are those of the configuration, and only these are implemented."""
    crypto = config.crypto
    if crypto is not None and (crypto.signature_hash, crypto.identifier_hash) != ("SHA2", "SHA256"):
        raise UnsupportedProof(
            "MSP hashes", got=f"{crypto.signature_hash}, {crypto.identifier_hash}", expected="SHA2, SHA256"
        )


def check_roots(roots: Sequence[Certificate]) -> None:
    """At least one, each an authority that signed itself."""
    if not roots:
        raise MalformedProof("root certificates", got=0, expected="at least 1")
    for each in roots:
        check_may_issue(each)
        certificates.check_signed_by(each, each)


def _authority_chain(
    authority: Certificate,
    roots: Sequence[Certificate],
    intermediates: Sequence[Certificate],
    lists: Sequence[RevocationList],
) -> tuple[Certificate, ...]:
    chains = list(find_chains((authority,), roots, intermediates))
    check_one_chain(chains, authority)
    check_may_issue(authority)
    check_chain(chains[0])
    check_not_revoked(authority, chains[0][1], lists)
    return chains[0]


def _admin_der(certificate: Certificate, bare: Msp) -> bytes:
    """As it would be compared. An admin without a chain is nobody, and is kept as it is."""
    chain = next(find_chains((certificate,), bare.roots, bare.intermediates), None)
    return certificate.der if chain is None else certificates.normalised_der(certificate, chain[1])


def _listed_unit(listed: UnitIdentifier, bare: Msp) -> tuple[str, bytes]:
    return listed.unit, _identifier_of_authority(certificates.parse_pem(listed.certificate), bare)


def _identifier_of_authority(authority: Certificate, bare: Msp) -> bytes:
    """The chain identifier of members that this authority signs."""
    if authority in bare.roots:
        return chain_identifier((authority,))
    chains = list(find_chains((authority,), bare.roots, bare.intermediates))
    check_one_chain(chains, authority)
    return chain_identifier(chains[0])


def _role_units(node_units: NodeUnits | None, bare: Msp) -> tuple[RoleUnit, ...]:
    if node_units is None or not node_units.enabled:
        return ()
    configured = {
        Role.CLIENT: node_units.client,
        Role.PEER: node_units.peer,
        Role.ADMIN: node_units.admin,
        Role.ORDERER: node_units.orderer,
    }
    return tuple(
        RoleUnit(
            role,
            each.unit,
            _identifier_of_authority(certificates.parse_pem(each.certificate), bare) if each.certificate else None,
        )
        for role, each in configured.items()
        if each is not None
    )
