"""What is fuzzed: each target takes bytes from strangers, and has honest seeds to change."""

from __future__ import annotations

from functools import partial

from proofs.attestation import client as attestation
from proofs.attestation.spec import Tag
from proofs.attestation.types import decode_abi
from proofs.bundle.format import decode_bundle, decode_checkpoint, encode_checkpoint
from proofs.bundle.verify import decode_checkpoint_client, verify_bundle
from proofs.chainmaker import client as chainmaker
from proofs.chainmaker.certificates import parse_certificate
from proofs.chainmaker.messages import decode_config
from proofs.cometbft import client as cometbft
from proofs.cometbft.ibc_messages import (
    decode_client_header,
    decode_client_state,
    decode_misbehaviour,
    encode_client_header,
    encode_client_state,
    encode_misbehaviour,
)
from proofs.cometbft.types import Misbehaviour
from proofs.encoding import rlp
from proofs.encoding.proof_batch import join_batch, split_batch
from proofs.ethereum import client as ethereum
from proofs.ethereum.evidence import EvidenceKind
from proofs.ethereum.execution import decode_account
from proofs.ethereum.storage_layout import check_claims, decode_layout
from proofs.fabric import client as fabric
from proofs.fabric.channel_config import read_config
from proofs.fisco_bcos import client as fisco_bcos
from proofs.fisco_bcos.tars import decode_signed
from proofs.fisco_bcos.types import Generation
from proofs.light_client import Claim, Height
from proofs.merkle import ics23, mmr, patricia
from proofs.merkle.ics23_format import decode_commitment_proof, split_merkle_proof
from proofs.merkle.substrate_node import decode_node
from proofs.merkle.substrate_trie import EMPTY_ROOT, decode_proof, encode_proof, keys_under, shown_entries
from proofs.primitives.hashing import blake2b_256, sha256
from proofs.substrate import client as substrate
from proofs.substrate.beefy import client as substrate_beefy
from proofs.substrate.beefy import messages as beefy
from proofs.substrate.beefy.evidence import encode_step as encode_beefy_step
from proofs.substrate.headers import header_hash
from proofs.substrate.justification import decode_justification
from tests.fuzz import mined_and_sealed
from tests.fuzz.target import Target, check_claims_of
from tests.proofs.attestation.builders import batch, client_of, packets, sign, state
from tests.proofs.bundle import samples as bundles
from tests.proofs.chainmaker import builders as chains
from tests.proofs.chainmaker import test_membership as membership
from tests.proofs.cometbft import test_client as comet
from tests.proofs.cometbft.test_encodings import CLIENT_STATE, STEP
from tests.proofs.ethereum import beacon_builders as beacon
from tests.proofs.ethereum import test_storage_layout as evm
from tests.proofs.ethereum.builders import LAYOUT
from tests.proofs.fabric import builders as lanes
from tests.proofs.fabric import test_client as channels
from tests.proofs.fisco_bcos import builders as groups
from tests.proofs.fisco_bcos import test_transactions as signed_transactions
from tests.proofs.merkle import mountain_ranges as ranges
from tests.proofs.merkle.substrate_tries import NaiveTrie
from tests.proofs.substrate import builders as relays
from tests.proofs.substrate import test_hostile_bytes as votes
from tests.proofs.substrate.beefy import builders as signers


def targets() -> tuple[Target, ...]:
    return (
        *_cometbft(),
        *_attestation(),
        *_ethereum(),
        *mined_and_sealed.targets(),
        *_chainmaker(),
        *_fabric(),
        *_fisco_bcos(),
        *_substrate(),
        *_merkle(),
        *_encoding(),
        *_bundle(),
    )


def _cometbft() -> tuple[Target, ...]:
    client = comet.with_store()
    claim = Claim(comet.PATH, b"\x11" * 32)
    step = encode_client_header(STEP)
    accusation = encode_misbehaviour(Misbehaviour(STEP, STEP))
    headers = [comet.evidence(5), comet.evidence(2), step]
    return (
        Target("cometbft", "update", partial(comet.started().update, now=comet.NOW), headers),
        Target("cometbft", "misbehaviour", partial(client.misbehaviour, step, now=comet.NOW), headers),
        Target("cometbft", "header", decode_client_header, headers),
        Target("cometbft", "client", cometbft.decode_client, [client.encode(), client.frozen(5).encode()]),
        Target("cometbft", "client state", decode_client_state, [encode_client_state(CLIENT_STATE)]),
        Target("cometbft", "misbehaviour message", decode_misbehaviour, [accusation]),
        Target(
            "cometbft",
            "check",
            partial(check_claims_of, client, [claim], Height(7, 5)),
            [join_batch([comet.STORE.prove(comet.PATH)])],
        ),
    )


