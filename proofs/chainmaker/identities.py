"""Members into keys: who signed, for which organisation, in which role, and as which node.

Three modes, and the configuration says which. With certificates the organisation's roots vouch, and the role stands in
the certificate; certificates may be named by their hash, and are then handed along. With keys only, the node id is made
of the key itself. Nothing else is anybody: alias, DID and address members are refused.
Source: chainmaker-go module/accesscontrol; the facts of tags v2.0.0 to v2.3.7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from proofs.chainmaker import predicates as rules
from proofs.chainmaker.certificates import Certificate, parse_certificate, parse_pem_certificate, verify_chain
from proofs.chainmaker.hashing import Hash
from proofs.chainmaker.keys import PublicKey, node_id, parse_pem_key, verify_signature
from proofs.chainmaker.pem import read_pem_blocks
from proofs.chainmaker.types import ChainConfig, Endorsement, Member, MemberType, TrustMember
from proofs.errors import UnknownSigner

# One organisation renews its root now and then; each string may hold a chain.
_ROOT_CERTIFICATES_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Identity:
    """node_id: the node that this key is bound to; empty where only the organisation is known."""

    key: PublicKey
    hash_name: str
    org_id: str
    role: str
    node_id: str


def identify(member: Member, config: ChainConfig, *, at: int, certificates: Mapping[bytes, bytes]) -> Identity:
    """Who `member` is under `config` at the time `at`. Raises InvalidProof.

    certificates: DER by hash, for members that are named by one.
    """
    if config.auth_type == rules.WITH_CERTIFICATES:
        rules.check_member_type(member, (MemberType.CERT, MemberType.CERT_HASH))
        return _from_certificate(member, config, at, certificates)
    rules.check_member_type(member, (MemberType.PUBLIC_KEY,))
    return _from_key(member, config)


def verify_endorsement(endorsement: Endorsement, message: bytes, identity: Identity) -> None:
    """Return only if the member's key signed `message`."""
    verify_signature(message, endorsement.signature, key=identity.key, hash_name=identity.hash_name)


def by_hash(certificates: Sequence[bytes], digest: Hash) -> Mapping[bytes, bytes]:
    """What CERT_HASH members look their certificates up in: nobody need be believed about it."""
    return {digest(each): each for each in certificates}


def _from_certificate(member: Member, config: ChainConfig, at: int, certificates: Mapping[bytes, bytes]) -> Identity:
    known = _trust_member(member, config)
    if known is not None:
        certificate = parse_pem_certificate(member.info)
        rules.check_member_organisation(member.org_id, known.org_id)
        return Identity(certificate.key, certificate.hash_name, known.org_id, known.role.upper(), known.node_id)
    certificate = _certificate(member, certificates)
    rules.check_one_name(certificate.organisations, "organisation")
    rules.check_one_name(certificate.units, "unit")
    rules.check_member_organisation(member.org_id, certificate.organisations[0])
    roots, pool = _authorities(config)
    verify_chain(certificate, roots=roots.get(member.org_id, ()), pool=pool, at=at)
    return Identity(certificate.key, certificate.hash_name, member.org_id, certificate.units[0].upper(), "")


def _certificate(member: Member, certificates: Mapping[bytes, bytes]) -> Certificate:
    if member.type == MemberType.CERT:
        return parse_pem_certificate(member.info)
    found = certificates.get(member.info)
    if found is None:
        raise UnknownSigner(member.info, signers="certificates handed along")
    return parse_certificate(found)


def _trust_member(member: Member, config: ChainConfig) -> TrustMember | None:
    """Entries that name a member by its exact text override everything else."""
    if member.type != MemberType.CERT:
        return None
    return next((each for each in config.trust_members if each.info.encode() == member.info), None)


@lru_cache(maxsize=8)  # a configuration is in force for thousands of blocks
def _authorities(config: ChainConfig) -> tuple[Mapping[str, tuple[Certificate, ...]], tuple[Certificate, ...]]:
    """The roots of each organisation, and the authorities of all: a root is what signs itself."""
    roots: dict[str, list[Certificate]] = {}
    pool: list[Certificate] = []
    for each in config.trust_roots:
        for text in each.roots:
            blocks = read_pem_blocks(text.encode(), "CERTIFICATE")
            rules.check_root_count(len(pool) + len(blocks), _ROOT_CERTIFICATES_MAX * len(config.trust_roots))
            found = [parse_certificate(block) for block in blocks]
            pool += found
            roots.setdefault(each.org_id, []).extend(one for one in found if one.issuer == one.subject)
    return {org_id: tuple(found) for org_id, found in roots.items()}, tuple(pool)


def _from_key(member: Member, config: ChainConfig) -> Identity:
    key = parse_pem_key(member.info)
    node = node_id(key)
    owner = next((each.id for each in config.organisations if node in each.node_ids), None)
    rules.check_node_known(owner, node)
    # In public mode nobody belongs to an organisation, whatever the configuration calls the validators' group.
    expected = "" if config.auth_type == rules.PUBLIC else owner or ""
    rules.check_member_organisation(member.org_id, expected)
    return Identity(key, config.hash_name, owner or "", rules.CONSENSUS_ROLE, node)
