"""A channel with keys of our own: authorities, members, configurations, blocks, transactions, answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier

from proofs.encoding.protobuf import bytes_field, message_field, repeated_bytes_field, string_field, varint_field
from proofs.fabric import hashing
from proofs.fabric.answers import SignedAnswer
from proofs.fabric.block_messages import Block, BlockHeader
from proofs.fabric.certificates import parse_pem
from proofs.fabric.client import FabricClient, bootstrap
from proofs.fabric.config_elements import ROOT, Element, Key, Kind, elements_of_config
from proofs.fabric.config_messages import Policy, PrincipalKind, Role
from proofs.fabric.host import HostLayout
from proofs.fabric.membership import MembershipProof, encode_proof
from proofs.fabric.transaction_messages import Endorsement
from proofs.fabric.types import Parameters
from proofs.primitives import p256
from proofs.primitives.hashing import sha256

CHANNEL = "lane"
CHAINCODE = "host"
START = datetime(2026, 1, 1, tzinfo=UTC)
UNITS = {Role.CLIENT: "client", Role.PEER: "peer", Role.ADMIN: "admin", Role.ORDERER: "orderer"}


@cache
def key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ec.SECP256R1())


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    msp_id: str
    number: int
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def identity(self) -> bytes:
        return string_field(1, self.msp_id) + bytes_field(2, self.pem)

    def sign(self, message: bytes, *, high: bool = False) -> bytes:
        r, s = utils.decode_dss_signature(key(self.number).sign(message, ec.ECDSA(hashes.SHA256())))
        low = min(s, p256.ORDER - s)
        return utils.encode_dss_signature(r, p256.ORDER - low if high else low)


@cache
def issue(  # noqa: PLR0917 - a certificate has many parts, all with defaults
    msp_id: str,
    number: int,
    issuer: Holder | None = None,
    units: tuple[str, ...] = (),
    authority: bool = False,
    path_length: int | None = None,
    purposes: tuple[str, ...] = (),
    critical: str = "",
    days: tuple[int, int] = (0, 3650),
    signs_certificates: bool | None = None,
) -> Holder:
    subject = x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, each) for each in units),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{msp_id} {number}"),
        ]
    )
    public = key(number).public_key()
    builder = x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=subject if issuer is None else issuer.certificate.subject,
        public_key=public,
        serial_number=number,
        not_valid_before=START + timedelta(days=days[0]),
        not_valid_after=START + timedelta(days=days[1]),
    )
    builder = builder.add_extension(x509.BasicConstraints(authority, path_length), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier(sha256(public_point(number))), critical=False)
    may_sign = authority if signs_certificates is None else signs_certificates
    usage = x509.KeyUsage(True, False, False, False, False, may_sign, may_sign, False, False)
    builder = builder.add_extension(usage, critical=True)
    if purposes:
        listed = x509.ExtendedKeyUsage([ObjectIdentifier(each) for each in purposes])
        builder = builder.add_extension(listed, critical=False)
    if critical:
        builder = builder.add_extension(
            x509.UnrecognizedExtension(ObjectIdentifier(critical), b"\x05\x00"), critical=True
        )
    signed = builder.sign(key(number if issuer is None else issuer.number), hashes.SHA256())
    return Holder(msp_id, number, signed)


def public_point(number: int) -> bytes:
    return key(number).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def revocations(authority: Holder, serials: Iterable[int], *, signer: Holder | None = None) -> bytes:
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=authority.certificate.subject, last_update=START, next_update=START + timedelta(days=1)
    )
    identifier = x509.AuthorityKeyIdentifier(sha256(public_point(authority.number)), None, None)
    builder = builder.add_extension(identifier, critical=False)
    for serial in serials:
        revoked = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=START).build()
        builder = builder.add_revoked_certificate(revoked)
    return builder.sign(key((signer or authority).number), hashes.SHA256()).public_bytes(Encoding.PEM)


@dataclass(frozen=True)
class Organisation:
    """One root, members numbered after it, roles by unit."""

    msp_id: str
    number: int
    lists: tuple[bytes, ...] = ()

    @property
    def root(self) -> Holder:
        return issue(self.msp_id, self.number, authority=True)

    def member(self, role: Role, index: int = 1) -> Holder:
        return issue(self.msp_id, self.number + 10 * int(role) + index, self.root, (UNITS[role],))

    def msp(self, *, hash_family: str = "SHA2") -> bytes:
        units = b"".join(
            message_field(2 + place, string_field(2, UNITS[role]))
            for place, role in enumerate((Role.CLIENT, Role.PEER, Role.ADMIN, Role.ORDERER))
        )
        config = (
            string_field(1, self.msp_id)
            + repeated_bytes_field(2, [self.root.pem])
            + repeated_bytes_field(5, self.lists)
            + message_field(8, string_field(1, hash_family) + string_field(2, "SHA256"))
            + message_field(11, varint_field(1, 1) + units)
        )
        return message_field(2, config)


ORDERERS = Organisation("OrdererMSP", 1000)
MORE_ORDERERS = Organisation("OtherOrdererMSP", 2000)
ORG1, ORG2, ORG3 = (Organisation(f"Org{n}MSP", 3000 + 1000 * n) for n in (1, 2, 3))
STRANGERS = Organisation("StrangerMSP", 9000)


def mapping(number: int, entries: Mapping[str, bytes]) -> bytes:
    return repeated_bytes_field(
        number, (string_field(1, name) + message_field(2, entry) for name, entry in entries.items())
    )


def group(
    groups: Mapping[str, bytes] | None = None,
    values: Mapping[str, bytes] | None = None,
    policies: Mapping[str, bytes] | None = None,
) -> bytes:
    return (
        mapping(2, groups or {})
        + mapping(3, {name: bytes_field(2, each) for name, each in (values or {}).items()})
        + mapping(4, {name: message_field(2, each) for name, each in (policies or {}).items()})
    )


def meta(sub_policy: str, rule: int) -> bytes:
    return varint_field(1, 3) + bytes_field(2, string_field(1, sub_policy) + varint_field(2, rule))


def signed_by(index: int) -> bytes:
    return b"\x08" + bytes([index])


def n_out_of(n: int, rules: Sequence[bytes]) -> bytes:
    return message_field(2, varint_field(1, n) + repeated_bytes_field(2, rules))


def signature_policy(rule: bytes, principals: Sequence[bytes], *, version: int = 0) -> bytes:
    return varint_field(1, version) + message_field(2, rule) + repeated_bytes_field(3, principals)


def role(msp_id: str, role_: Role) -> bytes:
    return bytes_field(2, string_field(1, msp_id) + varint_field(2, role_))


def identity(holder: Holder) -> bytes:
    return varint_field(1, PrincipalKind.IDENTITY) + bytes_field(2, holder.identity)


def organisation_group(organisation: Organisation, member: Role) -> bytes:
    policy, admins = (any_of(organisation, each) for each in (member, Role.ADMIN))
    policies = {"Writers": policy, "Endorsement": policy, "Admins": admins}
    return group(values={"MSP": organisation.msp()}, policies=policies)


def any_of(organisation: Organisation, role_: Role) -> bytes:
    rule = signature_policy(n_out_of(1, [signed_by(0)]), [role(organisation.msp_id, role_)])
    return varint_field(1, 1) + bytes_field(2, rule)


def with_versions(plain: bytes, before: bytes | None) -> dict[Key, Element]:
    """The elements of a configuration, each with the policy Admins, and its version if it follows `before`."""
    known = {} if before is None else elements_of_config(before)
    found = {}
    for place, each in elements_of_config(plain).items():
        earlier = known.get(place)
        is_changed = earlier is not None and (earlier.content != each.content or place == ROOT)
        found[place] = replace(each, version=0 if earlier is None else earlier.version + is_changed, rule="Admins")
    return found


def group_of(elements: Mapping[Key, Element], path: tuple[str, ...] = ()) -> bytes:
    this = elements[Kind.GROUP, path]
    assert isinstance(this.content, frozenset)
    parts: dict[Kind, dict[str, bytes]] = {kind: {} for kind in Kind}
    for kind, name in sorted(this.content, key=lambda each: (each[0].value, each[1])):
        below = (*path, name)
        if (kind, below) in elements:
            parts[kind][name] = group_of(elements, below) if kind is Kind.GROUP else item_of(elements[kind, below])
    entries = (mapping(number, parts[kind]) for number, kind in enumerate(Kind, 2))
    return varint_field(1, this.version) + b"".join(entries) + string_field(5, this.rule)


def item_of(element: Element) -> bytes:
    if isinstance(element.content, Policy):
        content = message_field(2, varint_field(1, element.content.type) + bytes_field(2, element.content.value))
    else:
        assert isinstance(element.content, bytes)
        content = bytes_field(2, element.content)
    return varint_field(1, element.version) + content + string_field(3, element.rule)


@dataclass(frozen=True)
class Channel:
    """What a configuration says. bft: consenters by number, from the capability V3_0 on.

    before: what it follows, from sequence 1 on; by itself the same with the number before.
    """

    sequence: int = 0
    consenters: tuple[Holder, ...] = ()
    capabilities: tuple[str, ...] = ("V2_0",)
    hashing: str = "SHA256"
    width: int = (1 << 32) - 1
    consensus: str = "etcdraft"
    orderers: tuple[Organisation, ...] = (ORDERERS, MORE_ORDERERS)
    organisations: tuple[Organisation, ...] = (ORG1, ORG2, ORG3)
    block_policy: bytes = field(default_factory=lambda: meta("Writers", 0))
    channel_id: str = CHANNEL
    before: Channel | None = None

    def predecessor(self) -> Channel | None:
        if self.sequence == 0:
            return None
        return self.before or replace(self, sequence=self.sequence - 1)

    def config(self) -> bytes:
        before = self.predecessor()
        elements = with_versions(self._plain(), None if before is None else before.config())
        return varint_field(1, self.sequence) + message_field(2, group_of(elements))

    def _plain(self) -> bytes:
        values = {"ConsensusType": string_field(1, self.consensus)}
        if self.consenters:
            values["Orderers"] = repeated_bytes_field(1, map(consenter, range(1, 100), self.consenters))
        orderer = group(
            {each.msp_id: organisation_group(each, Role.ORDERER) for each in self.orderers},
            values,
            {"BlockValidation": self.block_policy, "Admins": meta("Admins", 2)},
        )
        application = group(
            {each.msp_id: organisation_group(each, Role.PEER) for each in self.organisations},
            policies={"Endorsement": meta("Endorsement", 2), "Admins": meta("Admins", 2)},
        )
        root = group(
            {"Orderer": orderer, "Application": application},
            {
                "Capabilities": mapping(1, dict.fromkeys(self.capabilities, b"")),
                "HashingAlgorithm": string_field(1, self.hashing),
                "BlockDataHashingStructure": varint_field(1, self.width),
            },
            {"Admins": meta("Admins", 1)},
        )
        return message_field(2, root)

    def administrators(self) -> tuple[Holder, ...]:
        return tuple(each.member(Role.ADMIN) for each in (*self.orderers, *self.organisations))

    def envelope(self, *, kind: int = 1, update: bytes | None = None) -> bytes:
        header = varint_field(1, kind) + string_field(4, self.channel_id)
        content = bytes_field(1, self.config()) + bytes_field(2, self.update() if update is None else update)
        payload = message_field(1, bytes_field(1, header)) + bytes_field(2, content)
        return bytes_field(1, payload) + bytes_field(2, b"signature")

    def update(self, **changes: Any) -> bytes:
        """Everything is read and written, signed by the administrators so far."""
        before = self.predecessor()
        return b"" if before is None else ConfigUpdate(before, self, **changes).envelope()


@dataclass(frozen=True)
class ConfigUpdate:
    """From one configuration to the next, in parts; a test changes one of them. authors: all administrators."""

    old: Channel
    new: Channel
    authors: tuple[Holder, ...] | None = None
    read: Mapping[Key, Element] | None = None
    written: Mapping[Key, Element] | None = None
    channel_id: str = CHANNEL
    kind: int = 2

    def content(self) -> bytes:
        read = elements_of_config(self.old.config()) if self.read is None else self.read
        written = elements_of_config(self.new.config()) if self.written is None else self.written
        groups = message_field(2, group_of(read)) + message_field(3, group_of(written))
        return string_field(1, self.channel_id) + groups

    def envelope(self) -> bytes:
        content = self.content()
        signatures = []
        for each in self.old.administrators() if self.authors is None else self.authors:
            named = bytes_field(1, each.identity) + bytes_field(2, b"nonce")
            signatures.append(bytes_field(1, named) + bytes_field(2, each.sign(named + content)))
        header = varint_field(1, self.kind) + string_field(4, self.channel_id)
        signed = bytes_field(1, content) + repeated_bytes_field(2, signatures)
        payload = message_field(1, bytes_field(1, header)) + bytes_field(2, signed)
        return bytes_field(1, payload) + bytes_field(2, b"signature")


def consenter(number: int, holder: Holder) -> bytes:
    return varint_field(1, number) + string_field(4, holder.msp_id) + bytes_field(5, holder.pem)


def bft_channel(
    count: int = 4,
    *,
    sequence: int = 0,
    first: int = 1,
    needed: int | None = None,
    before: Channel | None = None,
) -> Channel:
    consenters = tuple(ORDERERS.member(Role.ORDERER, index) for index in range(first, first + count))
    quorum = (count + (count - 1) // 3 + 2) // 2 if needed is None else needed
    rule = n_out_of(quorum, [signed_by(index) for index in range(count)])
    policy = varint_field(1, 1) + bytes_field(2, signature_policy(rule, [identity(each) for each in consenters]))
    return Channel(sequence, consenters, ("V3_0",), consensus="BFT", block_policy=policy, before=before)


GENESIS = Block(BlockHeader(0, b"", b""), (Channel().envelope(),), (b"", b"", b"", b"", b""))


def with_data(block: Block, envelopes: Sequence[bytes]) -> Block:
    return replace(
        block, header=replace(block.header, data_hash=hashing.data_hash(envelopes)), envelopes=tuple(envelopes)
    )


def genesis(channel: Channel | None = None) -> Block:
    return with_data(GENESIS, [(channel or Channel()).envelope()])


def metadata_value(last_config: int) -> bytes:
    return message_field(1, varint_field(1, last_config))


def creator_signature(holder: Holder, value: bytes, header: BlockHeader, *, high: bool = False) -> bytes:
    named = bytes_field(1, holder.identity) + bytes_field(2, b"nonce")
    signature = holder.sign(value + named + hashing.header_bytes(header), high=high)
    return bytes_field(1, named) + bytes_field(2, signature)


def consenter_signature(number: int, holder: Holder, value: bytes, header: BlockHeader) -> bytes:
    named = varint_field(1, number) + bytes_field(2, b"nonce")
    return bytes_field(2, holder.sign(value + named + hashing.header_bytes(header))) + bytes_field(3, named)


def signed(
    block: Block, last_config: int, signers: Sequence[Holder], *, bft: bool = False, high: bool = False
) -> Block:
    """signers: in order; on BFT channels their numbers count from 1."""
    value = metadata_value(last_config)
    signatures = [
        consenter_signature(number, each, value, block.header)
        if bft
        else creator_signature(each, value, block.header, high=high)
        for number, each in enumerate(signers, 1)
    ]
    slot = message_field(1, value) + repeated_bytes_field(2, signatures)
    return replace(block, slots=(slot, *block.slots[1:]))


def following(before: Block, envelopes: Sequence[bytes], *, skip: int = 0) -> Block:
    """skip: numbers left out, whose hashes are somebody else's."""
    link = hashing.header_hash(before.header) if skip == 0 else bytes(32)
    header = BlockHeader(before.header.number + 1 + skip, link, hashing.data_hash(envelopes))
    return Block(header, tuple(envelopes), (b"", b"", b"", b"", b""))


