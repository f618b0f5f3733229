"""An honest bundle of every family: one packet, sent on a small ledger with keys of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from proofs.bitcoin.networks import REGTEST
from proofs.bitcoin.packets import sequence_of
from proofs.bundle.format import encode_bundle
from proofs.bundle.types import Bundle, Checkpoint, Kind, claim_of
from proofs.commitment import ClientId, Packet, Payload, packet_commitment
from proofs.encoding.proof_batch import join_batch
from proofs.ethereum.evidence import EvidenceKind
from proofs.fisco_bcos.types import Generation
from proofs.light_client import Claim, Height, LightClient, Position
from proofs.poa.headers import encode_evidence
from proofs.substrate.beefy.evidence import encode_step
from tests.proofs.attestation import builders as attestors
from tests.proofs.bitcoin import builders as blocks
from tests.proofs.bitcoin.builders import ROUTE
from tests.proofs.chainmaker import builders as networks
from tests.proofs.cometbft import test_client as comet
from tests.proofs.cometbft.stores import Store
from tests.proofs.ethereum import beacon_builders as beacon
from tests.proofs.ethereum.builders import LAYOUT, World, world
from tests.proofs.fabric import builders as channels
from tests.proofs.fabric.test_client import GENESIS, ORDERER
from tests.proofs.fisco_bcos import builders as groups
from tests.proofs.poa import builders as sealers
from tests.proofs.poa.clients import bft_client, clique_client
from tests.proofs.substrate import builders as authorities
from tests.proofs.substrate.beefy import builders as beefy

PAYLOAD = Payload("mailbox", "mailbox", "v1", "text/plain", b"hello")
PACKET = Packet(7, ClientId("client-0"), ClientId("client-1"), 1_700_000_001, (PAYLOAD,))
ACKNOWLEDGEMENTS = (b"\x01",)


@dataclass(frozen=True, slots=True)
class Sample:
    """now: when it can be verified."""

    bundle: Bundle
    client: LightClient
    now: int

    @property
    def encoded(self) -> bytes:
        return encode_bundle(self.bundle)


def bundle_of(kind: Kind = Kind.RECEIVE, packet: Packet = PACKET) -> Bundle:
    """Everything that is said; who believes it and why comes from the family."""
    acknowledgements = ACKNOWLEDGEMENTS if kind is Kind.ACKNOWLEDGE else ()
    return Bundle(Checkpoint("", b""), (), kind, packet, acknowledgements, Height(0, 0), None, b"")


def sample(client: LightClient, bundle: Bundle, now: int) -> Sample:
    return Sample(replace(bundle, checkpoint=Checkpoint(client.family, client.encode())), client, now)


def cometbft(kind: Kind = Kind.RECEIVE) -> Sample:
    bundle = bundle_of(kind)
    claim = claim_of(bundle)
    held = {b"a": b"\x01", b"z": b"\x02"} if claim.value is None else {claim.path: claim.value, b"z": b"\x02"}
    store = Store(held)
    steps = (comet.evidence(3), comet.evidence(5, trusted_height=3, app_hash=store.root()))
    proof = join_batch([store.prove(claim.path)])
    return sample(comet.started(), replace(bundle, evidence=steps, at=Height(7, 5), proof=proof), comet.NOW)


def attestation(kind: Kind = Kind.RECEIVE) -> Sample:
    bundle = bundle_of(kind)
    proof = attestors.batch(11, [claim_of(bundle)])
    steps = (attestors.state(11, PACKET.timeout),)
    return sample(attestors.client_of(), replace(bundle, evidence=steps, at=Height(0, 11), proof=proof), 0)


def state_with(bundle: Bundle) -> World:
    claim = claim_of(bundle)
    return world({} if claim.value is None else {LAYOUT.slot_of(claim.path): claim.value})


def qbft(kind: Kind = Kind.RECEIVE) -> Sample:
    bundle, members = bundle_of(kind), sealers.signers(4)
    state = state_with(bundle)
    genesis = sealers.bft_genesis(members)
    one = sealers.bft_block(genesis, members)
    two = sealers.bft_block(one, members, state_root=state.state_root)
    client = bft_client(genesis, layout=LAYOUT)
    steps = (encode_evidence([one]), encode_evidence([two]))
    proof = state.prove([claim_of(bundle).path])
    return sample(client, replace(bundle, evidence=steps, at=Height(0, 2), proof=proof), sealers.START + 1_000)


def clique(kind: Kind = Kind.RECEIVE) -> Sample:
    bundle, members = bundle_of(kind), sealers.signers(5)
    state = state_with(bundle)
    genesis = replace(sealers.clique_genesis(members), state_root=bytes(32))
    chain = sealers.clique_chain(genesis, members, 1, state_root=state.state_root)
    chain += sealers.clique_chain(chain[-1], members, sealers.PARAMETERS.confirmations)
    client = clique_client(genesis, layout=LAYOUT)
    proof = state.prove([claim_of(bundle).path])
    steps = (encode_evidence(chain),)
    return sample(client, replace(bundle, evidence=steps, at=Height(0, 1), proof=proof), sealers.START + 1_000)


def ethereum(kind: Kind = Kind.RECEIVE) -> Sample:
    bundle = bundle_of(kind)
    state = state_with(bundle)
    started = beacon.client_at(16)
    client = replace(started, belief=replace(started.belief, layout=LAYOUT))
    payload = replace(beacon.execution_at(17), state_root=state.state_root)
    update = beacon.update_of(18, finalized=beacon.header_at(17, execution=payload))
    steps = (beacon.evidence_for(update, kind=EvidenceKind.FINALITY_UPDATE),)
    proof = state.prove([claim_of(bundle).path])
    return sample(client, replace(bundle, evidence=steps, at=Height(0, 1017), proof=proof), beacon.NOW)


def fabric(kind: Kind = Kind.RECEIVE) -> Sample:
    bundle = bundle_of(kind)
    claim = claim_of(bundle)
    call = channels.Call(writes=(("ibc/" + claim.path.hex(), claim.value),))
    block = channels.signed(channels.following(GENESIS, [call.envelope()]), 0, [ORDERER])
    proof = channels.proof(block, [channels.query(block, b"\x00").answer()])
    at = Height(0, 1)
    made = replace(bundle, evidence=(channels.encoded(block),), at=at, written=Position(at, 0, 0), proof=proof)
    return sample(channels.started(), made, 0)


def chainmaker(kind: Kind = Kind.RECEIVE) -> Sample:
    bundle, network = bundle_of(kind), networks.with_certificates()
    claim = claim_of(bundle)
    event = (
        networks.absent(claim.path, PACKET.timeout)
        if claim.value is None
        else networks.written(claim.path, claim.value)
    )
    sent = networks.transaction(10, [event])
    block = networks.block(network, networks.genesis(network), txs=[networks.transaction(1), sent])
    at = Height(0, 1)
    proof = networks.proof(block, (1, 0))
    made = replace(bundle, evidence=(networks.step(block),), at=at, written=Position(at, 1, 0), proof=proof)
    return sample(networks.started(network), made, networks.NOW)


def fisco_bcos(kind: Kind = Kind.RECEIVE, generation: Generation = groups.V3) -> Sample:
    bundle = bundle_of(kind)
    claim = claim_of(bundle)
    log = (
        groups.absent(claim.path, groups.BLOCK_SECONDS)
        if claim.value is None
        else groups.written(claim.path, claim.value)
    )
    make = groups.receipt_v2 if generation is groups.V2 else groups.receipt_v3
    made = groups.world(generation, receipt=make(groups.NOISE, log), index=1, count=3)
    bundle = replace(
        bundle,
        evidence=(made.chain.step(2, 2),),
        at=made.at,
        written=Position(made.at, 1, 1),
        proof=join_batch([made.encoded()]),
    )
    return sample(made.chain.client(), bundle, groups.NOW)


def bitcoin() -> Sample:
    """A ledger that only sends: a packet is an output of a transaction, its sequence where it stands."""
    packet = replace(PACKET, source_client=ROUTE.source_client, dest_client=ROUTE.dest_client)
    chain = blocks.mine([blocks.first_block(REGTEST)], 12)
    height = chain[-1].height + 1
    script = blocks.packet_script(packet_commitment(packet))
    given = [blocks.coinbase(height), blocks.transaction(b"\x51", script, salt=9)]
    made = blocks.world(given, index=1)
    packet = replace(packet, sequence=sequence_of(made.position))
    steps = (blocks.evidence(made.chain[height:]),)
    bundle = replace(bundle_of(packet=packet), evidence=steps, at=made.at, written=made.position, proof=made.proof())
    return sample(blocks.client_at(chain), bundle, blocks.now_after(made.chain))


def substrate(kind: Kind = Kind.RECEIVE) -> Sample:
    """Two steps: one to the end of a set of authorities, one by the next set."""
    bundle = bundle_of(kind)
    claim = claim_of(bundle)
    key = authorities.LAYOUT.key(claim.path)
    chain = authorities.Chain(host={} if claim.value is None else {key: claim.value})
    chain.change(authorities.keys(4, first=20))
    ends = chain.last
    chain.grow(2)
    steps = (
        chain.step(ends, ends, signers=authorities.keys(), set_id=authorities.SET_ID),
        chain.step(chain.last, chain.last),
    )
    proof = chain.prove(chain.last, [claim])
    made = replace(bundle, evidence=steps, at=authorities.at(chain.last), proof=proof)
    return sample(chain.client(), made, authorities.NOW)


def substrate_beefy(kind: Kind = Kind.RECEIVE) -> Sample:
    bundle = bundle_of(kind)
    claim = claim_of(bundle)
    chain = beefy.BeefyChain()
    chain.grow(4)
    chain.grow(host={} if claim.value is None else {authorities.LAYOUT.key(claim.path): claim.value})
    chain.grow()
    proved = chain.blocks.last - 1
    steps = (encode_step(chain.step(chain.blocks.last)),)
    proof = chain.blocks.prove(proved, [claim])
    made = replace(bundle, evidence=steps, at=authorities.at(proved), proof=proof)
    return sample(chain.client(), made, authorities.NOW)


FAMILIES: dict[str, Callable[[], Sample]] = {
    "attestation": attestation,
    "bitcoin": bitcoin,
    "chainmaker": chainmaker,
    "clique": clique,
    "cometbft": cometbft,
    "ethereum": ethereum,
    "fabric": fabric,
    "fisco-bcos": fisco_bcos,
    "qbft": qbft,
    "substrate": substrate,
    "substrate-beefy": substrate_beefy,
}


def claim_in(made: Sample) -> Claim:
    return claim_of(made.bundle)
