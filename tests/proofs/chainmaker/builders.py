"""Chains with test keys: validators with certificates or with bare keys, blocks, votes and changes of configuration.

Everything is built from plain values by plain_form.py, so a test changes any field before it is hashed and signed.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.x509.oid import NameOID

from proofs.chainmaker.client import ChainMakerClient, Checkpoint, bootstrap
from proofs.chainmaker.evidence import EncodedBlock, encode_step
from proofs.chainmaker.host import RECEIPT_ABSENT, WRITTEN, HostLayout
from proofs.chainmaker.keys import node_id, parse_key
from proofs.chainmaker.membership import BlockProof, TransactionProof, Witness, encode_proof
from proofs.chainmaker.tree import compute_path, compute_root
from proofs.chainmaker.types import Parameters
from proofs.commitment import ClientId, commitment_path, receipt_path
from proofs.encoding import abi
from tests.proofs.chainmaker import plain_form as form
from tests.proofs.chainmaker import sm2_signing

Plain = dict[str, Any]

CHAIN_ID = "test-chain"
START = 1_700_000_000
NOW = START + 10_000
VERSION = 2_030_500
PARAMETERS = Parameters(trusting_period=100_000, drift=30)
LAYOUT = HostLayout("CAUSEWAY_HOST", "1.0")
PATH = commitment_path(ClientId("chainmaker-0"), 7)
RECEIPT = receipt_path(ClientId("chainmaker-0"), 7)
VALUE = b"\x11" * 32

HASHES = {"SHA256": "sha256", "SM3": "sm3", "SHA3_256": "sha3_256"}


def digest(name: str, data: bytes) -> bytes:
    return hashlib.new(HASHES[name], data).digest()


@lru_cache(maxsize=256)
def private_key(secret: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(secret, ec.SECP256R1())


def spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def pem(label: str, der: bytes) -> bytes:
    body = b64encode(der).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()


@dataclass(frozen=True)
class Signer:
    """One node: how it is named, and with what it signs. hash_name: of its certificate, or of the chain."""

    org_id: str
    member: Plain
    secret: int
    hash_name: str
    node_id: str
    is_sm2: bool = False

    def sign(self, message: bytes) -> bytes:
        if self.is_sm2:
            return encode_dss_signature(*sm2_signing.sign(message, self.secret))
        hashed = digest(self.hash_name, message)
        return private_key(self.secret).sign(hashed, ec.ECDSA(Prehashed(hashes.SHA256())))

    def endorse(self, message: bytes) -> Plain:
        return {"signer": self.member, "signature": self.sign(message)}


def certificate(
    subject: Mapping[str, str],
    *,
    secret: int,
    issuer: Mapping[str, str] | None = None,
    issuer_secret: int | None = None,
    is_authority: bool = False,
    valid: tuple[int, int] = (START - 1_000, START + 1_000_000),
    units: Sequence[str] | None = None,
) -> bytes:
    """DER. subject, issuer: O, OU and CN."""

    def name(parts: Mapping[str, str], more: Sequence[str] = ()) -> x509.Name:
        oids = {"O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME, "CN": NameOID.COMMON_NAME}
        attributes = [x509.NameAttribute(oids[key], text) for key, text in parts.items()]
        return x509.Name([*attributes, *(x509.NameAttribute(oids["OU"], each) for each in more)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject, units or ()))
        .issuer_name(name(issuer or subject))
        .public_key(private_key(secret).public_key())
        .serial_number(secret)
        .not_valid_before(datetime.fromtimestamp(valid[0], UTC))
        .not_valid_after(datetime.fromtimestamp(valid[1], UTC))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    signed = builder.sign(private_key(issuer_secret or secret), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def authority_name(org: str) -> dict[str, str]:
    return {"O": org, "OU": "root-cert", "CN": f"ca.{org}"}


@lru_cache(maxsize=64)
def authority(org: str, secret: int) -> bytes:
    return certificate(authority_name(org), secret=secret, is_authority=True)


def certified(
    number: int, org: str, *, authority_secret: int, role: str = "consensus", secret: int | None = None, **options: Any
) -> Signer:
    secret = secret or 1_000 + number
    der = certificate(
        {"O": org, "OU": role, "CN": f"{role}{number}.sign.{org}"},
        secret=secret,
        issuer=authority_name(org),
        issuer_secret=authority_secret,
        **options,
    )
    tls = parse_key(spki(private_key(5_000 + number).public_key()))
    return Signer(org, {"org_id": org, "member_info": pem("CERTIFICATE", der)}, secret, "SHA256", node_id(tls))


def keyed(number: int, hash_name: str, *, org: str = "", is_sm2: bool = False) -> Signer:
    secret = 2_000 + number
    der = sm2_signing.public_key(secret) if is_sm2 else spki(private_key(secret).public_key())
    member = {"org_id": org, "member_type": 2, "member_info": pem("PUBLIC KEY", der)}
    return Signer(org, member, secret, hash_name, node_id(parse_key(der)), is_sm2)


@dataclass(frozen=True)
class Network:
    """config: plain values of the ChainConfig. signers: the validators, in order."""

    config: Plain
    signers: tuple[Signer, ...]

    @property
    def hash_name(self) -> str:
        return str(self.config["crypto"]["hash"])

    def encoded(self) -> bytes:
        return form.encode(form.CONFIG, self.config)

    def changed(self, *, signers: Sequence[Signer] | None = None, **changes: Any) -> Network:
        """The configuration after a change: one further, with these validators."""
        kept = tuple(signers or self.signers)
        config = deepcopy(self.config) | {"sequence": self.config.get("sequence", 0) + 1}
        config["consensus"]["nodes"] = _nodes(config["auth_type"], kept)
        return Network(config | changes, kept)


def _nodes(auth_type: str, signers: Sequence[Signer]) -> list[Plain]:
    owners: dict[str, list[str]] = {}
    for each in signers:
        owners.setdefault(each.org_id if auth_type != "public" else "public", []).append(each.node_id)
    return [{"org_id": org, "node_id": nodes} for org, nodes in owners.items()]


def _config(auth_type: str, hash_name: str, signers: Sequence[Signer]) -> Plain:
    return {
        "chain_id": CHAIN_ID,
        "version": "v2.3.5",
        "auth_type": auth_type,
        "crypto": {"hash": hash_name},
        "consensus": {"type": 1, "nodes": _nodes(auth_type, signers)},
    }


def with_certificates(count: int = 4, *, hash_name: str = "SHA256", per_org: int = 1) -> Network:
    orgs = [f"org{number // per_org + 1}.test" for number in range(count)]
    signers = [certified(number, org, authority_secret=100 + number // per_org) for number, org in enumerate(orgs)]
    config = _config("permissionedWithCert", hash_name, signers)
    config["trust_roots"] = [
        {"org_id": org, "root": [pem("CERTIFICATE", authority(org, 100 + number)).decode()]}
        for number, org in enumerate(dict.fromkeys(orgs))
    ]
    return Network(config, tuple(signers))


def with_keys(count: int = 4, *, hash_name: str = "SM3", auth_type: str = "public", is_sm2: bool = False) -> Network:
    signers = [
        keyed(number, hash_name, org="" if auth_type == "public" else f"org{number}.test", is_sm2=is_sm2)
        for number in range(count)
    ]
    return Network(_config(auth_type, hash_name, signers), tuple(signers))


# --- transactions


def written(path: bytes = PATH, value: bytes = VALUE, **changes: Any) -> Plain:
    return _event(WRITTEN, abi.encode("(bytes,bytes)", (path, value)), changes)


def absent(path: bytes = RECEIPT, time: int = START + 1, **changes: Any) -> Plain:
    return _event(RECEIPT_ABSENT, abi.encode("(bytes,uint64)", (path, time)), changes)


def _event(signature: str, data: bytes, changes: Plain) -> Plain:
    return {
        "topic": abi.event_topic(signature).hex(),
        "contract_name": LAYOUT.contract,
        "contract_version": LAYOUT.version,
        "event_data": [data.hex()],
    } | changes


def transaction(number: int = 0, events: Sequence[Plain] = (), **changes: Any) -> Plain:
    """changes: of the payload, or of the result by the names result_code and contract_code."""
    tx_id = f"{number:064x}"
    result_code, contract_code = changes.pop("result_code", 0), changes.pop("contract_code", 0)
    return {
        "payload": {
            "chain_id": CHAIN_ID,
            "tx_id": tx_id,
            "timestamp": START,
            "contract_name": LAYOUT.contract,
            "method": "0a0b0c0d",
            "parameters": [{"key": "data", "value": b"calldata"}],
        }
        | changes,
        "sender": {"signer": {"org_id": "org1.test", "member_info": b"someone"}, "signature": b"unread"},
        "result": {
            "code": result_code,
            "contract_result": {
                "code": contract_code,
                "result": b"",
                "gas_used": 500 + number,
                "contract_event": [{"tx_id": tx_id} | each for each in events],
            },
            "rw_set_hash": b"\x22" * 32,
        },
    }


def config_transaction(network: Network, **changes: Any) -> Plain:
    tx = transaction(9_999, contract_name="CHAIN_CONFIG", method="NODE_ID_UPDATE", **changes)
    tx["result"]["contract_result"] = {"result": network.encoded()}
    return tx


def leaf(tx: Plain, hash_name: str, *, version: int = VERSION) -> bytes:
    hashed = deepcopy(tx)
    if version >= 2300:
        hashed["result"].get("contract_result", {}).pop("gas_used", None)
    return digest(hash_name, form.encode(form.TRANSACTION, hashed))


# --- blocks


@dataclass(frozen=True)
class Block:
    """header: sealed. votes: plain values of the VoteSet."""

    header: Plain
    txs: tuple[Plain, ...]
    votes: Plain = field(default_factory=dict)
    hash_name: str = "SHA256"

    @property
    def hash(self) -> bytes:
        return bytes(self.header["block_hash"])

    def encoded_header(self) -> bytes:
        return form.encode(form.HEADER, self.header)

    def leaves(self) -> list[bytes]:
        return [leaf(each, self.hash_name, version=self.header["block_version"]) for each in self.txs]

    def path(self, index: int) -> tuple[bytes, ...]:
        return compute_path(self.leaves(), index, lambda data: digest(self.hash_name, data))

    def evidence(self, *, voted: bool = True) -> EncodedBlock:
        votes = form.encode(form.VOTE_SET, self.votes) if voted else b""
        first = form.encode(form.TRANSACTION, self.txs[0])
        return EncodedBlock(self.encoded_header(), first, self.path(0), votes)


def seal(header: Plain, proposer: Signer, hash_name: str) -> Plain:
    """The header with proposer, hash and signature."""
    proposed = {"proposer": proposer.member} | header
    hashed = {key: each for key, each in proposed.items() if key not in ("block_hash", "signature")}
    block_hash = digest(hash_name, form.encode(form.HEADER, hashed))
    return hashed | {"block_hash": block_hash, "signature": proposer.sign(block_hash)}


def vote(signer: Signer, header: Plain, *, voter: str | None = None, **changes: Any) -> Plain:
    values = {
        "type": 1,
        "voter": voter or signer.node_id,
        "height": header["block_height"],
        "round": 2,
        "hash": header["block_hash"],
    } | changes
    return values | {"endorsement": signer.endorse(form.encode(form.VOTE, values))}


def vote_set(votes: Sequence[Plain], header: Plain, **changes: Any) -> Plain:
    entries = [{"key": each["voter"], "value": each} for each in votes]
    return {"type": 1, "height": header["block_height"], "round": 2, "votes": entries} | changes


def block(
    network: Network,
    parent: Block,
    *,
    txs: Sequence[Plain] | None = None,
    voters: Sequence[int] | None = None,
    proposer: int = 0,
    **changes: Any,
) -> Block:
    """The next block, pre-committed by `voters` (all by default). changes: of the header, before it is sealed."""
    height = parent.header["block_height"] + 1
    carried = tuple(txs if txs is not None else [transaction(height)])
    name = network.hash_name
    version = changes.get("block_version", VERSION)
    leaves = [leaf(each, name, version=version) for each in carried]
    values = {
        "block_version": version,
        "chain_id": CHAIN_ID,
        "block_height": height,
        "pre_block_hash": parent.hash,
        "pre_conf_height": config_height_after(parent),
        "tx_count": len(carried),
        "tx_root": compute_root(leaves, lambda data: digest(name, data)) if leaves else b"",
        "dag_hash": b"\x33" * 32,
        "rw_set_root": b"\x44" * 32,
        "block_timestamp": parent.header["block_timestamp"] + 1,
    } | changes
    header = seal(values, network.signers[proposer], name)
    signers = network.signers if voters is None else [network.signers[each] for each in voters]
    return Block(header, carried, vote_set([vote(each, header) for each in signers], header), name)


def config_height_after(parent: Block) -> int:
    payload = parent.txs[0]["payload"]
    height = parent.header["block_height"]
    return int(height if payload["contract_name"] == "CHAIN_CONFIG" else parent.header.get("pre_conf_height", 0))


def config_block(network: Network, new: Network, parent: Block, **changes: Any) -> Block:
    """The change is voted by the validators before it."""
    options: Plain = {"txs": [config_transaction(new)], "block_type": 1} | changes
    return block(network, parent, **options)


def genesis(network: Network) -> Block:
    tx = config_transaction(network)
    del tx["sender"]
    values = {
        "block_version": VERSION,
        "block_type": 1,
        "chain_id": CHAIN_ID,
        "tx_count": 1,
        "tx_root": leaf(tx, network.hash_name),
        "dag_hash": b"\x33" * 32,
        "block_timestamp": START,
    }
    block_hash = digest(network.hash_name, form.encode(form.HEADER, values))
    header = values | {"block_height": 0, "block_hash": block_hash}
    return Block(header, (tx,), hash_name=network.hash_name)


def chain(network: Network, count: int) -> list[Block]:
    """The genesis block and `count` after it."""
    blocks = [genesis(network)]
    for _ in range(count):
        blocks.append(block(network, blocks[-1]))
    return blocks


def step(*blocks: Block, voted: Sequence[int] = (), certificates: Sequence[bytes] = ()) -> bytes:
    """Evidence with votes in the last block, and in those at the places `voted`."""
    last = len(blocks) - 1
    encoded = [each.evidence(voted=place == last or place in voted) for place, each in enumerate(blocks)]
    return encode_step(encoded, certificates)


def started(network: Network, first: Block | None = None, *, parameters: Parameters = PARAMETERS) -> ChainMakerClient:
    first = first or genesis(network)
    checkpoint = checkpoint_of(network, first)
    return bootstrap(
        first.encoded_header(), network.encoded(), checkpoint=checkpoint, parameters=parameters, layout=LAYOUT
    )


def checkpoint_of(network: Network, first: Block) -> Checkpoint:
    height = first.header["block_height"]
    return Checkpoint(
        CHAIN_ID, height, first.hash, hashlib.sha256(network.encoded()).digest(), config_height_after(first)
    )


def proof(of: Block, *where: tuple[int, int]) -> bytes:
    """where: transaction and event of each claim."""
    places = list(dict.fromkeys(tx for tx, _ in where))
    transactions = tuple(
        TransactionProof(form.encode(form.TRANSACTION, of.txs[each]), each, of.path(each)) for each in places
    )
    return encode_proof(BlockProof(transactions, tuple(Witness(places.index(tx), event) for tx, event in where)))


def with_votes(of: Block, votes: Sequence[Plain], **changes: Any) -> Block:
    return replace(of, votes=vote_set(votes, of.header, **changes))
