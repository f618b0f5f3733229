"""Reading an embedded ledger: events block by block, evidence as 07-tendermint headers, proofs by ICS-23.

Nothing that a node says is believed here: blocks are linked by hashes that are computed here, and whoever verifies the
evidence and the proofs is told which node they came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.contract.errors import EndpointTrouble, EndpointUnavailable, EndpointWrong, FinalityViolated
from adapters.contract.ledger import Cursor, Endpoint, Head, LedgerIdentity, Proven, Scan, Served, SourceTraits
from adapters.contract.messages import (
    Acknowledged,
    AckWritten,
    ClientChanged,
    HostEvent,
    Received,
    Sent,
    TimedOut,
    Written,
)
from adapters.embedded.headers import check_header, steps_between
from adapters.embedded.node import BLOCKS_MAX, PATHS_MAX, EmbeddedNode
from adapters.embedded.pool import Pool
from adapters.embedded.wire import BlockAnswer, Event, StatusAnswer, TxPacket, packet_from_wire
from proofs.cometbft.chain_id import revision_of
from proofs.commitment import ClientId
from proofs.encoding.proof_batch import join_batch
from proofs.errors import InvalidProof, MalformedProof, ValueMismatch
from proofs.light_client import Claim, Height, Position

_SEND_COUNTER: Final = b"nextSequenceSend/"
_GENESIS: Final = 0


class EmbeddedSource:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._revision = revision_of(pool.chain_id)
        self._told_by: Endpoint | None = None  # who said which block is the newest final one

    @property
    def traits(self) -> SourceTraits:
        return SourceTraits(proof_lag=1)

    async def identity(self) -> LedgerIdentity:
        return await self._pool.identity()

    async def head(self) -> Head:
        served = await self._pool.status()
        self._told_by = served.by
        return head_of(served.answer, self._revision, served.by)

    async def start(self, at: Height | None) -> Cursor:
        """Where the host was created is the beginning of the ledger: nothing stands below block 1."""
        number = _GENESIS if at is None else at.number
        if number == _GENESIS:
            return Cursor(Height(self._revision, _GENESIS), b"")

        async def asked(node: EmbeddedNode) -> BlockAnswer:
            return await self._block(node, number)

        block = (await self._pool.ask(asked)).answer
        return Cursor(Height(self._revision, number), block.hash)

    async def scan(self, after: Cursor, *, through: Height, event_limit: int) -> Scan:
        violated: list[FinalityViolated] = []
        behind: list[str] = []

        async def asked(node: EmbeddedNode) -> tuple[tuple[HostEvent, ...], Cursor]:
            try:
                events, cursor = await self._read(node, after, through.number, event_limit)
            except FinalityViolated as violation:
                # One node may be on another branch or lie: only when none stands by the cursor is the ledger broken.
                violated.append(violation)
                raise EndpointWrong(
                    node.name, "block behind the cursor", got=violation.got, expected=violation.expected
                ) from violation
            if cursor == after and after.height < through:
                behind.append(node.name)
                raise EndpointUnavailable(node.name, f"has no block above {after.height.number}")
            return events, cursor

        try:
            served = await self._pool.ask(asked)
        except EndpointTrouble:
            if len(violated) == len(self._pool.names):
                raise violated[0] from None
            if len(behind) == len(self._pool.names) and self._told_by is not None:
                # Whoever told of a final block that nobody has is not asked first again.
                told = ValueMismatch("final height", got=through.number, expected=after.height.number)
                self._pool.blame(self._told_by, told)
            raise
        events, cursor = served.answer
        return Scan(events, cursor, served.by)

    async def evidence(self, trusted: Height, target: Height) -> Served[Sequence[bytes]]:
        async def asked(node: EmbeddedNode) -> Sequence[bytes]:
            return await steps_between(node, trusted, target, chain_id=self._pool.chain_id)

        return await self._pool.ask(asked)

    async def prove(self, claims: Sequence[Claim], at: Height) -> Sequence[Proven]:
        async def asked(node: EmbeddedNode) -> Proven:
            answered: list[Claim] = []
            proofs: list[bytes] = []
            for start in range(0, len(claims), PATHS_MAX):
                part = claims[start : start + PATHS_MAX]
                entries = await node.prove([claim.path for claim in part], at.number)
                if len(entries) != len(part):
                    raise EndpointWrong(node.name, "proofs", got=len(entries), expected=len(part))
                answered.extend(
                    Claim(claim.path, _canonical(claim.path, entry.value, node.name), claim.written)
                    for claim, entry in zip(part, entries, strict=True)
                )
                proofs.extend(entry.proof for entry in entries)
            return Proven(at, tuple(answered), join_batch(proofs), Endpoint(node.name))

        return [(await self._pool.ask(asked)).answer]

    def blame(self, endpoint: Endpoint, reason: InvalidProof) -> None:
        self._pool.blame(endpoint, reason)

    async def _block(self, node: EmbeddedNode, number: int) -> BlockAnswer:
        blocks = await self._blocks(node, number, 1)
        if not blocks:
            raise EndpointUnavailable(node.name, f"has no block {number}")
        return blocks[0]

    async def _blocks(self, node: EmbeddedNode, start: int, limit: int) -> Sequence[BlockAnswer]:
        """From `start` on without gaps, each with the hash of its header; none where the node has no more."""
        blocks = await node.blocks(start, limit)
        if len(blocks) > limit:
            raise EndpointWrong(node.name, f"blocks from {start}", got=len(blocks), expected=f"at most {limit}")
        for expected, block in enumerate(blocks, start):
            check_header(block, height=expected, chain_id=self._pool.chain_id, endpoint=node.name)
        return blocks

    async def _read(
        self, node: EmbeddedNode, after: Cursor, through: int, event_limit: int
    ) -> tuple[tuple[HostEvent, ...], Cursor]:
        events: list[HostEvent] = []
        height, known_hash = after.height.number, after.hash
        if height >= through and height != _GENESIS:
            self._check_cursor(await self._block(node, height), known_hash)
        while height < through and len(events) < event_limit:
            blocks = await self._blocks(node, height + 1, min(BLOCKS_MAX, through - height))
            if not blocks:
                break
            for block in blocks:
                parent = check_header(
                    block, height=height + 1, chain_id=self._pool.chain_id, endpoint=node.name
                ).last_block_id.hash
                if parent != known_hash:
                    raise FinalityViolated(height, got=parent.hex(), expected=known_hash.hex())
                events.extend(self._events(block, node.name))
                height, known_hash = block.height, block.hash
                if len(events) >= event_limit:
                    break
        return tuple(events), Cursor(Height(self._revision, height), known_hash)

    def _check_cursor(self, block: BlockAnswer, known_hash: bytes) -> None:
        if block.hash != known_hash:
            raise FinalityViolated(block.height, got=block.hash.hex(), expected=known_hash.hex())

    def _events(self, block: BlockAnswer, endpoint: str) -> list[HostEvent]:
        height = Height(self._revision, block.height)
        found: list[HostEvent] = []
        for place, result in enumerate(block.results):
            for index, event in enumerate(result.events):
                found.append(_to_host_event(event, Written(Position(height, place, index), result.tx_id), endpoint))
        return found


def head_of(status: StatusAnswer, revision: int, by: Endpoint) -> Head:
    return Head(
        Height(revision, status.latest), Height(revision, status.final), status.final_hash, status.final_time, by
    )


def _to_host_event(event: Event, at: Written, endpoint: str) -> HostEvent:
    if event.packet is None:
        return ClientChanged(at, ClientId(event.client))
    try:
        check_event_packet(event.packet)
    except MalformedProof as refusal:
        raise EndpointWrong(endpoint, "event", got=str(refusal), expected="a packet") from None
    packet = packet_from_wire(event.packet)
    match event.kind:
        case "send_packet":
            return Sent(at, packet)
        case "recv_packet":
            return Received(at, packet)
        case "write_acknowledgement":
            return AckWritten(at, packet, event.acknowledgements)
        case "acknowledge_packet":
            return Acknowledged(at, packet)
        case "timeout_packet":
            return TimedOut(at, packet)
        case _:
            raise EndpointWrong(endpoint, "event", got=event.kind, expected="an event of the host")


def check_event_packet(packet: TxPacket) -> None:
    """[ICS-04 v2] Sequences count from 1; sequence and timeout are unsigned 64-bit integers."""
    if not 1 <= packet.sequence < 1 << 64:
        raise MalformedProof("sequence", got=packet.sequence, expected="1 to 2^64 - 1")
    if not 0 <= packet.timeout < 1 << 64:
        raise MalformedProof("timeout", got=packet.timeout, expected="an unsigned 64-bit integer")


def _canonical(path: bytes, stored: bytes | None, endpoint: str) -> bytes | None:
    """The host stores the next sequence to send; a claim says the last one sent."""
    if stored is None or not path.startswith(_SEND_COUNTER):
        return stored
    if len(stored) != 8 or not any(stored):
        raise EndpointWrong(endpoint, "send counter", got=stored.hex(), expected="8 bytes, not zero")
    return (int.from_bytes(stored, "big") - 1).to_bytes(8, "big")
