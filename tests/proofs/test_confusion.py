"""One path, one height, one client id, one value: proved for another ledger, host, revision or height it is refused."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from proofs.cometbft.client import CometBftClient, decode_client
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import encode_client_header
from proofs.encoding.proof_batch import join_batch
from proofs.errors import InvalidSignature, MalformedProof, RootMismatch, UnknownHeight, ValueMismatch, WrongLedger
from proofs.ethereum.forks import ForkSchedule
from proofs.ethereum.storage_layout import check_claims, encode_state_proof
from proofs.light_client import Claim, Height
from relay.config import ConfigRefused, load_attestor_config
from relay.config.toml import write_toml
from tests.proofs.attestation.builders import batch, client_of
from tests.proofs.cometbft.builders import CHAIN_ID, block, commit, header, step
from tests.proofs.cometbft.stores import Store
from tests.proofs.cometbft.test_client import COUNTER, NOW, PATH, STORE, evidence, started
from tests.proofs.ethereum import test_storage_layout as evm
from tests.proofs.ethereum.beacon_builders import CHAIN, CLAIM, client_at, evidence_for, state_proof, update_of
from tests.proofs.ethereum.beacon_builders import NOW as BEACON_NOW
from tests.proofs.ethereum.builders import LAYOUT, world
from tests.relay.config.test_config import ATTESTOR, put, write

HELD = Claim(PATH, b"\x11" * 32)
SECRETLY_OTHER = Store({PATH: b"\x11" * 32, COUNTER: (9).to_bytes(8, "big")})


def follows_two_heights() -> CometBftClient:
    """At 5 the claim holds; at 6 the state moved on, and the claim holds there under another root."""
    client = started().update(evidence(5, app_hash=STORE.root()), now=NOW)
    return client.update(evidence(6, app_hash=SECRETLY_OTHER.root()), now=NOW)


def test_the_honest_proofs_pass() -> None:
    client = follows_two_heights()
    client.check([HELD], at=Height(7, 5), proof=join_batch([STORE.prove(PATH)]))
    client.check([HELD], at=Height(7, 6), proof=join_batch([SECRETLY_OTHER.prove(PATH)]))
    evm.check(evm.SENT)
    client_at(16).check([CLAIM], at=Height(0, 1016), proof=state_proof()[1])


@pytest.mark.parametrize(("number", "store"), ((5, SECRETLY_OTHER), (6, STORE)), ids=("too_new", "too_old"))
def test_cometbft_proof_off_by_one_height(number: int, store: Store) -> None:
    """The state of block N is in the header of N + 1: whoever forgets the lag proves the wrong height."""
    with pytest.raises(RootMismatch):
        follows_two_heights().check([HELD], at=Height(7, number), proof=join_batch([store.prove(PATH)]))


@pytest.mark.parametrize("revision", (0, 6, 8))
def test_cometbft_proof_at_another_revision(revision: int) -> None:
    with pytest.raises(WrongLedger) as refused:
        follows_two_heights().check([HELD], at=Height(revision, 5), proof=join_batch([STORE.prove(PATH)]))
    assert (refused.value.part, refused.value.got, refused.value.expected) == ("revision", revision, 7)


def test_cometbft_proof_of_another_chain_with_the_same_validators() -> None:
    """One operator, two chains, one set of keys: the chain id alone tells them apart, and it is signed."""
    other = header(5, chain_id="causeway-8", app_hash=STORE.root())
    with pytest.raises(WrongLedger) as refused:
        started().update(encode_client_header(step(block(other))), now=NOW)
    assert (refused.value.part, refused.value.got, refused.value.expected) == ("chain id", "causeway-8", CHAIN_ID)


def test_cometbft_votes_for_another_chain_under_this_chains_header() -> None:
    honest = block(header(5, app_hash=STORE.root()))
    votes = commit(honest.signed_header.header, chain_id="causeway-8")
    forged = replace(honest, signed_header=replace(honest.signed_header, commit=votes))
    with pytest.raises(InvalidSignature):
        started().update(encode_client_header(step(forged)), now=NOW)


@pytest.mark.parametrize("prefix", ((b"bank", b""), (b"ibc", b"x"), (b"ibc2", b"")))
def test_cometbft_proof_of_another_host(prefix: tuple[bytes, bytes]) -> None:
    """The client is told another store or prefix than the proof is of."""
    elsewhere = replace(follows_two_heights(), host=HostLayout(prefix))
    with pytest.raises(ValueMismatch):
        elsewhere.check([HELD], at=Height(7, 5), proof=join_batch([STORE.prove(PATH)]))


def test_a_stored_client_keeps_its_ledger_and_host() -> None:
    elsewhere = replace(follows_two_heights(), host=HostLayout((b"bank", b"")))
    assert decode_client(elsewhere.encode()).host.store == b"bank"


def test_evm_proof_of_another_router_on_the_same_ledger() -> None:
    """Same code, same slot, same value, another address: the account's place in the state is its identity."""
    elsewhere = replace(LAYOUT, address=b"\x99" * 20)
    with pytest.raises(MalformedProof) as refused:
        evm.check(evm.SENT, layout=elsewhere)
    assert refused.value.part == "trie proof"
    nothing_there = encode_state_proof(evm.WORLD.account_nodes(elsewhere.address), [evm.WORLD.storage_nodes(bytes(32))])
    with pytest.raises(WrongLedger) as absent:
        evm.check(evm.SENT, layout=elsewhere, proof=nothing_there)
    assert (absent.value.part, absent.value.expected) == ("host account", elsewhere.address)


