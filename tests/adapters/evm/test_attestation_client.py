"""The attestation client on its own: what it believes, when it freezes, who may submit."""

from __future__ import annotations

import pytest

from adapters.evm.transactions import address_of_secret
from proofs.encoding import abi
from proofs.primitives.hashing import keccak256
from tests.adapters.evm.world import (
    ATTESTORS,
    FIRST_HEIGHT,
    HEIGHT_TYPE,
    STRANGER,
    Reverted,
    World,
    packet_attestation,
    state_attestation,
)

pytestmark = pytest.mark.nodes

ADDRESSES = tuple(address_of_secret(secret) for secret in ATTESTORS)
CONSTRUCTOR = "(address[],uint8,uint64,uint64,address)"
UPDATE = "updateClient(bytes)"
VERIFY_MEMBERSHIP = f"verifyMembership((bytes,{HEIGHT_TYPE},bytes[],bytes))"
VERIFY_NON_MEMBERSHIP = f"verifyNonMembership((bytes,{HEIGHT_TYPE},bytes[]))"
SUBMITTER = keccak256(b"PROOF_SUBMITTER_ROLE")
ANYBODY = bytes(20)
TIME = 1_700_000_000
PATH = b"attestations-0\x01" + bytes(7) + b"\x01"
VALUE = b"\x05" * 32


@pytest.fixture
def client(world: World) -> bytes:
    return world.deploy("AttestationClient", CONSTRUCTOR, ADDRESSES, 2, FIRST_HEIGHT, TIME, ANYBODY)


def refusal(world: World, client: bytes, signature: str, *values: object) -> bytes:
    with pytest.raises(Reverted) as reverted:
        world.read(client, signature, *values)
    return reverted.value.data


def state_of(world: World, client: bytes) -> tuple[object, ...]:
    (encoded,) = abi.decode("(bytes)", world.read(client, "getClientState()"))
    (state,) = abi.decode("((address[],uint8,uint64,bool))", encoded)
    return tuple(state)


def timestamp_at(world: World, client: bytes, height: int) -> int:
    (timestamp,) = abi.decode("(uint64)", world.read(client, "getConsensusTimestamp(uint64)", height))
    return int(timestamp)


def update(world: World, client: bytes, height: int, timestamp: int) -> int:
    """Do it; return what the call answers."""
    attestation = state_attestation(height, timestamp)
    (result,) = abi.decode("(uint8)", world.read(client, UPDATE, attestation))
    world.transact(client, abi.encode_call(UPDATE, (attestation,)))
    return int(result)


def membership(
    height: int, proof: bytes, *, path: tuple[bytes, ...] = (PATH,), value: bytes = VALUE
) -> tuple[object, ...]:
    return proof, (0, height), path, value


def test_it_starts_with_what_it_was_given(world: World, client: bytes) -> None:
    assert state_of(world, client) == (ADDRESSES, 2, FIRST_HEIGHT, False)
    assert abi.decode("(address[],uint8)", world.read(client, "getAttestationSet()")) == (ADDRESSES, 2)
    assert timestamp_at(world, client, FIRST_HEIGHT) == TIME
    assert timestamp_at(world, client, FIRST_HEIGHT + 1) == 0


def test_updates_add_heights_and_the_latest_never_goes_back(world: World, client: bytes) -> None:
    assert update(world, client, 20, TIME + 10) == 0
    assert update(world, client, 15, TIME + 5) == 0
    assert state_of(world, client)[2:] == (20, False)
    assert (timestamp_at(world, client, 15), timestamp_at(world, client, 20)) == (TIME + 5, TIME + 10)


def test_the_same_again_changes_nothing_and_says_so(world: World, client: bytes) -> None:
    assert update(world, client, FIRST_HEIGHT, TIME) == 2
    assert state_of(world, client)[2:] == (FIRST_HEIGHT, False)


def test_a_second_time_for_a_height_freezes_it_for_ever(world: World, client: bytes) -> None:
    proof = packet_attestation(FIRST_HEIGHT, [(PATH, VALUE)])
    world.read(client, VERIFY_MEMBERSHIP, membership(FIRST_HEIGHT, proof))
    assert update(world, client, FIRST_HEIGHT, TIME + 1) == 1
    assert state_of(world, client)[3] is True
    frozen = abi.selector("FrozenClientState()")
    assert refusal(world, client, UPDATE, state_attestation(30, TIME + 20)) == frozen
    assert refusal(world, client, VERIFY_MEMBERSHIP, membership(FIRST_HEIGHT, proof)) == frozen
    absence = (proof, (0, FIRST_HEIGHT), (PATH,))
    assert refusal(world, client, VERIFY_NON_MEMBERSHIP, absence) == frozen


