"""Each rule of blocks and votes refuses one corruption that everything else lets pass."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from proofs.chainmaker.evidence import EncodedBlock, decode_step, encode_step
from proofs.chainmaker.spec import verify_step
from proofs.errors import (
    DuplicateSigner,
    HeightNotIncreasing,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    UnknownHeight,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from proofs.primitives.hashing import sha256
from tests.proofs.chainmaker import plain_form as form
from tests.proofs.chainmaker.builders import (
    CHAIN_ID,
    NOW,
    PARAMETERS,
    START,
    Block,
    Network,
    Plain,
    authority,
    block,
    certified,
    config_block,
    config_transaction,
    genesis,
    keyed,
    leaf,
    pem,
    private_key,
    seal,
    spki,
    started,
    step,
    transaction,
    vote,
    vote_set,
    with_certificates,
    with_keys,
    with_votes,
)

CERTS = with_certificates()
FIRST = genesis(CERTS)
NEXT = block(CERTS, FIRST)


def refused(evidence: bytes, error: type[VerificationError], network: Network = CERTS) -> VerificationError:
    with pytest.raises(error) as refusal:
        started(network).update(evidence, now=NOW)
    return refusal.value


# --- headers

HEADERS: dict[str, tuple[Plain, type[VerificationError], str]] = {
    "another chain": ({"chain_id": "other"}, WrongLedger, "chain id"),
    "version 1": ({"block_version": 19}, UnsupportedProof, "block version"),
    "version 3": ({"block_version": 3_000_000}, UnsupportedProof, "block version"),
    "another parent": ({"pre_block_hash": b"\x01" * 32}, ValueMismatch, "pre_block_hash"),
    "short parent": ({"pre_block_hash": b"\x01" * 31}, MalformedProof, "header pre_block_hash"),
    "short root": ({"tx_root": b"\x01" * 31}, MalformedProof, "header tx_root"),
    "no transactions": ({"tx_count": 0}, MalformedProof, "header tx_count"),
    "another root": ({"tx_root": b"\x01" * 32}, RootMismatch, "tx_root"),
    "another count": ({"tx_count": 2}, MalformedProof, "path length"),
    "another configuration": ({"pre_conf_height": 1}, ValueMismatch, "pre_conf_height"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_voted_by_everybody_still_keeps_the_rules(name: str) -> None:
    changes, error, part = HEADERS[name]
    refusal = refused(step(block(CERTS, FIRST, **changes)), error)
    assert getattr(refusal, "part") == part  # noqa: B009 - the type is a parameter


def test_a_hash_that_is_not_the_headers_is_refused() -> None:
    forged = replace(NEXT, header=NEXT.header | {"block_hash": b"\x01" * 32})
    refusal = refused(step(forged), RootMismatch)
    assert isinstance(refusal, RootMismatch)
    assert (refusal.part, refusal.computed) == ("block hash", NEXT.hash)


def test_the_chain_fixes_the_hash_not_the_message() -> None:
    elsewhere = with_certificates(hash_name="SM3")
    refused(step(block(elsewhere, genesis(CERTS))), RootMismatch)


def test_a_block_follows_its_parent_whoever_calls() -> None:
    """A client looks its parent up by height; other callers may be given any."""
    client = started(CERTS).update(step(NEXT), now=NOW)
    with pytest.raises(HeightNotIncreasing) as refusal:
        verify_step(
            decode_step(step(block(CERTS, NEXT))),
            client.belief.states[0],
            client.belief.configs[0].config,
            parameters=PARAMETERS,
            now=NOW,
        )
    assert (refusal.value.got, refusal.value.trusted) == (2, 0)


def test_a_block_names_the_one_below_it() -> None:
    far = block(CERTS, FIRST, block_height=1)
    gap = seal(far.header | {"block_height": 2}, CERTS.signers[0], "SHA256")
    votes = vote_set([vote(each, gap) for each in CERTS.signers], gap)
    evidence = encode_step([NEXT.evidence(voted=False), Block(gap, far.txs, votes).evidence()])
    refusal = refused(evidence, ValueMismatch)
    assert isinstance(refusal, ValueMismatch)
    assert refusal.part == "pre_block_hash"


def test_a_block_without_proposer_is_refused() -> None:
    values = {key: each for key, each in NEXT.header.items() if key not in ("proposer", "block_hash", "signature")}
    sealed = seal(values, CERTS.signers[0], "SHA256")
    del sealed["proposer"]
    hashed = {key: each for key, each in sealed.items() if key not in ("block_hash", "signature")}
    sealed["block_hash"] = sha256(form.encode(form.HEADER, hashed))
    votes = vote_set([vote(each, sealed) for each in CERTS.signers], sealed)
    refusal = refused(step(Block(sealed, NEXT.txs, votes)), MalformedProof)
    assert isinstance(refusal, MalformedProof)
    assert refusal.part == "proposer"


def test_an_organisation_without_validators_proposes_nothing() -> None:
    stranger = certified(9, "org9.test", authority_secret=109)
    network = with_certificates()
    network.config["trust_roots"].append(
        {"org_id": "org9.test", "root": [pem("CERTIFICATE", authority("org9.test", 109)).decode()]}
    )
    first = genesis(network)
    header = seal(
        {key: each for key, each in block(network, first).header.items() if key != "proposer"}, stranger, "SHA256"
    )
    votes = vote_set([vote(each, header) for each in network.signers], header)
    refusal = refused(step(Block(header, block(network, first).txs, votes)), UnknownSigner, network)
    assert isinstance(refusal, UnknownSigner)
    assert refusal.signer == b"org9.test"


def test_old_versions_hash_gas_and_new_ones_do_not() -> None:
    old = block(CERTS, FIRST, block_version=220)
    assert started(CERTS).update(step(old), now=NOW).latest().number == 1
    # The same block with gas of another count is another block before 2300, and the same after.
    for version, is_same in ((220, False), (2300, True)):
        honest = block(CERTS, FIRST, block_version=version)
        other = deepcopy(honest)
        other.txs[0]["result"]["contract_result"]["gas_used"] = 1
        if is_same:
            started(CERTS).update(step(other), now=NOW)
        else:
            refused(step(other), RootMismatch)


# --- the first transaction


def test_no_block_hides_a_change_of_configuration() -> None:
    """A proposer and his friends call a config block an ordinary one, and show another transaction."""
    new = CERTS.changed(signers=CERTS.signers[:3])
    change = config_block(CERTS, new, FIRST)
    shown = replace(change, txs=(transaction(1),))
    refused(step(shown), RootMismatch)
    for changes, part in (
        ({"block_type": 0}, "type of a config block"),
        ({"txs": [config_transaction(new), transaction(2)]}, "transactions of a config block"),
    ):
        refusal = refused(step(config_block(CERTS, new, FIRST, **changes)), ValueMismatch)
        assert isinstance(refusal, ValueMismatch)
        assert refusal.part == part


def test_a_configuration_made_by_a_transaction_of_another_chain_is_refused() -> None:
    new = CERTS.changed()
    foreign = config_transaction(new, chain_id="other")
    refusal = refused(step(block(CERTS, FIRST, txs=[foreign], block_type=1)), WrongLedger)
    assert isinstance(refusal, WrongLedger)
    assert refusal.part == "chain id of a transaction"


def test_a_configuration_that_no_invocation_made_is_refused() -> None:
    query = config_transaction(CERTS.changed(), tx_type=1)
    refusal = refused(step(block(CERTS, FIRST, txs=[query], block_type=1)), UnsupportedProof)
    assert isinstance(refusal, UnsupportedProof)
    assert refusal.part == "transaction type"


def test_votes_stand_where_they_are_asked_for_and_nowhere_else() -> None:
    second = block(CERTS, NEXT)
    for evidence, part in (
        (encode_step([NEXT.evidence(voted=False)]), "votes of block 1"),
        (step(NEXT, second, voted=[0]), "votes of block 1"),
    ):
        refusal = refused(evidence, MalformedProof)
        assert isinstance(refusal, MalformedProof)
        assert refusal.part == part


# --- votes

Votes = Callable[[Block], Block]


def changed_vote(**changes: object) -> Votes:
    """The first vote says something else, properly signed."""

    def make(good: Block) -> Block:
        votes = [vote(each, good.header) for each in CERTS.signers]
        votes[0] = vote(CERTS.signers[0], good.header, **changes)  # type: ignore[arg-type]  # plain values
        return with_votes(good, votes)

    return make


def signed_by(signer_of_first: int, voter_of_first: int) -> Votes:
    def make(good: Block) -> Block:
        voter = CERTS.signers[voter_of_first].node_id
        others = [vote(CERTS.signers[each], good.header) for each in range(4) if each != voter_of_first]
        return with_votes(good, [vote(CERTS.signers[signer_of_first], good.header, voter=voter), *others])

    return make


VOTES: dict[str, tuple[Votes, type[VerificationError], dict[str, object]]] = {
    "pre-votes": (
        lambda good: replace(good, votes=good.votes | {"type": 0}),
        UnsupportedProof,
        {"part": "vote set type"},
    ),
    "set of another height": (
        lambda good: replace(good, votes=good.votes | {"height": 2}),
        ValueMismatch,
        {"part": "vote set height", "got": 2},
    ),
    "set of another round": (
        lambda good: replace(good, votes=good.votes | {"round": 3}),
        ValueMismatch,
        {"part": "vote round", "got": 2},
    ),
    "one pre-vote": (changed_vote(type=0), UnsupportedProof, {"part": "vote type"}),
    "another height": (changed_vote(height=2), ValueMismatch, {"part": "vote height"}),
    "another round": (changed_vote(round=1), ValueMismatch, {"part": "vote round"}),
    "unknown voter": (
        changed_vote(voter="QmStranger"),
        UnknownSigner,
        {"signers": "validators of the configuration", "signer": b"QmStranger"},
    ),
    "signer of another organisation": (signed_by(1, 0), ValueMismatch, {"part": "organisation of the voter"}),
}


@pytest.mark.parametrize("name", VOTES)
def test_a_vote_set_keeps_the_rules(name: str) -> None:
    corrupt, error, facts = VOTES[name]
    refusal = refused(step(corrupt(NEXT)), error)
    assert {key: getattr(refusal, key) for key in facts} == facts


def test_votes_for_other_blocks_are_passed_over() -> None:
    nil = vote(CERTS.signers[0], NEXT.header, hash=b"NilHash", type=0, round=9)
    votes = [nil, *(vote(each, NEXT.header) for each in CERTS.signers[1:])]
    assert started(CERTS).update(step(with_votes(NEXT, votes)), now=NOW).latest().number == 1


def test_a_vote_is_kept_under_its_voter() -> None:
    votes = deepcopy(NEXT.votes)
    votes["votes"][0]["key"] = CERTS.signers[1].node_id
    refusal = refused(step(replace(NEXT, votes=votes)), ValueMismatch)
    assert isinstance(refusal, ValueMismatch)
    assert (refusal.part, refusal.expected) == ("voter", CERTS.signers[1].node_id)


def test_a_voter_counts_once() -> None:
    one = vote(CERTS.signers[0], NEXT.header)
    again = vote(certified(77, "org1.test", authority_secret=100), NEXT.header, voter=CERTS.signers[0].node_id)
    refusal = refused(step(with_votes(NEXT, [one, again, one])), DuplicateSigner)
    assert isinstance(refusal, DuplicateSigner)
    assert refusal.signer == CERTS.signers[0].node_id.encode()


def test_a_key_counts_once() -> None:
    """Nodes copy blocks without asking whose key signed: one key of an organisation would vote for all its nodes."""
    network = with_certificates(4, per_org=4)
    good = block(network, genesis(network))
    votes = [vote(network.signers[0], good.header, voter=each.node_id) for each in network.signers]
    refusal = refused(step(with_votes(good, votes)), DuplicateSigner, network)
    assert isinstance(refusal, DuplicateSigner)
    assert refusal.signer == spki(private_key(network.signers[0].secret).public_key())


def test_a_key_votes_for_its_own_node() -> None:
    network = with_keys(4)
    good = block(network, genesis(network))
    first, second, *_ = network.signers
    votes = [vote(second, good.header, voter=first.node_id)]
    refusal = refused(step(with_votes(good, votes)), ValueMismatch, network)
    assert isinstance(refusal, ValueMismatch)
    assert (refusal.part, refusal.got, refusal.expected) == ("node of the signer", second.node_id, first.node_id)


@pytest.mark.parametrize("network", (CERTS, with_keys(4), with_keys(4, is_sm2=True)), ids=("cert", "P-256", "SM2"))
def test_a_vote_for_another_chain_says_nothing_here(network: Network) -> None:
    good = block(network, genesis(network))
    votes = [vote(each, good.header) for each in network.signers]
    votes[0]["endorsement"] = vote(network.signers[0], good.header, height=2)["endorsement"]
    refused(step(with_votes(good, votes)), InvalidSignature, network)


def test_a_signature_in_another_form_is_none() -> None:
    votes = deepcopy([each["value"] for each in NEXT.votes["votes"]])
    votes[0]["endorsement"]["signature"] += b"\x00"
    refusal = refused(step(with_votes(NEXT, votes)), InvalidSignature)
    assert isinstance(refusal, InvalidSignature)
    assert refusal.scheme == "P-256: not DER"


def test_roles_are_asked_of_voters_too() -> None:
    client = certified(50, "org1.test", authority_secret=100, role="client")
    votes = [vote(client, NEXT.header, voter=CERTS.signers[0].node_id)]
    refusal = refused(step(with_votes(NEXT, votes)), ValueMismatch)
    assert isinstance(refusal, ValueMismatch)
    assert (refusal.part, refusal.got) == ("role", "CLIENT")


def test_a_vote_set_is_bounded() -> None:
    many = [vote(CERTS.signers[0], NEXT.header)] * 513
    refused(step(with_votes(NEXT, many)), LimitExceeded)


@pytest.mark.parametrize(
    ("part", "limit"), (("header", 1 << 16), ("vote set", 4 << 20), ("transaction", 12 << 20)), ids=str
)
def test_each_part_is_bounded_before_it_is_read(part: str, limit: int) -> None:
    good = NEXT.evidence()
    field = {"header": "header", "vote set": "votes", "transaction": "first"}[part]
    too_long: Plain = {field: bytes(limit + 1)}
    evidence: EncodedBlock = replace(good, **too_long)
    refusal = refused(encode_step([evidence]), LimitExceeded)
    assert isinstance(refusal, LimitExceeded)
    assert (refusal.part, refusal.got, refusal.limit) == (part, limit + 1, limit)


def test_fields_of_later_versions_are_refused_not_skipped() -> None:
    extended = NEXT.evidence().header + bytes.fromhex("800101")  # field 16, a number
    refusal = refused(encode_step([replace(NEXT.evidence(), header=extended)]), MalformedProof)
    assert isinstance(refusal, MalformedProof)
    assert refusal.got == "field 16"


def test_the_header_that_is_hashed_is_the_one_that_was_sent() -> None:
    """A default written out decodes to the same values, and would hash to others."""
    loose = NEXT.evidence().header.replace(b"\x1a\x0atest-chain", b"\x10\x00\x1a\x0atest-chain")
    assert CHAIN_ID == "test-chain"
    refused(encode_step([replace(NEXT.evidence(), header=loose)]), MalformedProof)


def test_the_leaf_is_what_the_builders_think() -> None:
    tx = transaction(1)
    assert leaf(tx, "SHA256") == NEXT.header["tx_root"]
    assert NEXT.header["block_timestamp"] > START


def test_a_step_that_starts_above_what_is_known_waits() -> None:
    with pytest.raises(UnknownHeight):
        started(CERTS).update(step(block(CERTS, NEXT)), now=NOW)


def test_a_public_chain_knows_no_organisations() -> None:
    network = with_keys(4)
    good = block(network, genesis(network))
    odd = replace(keyed(0, "SM3"), member=keyed(0, "SM3").member | {"org_id": "public"})
    refusal = refused(step(with_votes(good, [vote(odd, good.header)])), ValueMismatch, network)
    assert isinstance(refusal, ValueMismatch)
    assert refusal.part == "organisation of a member"