def test_evm_proof_of_other_code_at_the_routers_address() -> None:
    with pytest.raises(WrongLedger):
        evm.check(evm.SENT, layout=replace(LAYOUT, code_hash=b"\x77" * 32))


def test_evm_proof_of_the_same_router_on_another_ledger_or_at_another_height() -> None:
    """Routers are often deployed to one address everywhere: the state root alone tells ledgers and heights apart."""
    other = world({LAYOUT.slot_of(evm.SENT.path): evm.SENT.value or b"", b"\x07" * 32: b"\x01"})
    proof = other.prove([evm.SENT.path])
    check_claims([evm.SENT], state_root=other.state_root, layout=LAYOUT, proof=proof)
    with pytest.raises(RootMismatch):
        check_claims([evm.SENT], state_root=evm.WORLD.state_root, layout=LAYOUT, proof=proof)


def test_evm_storage_of_one_ledger_under_the_account_of_another() -> None:
    other = world({LAYOUT.slot_of(evm.SENT.path): evm.SENT.value or b"", b"\x07" * 32: b"\x01"})
    spliced = encode_state_proof(evm.WORLD.account_nodes(), [other.storage_nodes(LAYOUT.slot_of(evm.SENT.path))])
    with pytest.raises(RootMismatch):
        evm.check(evm.SENT, proof=spliced)


@pytest.mark.parametrize("at", (Height(0, 1015), Height(0, 1017), Height(0, 16)), ids=("below", "above", "slot"))
def test_ethereum_proof_at_a_height_off_by_one_or_counted_in_slots(at: Height) -> None:
    with pytest.raises(UnknownHeight):
        client_at(16).check([CLAIM], at=at, proof=state_proof()[1])


def test_ethereum_proof_at_another_revision() -> None:
    with pytest.raises(WrongLedger) as refused:
        client_at(16).check([CLAIM], at=Height(1, 1016), proof=state_proof()[1])
    assert (refused.value.part, refused.value.got, refused.value.expected) == ("revision", 1, 0)


@pytest.mark.parametrize("what", ("genesis", "fork"))
def test_ethereum_update_of_another_chain_with_the_same_committee(what: str) -> None:
    """Genesis validators and fork version are in the signing domain: a testnet's signatures mean nothing here."""
    if what == "fork":
        rows = tuple((fork, bytes([fork, 8, 8, 8]), epoch) for fork, _, epoch in CHAIN.schedule.forks)
        other = replace(CHAIN, schedule=ForkSchedule(rows))
    else:
        other = replace(CHAIN, genesis_validators_root=b"\x55" * 32)
    update = evidence_for(update_of(18, finalized=17, chain=other), chain=other)
    with pytest.raises(InvalidSignature):
        client_at(16).update(update, now=BEACON_NOW)


def test_attestation_off_by_one_height() -> None:
    claim = Claim(b"client-0\x01" + bytes(7) + b"\x01", b"\x11" * 32)
    client_of().check([claim], at=Height(0, 10), proof=batch(10, [claim]))
    with pytest.raises(ValueMismatch) as refused:
        client_of().check([claim], at=Height(0, 10), proof=batch(11, [claim]))
    assert (refused.value.got, refused.value.expected) == (11, 10)


def test_an_attestation_names_no_ledger_so_no_key_may_serve_two(tmp_path: Path) -> None:
    """The trap: whoever attests two ledgers with one key proves each for the other. The configuration refuses it."""
    claim = Claim(b"client-0\x01" + bytes(7) + b"\x01", b"\x11" * 32)
    of_x, of_y = client_of(), client_of()
    said_of_x = batch(10, [claim])
    of_x.check([claim], at=Height(0, 10), proof=said_of_x)
    of_y.check([claim], at=Height(0, 10), proof=said_of_x)  # passes: nothing in it speaks of x
    content = put(tomllib.loads(write_toml(ATTESTOR)), "attests.1.key", "k1")
    with pytest.raises(ConfigRefused) as refused:
        load_attestor_config(write(tmp_path, content))
    assert "attests[1].key" in {problem.key for problem in refused.value.problems}
