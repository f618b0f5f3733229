"""A mebibyte of hostile bytes for every family: evidence and proofs that a stranger would make to waste our time.

Some are noise or a great many tiny parts, some are honest in all that is cheap to forge and wrong only at the end.
Tests count what each costs before it is refused; the benchmark times it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from proofs.bitcoin.headers import encode_header
from proofs.bitcoin.membership import TransactionProof
from proofs.bitcoin.membership import encode_proof as encode_bitcoin_proof
from proofs.bitcoin.transactions import stripped
from proofs.cometbft import canonical
from proofs.cometbft.ibc_messages import encode_client_header
from proofs.cometbft.types import BlockIdFlag, Commit, CommitSig, KeyType, PublicKey, Validator, ValidatorSet
from proofs.encoding import rlp
from proofs.encoding.proof_batch import join_batch
from proofs.encoding.protobuf import bytes_field, message_field
from proofs.errors import VerificationError
from proofs.ethereum.storage_layout import encode_state_proof
from proofs.light_client import Claim, Height, LightClient
from proofs.poa.headers import HEADERS_MAX
from proofs.primitives.hashing import sha256
from tests.proofs.attestation import builders as attestation
from tests.proofs.bitcoin import builders as bitcoin
from tests.proofs.chainmaker import builders as chains
from tests.proofs.chainmaker import test_membership as chainmaker
from tests.proofs.cometbft import builders as cometbft
from tests.proofs.cometbft.test_client import NOW as COMET_NOW
from tests.proofs.cometbft.test_client import PATH, with_store
from tests.proofs.ethereum import beacon_builders as beacon
from tests.proofs.fabric import test_client as fabric
from tests.proofs.fabric.builders import encoded, following, signed, with_data
from tests.proofs.fisco_bcos import builders as fisco
from tests.proofs.poa import test_clique_client as clique
from tests.proofs.poa import test_qbft_client as qbft
from tests.proofs.poa.builders import bft_block, signer

MEBIBYTE = 1 << 20
NOW = 1_800_000_000


@dataclass(frozen=True)
class Attack:
    """client: what it is sent to. at: for a proof, the height and the one claim; evidence has none."""

    name: str
    client: LightClient
    data: bytes
    at: tuple[Height, Claim] | None = None
    now: int = NOW

    def refused(self) -> VerificationError:
        # Making the attack has hashed what it is made of.
        canonical._set_root.cache_clear()
        canonical._ed25519_address.cache_clear()
        try:
            if self.at is None:
                self.client.update(self.data, now=self.now)
            else:
                height, claim = self.at
                self.client.check([claim], at=height, proof=self.data)
        except VerificationError as refusal:
            return refusal
        raise AssertionError(f"{self.name}: believed")


def repeated(piece: bytes) -> bytes:
    return piece * (MEBIBYTE // len(piece))


def list_of(piece: bytes) -> bytes:
    """An RLP list of about a mebibyte."""
    return rlp.encode_list_of([piece] * ((MEBIBYTE - 8) // len(piece)))


# What readers of protobuf and of RLP meet, whatever they expect.
SHAPES: dict[str, bytes] = {
    "zeros": bytes(MEBIBYTE),
    "tiny fields": repeated(b"\x0a\x00"),
    "endless varint": b"\x0a" + b"\xff" * (MEBIBYTE - 1),
    "one long field": bytes_field(1, bytes(MEBIBYTE - 8)),
    "fields in a field": message_field(1, repeated(b"\x0a\x00")[8:]),
    "tiny items": list_of(b"\x80"),
    "tiny lists": list_of(b"\xc1\xc0"),
    "deep lists": repeated(b"\xc1"),
    "lists of hashes": list_of(rlp.encode([bytes(32)] * 16)),
    "noise": b"".join(sha256(number.to_bytes(4, "big")) for number in range(MEBIBYTE // 32)),
}


@cache
def targets() -> dict[str, tuple[LightClient, tuple[Height, Claim], int]]:
    """A client of each family that would believe honest evidence, and a claim that it would check."""
    world, block = bitcoin.world(), fisco.world()
    qbft_client = qbft.client()
    return {
        "cometbft": (with_store(), (Height(7, 5), Claim(PATH, b"\x11" * 32)), COMET_NOW),
        "ethereum": (beacon.client_at(16), (Height(0, 1016), beacon.CLAIM), beacon.NOW),
        "clique": (clique.client(), (Height(0, 0), beacon.CLAIM), clique.NOW),
        "qbft": (qbft_client, (qbft_client.latest(), beacon.CLAIM), qbft.NOW),
        "bitcoin": (world.client, (world.at, world.claim()), NOW),
        "fabric": (fabric.CLIENT.update(encoded(fabric.BLOCK), now=0), (fabric.AT, fabric.CLAIM), 0),
        "fisco_bcos": (block.client, (block.at, fisco.SENT), fisco.NOW),
        "chainmaker": (chainmaker.CLIENT, (chainmaker.AT, chainmaker.CLAIMS[0]), chains.NOW),
        "attestation": (attestation.client_of(), (Height(0, 10), Claim(b"client-0\x01" + bytes(8), b"\x11" * 32)), 0),
    }


def attacks() -> Iterator[Attack]:
    for family, (client, at, now) in targets().items():
        for shape, data in SHAPES.items():
            yield Attack(f"{family} evidence: {shape}", client, data, None, now)
            yield Attack(f"{family} proof: {shape}", client, data, at, now)
    yield from _honest_but_for_the_end()


def _honest_but_for_the_end() -> Iterator[Attack]:
    known = targets()
    evidence: dict[str, tuple[str, Callable[[], bytes]]] = {
        "cometbft evidence: a set of thousands that nobody trusts": ("cometbft", thousands_of_validators),
        "clique evidence: headers without a parent": ("clique", unlinked_headers),
        "qbft evidence: headers without a parent": ("qbft", unlinked_headers),
        "qbft evidence: seals of strangers": ("qbft", sealed_by_strangers),
        "bitcoin evidence: headers without work": ("bitcoin", lambda: repeated(encode_header(bitcoin.REGTEST_GENESIS))),
        "fabric evidence: envelopes that nobody signed": ("fabric", unsigned_block),
        "fabric evidence: tiny envelopes, signed": ("fabric", block_of_tiny_envelopes),
        "fisco_bcos evidence: many sealers": ("fisco_bcos", headers_of_many_sealers),
        "chainmaker evidence: votes without end": ("chainmaker", lambda: chainmaker_votes(b"\x32\x00")),
    }
    for name, (family, make) in evidence.items():
        client, _, now = known[family]
        yield Attack(name, client, make(), None, now)
    proofs: dict[str, tuple[str, Callable[[], bytes]]] = {
        "cometbft proof: steps without end": ("cometbft", lambda: join_batch([repeated(b"\x22\x02\x08\x01")])),
        "ethereum proof: one node of a mebibyte": ("ethereum", lambda: encode_state_proof([bytes(1_048_000)], [[]])),
        "ethereum proof: thousands of nodes": ("ethereum", lambda: encode_state_proof([bytes(40)] * 25_000, [[]])),
        "bitcoin proof: inputs without end": ("bitcoin", many_inputs),
        "fabric proof: other envelopes": ("fabric", lambda: message_field(1, repeated(bytes_field(1, bytes(62))))),
    }
    for name, (family, make) in proofs.items():
        client, at, now = known[family]
        yield Attack(name, client, make(), at, now)


def thousands_of_validators() -> bytes:
    """Everything fits, but nobody has ever heard of these validators."""
    keys = [sha256(number.to_bytes(4, "big")) for number in range(2_048)]
    validators = ValidatorSet(
        tuple(Validator(sha256(key)[:20], PublicKey(KeyType.ED25519, key), 1_000) for key in keys)
    )
    header = cometbft.header(
        9, validators_hash=canonical.validators_hash(validators), proposer_address=validators.validators[0].address
    )
    votes = tuple(
        CommitSig(BlockIdFlag.COMMIT, each.address, header.time + number, each.address * 3 + b"sign")
        for number, each in enumerate(validators.validators)
    )
    commit = Commit(9, 0, cometbft.block_id_of(header), votes)
    honest = cometbft.step(cometbft.block(header), trusted_height=1)
    signed_header = replace(honest.block.signed_header, commit=commit)
    block = replace(honest.block, signed_header=signed_header, validators=validators)
    return encode_client_header(replace(honest, block=block))


def unlinked_headers() -> bytes:
    """As many and as long as the evidence may be."""
    header = replace(qbft.CHAIN[0], parent_hash=b"\x55" * 32, extra_data=bytes(MEBIBYTE // HEADERS_MAX - 560))
    return rlp.encode_list_of([replace(header, number=number).encode() for number in range(1, HEADERS_MAX + 1)])


def sealed_by_strangers() -> bytes:
    """A header over a gap names 256 validators, and has a seal of each; nobody has ever heard of them."""
    strangers = [signer(f"stranger {number}") for number in range(256)]
    return qbft.evidence(bft_block(qbft.CHAIN[3], strangers, by=strangers))


def unsigned_block() -> bytes:
    return encoded(with_data(following(fabric.GENESIS, []), [bytes(62)] * 16_000))


def block_of_tiny_envelopes() -> bytes:
    return encoded(signed(following(fabric.GENESIS, [bytes(62)] * 16_000), 0, [fabric.ORDERER]))


def headers_of_many_sealers() -> bytes:
    """Each of 256 sealers, linked to each other and to nothing that is known."""
    chain = fisco.Chain(keys=fisco.sealers(count=64) * 4)
    chain.grow(50)
    return fisco.evidence(chain.headers[1:], chain.keys)


def chainmaker_votes(vote: bytes) -> bytes:
    block = chainmaker.BLOCK.evidence(voted=False)
    return message_field(1, bytes_field(1, block.header) + bytes_field(2, block.first) + bytes_field(4, repeated(vote)))


def many_inputs() -> bytes:
    transaction = bitcoin.transaction(*[b"\x51"] * 10_900)
    return join_batch([encode_bitcoin_proof(TransactionProof(stripped(transaction), ()))])
