"""A packet crosses between two embedded ledgers by hand: each verifies the other with its own light client."""

from __future__ import annotations

from adapters.contract.messages import Receive, Rule, UpdateClient
from proofs.commitment import commitment_path, packet_commitment
from proofs.dialects import dialect_of
from proofs.light_client import Claim
from tests.adapters.embedded.world import (
    acknowledge_messages,
    linked,
    names,
    receive_messages,
    timeout_messages,
)


async def test_a_packet_is_received_and_acknowledged() -> None:
    a, b = await linked()
    packet = await a.send(b"over the sea")
    received = await b.submit(await receive_messages(a, b, packet))
    assert received.code == ""
    assert [each.kind for each in received.events] == ["client_changed", "recv_packet", "write_acknowledgement"]
    acknowledged = await a.submit(await acknowledge_messages(a, b, packet, (b"\x01",)))
    assert acknowledged.code == ""
    assert names(await a.events())[-3:] == ["Sent", "ClientChanged", "Acknowledged"]


async def test_one_batch_of_proofs_is_handed_on_by_the_dialect_of_the_host() -> None:
    a, b = await linked()
    packets = [await a.send(bytes([number])) for number in range(5)]
    a.block()
    claims = [Claim(commitment_path(each.source_client, each.sequence), packet_commitment(each)) for each in packets]
    (described,) = await b.destination.clients([b.client])
    dialect = dialect_of(described.family, host_kind=b.destination.host_kind, variant=described.variant)
    assert not dialect.needs_attestors
    evidence = (await a.source.evidence(described.latest, a.height())).answer
    (proven,) = await a.source.prove(claims, a.height())
    updates = [UpdateClient(b.client, each) for each in dialect.updates(evidence)]
    proofs = dialect.proofs(proven.claims, at=proven.at, proof=proven.proof)
    receives = [Receive(packet, proof, proven.at) for packet, proof in zip(packets, proofs, strict=True)]
    result = await b.submit([*updates, *receives])
    assert (result.code, result.redundant) == ("", 0)
    assert [each.kind for each in result.events].count("write_acknowledgement") == 5


async def test_a_packet_that_nobody_received_is_timed_out_and_can_be_received_no_more() -> None:
    a, b = await linked()
    packet = await a.send(timeout_seconds=30)
    early = await a.submit(await timeout_messages(a, b, packet))
    assert early.code == Rule.NOT_YET_EXPIRED
    b.block(60)
    late = await b.submit(await receive_messages(a, b, packet))
    assert late.code == Rule.EXPIRED
    timed_out = await a.submit(await timeout_messages(a, b, packet))
    assert timed_out.code == ""
    assert names(await a.events())[-1] == "TimedOut"