def encoded(block: Block, *, with_envelopes: bool = True) -> bytes:
    header = (
        varint_field(1, block.header.number)
        + bytes_field(2, block.header.previous_hash)
        + bytes_field(3, block.header.data_hash)
    )
    data = message_field(2, repeated_bytes_field(1, block.envelopes)) if with_envelopes else b""
    return message_field(1, header) + data + message_field(3, repeated_bytes_field(1, block.slots))


def started(channel: Channel | None = None, *, organisations: int = 1) -> FabricClient:
    block = genesis(channel)
    return bootstrap(
        encoded(block),
        header_hash=hashing.header_hash(block.header),
        parameters=Parameters(CHANNEL, organisations),
        host=HostLayout(CHAINCODE),
    )


@dataclass(frozen=True)
class Call:
    """A transaction in its parts; a test changes one of them."""

    writes: tuple[tuple[str, bytes | None], ...] = ()
    endorsers: tuple[Holder, ...] = field(default_factory=lambda: (ORG1.member(Role.PEER), ORG2.member(Role.PEER)))
    client: Holder = field(default_factory=lambda: ORG1.member(Role.CLIENT))
    nonce: bytes = b"nonce"
    channel_id: str = CHANNEL
    chaincode: str = CHAINCODE
    answered_by: str = CHAINCODE
    version: str = "1"
    status: int = 200
    kind: int = 3
    epoch: int = 0
    tx_id: str = ""
    event: bytes = b""
    data_model: int = 0
    transient: bytes = b""
    proposal_hash: bytes = b""
    actions: int = 1
    action_nonce: bytes = b""
    more_namespaces: bytes = b""
    metadata_writes: tuple[bytes, ...] = ()
    arguments: tuple[bytes, ...] = (b"call",)
    invoked: str = CHAINCODE
    response: bytes = b"ok"

    def signature_header(self) -> bytes:
        return bytes_field(1, self.client.identity) + bytes_field(2, self.nonce)

    def id(self) -> str:
        return self.tx_id or sha256(self.nonce + self.client.identity).hex()

    def channel_header(self) -> bytes:
        extension = message_field(2, string_field(2, self.chaincode))
        return (
            varint_field(1, self.kind)
            + string_field(4, self.channel_id)
            + string_field(5, self.id())
            + varint_field(6, self.epoch)
            + bytes_field(7, extension)
        )

    def proposal_payload(self) -> bytes:
        spec = (
            varint_field(1, 1)
            + message_field(2, string_field(2, self.invoked))
            + message_field(3, repeated_bytes_field(1, self.arguments))
        )
        return bytes_field(1, message_field(1, spec)) + bytes_field(2, self.transient)

    def response_payload(self) -> bytes:
        writes = (
            string_field(1, name) + (varint_field(2, 1) if content is None else bytes_field(3, content))
            for name, content in self.writes
        )
        rwset = repeated_bytes_field(3, writes) + repeated_bytes_field(4, self.metadata_writes)
        results = (
            varint_field(1, self.data_model)
            + message_field(2, string_field(1, CHAINCODE) + bytes_field(2, rwset))
            + self.more_namespaces
        )
        named = string_field(2, self.answered_by) + string_field(3, self.version)
        action = (
            bytes_field(1, results)
            + bytes_field(2, self.event)
            + message_field(3, varint_field(1, self.status) + bytes_field(3, self.response))
            + message_field(4, named)
        )
        header = self.action_header()
        computed = sha256(self.channel_header() + header + self.proposal_payload())
        return bytes_field(1, self.proposal_hash or computed) + bytes_field(2, action)

    def action_header(self) -> bytes:
        return bytes_field(1, self.client.identity) + bytes_field(2, self.action_nonce or self.nonce)

    def endorsements(self) -> tuple[Endorsement, ...]:
        payload = self.response_payload()
        return tuple(Endorsement(each.identity, each.sign(payload + each.identity)) for each in self.endorsers)

    def envelope(self) -> bytes:
        endorsements = (bytes_field(1, each.endorser) + bytes_field(2, each.signature) for each in self.endorsements())
        endorsed = bytes_field(1, self.response_payload()) + repeated_bytes_field(2, endorsements)
        action = bytes_field(1, self.action_header()) + bytes_field(
            2, bytes_field(1, self.proposal_payload()) + message_field(2, endorsed)
        )
        header = bytes_field(1, self.channel_header()) + bytes_field(2, self.signature_header())
        payload = message_field(1, header) + bytes_field(2, repeated_bytes_field(1, [action] * self.actions))
        return bytes_field(1, payload) + bytes_field(2, self.client.sign(payload))

    def answer(self) -> SignedAnswer:
        header = bytes_field(1, self.channel_header()) + bytes_field(2, self.signature_header())
        proposal = bytes_field(1, header) + bytes_field(2, self.proposal_payload())
        return SignedAnswer(proposal, self.response_payload(), self.endorsements())


def query(block: Block, codes: bytes, **changes: object) -> Call:
    """Peers answer with the block and their codes."""
    told = encoded(replace(block, slots=(*block.slots[:2], codes, *block.slots[3:])))
    asked = (b"GetBlockByNumber", CHANNEL.encode(), str(block.header.number).encode())
    call = Call(chaincode="qscc", answered_by="qscc", invoked="qscc", version="syscc", arguments=asked, response=told)
    return replace(call, **changes)  # type: ignore[arg-type] # a test names the parts it changes


def proof(block: Block, answers: Sequence[SignedAnswer]) -> bytes:
    return encode_proof(MembershipProof(block.envelopes, tuple(answers)))


def der(holder: Holder) -> bytes:
    return parse_pem(holder.pem).der
