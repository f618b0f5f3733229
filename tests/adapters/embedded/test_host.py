"""Each rule of the host, by the refusal that names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.contract.errors import NotPermitted, RefusedForEver, RefusedForNow
from adapters.contract.ledger import Cost
from adapters.contract.messages import Acknowledge, HostMessage, Receive, Rule, Timeout, UpdateClient
from adapters.embedded import wire
from adapters.embedded.apps import MAILBOX_BYTES_MAX, Stubborn
from adapters.embedded.refusals import NOT_PERMITTED
from adapters.embedded.state import IBC, MAILBOX
from proofs.commitment import (
    UNIVERSAL_ERROR_ACKNOWLEDGEMENT,
    ClientId,
    Packet,
    Payload,
    commitment_path,
    packet_commitment,
    receipt_path,
)
from proofs.light_client import Claim, Height
from tests.adapters.embedded.world import (
    ALICE,
    BOB,
    Side,
    acknowledge_messages,
    linked,
    receive_messages,
    timeout_messages,
)


def _receive(messages: list[HostMessage]) -> Receive:
    message = messages[-1]
    assert isinstance(message, Receive)
    return message


def _stored(side: Side, path: bytes) -> bytes | None:
    return side.chain.newest_state().get(IBC, path)


def _payload(packet: Packet, **changes: str | bytes) -> Packet:
    return replace(packet, payloads=(replace(packet.payloads[0], **changes),))  # type: ignore[arg-type] # fields by name


WRONG_RECEIVES: dict[str, tuple[Callable[[Receive], Receive], Rule]] = {
    "other_value": (lambda m: replace(m, packet=_payload(m.packet, value=b"other")), Rule.INVALID_PROOF),
    "other_sequence": (lambda m: replace(m, packet=replace(m.packet, sequence=99)), Rule.INVALID_PROOF),
    "sequence_too_large": (lambda m: replace(m, packet=replace(m.packet, sequence=1 << 63)), Rule.INVALID_PROOF),
    "negative_sequence": (lambda m: replace(m, packet=replace(m.packet, sequence=-1)), Rule.INVALID_PROOF),
    "later_timeout": (
        lambda m: replace(m, packet=replace(m.packet, timeout=m.packet.timeout + 1)),
        Rule.INVALID_PROOF,
    ),
    "earlier_timeout": (lambda m: replace(m, packet=replace(m.packet, timeout=1)), Rule.EXPIRED),
    "other_source": (
        lambda m: replace(m, packet=replace(m.packet, source_client=ClientId("07-tendermint-7"))),
        Rule.WRONG_COUNTERPARTY,
    ),
    "unknown_client": (
        lambda m: replace(m, packet=replace(m.packet, dest_client=ClientId("07-tendermint-7"))),
        Rule.UNKNOWN_CLIENT,
    ),
    "no_payload": (lambda m: replace(m, packet=replace(m.packet, payloads=())), Rule.PAYLOADS),
    "nine_payloads": (lambda m: replace(m, packet=replace(m.packet, payloads=m.packet.payloads * 9)), Rule.PAYLOADS),
    "cut_proof": (lambda m: replace(m, proof=m.proof[:-1]), Rule.INVALID_PROOF),
    "no_proof": (lambda m: replace(m, proof=b""), Rule.INVALID_PROOF),
    "unknown_height": (lambda m: replace(m, at=Height(1, m.at.number + 50)), Rule.UNKNOWN_HEIGHT),
    "other_revision": (lambda m: replace(m, at=Height(2, m.at.number)), Rule.INVALID_PROOF),
}


@pytest.mark.parametrize("corruption", WRONG_RECEIVES)
async def test_a_wrong_receive_is_refused_by_name_and_changes_nothing(corruption: str) -> None:
    a, b = await linked()
    messages = await receive_messages(a, b, await a.send())
    change, rule = WRONG_RECEIVES[corruption]
    wrong = change(_receive(messages))
    result = await b.submit([*messages[:-1], wrong])
    assert result.code == rule
    assert result.events == ()
    assert _stored(b, receipt_path(ClientId("07-tendermint-0"), 1)) is None
    assert (await b.submit(messages)).code == ""


async def test_a_receive_before_its_update_names_the_height() -> None:
    a, b = await linked()
    messages = await receive_messages(a, b, await a.send())
    assert (await b.submit(messages[-1:])).code == Rule.UNKNOWN_HEIGHT


async def test_a_packet_is_delivered_exactly_once() -> None:
    a, b = await linked()
    packet = await a.send()
    messages = await receive_messages(a, b, packet)
    first = await b.submit(messages)
    again = await b.submit(messages)
    twice = await b.submit([messages[-1], messages[-1]])
    assert (first.code, first.redundant) == ("", 0)
    assert (again.code, again.redundant, again.events) == ("", 2, ())
    assert (twice.code, twice.redundant, twice.events) == ("", 2, ())
    assert _stored(b, receipt_path(packet.dest_client, 1)) == b"\x02"
    b.block(1_000)  # After its expiry even a repeat is refused.
    assert (await b.submit(messages[-1:])).code == Rule.EXPIRED


async def test_acknowledging_again_is_redundant_and_another_acknowledgement_is_refused() -> None:
    a, b = await linked()
    packet = await a.send()
    await b.submit(await receive_messages(a, b, packet))
    messages = await acknowledge_messages(a, b, packet, (b"\x01",))
    acknowledge = messages[-1]
    assert isinstance(acknowledge, Acknowledge)
    forged = replace(acknowledge, acknowledgements=(b"\x02",))
    assert (await a.submit([*messages[:-1], forged])).code == Rule.INVALID_PROOF
    doubled = replace(acknowledge, acknowledgements=(b"\x01", b"\x01"))
    assert (await a.submit([*messages[:-1], doubled])).code == Rule.PAYLOADS
    other = replace(acknowledge, packet=_payload(packet, value=b"other"))
    assert (await a.submit([*messages[:-1], other])).code == Rule.OTHER_PACKET
    assert (await a.submit(messages)).code == ""
    assert _stored(a, commitment_path(packet.source_client, 1)) is None
    again = await a.submit(messages[-1:])
    assert (again.code, again.redundant, again.events) == ("", 1, ())


async def test_a_received_packet_is_never_timed_out() -> None:
    a, b = await linked()
    packet = await a.send(timeout_seconds=30)
    assert (await b.submit(await receive_messages(a, b, packet))).code == ""
    b.block(60)
    assert (await a.submit(await timeout_messages(a, b, packet))).code == Rule.INVALID_PROOF


async def test_a_packet_ends_once_whatever_is_tried_again() -> None:
    a, b = await linked()
    packet = await a.send(timeout_seconds=30)
    b.block(60)
    messages = await timeout_messages(a, b, packet)
    timeout = messages[-1]
    assert isinstance(timeout, Timeout)
    other = replace(timeout, packet=_payload(packet, value=b"other"))
    assert (await a.submit([*messages[:-1], other])).code == Rule.OTHER_PACKET
    assert (await a.submit(messages)).code == ""
    again = await a.submit(messages[-1:])
    assert (again.code, again.redundant) == ("", 1)


REFUSING_APPS = {
    "revert": (Rule.APP_REFUSES, None),
    "silent": (Rule.APP_REFUSES, None),
    "pose": (Rule.APP_REFUSES, None),
    "fail": ("", (UNIVERSAL_ERROR_ACKNOWLEDGEMENT,)),
    "accept": ("", (b"\x01",)),
}


@pytest.mark.parametrize("behaviour", REFUSING_APPS)
async def test_what_an_application_does_decides_the_receive(behaviour: str) -> None:
    a, b = await linked()
    b.chain.apps["stubborn"] = Stubborn(receive=behaviour)
    packet = await a.send(port="stubborn")
    code, acknowledgements = REFUSING_APPS[behaviour]
    result = await b.submit(await receive_messages(a, b, packet))
    assert result.code == code
    written = [each.acknowledgements for each in result.events if each.kind == "write_acknowledgement"]
    assert written == ([] if acknowledgements is None else [acknowledgements])
    assert b.chain.newest_state().get(MAILBOX, b"left-behind") is None


async def test_the_error_acknowledgement_ends_a_packet() -> None:
    a, b = await linked()
    b.chain.apps["stubborn"] = Stubborn(receive="fail")
    packet = await a.send(port="stubborn")
    await b.submit(await receive_messages(a, b, packet))
    acknowledged = await a.submit(await acknowledge_messages(a, b, packet, (UNIVERSAL_ERROR_ACKNOWLEDGEMENT,)))
    assert acknowledged.code == ""


async def test_a_failing_callback_keeps_the_packet_open() -> None:
    stubborn = Stubborn(acknowledge_fails=True, timeout_fails=True)
    a, b = await linked()
    a.chain.apps["stubborn"] = stubborn
    payload = wire.TxPayload("stubborn", "mailbox", "mailbox-1", "application/octet-stream", b"x")
    sent = await a.execute([wire.MsgSend(a.client, int(a.clock.now) + 300, (payload,))])
    assert sent.events[0].packet is not None
    packet = wire.packet_from_wire(sent.events[0].packet)
    await b.submit(await receive_messages(a, b, packet))
    messages = await acknowledge_messages(a, b, packet, (b"\x01",))
    assert (await a.submit(messages)).code == Rule.APP_REFUSES
    assert _stored(a, commitment_path(packet.source_client, 1)) is not None
    stubborn.acknowledge_fails = False
    assert (await a.submit(messages)).code == ""


async def test_an_unknown_port_refuses_the_whole_transaction() -> None:
    a, b = await linked()
    good, poison = await a.send(), await a.send(port="nowhere")
    a.block()
    receives = [await _received_at(a, each) for each in (good, poison)]
    result = await b.submit([await _update(b, a), *receives])
    assert result.code == Rule.UNKNOWN_PORT
    assert _stored(b, receipt_path(good.dest_client, good.sequence)) is None


async def _received_at(a: Side, packet: Packet) -> Receive:
    path = commitment_path(packet.source_client, packet.sequence)
    return Receive(packet, *await a.proof(Claim(path, packet_commitment(packet))))


async def test_several_payloads_are_acknowledged_one_by_one_or_fail_together() -> None:
    a, b = await linked()
    b.chain.apps["stubborn"] = Stubborn(receive="fail")
    for port, expected in (("mailbox", (b"\x01", b"\x01")), ("stubborn", (UNIVERSAL_ERROR_ACKNOWLEDGEMENT,))):
        payloads = tuple(
            wire.TxPayload("mailbox", each, "mailbox-1", "application/octet-stream", b"x") for each in ("mailbox", port)
        )
        sent = await a.execute([wire.MsgSend(a.client, int(a.clock.now) + 300, payloads)])
        assert sent.events[0].packet is not None
        packet = wire.packet_from_wire(sent.events[0].packet)
        result = await b.submit(await receive_messages(a, b, packet))
        assert result.events[-1].acknowledgements == expected
        assert (await a.submit(await acknowledge_messages(a, b, packet, expected))).code == ""


@pytest.mark.parametrize(
    ("seconds", "code"), ((0, Rule.EXPIRED), (1, Rule.EXPIRED), (86_500, Rule.EXPIRED), (86_400, ""), (60, ""))
)
async def test_a_timeout_is_in_the_future_and_at_most_a_day_ahead(seconds: int, code: str) -> None:
    """The block that executes it is one second later than the clock here."""
    a, _ = await linked()
    payload = wire.TxPayload("mailbox", "mailbox", "mailbox-1", "application/octet-stream", b"x")
    result = await a.execute([wire.MsgSend(a.client, int(a.clock.now) + seconds, (payload,))])
    assert result.code == code


@pytest.mark.parametrize(
    ("change", "code"),
    (
        ({"value": bytes(MAILBOX_BYTES_MAX)}, ""),
        ({"value": bytes(MAILBOX_BYTES_MAX + 1)}, Rule.APP_REFUSES),
        ({"version": "mailbox-2"}, Rule.APP_REFUSES),
        ({"encoding": "application/json"}, Rule.APP_REFUSES),
        ({"source_port": "nowhere"}, Rule.UNKNOWN_PORT),
    ),
    ids=("largest", "too-long", "other-version", "other-encoding", "no-such-app"),
)
async def test_the_mailbox_sends_what_it_is_made_for(change: dict[str, str | bytes], code: str) -> None:
    a, _ = await linked()
    payload = Payload("mailbox", "mailbox", "mailbox-1", "application/octet-stream", b"x")
    changed = wire.payload_to_wire(replace(payload, **change))  # type: ignore[arg-type] # fields by name
    assert (await a.execute([wire.MsgSend(a.client, int(a.clock.now) + 60, (changed,))])).code == code


async def test_only_the_creator_registers_once_and_names_relayers() -> None:
    a, b = await linked()
    spec = wire.MsgCreateClient("cometbft", b.light_client().encode())
    assert (await a.execute([spec])).code == ""
    register = wire.MsgRegister("07-tendermint-1", "07-tendermint-1", (b"ibc", b""))
    assert (await a.execute([register], BOB)).code == NOT_PERMITTED
    assert (await a.execute([register])).code == ""
    assert (await a.execute([register])).code == Rule.WRONG_COUNTERPARTY
    allow = wire.MsgAllowRelayers("07-tendermint-1", (ALICE.account,))
    assert (await a.execute([allow], BOB)).code == NOT_PERMITTED
    assert (await a.execute([allow])).code == ""
    b.block()
    step = (await b.source.evidence(Height(1, 1), b.height())).answer[0]
    update: list[HostMessage] = [UpdateClient(ClientId("07-tendermint-1"), step)]
    assert (await a.submit(update, BOB)).code == NOT_PERMITTED
    (refusal,) = await a.destination.screen(update, BOB.account)
    assert isinstance(refusal, NotPermitted)
    assert (refusal.role, refusal.account) == ("relayer of the client", BOB.account)
    assert (await a.submit(update, ALICE)).code == ""


async def test_nothing_is_sent_before_a_counterparty_is_registered() -> None:
    a, b = await linked()
    await a.execute([wire.MsgCreateClient("cometbft", b.light_client().encode())])
    payload = wire.TxPayload("mailbox", "mailbox", "mailbox-1", "application/octet-stream", b"x")
    message = wire.MsgSend("07-tendermint-1", int(a.clock.now) + 60, (payload,))
    assert (await a.execute([message])).code == Rule.WRONG_COUNTERPARTY
    assert (await a.execute([wire.MsgSend("07-tendermint-9", int(a.clock.now) + 60, (payload,))])).code == (
        Rule.UNKNOWN_CLIENT
    )


@pytest.mark.parametrize("encoded", (b"", b"\x01", b"\x02abc"))
async def test_only_a_well_formed_client_of_a_known_family_is_created(encoded: bytes) -> None:
    a, _ = await linked()
    for family in ("cometbft", "attestation", "other"):
        assert (await a.execute([wire.MsgCreateClient(family, encoded)])).code
    assert await a.node.client_count() == 1


async def test_an_expired_client_does_nothing_any_more() -> None:
    a, b = await linked()
    packet = await a.send(timeout_seconds=86_000)
    a.block(15 * 86_400)
    b.block()
    (described,) = await b.destination.clients([b.client])
    assert described.state == "expired"
    assert (await b.submit([await _update(b, a)])).code == Rule.CLIENT_EXPIRED
    assert packet.sequence == 1


async def _update(here: Side, there: Side) -> UpdateClient:
    update = await here.update_of(there)
    assert update is not None
    return update


async def test_screening_tells_refusals_for_now_from_those_for_ever() -> None:
    a, b = await linked()
    messages = await receive_messages(a, b, await a.send())
    receive = _receive(messages)
    expired = replace(receive, packet=replace(receive.packet, timeout=1))
    unknown = replace(receive, at=Height(1, 999))
    update, gone, early, good = await b.destination.screen([messages[0], expired, unknown, receive], BOB.account)
    assert isinstance(update, Cost)
    assert isinstance(gone, RefusedForEver)
    assert gone.rule == Rule.EXPIRED
    assert isinstance(early, RefusedForNow)
    assert early.rule == Rule.UNKNOWN_HEIGHT
    assert isinstance(good, Cost)
    assert not good.redundant
