"""The client as the relay, an attestor and a host of our own use it: start, update, check, freeze, store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proofs.encoding.protobuf import bytes_field, message_field, repeated_bytes_field, varint_field
from proofs.errors import (
    ClientFrozen,
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidProof,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    RootMismatch,
    UnknownCommittee,
    UnknownHeight,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from proofs.fabric import hashing
from proofs.fabric.belief import KNOWN_BLOCKS_MAX
from proofs.fabric.block_messages import BLOCK_BYTES_MAX, Block
from proofs.fabric.client import NO_TIME, FabricClient, bootstrap, decode_client
from proofs.fabric.config_messages import Role
from proofs.fabric.host import HostLayout, PolicyChoice
from proofs.fabric.types import Parameters
from proofs.light_client import Claim, ClientState, Height, Position
from tests.proofs.fabric.builders import (
    CHAINCODE,
    CHANNEL,
    MORE_ORDERERS,
    ORDERERS,
    ORG1,
    ORG2,
    ORG3,
    Call,
    Channel,
    bft_channel,
    creator_signature,
    encoded,
    following,
    genesis,
    metadata_value,
    proof,
    query,
    signed,
    started,
    with_data,
)
from tests.proofs.fuzzing import assert_only_refusals

ORDERER = ORDERERS.member(Role.ORDERER)
OTHER = MORE_ORDERERS.member(Role.ORDERER)
PATH, VALUE = b"lane-0\x01\xff", b"v" * 32
CALL = Call(writes=(("ibc/" + PATH.hex(), VALUE), ("ibc/00", None), ("absent/" + PATH.hex(), b"\x01")))
GENESIS = genesis()
BLOCK = signed(following(GENESIS, [CALL.envelope()]), 0, [ORDERER])
CLIENT = started()
AT = Height(0, 1)
CLAIM = Claim(PATH, VALUE, Position(AT, 0, 0))
PROOF = proof(BLOCK, [query(BLOCK, b"\x00").answer()])


def test_a_block_signed_by_policy_is_believed() -> None:
    client = CLIENT.update(encoded(BLOCK), now=0)
    assert client.latest() == AT
    assert client.known[-1].header_hash == hashing.header_hash(BLOCK.header)


def test_the_ledger_has_no_time_and_trust_does_not_age() -> None:
    assert CLIENT.timestamp_at(Height(0, 0)) == NO_TIME == 0
    assert CLIENT.status(1 << 40).state is ClientState.ACTIVE
    with pytest.raises(UnknownHeight):
        CLIENT.timestamp_at(AT)
    with pytest.raises(WrongLedger):
        CLIENT.timestamp_at(Height(1, 0))


def test_blocks_may_be_left_out_and_filled_in_backwards_without_signatures() -> None:
    second = signed(following(BLOCK, [CALL.envelope()]), 0, [ORDERER])
    client = CLIENT.update(encoded(second), now=0)
    assert [each.number for each in client.known] == [0, 2]
    bare = replace(BLOCK, slots=())
    client = client.update(encoded(bare, with_envelopes=False), now=0)
    assert [each.number for each in client.known] == [0, 1, 2]
    other = following(GENESIS, [replace(CALL, nonce=b"other").envelope()])
    with pytest.raises(RootMismatch) as refusal:
        CLIENT.update(encoded(second), now=0).update(encoded(other), now=0)
    assert refusal.value.part == "header hash"


def test_a_configuration_takes_effect_after_its_own_block() -> None:
    channel = bft_channel(4)
    client = started(channel)
    smaller = bft_channel(3, sequence=1, first=2, before=channel)
    block = signed(following(genesis(channel), [smaller.envelope()]), 1, channel.consenters[:3], bft=True)
    client = client.update(encoded(block), now=0)
    assert client.config_number == 1
    after = following(block, [CALL.envelope()])
    new = signed(after, 1, smaller.consenters[:2], bft=True)
    assert client.update(encoded(new), now=0).latest() == Height(0, 2)
    removed = signed(after, 1, channel.consenters[:1], bft=True)
    with pytest.raises(InsufficientVotingPower):
        client.update(encoded(removed), now=0)


UPDATES: dict[str, tuple[Block, type[VerificationError], dict[str, object]]] = {
    "nobody_signed": (signed(BLOCK, 0, []), InsufficientVotingPower, {"signers": "block policy", "signed": 0}),
    "a_peer_signed": (signed(BLOCK, 0, [ORG1.member(Role.PEER)]), InsufficientVotingPower, {"signed": 1}),
    "a_client_of_the_orderers_signed": (
        signed(BLOCK, 0, [ORDERERS.member(Role.CLIENT)]),
        InsufficientVotingPower,
        {"signers": "block policy"},
    ),
    "s_in_the_upper_half": (signed(BLOCK, 0, [ORDERER], high=True), InsufficientVotingPower, {"signed": 0}),
    "signature_of_another_header": (
        replace(BLOCK, header=replace(BLOCK.header, data_hash=bytes(32))),
        InsufficientVotingPower,
        {"signed": 0},
    ),
    "consenter_number_on_a_raft_channel": (
        signed(BLOCK, 0, [ORDERER], bft=True),
        InsufficientVotingPower,
        {"signed": 0},
    ),
    "four_slots": (replace(BLOCK, slots=BLOCK.slots[:4]), MalformedProof, {"part": "metadata slots", "got": 4}),
    "short_previous_hash": (
        replace(BLOCK, header=replace(BLOCK.header, previous_hash=b"")),
        MalformedProof,
        {"part": "previous hash"},
    ),
    "short_data_hash": (
        replace(BLOCK, header=replace(BLOCK.header, data_hash=b"")),
        MalformedProof,
        {"part": "data hash"},
    ),
    "no_last_config": (
        replace(BLOCK, slots=(message_field(1, b""), *BLOCK.slots[1:])),
        MalformedProof,
        {"part": "last_config"},
    ),
    "last_config_unknown": (
        signed(following(BLOCK, [CALL.envelope()]), 1, [ORDERER]),
        UnknownCommittee,
        {"period": 1, "newest": 0},
    ),
    "last_config_in_the_future": (signed(BLOCK, 2, [ORDERER]), ValueMismatch, {"part": "last_config", "got": 2}),
    "other_data": (
        replace(BLOCK, envelopes=(replace(CALL, nonce=b"x").envelope(),)),
        RootMismatch,
        {"part": "data hash"},
    ),
    "configuration_that_is_not_announced": (
        signed(following(GENESIS, [Channel(1).envelope()]), 0, [ORDERER]),
        ValueMismatch,
        {"part": "last_config"},
    ),
    "announced_configuration_that_is_none": (
        signed(BLOCK, 1, [ORDERER]),
        MalformedProof,
        {"part": "configuration block"},
    ),
    "two_configurations": (
        signed(following(GENESIS, [Channel(1).envelope()] * 2), 1, [ORDERER]),
        MalformedProof,
        {"part": "envelopes of a configuration block", "got": 2},
    ),
    "configuration_without_its_data": (
        replace(signed(following(GENESIS, [Channel(1).envelope()]), 1, [ORDERER]), envelopes=()),
        MalformedProof,
        {"part": "block data"},
    ),
    "configuration_sequence_skipped": (
        signed(following(GENESIS, [Channel(2).envelope()]), 1, [ORDERER]),
        ValueMismatch,
        {"part": "configuration sequence", "got": 2, "expected": 1},
    ),
    "configuration_of_another_channel": (
        signed(following(GENESIS, [Channel(1, channel_id="other").envelope()]), 1, [ORDERER]),
        WrongLedger,
        {"part": "channel id", "got": "other"},
    ),
    "transaction_of_another_channel": (
        signed(following(GENESIS, [replace(CALL, channel_id="other").envelope()]), 0, [ORDERER]),
        WrongLedger,
        {"part": "channel id", "got": "other"},
    ),
    "envelopes_with_moved_border": (
        signed(following(GENESIS, [CALL.envelope() + bytes_field(1, b"x")]), 0, [ORDERER]),
        MalformedProof,
        {},
    ),
    "envelope_with_parts_swapped": (
        signed(following(GENESIS, [bytes_field(2, b"s") + CALL.envelope()[:-75]]), 0, [ORDERER]),
        MalformedProof,
        {},
    ),
    "envelope_without_signature": (
        signed(following(GENESIS, [bytes_field(1, b"payload")]), 0, [ORDERER]),
        MalformedProof,
        {"part": "envelope", "got": "a part absent"},
    ),
    "envelope_with_empty_signature_written": (
        signed(following(GENESIS, [bytes_field(2, b"s") + bytes_field(1, b"p")]), 0, [ORDERER]),
        MalformedProof,
        {"part": "envelope", "got": "another encoding"},
    ),
}


@pytest.mark.parametrize("corruption", UPDATES)
def test_an_invalid_block_is_refused_by_name(corruption: str) -> None:
    block, error, fields = UPDATES[corruption]
    with pytest.raises(error) as refusal:
        CLIENT.update(encoded(block), now=0)
    assert {name: getattr(refusal.value, name) for name in fields} == fields


def test_one_orderer_counts_once_however_often_it_signs() -> None:
    channel = bft_channel(4)
    block = following(genesis(channel), [CALL.envelope()])
    twice = signed(block, 0, [channel.consenters[0], channel.consenters[1]], bft=True)
    slot = twice.slots[0] + message_field(2, b"")  # a signature without any part is left out
    repeated = replace(twice, slots=(slot + slot[len(message_field(1, metadata_value(0))) :], *twice.slots[1:]))
    with pytest.raises(InsufficientVotingPower) as refusal:
        started(channel).update(encoded(repeated), now=0)
    assert refusal.value.signed == 2


def test_the_quorum_of_consenters_holds_even_where_the_policy_asks_for_fewer() -> None:
    channel = bft_channel(4, needed=1)
    block = signed(following(genesis(channel), [CALL.envelope()]), 0, channel.consenters[:2], bft=True)
    with pytest.raises(InsufficientVotingPower) as refusal:
        started(channel).update(encoded(block), now=0)
    assert (refusal.value.signed, refusal.value.total, refusal.value.signers) == (2, 4, "consenters")


def test_a_policy_is_named_from_the_channel_down() -> None:
    with pytest.raises(UnsupportedProof) as refusal:
        CLIENT.config.policy("/Elsewhere/Orderer/BlockValidation")
    assert refusal.value.part == "policy reference"


def test_a_signature_that_names_its_signer_in_two_ways_does_not_count() -> None:
    value = metadata_value(0)
    both = creator_signature(ORDERER, value, BLOCK.header) + bytes_field(3, varint_field(1, 1))
    slot = message_field(1, value) + repeated_bytes_field(2, [both])
    with pytest.raises(InsufficientVotingPower) as refusal:
        CLIENT.update(encoded(replace(BLOCK, slots=(slot, *BLOCK.slots[1:]))), now=0)
    assert refusal.value.signed == 0


def test_an_operator_can_ask_for_several_ordering_organisations() -> None:
    strict = started(organisations=2)
    with pytest.raises(InsufficientVotingPower) as refusal:
        strict.update(encoded(BLOCK), now=0)
    assert refusal.value.signers == "orderer organisations"
    both = signed(BLOCK, 0, [ORDERER, OTHER])
    assert strict.update(encoded(both), now=0).latest() == AT


def test_organisations_that_order_nothing_do_not_count_as_ordering_ones() -> None:
    helped = signed(BLOCK, 0, [ORDERER, ORG1.member(Role.CLIENT), ORG2.member(Role.PEER)])
    with pytest.raises(InsufficientVotingPower) as refusal:
        started(organisations=2).update(encoded(helped), now=0)
    assert (refusal.value.signers, refusal.value.signed, refusal.value.total) == ("orderer organisations", 1, 2)


def test_a_signed_block_that_contradicts_the_chain_freezes_the_client() -> None:
    client = CLIENT.update(encoded(BLOCK), now=0)
    assert client.update(encoded(BLOCK), now=0) == client
    twin = signed(following(GENESIS, [replace(CALL, nonce=b"twin").envelope()]), 0, [ORDERER])
    unlinked = signed(following(replace(BLOCK, header=twin.header), [CALL.envelope()]), 0, [ORDERER])
    for block, number in ((twin, 1), (unlinked, 2)):
        frozen = client.update(encoded(block), now=0)
        assert frozen.frozen_at == number
        assert frozen.status(0).state is ClientState.FROZEN
        assert decode_client(frozen.encode()) == frozen
        with pytest.raises(ClientFrozen):
            frozen.update(encoded(BLOCK), now=0)
        with pytest.raises(ClientFrozen):
            frozen.check([CLAIM], at=AT, proof=PROOF)


def test_a_block_between_that_does_not_follow_a_known_one_freezes_the_client() -> None:
    twin = following(GENESIS, [replace(CALL, nonce=b"twin").envelope()])
    second = following(twin, [CALL.envelope()])
    third = signed(following(second, [CALL.envelope()]), 0, [ORDERER])
    client = CLIENT.update(encoded(BLOCK), now=0).update(encoded(third), now=0)
    frozen = client.update(encoded(second, with_envelopes=False), now=0)
    assert frozen.frozen_at == 2
    assert decode_client(frozen.encode()) == frozen


def test_a_configuration_before_a_block_that_knew_none_freezes_the_client() -> None:
    late = signed(following(BLOCK, [CALL.envelope()], skip=2), 0, [ORDERER])
    client = CLIENT.update(encoded(late), now=0)
    config = signed(following(BLOCK, [Channel(1).envelope()]), 2, [ORDERER])
    assert client.update(encoded(config), now=0).frozen_at == 2


def test_misbehaviour_is_two_signed_blocks_of_one_number() -> None:
    twin = signed(following(GENESIS, [replace(CALL, nonce=b"twin").envelope()]), 0, [ORDERER])
    CLIENT.misbehaviour(encoded(BLOCK), encoded(twin), now=0)
    with pytest.raises(NotMisbehaviour):
        CLIENT.misbehaviour(encoded(BLOCK), encoded(BLOCK), now=0)
    later = signed(following(BLOCK, [CALL.envelope()]), 0, [ORDERER])
    with pytest.raises(NotMisbehaviour):
        CLIENT.misbehaviour(encoded(BLOCK), encoded(later), now=0)
    with pytest.raises(InsufficientVotingPower):
        CLIENT.misbehaviour(encoded(BLOCK), encoded(signed(twin, 0, [])), now=0)
    with pytest.raises(HeightNotIncreasing):
        CLIENT.misbehaviour(encoded(GENESIS), encoded(genesis(Channel(1))), now=0)


def test_a_checkpoint_is_what_its_hash_says() -> None:
    pinned = hashing.header_hash(GENESIS.header)
    other = genesis(Channel(7))
    cases: list[tuple[Block, bytes, type[VerificationError]]] = [
        (other, pinned, RootMismatch),
        (replace(GENESIS, envelopes=other.envelopes), pinned, RootMismatch),
        (with_data(GENESIS, [CALL.envelope()]), b"", MalformedProof),
        (genesis(Channel(channel_id="other")), b"", WrongLedger),
    ]
    for block, trusted, error in cases:
        with pytest.raises(error):
            bootstrap(
                encoded(block),
                header_hash=trusted or hashing.header_hash(block.header),
                parameters=Parameters(CHANNEL),
                host=HostLayout(CHAINCODE),
            )


@pytest.mark.parametrize(
    ("parameters", "host", "error"),
    (
        (Parameters(""), HostLayout(CHAINCODE), MalformedProof),
        (Parameters(CHANNEL, 0), HostLayout(CHAINCODE), LimitExceeded),
        (Parameters(CHANNEL), HostLayout(""), MalformedProof),
        (Parameters(CHANNEL), HostLayout("x" * 200), LimitExceeded),
        (Parameters(CHANNEL), HostLayout(CHAINCODE, values="a", tombstones="ab"), MalformedProof),
        (Parameters(CHANNEL), HostLayout(CHAINCODE, vouching=PolicyChoice()), UnsupportedProof),
        (Parameters(CHANNEL), HostLayout(CHAINCODE, vouching=PolicyChoice(reference="/Channel/X/Y")), UnsupportedProof),
        (Parameters(CHANNEL), HostLayout(CHAINCODE, vouching=PolicyChoice(reference="Endorsement")), UnsupportedProof),
        (Parameters(CHANNEL), HostLayout(CHAINCODE, vouching=PolicyChoice(b"x" * 20_000)), LimitExceeded),
    ),
)
def test_an_impossible_configuration_is_refused(
    parameters: Parameters, host: HostLayout, error: type[VerificationError]
) -> None:
    with pytest.raises(error):
        bootstrap(encoded(GENESIS), header_hash=hashing.header_hash(GENESIS.header), parameters=parameters, host=host)


def test_a_client_survives_its_encoding_and_no_other_bytes_do() -> None:
    client = CLIENT.update(encoded(BLOCK), now=0)
    data = client.encode()
    assert decode_client(data) == client
    assert decode_client(data).encode() == data
    with pytest.raises(UnsupportedProof):
        decode_client(b"\x02" + data[1:])
    with pytest.raises(ValueMismatch) as refusal:
        decode_client(data + varint_field(7, 0) + b"\x38\x00")  # a default, written out
    assert refusal.value.part == "client encoding"
    swapped = replace(client, known=client.known[::-1])
    with pytest.raises(HeightNotIncreasing):
        decode_client(swapped.encode())
    unlinked = replace(client.known[1].header, previous_hash=bytes(32))
    broken = replace(client, known=(client.known[0], replace(client.known[1], header=unlinked)))
    with pytest.raises(ValueMismatch) as refusal:
        decode_client(broken.encode())
    assert refusal.value.part == "previous hash"
    with pytest.raises(MalformedProof):
        decode_client(replace(client, known=()).encode())


def test_known_blocks_are_bounded() -> None:
    many = tuple(
        replace(CLIENT.known[0], header=replace(BLOCK.header, number=2 * number + 3))
        for number in range(KNOWN_BLOCKS_MAX)
    )
    client = replace(CLIENT, known=many)
    newest = signed(following(replace(BLOCK, header=many[-1].header), [CALL.envelope()], skip=5), 0, [ORDERER])
    grown = client.update(encoded(newest), now=0)
    assert len(grown.known) == KNOWN_BLOCKS_MAX
    assert grown.latest().number == newest.header.number
    with pytest.raises(LimitExceeded) as refusal:
        client.update(encoded(BLOCK), now=0)
    assert refusal.value.part == "known blocks"


def test_a_block_too_large_is_not_read() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        CLIENT.update(bytes(BLOCK_BYTES_MAX + 1), now=0)
    assert refusal.value.part == "block"


def known(block: Block = BLOCK) -> FabricClient:
    return CLIENT.update(encoded(block), now=0)


def test_a_write_and_a_tombstone_are_proved_by_the_transaction_that_made_them() -> None:
    known().check([CLAIM, Claim(PATH, None, CLAIM.written)], at=AT, proof=PROOF)


def one(call: Call, *, codes: bytes = b"\x00", claim: Claim = CLAIM) -> Callable[[], None]:
    """Check a claim against a block with this transaction."""

    def check() -> None:
        block = signed(following(GENESIS, [call.envelope()]), 0, [ORDERER])
        answer = query(block, codes).answer()
        known(block).check([claim], at=AT, proof=proof(block, [answer]))

    return check


def asked(**changes: object) -> Callable[[], None]:
    return lambda: known().check([CLAIM], at=AT, proof=proof(BLOCK, [query(BLOCK, b"\x00", **changes).answer()]))


def event(chaincode: str, tx_id: str) -> bytes:
    return bytes_field(1, chaincode.encode()) + bytes_field(2, tx_id.encode())


METADATA = replace(CALL, metadata_writes=(b"m",))
TWICE = message_field(2, bytes_field(1, CHAINCODE.encode()))
PEERS = (ORG1.member(Role.PEER), ORG2.member(Role.PEER))
OTHER_BLOCK = signed(following(GENESIS, [replace(CALL, nonce=b"x").envelope()]), 0, [ORDERER])

CHECKS: dict[str, tuple[Callable[[], None], type[VerificationError], dict[str, object]]] = {
    "another_value": (one(CALL, claim=replace(CLAIM, value=b"w" * 32)), ValueMismatch, {"part": "written value"}),
    "another_path": (one(CALL, claim=replace(CLAIM, path=b"x")), ValueMismatch, {"part": "write"}),
    "a_deletion": (one(CALL, claim=replace(CLAIM, path=b"\x00")), ValueMismatch, {"got": "a deletion"}),
    "absence_without_tombstone": (
        one(replace(CALL, writes=CALL.writes[:2]), claim=replace(CLAIM, value=None)),
        ValueMismatch,
        {"part": "write"},
    ),
    "no_position": (one(CALL, claim=replace(CLAIM, written=None)), UnsupportedProof, {"got": "no position"}),
    "height_off_by_one": (
        one(CALL, claim=replace(CLAIM, written=Position(Height(0, 2), 0, 0))),
        ValueMismatch,
        {"part": "claim height"},
    ),
    "transaction_that_is_not_there": (
        one(CALL, claim=replace(CLAIM, written=Position(AT, 1, 0))),
        MalformedProof,
        {"part": "transaction index"},
    ),
    "no_claims": (lambda: known().check([], at=AT, proof=PROOF), MalformedProof, {"part": "claims"}),
    "too_many_claims": (lambda: known().check([CLAIM] * 5000, at=AT, proof=PROOF), LimitExceeded, {"part": "claims"}),
    "proof_too_large": (
        lambda: known().check([CLAIM], at=AT, proof=bytes((48 << 20) + 1)),
        LimitExceeded,
        {"part": "proof"},
    ),
    "other_envelopes": (
        lambda: known().check([CLAIM], at=AT, proof=proof(OTHER_BLOCK, [])),
        RootMismatch,
        {"part": "data hash"},
    ),
    "one_endorser": (
        one(replace(CALL, endorsers=PEERS[:1])),
        InsufficientVotingPower,
        {"signers": "endorsement policy"},
    ),
    "one_endorser_twice": (
        one(replace(CALL, endorsers=PEERS[:1] * 2)),
        InsufficientVotingPower,
        {"signers": "endorsement policy", "signed": 1},
    ),
    "clients_endorsed": (
        one(replace(CALL, endorsers=(ORG1.member(Role.CLIENT), ORG2.member(Role.CLIENT)))),
        InsufficientVotingPower,
        {"signers": "endorsement policy"},
    ),
    "creator_of_no_organisation": (
        one(replace(CALL, client=replace(ORG1.member(Role.CLIENT), msp_id="NobodyMSP"))),
        UnknownSigner,
        {"signer": b"NobodyMSP"},
    ),
    "creator_without_the_key": (
        one(replace(CALL, client=replace(ORG1.member(Role.CLIENT), number=77))),
        InvalidSignature,
        {},
    ),
    "not_an_endorser_transaction": (one(replace(CALL, kind=4)), UnsupportedProof, {"part": "transaction type"}),
    "epoch": (one(replace(CALL, epoch=1)), UnsupportedProof, {"part": "epoch"}),
    "transaction_id": (one(replace(CALL, tx_id="00")), ValueMismatch, {"part": "transaction id"}),
    "no_nonce": (one(replace(CALL, nonce=b"")), MalformedProof, {"part": "signature header"}),
    "no_action": (one(replace(CALL, actions=0)), MalformedProof, {"part": "actions"}),
    "other_action_header": (one(replace(CALL, action_nonce=b"y")), ValueMismatch, {"part": "action header"}),
    "proposal_hash": (one(replace(CALL, proposal_hash=bytes(32))), ValueMismatch, {"part": "proposal hash"}),
    "transient_map": (one(replace(CALL, transient=b"t")), MalformedProof, {"part": "proposal payload"}),
    "answer_of_another_chaincode": (one(replace(CALL, answered_by="x")), ValueMismatch, {"part": "chaincode"}),
    "no_version": (one(replace(CALL, version="")), MalformedProof, {"part": "chaincode version"}),
    "status_500": (one(replace(CALL, status=500)), UnsupportedProof, {"part": "chaincode response", "got": 500}),
    "event_of_another_chaincode": (
        one(replace(CALL, event=event("x", CALL.id()))),
        ValueMismatch,
        {"part": "event chaincode"},
    ),
    "event_of_another_transaction": (
        one(replace(CALL, event=event(CHAINCODE, "x"))),
        ValueMismatch,
        {"part": "event transaction"},
    ),
    "data_model": (one(replace(CALL, data_model=1)), UnsupportedProof, {"part": "data model"}),
    "namespace_twice": (one(replace(CALL, more_namespaces=TWICE)), MalformedProof, {"got": "a namespace twice"}),
    "metadata_writes": (one(METADATA), UnsupportedProof, {"part": "metadata writes"}),
    "key_twice": (one(replace(CALL, writes=CALL.writes[:1] * 2)), MalformedProof, {"got": "a key twice"}),
    "void_transaction": (one(CALL, codes=b"\x0b"), UnsupportedProof, {"part": "validation code", "got": 11}),
    "no_codes": (one(CALL, codes=b""), MalformedProof, {"part": "validation codes", "got": 0}),
    "nobody_vouches": (
        lambda: known().check([CLAIM], at=AT, proof=proof(BLOCK, [])),
        InsufficientVotingPower,
        {"signers": "vouching policy"},
    ),
    "one_organisation_vouches": (
        asked(endorsers=PEERS[:1]),
        InsufficientVotingPower,
        {"signers": "vouching policy", "signed": 1},
    ),
    "vouched_by_another_chaincode": (
        asked(chaincode=CHAINCODE, answered_by=CHAINCODE, invoked=CHAINCODE),
        UnsupportedProof,
        {"part": "vouching chaincode"},
    ),
    "vouched_by_a_namesake": (asked(version="1"), UnsupportedProof, {"part": "vouching chaincode"}),
    "header_names_another_chaincode": (asked(invoked=CHAINCODE), ValueMismatch, {"part": "invoked chaincode"}),
    "vouched_for_a_transaction_id": (
        asked(arguments=(b"GetTransactionByID", CHANNEL.encode(), CALL.id().encode())),
        ValueMismatch,
        {"part": "vouching question"},
    ),
    "vouched_on_another_channel": (asked(channel_id="other"), WrongLedger, {"part": "channel id"}),
    "vouched_for_another_block": (
        asked(response=encoded(OTHER_BLOCK)),
        ValueMismatch,
        {"part": "vouched block"},
    ),
    "too_many_answers": (
        lambda: known().check([CLAIM], at=AT, proof=proof(BLOCK, [query(BLOCK, b"\x00").answer()] * 17)),
        LimitExceeded,
        {"part": "vouching signatures", "got": 34},
    ),
}


@pytest.mark.parametrize("corruption", CHECKS)
def test_an_invalid_proof_is_refused_by_name(corruption: str) -> None:
    check, error, fields = CHECKS[corruption]
    with pytest.raises(error) as refusal:
        check()
    assert {name: getattr(refusal.value, name) for name in fields} == fields


def test_a_write_of_nothing_is_a_deletion() -> None:
    call = replace(CALL, writes=(("ibc/" + PATH.hex(), b""),))
    block = signed(following(GENESIS, [call.envelope()]), 0, [ORDERER])
    client = CLIENT.update(encoded(block), now=0)
    with pytest.raises(ValueMismatch) as refusal:
        client.check([replace(CLAIM, value=b"")], at=AT, proof=proof(block, [query(block, b"\x00").answer()]))
    assert (refusal.value.part, refusal.value.got) == ("write", "a deletion")


def test_answers_in_different_bytes_add_up() -> None:
    answers = [query(BLOCK, b"\x00", endorsers=(each,), nonce=each.msp_id.encode()).answer() for each in PEERS]
    known().check([CLAIM], at=AT, proof=proof(BLOCK, answers))


def test_one_organisation_that_says_void_refuses_what_others_vouch_for() -> None:
    answers = [query(BLOCK, b"\x00").answer(), query(BLOCK, b"\x0b", endorsers=(ORG3.member(Role.PEER),)).answer()]
    with pytest.raises(UnsupportedProof) as refusal:
        known().check([CLAIM], at=AT, proof=proof(BLOCK, answers))
    assert refusal.value.part == "validation code"


def test_a_transaction_that_does_not_touch_the_host_proves_nothing() -> None:
    foreign = replace(CLIENT, host=HostLayout("elsewhere")).update(encoded(BLOCK), now=0)
    with pytest.raises(ValueMismatch) as refusal:
        foreign.check([CLAIM], at=AT, proof=PROOF)
    assert refusal.value.part == "namespace"


def test_hostile_bytes_meet_refusals_only() -> None:
    bft = bft_channel(4)
    blocks = [encoded(BLOCK), encoded(signed(following(GENESIS, [Channel(1).envelope()]), 1, [ORDERER]))]
    assert_only_refusals(lambda data: CLIENT.update(data, now=0), blocks, 400)
    numbered = encoded(signed(following(genesis(bft), [CALL.envelope()]), 0, bft.consenters[:3], bft=True))
    client = started(bft)
    assert_only_refusals(lambda data: client.update(data, now=0), [numbered], 200)
    holder = known()
    assert_only_refusals(lambda data: holder.check([CLAIM], at=AT, proof=data), [PROOF], 600)
    assert_only_refusals(decode_client, [holder.encode()], 300)


def test_signatures_in_slot_0_are_bounded_before_any_is_checked() -> None:
    slot = message_field(1, metadata_value(0)) + repeated_bytes_field(2, [b""] * 65)
    with pytest.raises(LimitExceeded):
        CLIENT.update(encoded(replace(BLOCK, slots=(slot, *BLOCK.slots[1:]))), now=0)


def test_refusals_are_of_the_branch_that_blames_the_messenger() -> None:
    for error in {error for _, error, _ in CHECKS.values()}:
        assert issubclass(error, InvalidProof)