def test_a_proof_gives_the_time_of_its_height(world: World, client: bytes) -> None:
    proof = packet_attestation(FIRST_HEIGHT, [(b"other", VALUE), (PATH, VALUE)])
    answer = world.read(client, VERIFY_MEMBERSHIP, membership(FIRST_HEIGHT, proof))
    assert abi.decode("(uint256)", answer) == (TIME,)
    absent = packet_attestation(FIRST_HEIGHT, [(PATH, bytes(32))])
    answer = world.read(client, VERIFY_NON_MEMBERSHIP, (absent, (0, FIRST_HEIGHT), (PATH,)))
    assert abi.decode("(uint256)", answer) == (TIME,)


def test_three_of_three_is_as_good_as_two(world: World, client: bytes) -> None:
    proof = packet_attestation(FIRST_HEIGHT, [(PATH, VALUE)], secrets=tuple(reversed(ATTESTORS)))
    world.read(client, VERIFY_MEMBERSHIP, membership(FIRST_HEIGHT, proof))


def test_the_shape_of_a_claim_is_checked(world: World, client: bytes) -> None:
    proof = packet_attestation(FIRST_HEIGHT, [(PATH, VALUE)])
    two = membership(FIRST_HEIGHT, proof, path=(b"ibc", PATH))
    assert refusal(world, client, VERIFY_MEMBERSHIP, two) == abi.encode_call(
        "InvalidPathLength(uint256,uint256)", (1, 2)
    )
    empty = membership(FIRST_HEIGHT, proof, value=b"")
    assert refusal(world, client, VERIFY_MEMBERSHIP, empty) == abi.selector("EmptyValue()")
    short = membership(FIRST_HEIGHT, proof, value=VALUE[:31])
    assert refusal(world, client, VERIFY_MEMBERSHIP, short) == abi.selector("NotMember()")


def test_with_a_role_manager_only_submitters_may_submit_the_host_among_them(world: World) -> None:
    client = world.deploy("AttestationClient", CONSTRUCTOR, ADDRESSES, 2, FIRST_HEIGHT, TIME, world.account)
    stranger = address_of_secret(STRANGER)
    call = abi.encode_call(UPDATE, (state_attestation(20, TIME),))
    unauthorised = abi.encode_call("AccessControlUnauthorizedAccount(address,bytes32)", (stranger, SUBMITTER))
    with pytest.raises(Reverted) as reverted:
        world.call(client, call, sender=stranger)
    assert reverted.value.data == unauthorised

    grant = abi.encode_call("grantRole(bytes32,address)", (SUBMITTER, stranger))
    with pytest.raises(Reverted) as reverted:
        world.call(client, grant, sender=stranger)
    assert reverted.value.data[:4] == abi.selector("AccessControlUnauthorizedAccount(address,bytes32)")
    world.transact(client, grant)
    world.call(client, call, sender=stranger)

    world.transact(client, abi.encode_call("revokeRole(bytes32,address)", (SUBMITTER, stranger)))
    with pytest.raises(Reverted) as reverted:
        world.call(client, call, sender=stranger)
    assert reverted.value.data == unauthorised


@pytest.mark.parametrize(
    ("attestors", "required", "height", "timestamp", "expected"),
    (
        (ADDRESSES, 1, 1, 1, "InvalidQuorum(uint256,uint8)"),
        (ADDRESSES, 4, 1, 1, "InvalidQuorum(uint256,uint8)"),
        (ADDRESSES[:2], 1, 1, 1, "InvalidQuorum(uint256,uint8)"),
        ((), 0, 1, 1, "InvalidQuorum(uint256,uint8)"),
        ((ADDRESSES[0], ADDRESSES[0]), 2, 1, 1, "InvalidAttestor(address)"),
        ((ADDRESSES[0], bytes(20)), 2, 1, 1, "InvalidAttestor(address)"),
        (ADDRESSES, 2, 0, 1, "InvalidState(uint64,uint64)"),
        (ADDRESSES, 2, 1, 0, "InvalidState(uint64,uint64)"),
    ),
)
def test_a_client_that_could_not_be_trusted_is_not_created(
    world: World, attestors: tuple[bytes, ...], required: int, height: int, timestamp: int, expected: str
) -> None:
    with pytest.raises(Reverted) as reverted:
        world.deploy("AttestationClient", CONSTRUCTOR, attestors, required, height, timestamp, ANYBODY)
    assert reverted.value.data[:4] == abi.selector(expected)
