"""The promises of a ledger plugin, as checks that run against any of them. No test framework is needed.

A `Harness` stands for one open ledger with a working client on it. Each check is a coroutine named after its promise;
it returns, or raises `PromiseBroken` with what was seen. `CHECKS` lists them; they may run in any order on one harness.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from adapters.contract.conformance_steps import (
    EVENTS_MAX,
    HASH_BYTES,
    Harness,
    PromiseBroken,
    all_events,
    check_attestors,
    check_refused,
    client_at_final,
    deliver_messages,
    destination_of,
    end_of,
    is_redundant,
    limits_of,
    own_port,
    prepare_send,
    read_events,
    require,
    screen_messages,
    send_packet,
    sent_packets,
    until_final_above,
)
from adapters.contract.errors import FinalityViolated, OutOfFunds, RefusedForNow
from adapters.contract.ledger import (
    Cost,
    Cursor,
    Endpoint,
    Failed,
    Included,
    Vanished,
)
from adapters.contract.messages import AckWritten, HostMessage, Received, Rule, Sent
from proofs.commitment import ClientId, commitment_path, packet_commitment, receipt_path, send_counter_path
from proofs.errors import MalformedProof
from proofs.light_client import Claim


async def identity_stays_and_both_roles_agree(harness: Harness) -> None:
    first = await harness.ledger.source.identity()
    await harness.advance()
    require("identity stays", got=await harness.ledger.source.identity(), expected=first)
    require("both roles name one ledger", got=await destination_of(harness).identity(), expected=first)


async def heads_only_rise_and_final_is_never_above_latest(harness: Harness) -> None:
    before = await harness.ledger.source.head()
    await harness.advance()
    after = await harness.ledger.source.head()
    for head in (before, after):
        require("final is at most latest", got=head.final <= head.latest, expected=True)
        require("a block hash has 32 bytes", got=len(head.final_hash), expected=HASH_BYTES)
        require("who answered is one of ours", got=head.served_by in harness.ledger.endpoints, expected=True)
    require("final never falls", got=after.final >= before.final, expected=True)
    require("final time never falls", got=after.final_time >= before.final_time, expected=True)


async def a_scan_repeated_is_equal_and_does_not_depend_on_its_pieces(harness: Harness) -> None:
    await send_packet(harness)
    await send_packet(harness)
    source = harness.ledger.source
    start = await source.start(None)
    final = (await source.head()).final
    whole, end = await read_events(harness, start, final, event_limit=EVENTS_MAX)
    again, end_again = await read_events(harness, start, final, event_limit=EVENTS_MAX)
    require("the same scan twice is equal", got=(again, end_again), expected=(whole, end))
    pieces, end_of_pieces = await read_events(harness, start, final, event_limit=1)
    require("pieces make the whole", got=(pieces, end_of_pieces), expected=(whole, end))
    require("a scan ends where it was told to", got=end.height, expected=final)
    positions = [each.at.position for each in whole]
    require("events stand in ledger order, each once", got=positions, expected=sorted(set(positions)))


async def a_scan_finds_every_sent_packet_with_contiguous_sequences(harness: Harness) -> None:
    packets = [await send_packet(harness, value=bytes([number])) for number in range(3)]
    events = await all_events(harness)
    sent = [each.packet for each in events if isinstance(each, Sent) and each.packet.source_client == harness.client]
    require("the last sent packets are found", got=sent[-3:], expected=packets)
    sequences = [packet.sequence for packet in sent]
    require("sequences are contiguous from 1", got=sequences, expected=list(range(1, len(sent) + 1)))


async def a_cursor_of_another_branch_is_refused(harness: Harness) -> None:
    source = harness.ledger.source
    final = (await source.head()).final
    await harness.advance()
    await until_final_above(harness, final)
    try:
        await source.scan(Cursor(final, b"\xee" * HASH_BYTES), through=(await source.head()).final, event_limit=10)
    except FinalityViolated as violation:
        require("the violation names its height", got=violation.height, expected=final.number)
    else:
        raise PromiseBroken("a cursor of another branch is refused", "a scan", FinalityViolated)


async def proofs_answer_in_order_and_convince_the_light_client(harness: Harness) -> None:
    packet = await send_packet(harness)
    height, light_client = await client_at_final(harness)
    path = commitment_path(packet.source_client, packet.sequence)
    claims = [
        Claim(receipt_path(harness.client, (1 << 40) + 1), None),
        Claim(path, packet_commitment(packet)),
        Claim(send_counter_path(harness.client), packet.sequence.to_bytes(8, "big")),
        Claim(commitment_path(packet.source_client, packet.sequence + 1_000), None),
    ]
    groups = await harness.ledger.source.prove(claims, height)
    answered = [claim for group in groups for claim in group.claims]
    require("one answer per claim, in order, with what is there", got=answered, expected=claims)
    for group in groups:
        light_client.check(group.claims, at=group.at, proof=group.proof)
        false = [replace(claim, value=b"\x11" * 32) if claim.path == path else claim for claim in group.claims]
        check_refused(light_client, false, group.at, group.proof)
        gone = [replace(claim, value=None) if claim.path == path else claim for claim in group.claims]
        check_refused(light_client, gone, group.at, group.proof)


async def evidence_to_the_trusted_height_is_empty_or_harmless(harness: Harness) -> None:
    height, light_client = await client_at_final(harness)
    served = await harness.ledger.source.evidence(light_client.latest(), height)
    require("who answered is one of ours", got=served.by in harness.ledger.endpoints, expected=True)
    now = (await harness.ledger.source.head()).final_time
    for step in served.answer:
        light_client = light_client.update(step, now=now)
    require("nothing above the target is believed", got=light_client.latest(), expected=height)


async def preparing_sends_nothing_and_broadcasting_twice_sends_once(harness: Harness) -> None:
    before = len(await sent_packets(harness))
    prepared = await prepare_send(harness, b"once")
    await harness.advance()
    require("preparing sends nothing", got=len(await sent_packets(harness)), expected=before)
    destination = destination_of(harness)
    await destination.broadcast(prepared.raw)
    await destination.broadcast(prepared.raw)
    fate = await end_of(harness, prepared)
    require("it is included", got=type(fate), expected=Included)
    await destination.broadcast(prepared.raw)
    await harness.advance()
    require("the same bytes twice are once", got=len(await sent_packets(harness)), expected=before + 1)


async def fates_come_in_order_and_a_used_slot_makes_its_rival_vanish(harness: Harness) -> None:
    destination = destination_of(harness)
    slot = (await destination.account(destination.account_of(harness.signer.public_key))).next_pending
    winner = await prepare_send(harness, b"winner", slot=slot)
    rival = await prepare_send(harness, b"rival", slot=slot)
    await destination.broadcast(winner.raw)
    await end_of(harness, winner)
    attempts = [(rival.tx_id, rival.raw), (winner.tx_id, winner.raw), (rival.tx_id, rival.raw)]
    fates = [type(fate) for fate in await destination.fates(attempts)]
    expected = [Vanished, Included, Vanished] if slot is not None else [fates[0], Included, fates[2]]
    require("fates come in the order of the attempts", got=fates, expected=expected)


async def slots_move_on_when_a_transaction_is_known_and_when_it_is_final(harness: Harness) -> None:
    destination = destination_of(harness)
    account = destination.account_of(harness.signer.public_key)
    before = await destination.account(account)
    if before.next_pending is None:
        return  # This ledger has no slots.
    require("nothing waits", got=before.next_final, expected=before.next_pending)
    prepared = await prepare_send(harness, b"slot", slot=before.next_pending)
    require("the slot that was asked for is used", got=prepared.slot, expected=before.next_pending)
    await destination.broadcast(prepared.raw)
    known = await destination.account(account)
    require("a known transaction uses its slot", got=known.next_pending, expected=before.next_pending + 1)
    await end_of(harness, prepared)
    after = await destination.account(account)
    require("a final one too", got=after.next_final, expected=before.next_pending + 1)
    require("it was paid for", got=after.balance < before.balance, expected=True)


async def a_fee_above_the_cap_and_an_empty_account_are_refused_by_name(harness: Harness) -> None:
    try:
        await prepare_send(harness, b"dear", fee_cap=0)
    except RefusedForNow as refusal:
        require("the rule of a low cap", got=refusal.rule, expected=Rule.FEE_CAP)
    else:
        raise PromiseBroken("a fee above its cap is refused", "a transaction", RefusedForNow)
    try:
        await prepare_send(harness, b"poor", signer=harness.pauper)
    except OutOfFunds:
        return
    raise PromiseBroken("an account that cannot pay is told so", "a transaction", OutOfFunds)


async def clients_are_described_and_an_unknown_one_is_absent(harness: Harness) -> None:
    unknown = ClientId("07-tendermint-999999")
    known, absent, again = await destination_of(harness).clients([harness.client, unknown, harness.client])
    require("a known client is active", got=(known.id, known.state), expected=(harness.client, "active"))
    require("it has a counterparty", got=bool(known.counterparty), expected=True)
    require("an unknown one is absent", got=(absent.id, absent.state), expected=(unknown, "absent"))
    require("answers come in order", got=again, expected=known)
    check_attestors(known)


async def screening_leaves_a_refused_message_out_and_prices_the_rest(harness: Harness) -> None:
    incoming = await harness.incoming([own_port(harness), "no-such-port", own_port(harness)])
    first, poison, last = incoming.receives
    messages: list[HostMessage] = [*incoming.updates, first, poison, last]
    answers = await screen_messages(harness, messages)
    require("one answer each", got=len(answers), expected=len(messages))
    kinds = [isinstance(each, Cost) for each in answers]
    require("only the poison is refused", got=kinds, expected=[True] * len(incoming.updates) + [True, False, True])
    require("nothing here is redundant", got=[is_redundant(each) for each in answers[-3:]], expected=[False] * 3)
    reason = answers[-2]
    require("the refusal is named", got=getattr(reason, "rule", None), expected=Rule.UNKNOWN_PORT)


async def a_packet_is_received_once_and_a_repeat_is_redundant(harness: Harness) -> None:
    incoming = await harness.incoming([own_port(harness)])
    (receive,) = incoming.receives
    destination = destination_of(harness)
    require("not settled before", got=list(await destination.settled([receive])), expected=[False])
    fate = await deliver_messages(harness, [*incoming.updates, receive])
    require("it is included", got=type(fate), expected=Included)
    require("settled after", got=list(await destination.settled([receive])), expected=[True])
    (repeat,) = await screen_messages(harness, [receive])
    require("a repeat is known to be redundant", got=is_redundant(repeat), expected=True)
    events = await all_events(harness)
    received = [each for each in events if isinstance(each, Received) and each.packet == receive.packet]
    written = [each for each in events if isinstance(each, AckWritten) and each.packet == receive.packet]
    require("one receive event", got=len(received), expected=1)
    require("one acknowledgement event", got=len(written), expected=1)
    require("it acknowledges something", got=all(written[0].acknowledgements), expected=True)


async def a_transaction_is_all_or_nothing(harness: Harness) -> None:
    incoming = await harness.incoming([own_port(harness), "no-such-port"])
    good, poison = incoming.receives
    fate = await deliver_messages(harness, [*incoming.updates, good, poison], costs_of=[*incoming.updates, good, good])
    require("one refused message fails the whole", got=type(fate), expected=Failed)
    require("nothing of it stays", got=list(await destination_of(harness).settled([good])), expected=[False])
    fate = await deliver_messages(harness, [*incoming.updates, good])
    require("the good one goes alone", got=type(fate), expected=Included)


async def blame_changes_who_is_asked_not_what_is_answered(harness: Harness) -> None:
    source = harness.ledger.source
    identity = await source.identity()
    for endpoint in (*harness.ledger.endpoints, Endpoint("nobody")):
        source.blame(endpoint, MalformedProof("conformance", got=0, expected=1))
    require("the ledger still answers", got=await source.identity(), expected=identity)
    require("limits are positive", got=min(limits_of(harness)) > 0, expected=True)


CHECKS: Final[tuple[Callable[[Harness], Awaitable[None]], ...]] = (
    identity_stays_and_both_roles_agree,
    heads_only_rise_and_final_is_never_above_latest,
    a_scan_repeated_is_equal_and_does_not_depend_on_its_pieces,
    a_scan_finds_every_sent_packet_with_contiguous_sequences,
    a_cursor_of_another_branch_is_refused,
    proofs_answer_in_order_and_convince_the_light_client,
    evidence_to_the_trusted_height_is_empty_or_harmless,
    preparing_sends_nothing_and_broadcasting_twice_sends_once,
    fates_come_in_order_and_a_used_slot_makes_its_rival_vanish,
    slots_move_on_when_a_transaction_is_known_and_when_it_is_final,
    a_fee_above_the_cap_and_an_empty_account_are_refused_by_name,
    clients_are_described_and_an_unknown_one_is_absent,
    screening_leaves_a_refused_message_out_and_prices_the_rest,
    a_packet_is_received_once_and_a_repeat_is_redundant,
    a_transaction_is_all_or_nothing,
    blame_changes_who_is_asked_not_what_is_answered,
)
