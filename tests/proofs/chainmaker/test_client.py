"""A ChainMaker client follows every block and every change of validators, and freezes when final blocks conflict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.chainmaker import belief as beliefs
from proofs.chainmaker.client import ChainMakerClient, bootstrap, decode_client
from proofs.chainmaker.evidence import BLOCKS_MAX, STEP_BYTES_MAX, encode_step
from proofs.chainmaker.types import Pin
from proofs.errors import (
    ClientFrozen,
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    RootMismatch,
    TimeNotIncreasing,
    TrustExpired,
    UnknownHeight,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from proofs.light_client import ClientState, Height
from tests.proofs.chainmaker.builders import (
    LAYOUT,
    NOW,
    PARAMETERS,
    START,
    Network,
    block,
    certified,
    chain,
    checkpoint_of,
    config_block,
    genesis,
    keyed,
    started,
    step,
    with_certificates,
    with_keys,
)
from tests.proofs.fuzzing import assert_only_refusals

CERTS = with_certificates()
CHAIN = chain(CERTS, 6)

MODES: dict[str, Callable[[], Network]] = {
    "certificates": with_certificates,
    "certificates, SM3 chain": lambda: with_certificates(hash_name="SM3"),
    "certificates, SHA-3 chain": lambda: with_certificates(hash_name="SHA3_256"),
    "public, SM3 and P-256": with_keys,
    "public, SHA-256": lambda: with_keys(hash_name="SHA256"),
    "organisations with keys": lambda: with_keys(auth_type="permissionedWithKey"),
    "organisations with SM2 keys": lambda: with_keys(auth_type="permissionedWithKey", is_sm2=True),
}


@pytest.mark.parametrize("mode", MODES)
def test_it_follows_chains_of_every_kind(mode: str) -> None:
    network = MODES[mode]()
    blocks = chain(network, 3)
    followed = started(network, blocks[0]).update(step(*blocks[1:]), now=NOW)
    assert followed.latest() == Height(0, 3)
    assert followed.timestamp_at(Height(0, 2)) == START + 2
    assert decode_client(followed.encode()) == followed


def test_it_goes_on_step_by_step_and_steps_may_overlap() -> None:
    followed = started(CERTS).update(step(*CHAIN[1:4]), now=NOW)
    for first in (1, 3, 4):
        assert followed.update(step(*CHAIN[first:7]), now=NOW).latest() == Height(0, 6)
    assert followed.update(step(*CHAIN[2:4]), now=NOW) is followed


def test_it_starts_from_any_block_whose_configuration_is_known() -> None:
    later = started(CERTS, CHAIN[3])
    assert later.update(step(*CHAIN[4:6]), now=NOW).latest() == Height(0, 5)
    with pytest.raises(UnknownHeight) as refused:
        later.update(step(*CHAIN[1:6]), now=NOW)
    assert refused.value.number == 0


@pytest.mark.parametrize(("count", "needed"), ((1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5)))
def test_a_quorum_is_more_than_two_thirds_exactly(count: int, needed: int) -> None:
    network = with_keys(count)
    first = genesis(network)
    enough, short = (block(network, first, voters=range(each)) for each in (needed, needed - 1))
    assert started(network).update(step(enough), now=NOW).latest().number == 1
    with pytest.raises(InsufficientVotingPower) as refused:
        started(network).update(step(short), now=NOW)
    assert (refused.value.signed, refused.value.total) == (needed - 1, count)


# --- changes of configuration


def changed_validators() -> tuple[Network, Network]:
    """Three of the five validators are new."""
    old = with_keys(5)
    return old, old.changed(signers=[*old.signers[:2], *(keyed(number, "SM3") for number in (10, 11, 12))])


def test_new_validators_sign_from_the_next_block_on() -> None:
    old, new = changed_validators()
    first = genesis(old)
    change = config_block(old, new, first)
    after = block(new, change)
    for client in (
        started(old).update(step(change), now=NOW).update(step(after), now=NOW),
        started(old).update(step(change, after, voted=[0]), now=NOW),
    ):
        assert client.latest().number == 2
        assert client.belief.configs[-1].height == 1
        assert client.belief.configs[-1].config.encoded == new.encoded()
        assert decode_client(client.encode()) == client


def test_old_validators_no_longer_sign_after_a_change() -> None:
    old, new = changed_validators()
    change = config_block(old, new, genesis(old))
    followed = started(old).update(step(change), now=NOW)
    with pytest.raises(UnknownSigner):
        followed.update(step(block(old, change, proposer=3)), now=NOW)
    with pytest.raises(UnknownSigner):
        followed.update(step(block(old, change)), now=NOW)


def test_new_validators_do_not_sign_their_own_appointment() -> None:
    old, new = changed_validators()
    first = genesis(old)
    with pytest.raises(UnknownSigner):
        started(old).update(step(config_block(new, new, first)), now=NOW)


def test_a_config_block_is_voted_even_inside_a_step() -> None:
    old, new = changed_validators()
    change = config_block(old, new, genesis(old))
    with pytest.raises(MalformedProof) as refused:
        started(old).update(step(change, block(new, change)), now=NOW)
    assert refused.value.part == "votes of block 1"


def test_a_failed_config_transaction_changes_nothing() -> None:
    old, new = changed_validators()
    failed = config_block(old, new, genesis(old))
    failed.txs[0]["result"]["code"] = 4
    unmoved = block(old, genesis(old), txs=failed.txs, block_type=1)
    after = block(old, unmoved, pre_conf_height=0)
    assert started(old).update(step(unmoved, after), now=NOW).belief.configs[-1].config.encoded == old.encoded()


@pytest.mark.parametrize(
    ("changes", "error", "part"),
    (
        ({"chain_id": "other"}, WrongLedger, "chain id"),
        ({"crypto": {"hash": "SHA256"}}, ValueMismatch, "crypto.hash"),
        ({"auth_type": "permissionedWithKey"}, ValueMismatch, "auth_type"),
        ({"sequence": 0}, ValueMismatch, "config sequence"),
        (
            {"consensus": {"type": 4, "nodes": [{"org_id": "public", "node_id": ["a"]}]}},
            UnsupportedProof,
            "consensus type",
        ),
        ({"consensus": {"type": 1}}, MalformedProof, "validators"),
        ({"auth_type": "identity"}, UnsupportedProof, "auth_type"),
        ({"crypto": {"hash": "MD5"}}, UnsupportedProof, "crypto.hash"),
    ),
)
def test_a_configuration_that_cannot_follow_is_refused(
    changes: dict[str, object], error: type[VerificationError], part: str
) -> None:
    old, new = changed_validators()
    bad = replace(new, config=new.config | changes)
    with pytest.raises(error) as refused:
        started(old).update(step(config_block(old, bad, genesis(old))), now=NOW)
    assert getattr(refused.value, "part") == part  # noqa: B009 - the type is a parameter


def test_a_node_named_twice_is_refused() -> None:
    old, _ = changed_validators()
    bad = old.changed(signers=[*old.signers, old.signers[0]])
    with pytest.raises(DuplicateSigner):
        started(old).update(step(config_block(old, bad, genesis(old))), now=NOW)


def test_too_many_validators_are_refused() -> None:
    old, _ = changed_validators()
    nodes = [{"org_id": str(each), "node_id": [f"{each}-{one}" for one in range(300)]} for each in range(2)]
    bad = replace(old, config=old.config | {"sequence": 1, "consensus": {"type": 1, "nodes": nodes}})
    with pytest.raises(LimitExceeded) as refused:
        started(old).update(step(config_block(old, bad, genesis(old))), now=NOW)
    assert (refused.value.part, refused.value.got) == ("validators", 600)


def test_asking_for_the_configuration_in_a_transaction_moves_only_its_height() -> None:
    asked = config_block(CERTS, CERTS, CHAIN[0])
    client = started(CERTS).update(step(asked, block(CERTS, asked), voted=[0]), now=NOW)
    assert client.belief.configs[-1].height == 1
    assert client.belief.configs[-1].config.encoded == CERTS.encoded()
    assert decode_client(client.encode()) == client


# --- misbehaviour


def test_two_final_blocks_of_one_height_are_misbehaviour() -> None:
    other = block(CERTS, CHAIN[4], dag_hash=b"\x55" * 32)
    client = started(CERTS).update(step(*CHAIN[1:4]), now=NOW)
    client.misbehaviour(step(CHAIN[5]), step(other), now=NOW)
    frozen = client.frozen(5)
    assert frozen.status(NOW).state is ClientState.FROZEN
    assert decode_client(frozen.encode()) == frozen
    for act in (
        lambda: frozen.update(step(CHAIN[4]), now=NOW),
        lambda: frozen.check([], at=Height(0, 1), proof=b""),
        lambda: frozen.misbehaviour(step(CHAIN[5]), step(other), now=NOW),
    ):
        with pytest.raises(ClientFrozen):
            act()


def test_a_final_block_that_contradicts_a_believed_one_freezes() -> None:
    client = started(CERTS).update(step(*CHAIN[1:6]), now=NOW)
    other = block(CERTS, CHAIN[2], dag_hash=b"\x55" * 32)
    frozen = client.update(step(*CHAIN[1:3], other), now=NOW)
    assert frozen.belief.frozen_at == 3
    assert client.update(step(other, block(CERTS, other)), now=NOW).belief.frozen_at == 3


def test_what_does_not_conflict_is_no_misbehaviour() -> None:
    client = started(CERTS)
    for second in (CHAIN[1], CHAIN[2]):
        with pytest.raises(NotMisbehaviour):
            client.misbehaviour(step(CHAIN[1]), step(second), now=NOW)


def test_an_accusation_needs_a_quorum_each_of_this_chain() -> None:
    client = started(CERTS)
    short = block(CERTS, CHAIN[0], voters=[0, 1], dag_hash=b"\x55" * 32)
    with pytest.raises(InsufficientVotingPower):
        client.misbehaviour(step(CHAIN[1]), step(short), now=NOW)
    elsewhere = block(CERTS, CHAIN[0], chain_id="other")
    with pytest.raises(WrongLedger):
        client.misbehaviour(step(CHAIN[1]), step(elsewhere), now=NOW)
    unvoted = block(CERTS, CHAIN[0], dag_hash=b"\x55" * 32).evidence(voted=False)
    with pytest.raises(MalformedProof):
        client.misbehaviour(step(CHAIN[1]), encode_step([unvoted]), now=NOW)
    with pytest.raises(TrustExpired):
        client.misbehaviour(step(CHAIN[1]), step(CHAIN[1]), now=START + PARAMETERS.trusting_period)


def test_blocks_older_than_every_known_configuration_are_nobodys_to_judge() -> None:
    client = started(CERTS, CHAIN[3])
    forgotten = replace(client.belief.configs[-1], height=3)
    later = ChainMakerClient(
        replace(
            client.belief,
            configs=(forgotten,),
            states=(replace(client.belief.states[0], config_height=3),),
        )
    )
    other = block(CERTS, CHAIN[1], dag_hash=b"\x55" * 32)
    with pytest.raises(UnknownHeight):
        later.misbehaviour(step(CHAIN[2]), step(other), now=NOW)


# --- time, trust and bounds


def test_trust_ages_from_the_newest_block() -> None:
    client = started(CERTS).update(step(*CHAIN[1:3]), now=NOW)
    expires_at = START + 2 + PARAMETERS.trusting_period
    assert client.status(expires_at - 1).state is ClientState.ACTIVE
    assert client.status(expires_at).state is ClientState.EXPIRED
    assert client.update(step(CHAIN[3]), now=expires_at - 1).latest().number == 3
    with pytest.raises(TrustExpired) as refused:
        client.update(step(CHAIN[3]), now=expires_at)
    assert refused.value.expired_at == expires_at


def test_a_block_from_the_future_waits() -> None:
    with pytest.raises(HeaderFromFuture) as refused:
        started(CERTS).update(step(CHAIN[1]), now=START + 1 - PARAMETERS.drift - 1)
    assert refused.value.header_time == START + 1


def test_time_may_stand_still_but_never_fall() -> None:
    still = block(CERTS, CHAIN[1], block_timestamp=START + 1)
    client = started(CERTS).update(step(CHAIN[1], still), now=NOW)
    with pytest.raises(TimeNotIncreasing) as refused:
        client.update(step(block(CERTS, still, block_timestamp=START)), now=NOW)
    assert (refused.value.got, refused.value.trusted) == (START, START + 1)


def test_heights_and_configurations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs.chainmaker.client.STATES_MAX", 3)
    client = started(CERTS).update(step(*CHAIN[1:6]), now=NOW)
    assert [each.number for each in client.belief.states] == [3, 4, 5]
    with pytest.raises(UnknownHeight):
        client.timestamp_at(Height(0, 2))
    with pytest.raises(WrongLedger):
        client.timestamp_at(Height(1, 4))

    network = with_keys(1)
    blocks = [genesis(network)]
    followed = started(network)
    for _ in range(6):
        changed = network.changed()
        blocks.append(config_block(network, changed, blocks[-1]))
        network = changed
        followed = followed.update(step(blocks[-1]), now=NOW)
    assert [each.height for each in followed.belief.configs] == [3, 4, 5, 6]


def test_a_step_is_bounded_before_it_is_read() -> None:
    with pytest.raises(LimitExceeded) as refused:
        started(CERTS).update(bytes(STEP_BYTES_MAX + 1), now=NOW)
    assert refused.value.part == "step"
    many = [CHAIN[1].evidence()] * (BLOCKS_MAX + 1)
    with pytest.raises(LimitExceeded):
        started(CERTS).update(encode_step(many), now=NOW)


def test_a_step_has_blocks_and_leaves_none_out() -> None:
    with pytest.raises(MalformedProof) as refused:
        started(CERTS).update(b"", now=NOW)
    assert refused.value.part == "blocks of a step"
    with pytest.raises(HeightNotIncreasing):
        started(CERTS).update(step(CHAIN[1], CHAIN[3]), now=NOW)


# --- checkpoints and stored clients


def test_a_checkpoint_is_the_operators_word() -> None:
    first = genesis(CERTS)
    good = checkpoint_of(CERTS, first)
    bad = {
        "block_hash": (replace(good, block_hash=b"\x01" * 32), RootMismatch),
        "config_hash": (replace(good, config_hash=b"\x01" * 32), RootMismatch),
        "height": (replace(good, height=1), WrongLedger),
        "chain_id": (replace(good, chain_id="other"), WrongLedger),
        "config_height": (replace(good, config_height=3), ValueMismatch),
    }
    for checkpoint, error in bad.values():
        with pytest.raises(error):
            bootstrap(
                first.encoded_header(), CERTS.encoded(), checkpoint=checkpoint, parameters=PARAMETERS, layout=LAYOUT
            )


def test_a_checkpoint_of_another_chain_with_this_configuration_is_refused() -> None:
    other = block(CERTS, CHAIN[0], chain_id="other")
    with pytest.raises(WrongLedger) as refused:
        started(CERTS, other)
    assert (refused.value.part, refused.value.got) == ("chain id", "other")


def test_a_negative_time_is_none() -> None:
    with pytest.raises(MalformedProof) as refused:
        started(CERTS, block(CERTS, CHAIN[0], block_timestamp=-1))
    assert refused.value.part == "block timestamp"


def test_what_an_operator_may_not_configure() -> None:
    longest = "n" * 46
    for parameters in (
        replace(PARAMETERS, trusting_period=0),
        replace(PARAMETERS, trusting_period=beliefs.PERIOD_MAX + 1),
        replace(PARAMETERS, drift=-1),
        replace(PARAMETERS, pins=(Pin("b", bytes(32)), Pin("a", bytes(32)))),
        replace(PARAMETERS, pins=(Pin("a", bytes(31)),)),
    ):
        with pytest.raises(MalformedProof):
            started(CERTS, parameters=parameters)
    many = tuple(Pin(f"{longest}{number:05}", bytes(32)) for number in range(513))
    with pytest.raises(LimitExceeded):
        started(CERTS, parameters=replace(PARAMETERS, pins=many))
    first = genesis(CERTS)
    for layout, error in (
        (replace(LAYOUT, contract=""), MalformedProof),
        (replace(LAYOUT, version=""), MalformedProof),
        (replace(LAYOUT, contract="x" * 129), LimitExceeded),
    ):
        with pytest.raises(error):
            bootstrap(
                first.encoded_header(),
                CERTS.encoded(),
                checkpoint=checkpoint_of(CERTS, first),
                parameters=PARAMETERS,
                layout=layout,
            )


def test_an_impossible_client_is_not_decoded() -> None:
    client = started(CERTS).update(step(*CHAIN[1:4]), now=NOW)
    first, second, *rest = client.belief.states
    config = client.belief.configs[0]
    impossible = {
        "no state": (replace(client.belief, states=()), MalformedProof),
        "a gap": (replace(client.belief, states=(first, *rest)), HeightNotIncreasing),
        "time falls": (
            replace(client.belief, states=(replace(first, time=START + 99), second, *rest)),
            TimeNotIncreasing,
        ),
        "short hash": (replace(client.belief, states=(replace(first, hash=b"\x01"), second, *rest)), MalformedProof),
        "short root": (
            replace(client.belief, states=(replace(first, transaction_root=b""), second, *rest)),
            MalformedProof,
        ),
        "no config": (replace(client.belief, configs=()), ValueMismatch),
        "another config": (replace(client.belief, configs=(replace(config, height=2),)), ValueMismatch),
        "configs descend": (
            replace(client.belief, configs=(replace(config, height=9), config)),
            HeightNotIncreasing,
        ),
        "another chain": (replace(client.belief, chain_id="other"), WrongLedger),
    }
    for name, (belief, error) in impossible.items():
        if name == "no state":
            with pytest.raises(error):
                beliefs.check_states(())
            continue
        with pytest.raises(error):
            decode_client(ChainMakerClient(belief).encode())
    with pytest.raises(UnsupportedProof):
        decode_client(b"\x02" + client.encode()[1:])
    with pytest.raises(LimitExceeded):
        decode_client(b"\x01" + bytes(9 << 20))


# --- pins


def test_a_pinned_key_is_the_only_one_of_its_node() -> None:
    mine = CERTS.signers[1]
    client = started(CERTS, parameters=replace(PARAMETERS, pins=(Pin(mine.node_id, b"\x07" * 32),)))
    assert decode_client(client.encode()) == client
    with pytest.raises(ValueMismatch) as refused:
        client.update(step(CHAIN[1]), now=NOW)
    assert refused.value.part == "pinned key"
    pin = Pin(mine.node_id, bytes(refused.value.got))  # type: ignore[call-overload]  # a hash, in a field for anything
    pinned = started(CERTS, parameters=replace(PARAMETERS, pins=(pin,)))
    assert pinned.update(step(CHAIN[1]), now=NOW).latest().number == 1


# --- whatever the bytes


def test_hostile_evidence_is_refused_by_name() -> None:
    old, new = changed_validators()
    change = config_block(old, new, genesis(old))
    seeds = [step(change), step(change, block(new, change), voted=[0])]
    client = started(old)
    assert_only_refusals(lambda data: client.update(data, now=NOW), seeds, 1_500)
    certified_client = started(CERTS)
    taken = assert_only_refusals(lambda data: certified_client.update(data, now=NOW), [step(*CHAIN[1:3])], 1_000)
    assert taken < 100  # a vote beyond the quorum may say anything


def test_hostile_clients_are_refused_by_name() -> None:
    client = started(CERTS).update(step(*CHAIN[1:3]), now=NOW)
    assert_only_refusals(decode_client, [client.encode(), client.frozen(2).encode()], 1_500)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=5), st.integers(1, 4))
def test_any_mixture_of_blocks_and_changes_is_followed_in_any_pieces(changes: list[bool], piece: int) -> None:
    network = with_keys(4)
    blocks = [genesis(network)]
    places = []
    for number, change in enumerate(changes, 1):
        if change:
            new = network.changed(signers=[*network.signers[1:], keyed(100 + number, "SM3")])
            blocks.append(config_block(network, new, blocks[-1]))
            network = new
            places.append(number)
        else:
            blocks.append(block(network, blocks[-1]))
    client = started(with_keys(4), blocks[0])
    for start in range(1, len(blocks), piece):
        part = blocks[start : start + piece]
        client = client.update(step(*part, voted=[each - start for each in places]), now=NOW)
    assert client.latest().number == len(changes)
    assert client.belief.configs[-1].config.encoded == network.encoded()


def test_a_certificate_of_another_role_is_no_validator() -> None:
    client_cert = certified(0, "org1.test", authority_secret=100, role="client")
    network = replace(CERTS, signers=(client_cert, *CERTS.signers[1:]))
    with pytest.raises(ValueMismatch) as refused:
        started(CERTS).update(step(block(network, CHAIN[0])), now=NOW)
    assert (refused.value.part, refused.value.got) == ("role", "CLIENT")


def test_the_proposer_signed_the_block_hash() -> None:
    good = block(CERTS, CHAIN[0])
    forged = replace(good, header=good.header | {"signature": CERTS.signers[0].sign(b"another")})
    with pytest.raises(InvalidSignature):
        started(CERTS).update(step(forged), now=NOW)