def _attestation() -> tuple[Target, ...]:
    client = client_of()
    claims = [Claim(b"client-0\x01" + bytes(7) + b"\x01", b"\x11" * 32)]
    proofs = [batch(10, claims), join_batch([packets(10, claims)])]
    abi = sign(b"x" * 64, (0, 1), tag=Tag.STATE).encode_abi()
    return (
        Target("attestation", "update", partial(client.update, now=0), [state(11, 1_001)]),
        Target("attestation", "misbehaviour", partial(client.misbehaviour, state(11, 1), now=0), [state(11, 2)]),
        Target("attestation", "check", partial(check_claims_of, client, claims, Height(0, 10)), proofs),
        Target("attestation", "client", attestation.decode_client, [client.encode()]),
        Target("attestation", "abi", decode_abi, [abi]),
    )


def _ethereum() -> tuple[Target, ...]:
    client = beacon.client_at(16)
    update = beacon.update_of(18, finalized=17)
    seeds = [
        beacon.evidence_for(beacon.update_of(18, finalized=17, brings=beacon.keys_of(3))),
        beacon.evidence_for(update, kind=EvidenceKind.FINALITY_UPDATE),
    ]
    account = rlp.encode([b"\x01", b"", bytes(32), bytes(32)])
    return (
        Target("ethereum", "update", partial(client.update, now=beacon.NOW), seeds),
        Target("ethereum", "optimistic", partial(client.optimistic_header, now=beacon.NOW), seeds),
        Target("ethereum", "misbehaviour", partial(client.misbehaviour, seeds[0], now=beacon.NOW), seeds),
        Target("ethereum", "client", ethereum.decode_client, [client.encode()]),
        Target(
            "ethereum",
            "check",
            partial(check_claims_of, client, [beacon.CLAIM], Height(0, 1016)),
            [beacon.state_proof()[1]],
        ),
        Target("ethereum", "claims", _check_state, [evm.WORLD.prove([each.path for each in evm.CLAIMS])]),
        Target("ethereum", "layout", decode_layout, [LAYOUT.encode()]),
        Target("ethereum", "account", decode_account, [account]),
    )


def _chainmaker() -> tuple[Target, ...]:
    network = chains.with_keys()
    first = chains.genesis(network)
    new = network.changed()
    change = chains.config_block(network, new, first)
    steps = [chains.step(change), chains.step(change, chains.block(new, change), voted=[0])]
    client = chains.started(network, first)
    later = client.update(steps[1], now=chains.NOW)
    update = partial(client.update, now=chains.NOW)
    check = partial(check_claims_of, membership.CLIENT, membership.CLAIMS, membership.AT)
    authority = chains.authority("org1.test", 100)
    configs = [network.encoded(), membership.NETWORK.encoded()]
    return (
        Target("chainmaker", "update", update, steps),
        Target("chainmaker", "misbehaviour", partial(client.misbehaviour, steps[0], now=chains.NOW), steps),
        Target("chainmaker", "check", check, [chains.proof(membership.BLOCK, *membership.WHERE)]),
        Target("chainmaker", "client", chainmaker.decode_client, [later.encode(), later.frozen(2).encode()]),
        Target("chainmaker", "certificate", parse_certificate, [authority]),
        Target("chainmaker", "config", decode_config, configs),
    )


def _fabric() -> tuple[Target, ...]:
    """An honest block, configuration, proof and client of a channel with keys of our own."""
    client, config = channels.known(), lanes.Channel(1)
    update = partial(channels.CLIENT.update, now=0)
    renewal = lanes.signed(lanes.following(channels.GENESIS, [config.envelope()]), 1, [channels.ORDERER])
    blocks = [lanes.encoded(channels.BLOCK), lanes.encoded(renewal)]
    check = partial(check_claims_of, client, [channels.CLAIM], channels.AT)
    return (
        Target("fabric", "update", update, blocks),
        Target("fabric", "misbehaviour", partial(channels.CLIENT.misbehaviour, blocks[0], now=0), blocks),
        Target("fabric", "check", check, [channels.PROOF]),
        Target("fabric", "client", fabric.decode_client, [client.encode()]),
        Target("fabric", "config", read_config, [config.config(), lanes.bft_channel().config()]),
    )


def _fisco_bcos() -> tuple[Target, ...]:
    """Both generations; signed transactions as clients of 3.x send them."""
    found = []
    for generation in Generation:
        world = groups.world(generation)
        steps = [world.chain.step(2, 2), world.chain.step(1, 2)]
        update = partial(world.chain.client().update, now=groups.NOW)
        accuse = partial(world.chain.client().misbehaviour, steps[0], now=groups.NOW)
        check = partial(check_claims_of, world.client, [groups.SENT], world.at)
        name = f"{generation.name.lower()} "
        found += [
            Target("fisco_bcos", name + "update", update, steps),
            Target("fisco_bcos", name + "misbehaviour", accuse, steps),
            Target("fisco_bcos", name + "check", check, [join_batch([world.encoded()])]),
            Target("fisco_bcos", name + "client", fisco_bcos.decode_client, [world.client.encode()]),
        ]
    return (*found, Target("fisco_bcos", "transaction", decode_signed, [signed_transactions.tars()]))


