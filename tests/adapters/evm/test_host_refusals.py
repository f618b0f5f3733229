"""Every refusal of the host and its light client that can be brought about, told by its selector."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from eth_abi.abi import encode as eth_abi_encode

from adapters.evm.transactions import address_of_secret
from proofs.commitment import (
    UNIVERSAL_ERROR_ACKNOWLEDGEMENT,
    ClientId,
    Packet,
    acknowledgement_commitment,
    acknowledgement_path,
    commitment_path,
    packet_commitment,
    receipt_path,
)
from proofs.encoding import abi
from proofs.primitives.hashing import keccak256
from tests.adapters.evm.test_host_life import acknowledge_call, receive_call, received_with, time_out_call
from tests.adapters.evm.world import (
    ATTESTORS,
    PACKET,
    PAYLOAD_TYPE,
    QUORUM,
    STATE,
    STRANGER,
    UPDATE,
    Reverted,
    World,
    attestation_signature,
    attested,
    packet_attestation,
    packet_values,
    state_attestation,
)

pytestmark = pytest.mark.nodes

_heights = itertools.count(200_000)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def refusal(world: World, call: bytes, *, to: bytes | None = None, sender: bytes | None = None) -> bytes:
    """What the call reverts with."""
    with pytest.raises(Reverted) as reverted:
        world.call(to or world.host, call, sender=sender)
    return reverted.value.data


def error(signature: str, *values: object) -> bytes:
    """The revert data of an error, by its declaration."""
    return abi.encode_call(signature, values)


def commitment_entry(packet: Packet) -> tuple[bytes, bytes]:
    return commitment_path(packet.source_client, packet.sequence), packet_commitment(packet)


# --- the host


def test_a_receive_at_the_timeout_is_refused_also_as_a_repeat(world: World) -> None:
    packet = world.send(timeout=world.node.now() + 60)
    received_with(world, packet)
    call = receive_call(world, packet)
    world.node.advance(packet.timeout - world.node.now())
    with pytest.raises(Reverted) as reverted:
        world.call(world.host, call)
    name, (timeout, compared) = reverted.value.data[:4], abi.decode("(uint256,uint256)", reverted.value.data[4:])
    assert name == abi.selector("IBCInvalidTimeoutTimestamp(uint256,uint256)")
    assert timeout == packet.timeout <= compared


def test_a_timeout_proved_one_second_early_is_refused(world: World) -> None:
    packet = world.send(timeout=world.node.now() + 60)
    call = time_out_call(world, packet, timestamp=packet.timeout - 1)
    expected = error("IBCInvalidTimeoutTimestamp(uint256,uint256)", packet.timeout, packet.timeout - 1)
    assert refusal(world, call) == expected


def send_call(world: World, *, timeout: int, client: str | None = None, port: str | None = None) -> bytes:
    payload = (port or world.port(world.unruly), "port", "v", "e", b"")
    return abi.encode_call(f"send((string,uint64,{PAYLOAD_TYPE}))", ((client or world.here, timeout, payload),))


def test_sending_into_the_past_is_refused(world: World) -> None:
    data = refusal(world, send_call(world, timeout=1), to=world.unruly)
    assert data[:4] == abi.selector("IBCInvalidTimeoutTimestamp(uint256,uint256)")


def test_sending_with_more_than_a_day_to_live_is_refused(world: World) -> None:
    data = refusal(world, send_call(world, timeout=world.node.now() + 90_000), to=world.unruly)
    assert data[:4] == abi.selector("IBCInvalidTimeoutDuration(uint256,uint256)")
    limit, actual = abi.decode("(uint256,uint256)", data[4:])
    assert limit == 86_400 < actual


def test_sending_from_a_port_of_another_app_is_refused(world: World) -> None:
    call = send_call(world, timeout=world.node.now() + 60, port=world.port(world.mailbox))
    assert refusal(world, call, to=world.unruly) == error("IBCUnauthorizedSender(address)", world.unruly)


def test_sending_under_an_unknown_client_is_refused(world: World) -> None:
    call = send_call(world, timeout=world.node.now() + 60, client="attestations-99")
    expected = error("IBCCounterpartyClientNotFound(string)", "attestations-99")
    assert refusal(world, call, to=world.unruly) == expected


def test_a_packet_that_names_another_pair_is_refused(world: World) -> None:
    packet = replace(world.send(), source_client=ClientId("attestations-7"))
    expected = error("IBCInvalidCounterparty(string,string)", world.here, "attestations-7")
    assert refusal(world, world.receive(packet, b"", 1)) == expected
    packet = replace(packet, source_client=world.here, dest_client=ClientId("attestations-7"))
    expected = error("IBCInvalidCounterparty(string,string)", world.there, "attestations-7")
    assert refusal(world, world.acknowledge(packet, b"", b"", 1)) == expected
    assert refusal(world, world.time_out(packet, b"", 1)) == expected


def test_an_unknown_destination_client_is_refused(world: World) -> None:
    packet = replace(world.send(), dest_client=ClientId("attestations-77"))
    expected = error("IBCCounterpartyClientNotFound(string)", "attestations-77")
    assert refusal(world, world.receive(packet, b"", 1)) == expected


def test_updating_an_unknown_client_is_refused(world: World) -> None:
    call = abi.encode_call(UPDATE, ("attestations-77", b""))
    assert refusal(world, call) == error("IBCClientNotFound(string)", "attestations-77")


@pytest.mark.parametrize("count", (0, 2))
def test_a_packet_without_exactly_one_payload_is_refused(world: World, count: int) -> None:
    packet = world.send()
    packet = replace(packet, payloads=packet.payloads * count)
    expected = error("IBCMultiPayloadPacketNotSupported()")
    assert refusal(world, world.receive(packet, b"", 1)) == expected
    assert refusal(world, world.acknowledge(packet, b"", b"", 1)) == expected
    assert refusal(world, world.time_out(packet, b"", 1)) == expected


def test_an_unknown_destination_port_reverts_and_can_still_time_out(world: World) -> None:
    packet = world.send(dest_port="nobody")
    assert refusal(world, receive_call(world, packet)) == error("IBCAppNotFound(string)", "nobody")
    world.transact(world.host, time_out_call(world, packet, timestamp=packet.timeout))
    assert world.stored(commitment_path(world.here, packet.sequence)) == bytes(32)


@pytest.mark.parametrize(
    ("order", "expected"),
    (
        (b"e", "IBCFailedCallback()"),  # no reason given
        (b"b", "IBCFailedCallback()"),  # out of gas
        (b"n", "IBCAsyncAcknowledgementNotSupported()"),
        (b"u", "IBCErrorUniversalAcknowledgement()"),
    ),
)
def test_an_app_without_a_proper_answer_reverts_the_whole_receive(world: World, order: bytes, expected: str) -> None:
    packet = world.send(order, app=world.unruly)
    assert refusal(world, receive_call(world, packet)) == error(expected)


def test_an_app_that_sends_while_it_receives_meets_the_guard(world: World) -> None:
    packet = world.send(b"r", app=world.unruly)
    failure, written = received_with(world, packet)
    (reason,) = abi.decode("(bytes)", failure.data)
    assert reason == error("ReentrancyGuardReentrantCall()")
    assert written.topics[2] == packet.sequence.to_bytes(32, "big")


def test_another_packet_under_a_received_name_is_refused_even_when_proved(world: World) -> None:
    packet = world.send(b"true")
    received_with(world, packet)
    forged = replace(packet, payloads=(replace(packet.payloads[0], value=b"forged"),))
    data = refusal(world, receive_call(world, forged))
    stored = world.stored(receipt_path(world.there, packet.sequence))
    given = keccak256(
        abi.encode("((uint64,string,string,uint64,(string,string,string,string,bytes)[]))", (packet_values(forged),))
    )
    assert data == error("IBCPacketReceiptMismatch(bytes32,bytes32)", stored, given)


def test_ending_another_packet_than_the_one_sent_is_refused(world: World) -> None:
    packet = world.send(b"true", timeout=world.node.now() + 60)
    forged = replace(packet, payloads=(replace(packet.payloads[0], value=b"forged"),))
    expected = error(
        "IBCPacketCommitmentMismatch(bytes32,bytes32)", packet_commitment(packet), packet_commitment(forged)
    )
    assert refusal(world, acknowledge_call(world, forged, b"\x01")) == expected
    assert refusal(world, time_out_call(world, forged, timestamp=packet.timeout)) == expected


def test_a_sender_that_refuses_its_callback_keeps_its_packet_open(world: World) -> None:
    packet = world.send(b"", app=world.unruly)
    acknowledge = acknowledge_call(world, packet, b"done")
    time_out = time_out_call(world, packet, timestamp=packet.timeout)
    world.transact(world.unruly, abi.encode_call("setRefusesCallbacks(bool)", (True,)))
    try:
        assert refusal(world, acknowledge) == error("Refused(uint64)", packet.sequence)
        assert refusal(world, time_out) == error("Refused(uint64)", packet.sequence)
        assert world.stored(commitment_path(world.here, packet.sequence)) == packet_commitment(packet)
    finally:
        world.transact(world.unruly, abi.encode_call("setRefusesCallbacks(bool)", (False,)))


def test_misbehaviour_is_not_submitted_this_way(world: World) -> None:
    call = abi.encode_call("submitMisbehaviour(string,bytes)", (world.here, b""))
    assert refusal(world, call) == error("FeatureNotSupported()")


def test_the_mailbox_takes_callbacks_from_its_host_only(world: World) -> None:
    message = (world.here, world.there, 1, ("a", "b", "mailbox-1", "application/octet-stream", b""), bytes(20))
    call = abi.encode_call(f"onRecvPacket((string,string,uint64,{PAYLOAD_TYPE},address))", (message,))
    assert refusal(world, call, to=world.mailbox) == error("OnlyHost(address)", world.account)


def test_the_mailbox_sends_up_to_64_kib_and_no_byte_more(world: World) -> None:
    packet = world.send(bytes(65_536))
    assert packet.sequence > 0
    arguments = (world.here, "port", world.node.now() + 60, bytes(65_537))
    call = abi.encode_call("send(string,string,uint64,bytes)", arguments)
    assert refusal(world, call, to=world.mailbox) == error("ValueTooLong(uint256,uint256)", 65_537, 65_536)


@pytest.mark.parametrize(
    ("version", "encoding", "expected"),
    (
        ("mailbox-2", "application/octet-stream", error("UnknownVersion(string)", "mailbox-2")),
        ("mailbox-1", "text/plain", error("UnknownEncoding(string)", "text/plain")),
    ),
)
def test_a_mailbox_answers_an_unknown_form_with_the_error_acknowledgement(
    world: World, version: str, encoding: str, expected: bytes
) -> None:
    sent = world.send()
    payload = replace(sent.payloads[0], version=version, encoding=encoding)
    # Our mailbox would not send it; the attestors say that the other ledger's did.
    packet = replace(sent, sequence=next(_heights), payloads=(payload,))
    failure, _ = received_with(world, packet)
    assert abi.decode("(bytes)", failure.data) == (expected,)


# --- who may do what


OWNER_ONLY = {
    "addIBCApp(string,address)": ("name", bytes(20)),
    "addClient(string,(string,bytes[]),address)": ("attestations-5", ("attestations-6", (b"",)), bytes(20)),
    "migrateClient(string,(string,bytes[]),address)": ("attestations-0", ("attestations-6", (b"",)), bytes(20)),
    "transferOwnership(address)": (bytes(20),),
}


@pytest.mark.parametrize("signature", OWNER_ONLY)
def test_only_the_owner_names_ports_and_clients(world: World, signature: str) -> None:
    stranger = address_of_secret(STRANGER)
    call = abi.encode_call(signature, OWNER_ONLY[signature])
    assert refusal(world, call, sender=stranger) == error("AccessManagedUnauthorized(address)", stranger)


def test_the_host_answers_beforehand_who_may_call_what(world: World) -> None:
    assert abi.decode("(address)", world.read(world.host, "authority()")) == (world.host,)
    stranger = address_of_secret(STRANGER)
    for caller, selector, permitted in (
        (stranger, "5ebd10ca", True),
        (stranger, "6fbf8079", True),
        (stranger, "1ec43e23", False),
        (stranger, "5f516889", False),
        (stranger, "cce0b265", False),
        (stranger, "f2fde38b", False),
        (world.account, "cce0b265", True),
    ):
        answer = world.read(world.host, "canCall(address,address,bytes4)", caller, world.host, bytes.fromhex(selector))
        assert abi.decode("(bool,uint32)", answer) == (permitted, 0), selector


TAKEN: dict[str, tuple[Callable[[World], bytes], Callable[[World], bytes]]] = {
    "client id": (
        lambda world: abi.encode_call(
            "addClient(string,(string,bytes[]),address)", (world.here, ("attestations-6", (b"",)), world.unruly)
        ),
        lambda world: error("IBCClientAlreadyExists(string)", world.here),
    ),
    "port": (
        lambda world: abi.encode_call("addIBCApp(address)", (world.mailbox,)),
        lambda world: error("IBCPortAlreadyExists(string)", world.port(world.mailbox)),
    ),
    "automatic client id": (
        lambda world: abi.encode_call(
            "addClient(string,(string,bytes[]),address)", ("client-50", ("attestations-6", (b"",)), world.unruly)
        ),
        lambda _world: error("IBCInvalidClientId(string)", "client-50"),
    ),
    "client id without number": (
        lambda world: abi.encode_call(
            "addClient(string,(string,bytes[]),address)", ("attestations", ("attestations-6", (b"",)), world.unruly)
        ),
        lambda _world: error("IBCInvalidClientId(string)", "attestations"),
    ),
    "port like an address": (
        lambda world: abi.encode_call("addIBCApp(string,address)", (world.port(bytes(20)), world.unruly)),
        lambda world: error("IBCInvalidPortIdentifier(string)", world.port(bytes(20))),
    ),
    "app without code": (
        lambda _world: abi.encode_call("addIBCApp(address)", (bytes(20),)),
        lambda world: error("IBCAppNotFound(string)", world.port(bytes(20))),
    ),
    "client without prefix": (
        lambda world: abi.encode_call(
            "addClient(string,(string,bytes[]),address)", ("attestations-50", ("attestations-6", ()), world.unruly)
        ),
        lambda _world: error("InvalidMerklePrefix(bytes[])", ()),
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_names_are_given_once_and_in_one_form(world: World, name: str) -> None:
    call, expected = TAKEN[name]
    assert refusal(world, call(world)) == expected(world)


def test_a_multicall_that_fails_without_a_reason_says_so(world: World) -> None:
    empty_calls = abi.encode_call("multicall(bytes[])", ((b"\x01\x02\x03\x04",),))
    assert refusal(world, empty_calls) == error("FailedCall()")


def test_a_multicall_gives_the_reason_of_the_call_that_failed(world: World) -> None:
    call = abi.encode_call("multicall(bytes[])", ((abi.encode_call(UPDATE, ("attestations-77", b"")),),))
    assert refusal(world, call) == error("IBCClientNotFound(string)", "attestations-77")


# --- the attestation client, through the host


def receive_with(world: World, proof: Callable[[int, Packet], bytes]) -> bytes:
    packet = world.send()
    height = world.update(world.there)
    return world.receive(packet, proof(height, packet), height)


def signed_by(*secrets: bytes) -> Callable[[int, Packet], bytes]:
    return lambda height, packet: packet_attestation(height, [commitment_entry(packet)], secrets=secrets)


def with_signatures(change: Callable[[bytes, Sequence[bytes]], Sequence[bytes]]) -> Callable[[int, Packet], bytes]:
    """A good attestation whose signatures are changed."""

    def proof(height: int, packet: Packet) -> bytes:
        path, commitment = commitment_entry(packet)
        data = eth_abi_encode(["(uint64,(bytes32,bytes32)[])"], [(height, [(keccak256(path), commitment)])])
        signatures = [attestation_signature(PACKET, data, secret) for secret in QUORUM]
        return eth_abi_encode(["(bytes,bytes[])"], [(data, list(change(data, signatures)))])

    return proof


def high_s(signature: bytes) -> bytes:
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes((27 + 28 - signature[64],))


BAD_PROOFS = {
    "one signature of two": (signed_by(ATTESTORS[0]), error("ThresholdNotMet(uint256,uint8)", 1, 2)),
    "no signature": (signed_by(), error("EmptySignatures()")),
    "one signer twice": (
        signed_by(ATTESTORS[0], ATTESTORS[0]),
        error("DuplicateSigner(address)", address_of_secret(ATTESTORS[0])),
    ),
    "a stranger beside a quorum": (
        signed_by(*QUORUM, STRANGER),
        error("UnknownSigner(address)", address_of_secret(STRANGER)),
    ),
    "another height": (
        lambda height, packet: packet_attestation(height + 1, [commitment_entry(packet)]),
        "HeightMismatch(uint64,uint64)",
    ),
    "no entry": (lambda height, _packet: packet_attestation(height, []), error("EmptyPackets()")),
    "another value": (
        lambda height, packet: packet_attestation(height, [(commitment_entry(packet)[0], b"\x01" * 32)]),
        error("NotMember()"),
    ),
    "another path": (
        lambda height, packet: packet_attestation(height, [(b"elsewhere", packet_commitment(packet))]),
        error("NotMember()"),
    ),
    "signed as a state": (
        lambda height, packet: packet_attestation(height, [commitment_entry(packet)], kind=STATE),
        "UnknownSigner(address)",
    ),
    "high s": (
        with_signatures(lambda _, signatures: [high_s(signatures[0]), signatures[1]]),
        "ECDSAInvalidSignatureS(bytes32)",
    ),
    "v of 0 or 1": (
        with_signatures(lambda _, signatures: [s[:64] + bytes((s[64] - 27,)) for s in signatures]),
        error("ECDSAInvalidSignature()"),
    ),
    "64 bytes": (
        with_signatures(lambda _, signatures: [s[:64] for s in signatures]),
        "InvalidSignatureLength(bytes)",
    ),
    "bytes that are no attestation": (lambda _height, _packet: b"\x01", b""),
    "a proof without its offset word": (
        lambda height, packet: signed_by(*QUORUM)(height, packet)[32:],
        error("Panic(uint256)", 0x41),  # the compiler's own word for a length that fits nowhere
    ),
    "signed data without its offset word": (
        lambda height, _packet: attested(
            PACKET,
            eth_abi_encode(["(uint64,(bytes32,bytes32)[])"], [(height, [(bytes(32), bytes(32))])])[32:],
            QUORUM,
        ),
        b"",
    ),
}


@pytest.mark.parametrize("name", BAD_PROOFS)
def test_a_proof_that_is_wrong_is_refused_by_name(world: World, name: str) -> None:
    proof, expected = BAD_PROOFS[name]
    data = refusal(world, receive_with(world, proof))
    if isinstance(expected, str):
        assert data[:4] == abi.selector(expected)
    else:
        assert data == expected


def test_a_proof_at_a_height_without_update_is_refused(world: World) -> None:
    packet = world.send()
    height = next(_heights)
    call = world.receive(packet, packet_attestation(height, [commitment_entry(packet)]), height)
    assert refusal(world, call) == error("ConsensusTimestampNotFound(uint64)", height)


def test_absence_is_decided_by_the_first_entry_of_the_path(world: World) -> None:
    packet = world.send()
    path = receipt_path(packet.dest_client, packet.sequence)
    height = world.update(world.here, timestamp=packet.timeout)
    held = packet_attestation(height, [(path, b"\x01" * 32), (path, bytes(32))])
    assert refusal(world, world.time_out(packet, held, height)) == error("NotNonMember()")
    unsaid = packet_attestation(height, [(b"elsewhere", bytes(32))])
    assert refusal(world, world.time_out(packet, unsaid, height)) == error("NotMember()")
    first_is_zero = packet_attestation(height, [(path, bytes(32)), (path, b"\x01" * 32)])
    world.call(world.host, world.time_out(packet, first_is_zero, height))


@pytest.mark.parametrize(("height", "timestamp"), ((0, 5), (5, 0)))
def test_a_state_without_height_or_time_is_refused(world: World, height: int, timestamp: int) -> None:
    call = abi.encode_call(UPDATE, (world.here, state_attestation(height, timestamp)))
    assert refusal(world, call) == error("InvalidState(uint64,uint64)", height, timestamp)


def test_an_update_signed_as_a_packet_is_refused(world: World) -> None:
    call = abi.encode_call(UPDATE, (world.here, state_attestation(5, 5, kind=PACKET)))
    assert refusal(world, call)[:4] == abi.selector("UnknownSigner(address)")


def test_the_error_acknowledgement_is_acknowledged_like_any_other(world: World) -> None:
    packet = world.send(b"d", app=world.unruly)
    path = acknowledgement_path(packet.dest_client, packet.sequence)
    height = world.update(world.here)
    value = acknowledgement_commitment([UNIVERSAL_ERROR_ACKNOWLEDGEMENT])
    proof = packet_attestation(height, [(path, value)])
    world.transact(world.host, world.acknowledge(packet, UNIVERSAL_ERROR_ACKNOWLEDGEMENT, proof, height))
    assert world.stored(commitment_path(world.here, packet.sequence)) == bytes(32)
