"""Clients of the host: who may add them, how they are called, and how one is replaced."""

from __future__ import annotations

import pytest

from adapters.evm.transactions import address_of_secret
from proofs.encoding import abi
from tests.adapters.evm.world import (
    ATTESTORS,
    FIRST_HEIGHT,
    STRANGER,
    UPDATE,
    Reverted,
    World,
    packet_attestation,
    state_attestation,
)

pytestmark = pytest.mark.nodes

COUNTERPARTY = "(string,bytes[])"
ADD = f"addClient({COUNTERPARTY},address)"
MIGRATE = f"migrateClient(string,{COUNTERPARTY},address)"
TIME = 1_700_000_000
FAR = ("attestations-40", (b"",))


def new_light_client(world: World) -> bytes:
    attestors = tuple(address_of_secret(secret) for secret in ATTESTORS)
    types = "(address[],uint8,uint64,uint64,address)"
    return world.deploy("AttestationClient", types, attestors, 2, FIRST_HEIGHT, TIME, bytes(20))


def added(world: World, client: bytes) -> str:
    """Under an automatic name."""
    (log,) = world.transact(world.host, abi.encode_call(ADD, (FAR, client)))
    assert log.topics == (abi.event_topic(f"ICS02ClientAdded(string,{COUNTERPARTY},address)"),)
    name, counterparty, address = abi.decode(f"(string,{COUNTERPARTY},address)", log.data)
    assert (counterparty, address) == (FAR, client)
    return str(name)


def test_anybody_may_add_a_client_and_it_is_named_by_number(world: World) -> None:
    client = new_light_client(world)
    (number,) = abi.decode("(uint256)", world.read(world.host, "getNextClientSeq()"))
    answer = world.call(world.host, abi.encode_call(ADD, (FAR, client)), sender=address_of_secret(STRANGER))
    assert abi.decode("(string)", answer) == (f"client-{number}",)
    assert added(world, client) == f"client-{number}"
    assert abi.decode("(uint256)", world.read(world.host, "getNextClientSeq()")) == (number + 1,)
    assert abi.decode("(address)", world.read(world.host, "getClient(string)", f"client-{number}")) == (client,)


def test_an_update_says_in_its_event_what_it_did(world: World) -> None:
    name = added(world, new_light_client(world))
    results = []
    for height, timestamp in ((20, TIME + 1), (20, TIME + 1), (20, TIME + 2)):
        call = abi.encode_call(UPDATE, (name, state_attestation(height, timestamp)))
        (log,) = world.transact(world.host, call)
        assert log.topics == (abi.event_topic("ICS02ClientUpdated(string,uint8)"),)
        results.append(abi.decode("(string,uint8)", log.data))
    assert results == [(name, 0), (name, 2), (name, 1)], "updated, nothing new, frozen: none of them reverts"


def test_a_frozen_client_is_replaced_by_migration_only(world: World) -> None:
    name = added(world, new_light_client(world))
    freezing = abi.encode_call(UPDATE, (name, state_attestation(FIRST_HEIGHT, TIME + 1)))
    world.transact(world.host, freezing)
    with pytest.raises(Reverted) as reverted:
        world.call(world.host, freezing)
    assert reverted.value.data == abi.selector("FrozenClientState()")

    replacement = new_light_client(world)
    (log,) = world.transact(world.host, abi.encode_call(MIGRATE, (name, FAR, replacement)))
    assert log.topics == (abi.event_topic(f"ICS02ClientMigrated(string,{COUNTERPARTY},address)"),)
    assert abi.decode(f"(string,{COUNTERPARTY},address)", log.data) == (name, FAR, replacement)
    world.call(world.host, abi.encode_call(UPDATE, (name, state_attestation(20, TIME + 1))))


def test_what_is_not_there_cannot_be_migrated(world: World) -> None:
    with pytest.raises(Reverted) as reverted:
        world.call(world.host, abi.encode_call(MIGRATE, ("attestations-41", FAR, world.mailbox)))
    assert reverted.value.data == abi.encode_call("IBCClientNotFound(string)", ("attestations-41",))


def test_a_client_without_code_reverts_without_a_word(world: World) -> None:
    name = added(world, b"\x77" * 20)
    with pytest.raises(Reverted) as reverted:
        world.call(world.host, abi.encode_call(UPDATE, (name, packet_attestation(1, []))))
    assert reverted.value.data == b""