def _check_state(proof: bytes) -> None:
    check_claims(evm.CLAIMS, state_root=evm.WORLD.state_root, layout=LAYOUT, proof=proof)


def _substrate() -> tuple[Target, ...]:
    """Steps with votes for later blocks and with a delayed change; commitments of BEEFY as nodes serve them."""
    client, accused = votes.CHAIN.client(), votes.steps()[0]
    start = partial(
        substrate.bootstrap,
        checkpoint_hash=header_hash(votes.CHAIN.header(relays.START)),
        parameters=relays.PARAMETERS,
        layout=relays.LAYOUT,
    )
    claims = partial(check_claims_of, client, relays.CLAIMS, relays.at(relays.START))
    signed = signers.NOW_SIGNING.signed(signers.commitment(b"\x01" * 32), signers.QUORUM)
    chain = signers.chain_of()
    steps = [encode_beefy_step(chain.step(relays.START + 5)), encode_beefy_step(chain.step(relays.START + 4, back=1))]
    leaf = signers.leaf(signers.BLOCK, signers.SIGNING_NEXT.set)
    clients = [client.encode(), client.frozen(2).encode(), votes.waiting().encode()]
    return (
        Target("substrate", "update", partial(client.update, now=relays.NOW), votes.steps()),
        Target("substrate", "misbehaviour", partial(client.misbehaviour, accused, now=relays.NOW), votes.steps()),
        Target("substrate", "checkpoint", start, [votes.CHAIN.checkpoint()]),
        Target("substrate", "check", claims, [votes.CHAIN.prove(relays.START, relays.CLAIMS)]),
        Target("substrate", "client", substrate.decode_client, clients),
        Target("substrate", "justification", decode_justification, votes.justifications()),
        Target("substrate", "beefy update", partial(chain.client().update, now=relays.NOW), steps),
        Target("substrate", "beefy client", substrate_beefy.decode_client, [chain.client().encode()]),
        Target("substrate", "beefy", beefy.decode_signed_commitment, [beefy.encode_signed_commitment(signed)]),
        Target("substrate", "beefy leaf", beefy.decode_leaf, [beefy.encode_leaf(leaf)]),
    )


def _merkle() -> tuple[Target, ...]:
    proofs = [comet.STORE.prove(comet.PATH), comet.STORE.prove(b"zzz"), comet.STORE.prove(b"0")]
    layers = [layer for proof in proofs for layer in split_merkle_proof(proof)]
    path = [b"ibc", comet.PATH]
    chained = partial(ics23.verify_chained, root=comet.STORE.root(), path=path, value=b"\x11" * 32)
    nodes = evm.WORLD.account_nodes()
    state = NaiveTrie({b"ab" + bytes((byte,)) * 3: b"v" * byte for byte in range(80)}, hashes_values=True)
    return (
        Target("merkle", "ics23 chained", chained, proofs),
        Target("merkle", "ics23 proof", decode_commitment_proof, layers),
        Target("merkle", "patricia node", patricia.decode_node, nodes),
        Target("merkle", "state trie node", decode_node, state.proof_under(b"")),
        Target("merkle", "state trie", _look_into_state, [encode_proof(state.proof_under(b""))]),
        Target("merkle", "mountain range", _prove_leaves, [ranges.encode(ranges.Range([b"leaf"] * 11).proof(2, 9))]),
    )


def _look_into_state(proof: bytes) -> None:
    """The last node is taken for the root, whatever it is: otherwise another root would be the only refusal."""
    nodes = decode_proof(proof)
    root = blake2b_256(nodes[-1]) if nodes else EMPTY_ROOT
    keys_under(root, b"", nodes)
    shown_entries(root, nodes)


def _prove_leaves(encoded: bytes) -> None:
    proof = mmr.decode_leaf_proof(encoded)
    mmr.root_from([bytes(32)] * len(proof.indices), proof)


def _bundle() -> tuple[Target, ...]:
    """Files behind their digest, which is written again: the parsers behind it meet the bytes."""
    made = [make() for make in (bundles.cometbft, bundles.attestation, bundles.qbft, bundles.fabric)]
    seeds = [each.encoded[:-32] for each in made]
    checkpoints = [encode_checkpoint(each.bundle.checkpoint)[:-32] for each in made]
    now = made[0].now
    return (
        Target("bundle", "verify", lambda data: verify_bundle(data + sha256(data), held=None, now=now), seeds),
        Target("bundle", "file", decode_bundle, [each.encoded for each in made]),
        Target("bundle", "checkpoint", _read_checkpoint, checkpoints),
    )


def _read_checkpoint(data: bytes) -> object:
    return decode_checkpoint_client(decode_checkpoint(data + sha256(data)))


def _encoding() -> tuple[Target, ...]:
    nested = rlp.encode([b"a", [b"b", [b"c" * 60], b""], b"\x80"])
    return (
        Target("encoding", "rlp", partial(rlp.decode, depth_limit=4), [nested]),
        Target("encoding", "proof batch", partial(split_batch, count=2), [join_batch([b"a" * 200, b"b"])]),
    )
