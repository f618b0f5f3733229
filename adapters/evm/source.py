"""Reading an EVM host: its events without gaps, evidence of its headers, and proofs of its storage.

Events are read by range and hash-linked: every block that an event is said to stand in, and both ends of the range,
are given as headers whose fields hash to their hash. What is left out is found by the proven send counters.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from adapters.contract.errors import EndpointTrouble, EndpointUnavailable, EndpointWrong, FinalityViolated
from adapters.contract.ledger import Cursor, Endpoint, Head, LedgerIdentity, Proven, Scan, Served, SourceTraits
from adapters.contract.messages import HostEvent
from adapters.evm.chain import Chain, Header, check_linked, existing, header_call
from adapters.evm.codec import WATCHED_TOPICS, Log, decode_log, decode_unreadable
from adapters.evm.connection import EndpointPool
from adapters.evm.endpoint_quorum import encode_answers
from adapters.evm.identity import read_identity
from adapters.evm.jsonrpc import Call, RpcFailure, expect
from adapters.evm.settings import EvmSettings
from adapters.evm.wire import LogJson, StateProofJson, data, decode_logs, decode_state_proof, number, octets, quantity
from proofs.errors import InvalidProof, MalformedProof
from proofs.ethereum.storage_layout import RouterLayout, encode_state_proof, is_send_counter
from proofs.light_client import Claim, Height, Position

log = logging.getLogger(__name__)

# Providers refuse larger requests; a key costs about 3 kB of proof.
_KEYS_PER_PROOF: Final = 256
_TRAITS: Final = SourceTraits(proof_lag=0, absence="proof")


class EvmSource:
    """Implements adapters.contract.ledger.Source for a host at one address."""

    def __init__(
        self, pool: EndpointPool, chain: Chain, settings: EvmSettings, *, host: bytes, layout: RouterLayout
    ) -> None:
        self._pool = pool
        self._chain = chain
        self._settings = settings
        self._host = host
        self._layout = layout

    @property
    def traits(self) -> SourceTraits:
        return _TRAITS

    async def identity(self) -> LedgerIdentity:
        return await read_identity(self._pool, self._settings, host=self._host)

    async def head(self) -> Head:
        return await self._chain.head()

    async def start(self, at: Height | None) -> Cursor:
        wanted = at.number if at is not None else max(self._settings.host_height - 1, 0)
        header = (await self._chain.agreed_at(wanted)).header
        return Cursor(Height(0, header.number), header.hash)

    async def scan(self, after: Cursor, *, through: Height, event_limit: int) -> Scan:
        assert event_limit > 0, "a scan may find something"
        if through.number <= after.height.number:
            return Scan((), after, self._pool.names[0])
        return await self._pool.attempt(lambda name: self._scan(name, after, through.number, event_limit))

    async def evidence(self, trusted: Height, target: Height) -> Served[Sequence[bytes]]:
        """One step: what every endpoint says about the header at `target`, dissent included."""
        if target <= trusted:
            return Served([], self._pool.names[0])
        agreed = await self._chain.agreed_at(target.number)
        return Served([encode_answers([(str(name), header.rlp) for name, header in agreed.given])], agreed.by)

    async def prove(self, claims: Sequence[Claim], at: Height) -> Sequence[Proven]:
        return [
            await self._prove(claims[start : start + _KEYS_PER_PROOF], at)
            for start in range(0, len(claims), _KEYS_PER_PROOF)
        ]

    def blame(self, endpoint: Endpoint, reason: InvalidProof) -> None:
        self._pool.blame(endpoint, reason)

    async def _prove(self, claims: Sequence[Claim], at: Height) -> Proven:
        keys = [self._layout.slot_of(claim.path) for claim in claims]
        call = Call(
            "eth_getProof",
            (data(self._host), [data(key) for key in keys], quantity(at.number)),
            decode_state_proof,
        )

        async def use(name: Endpoint) -> Proven:
            served = await self._pool.ask([call], endpoint=name)
            answer = expect(served.answer[0], name, height=at.number)
            check_keys_answered(answer, keys, name)
            said = tuple(
                replace(claim, value=claimed_value(claim.path, number(slot.value), name))
                for claim, slot in zip(claims, answer.storage_proof, strict=True)
            )
            proof = encode_state_proof(
                [octets(node) for node in answer.account_proof],
                [[octets(node) for node in slot.proof] for slot in answer.storage_proof],
            )
            return Proven(at, said, proof, name)

        return await self._pool.attempt(use)

    async def _scan(self, name: Endpoint, after: Cursor, through: int, event_limit: int) -> Scan:
        first = after.height.number + 1
        last = min(through, after.height.number + self._settings.log_range)
        logs = [self._read_log(each, name) for each in await self._logs(name, first, last)]
        check_logs_ordered(logs, name, first=first, last=last)
        logs, last = cut_at_block_end(logs, last, event_limit)
        wanted = sorted({after.height.number, last, *(each.position.height.number for each in logs)})
        served = await self._pool.ask([header_call(height) for height in wanted], endpoint=name)
        headers = [existing(answer, name, wanted=height) for answer, height in zip(served.answer, wanted, strict=True)]
        if headers[0].hash != after.hash:
            await self._refuse_other_past(name, after, headers[0])
        check_linked(headers, name)
        check_logs_in_blocks(logs, headers, name)
        await self._chain.check_agreed(headers[-1], name)
        await self._check_logs_agreed(logs, name, first=first, last=last)
        events = tuple(event for each in logs for event in self._events(each, name))
        return Scan(events, Cursor(Height(0, last), headers[-1].hash), name)

    async def _check_logs_agreed(self, logs: Sequence[Log], name: Endpoint, *, first: int, last: int) -> None:
        """Enough endpoints give every event that one tells of: nothing proves that an end was not made up.

        What one leaves out is found in other ways, so that a range without events asks nobody else.
        """
        needed = self._settings.trust.k if self._settings.trust is not None else 1
        agreeing = 1
        for other in self._pool.names:
            if not logs or agreeing >= needed:
                return
            if other == name:
                continue
            try:
                given = [self._read_log(each, other) for each in await self._logs(other, first, last)]
            except EndpointTrouble as trouble:
                log.warning("%s: the events of %s are not confirmed: %s", self._settings.ledger, name, trouble)
                continue
            agreeing += set(logs) <= set(given)
        if agreeing < needed:
            of = f"{agreeing} of {len(self._pool.names)}"
            raise EndpointUnavailable(name, f"{of} give the events of blocks {first} to {last}, needed {needed}")

    async def _logs(self, name: Endpoint, first: int, last: int) -> list[LogJson]:
        """All logs of a range. Providers limit it, each in words of its own: halve until they give."""
        wanted = {
            "address": data(self._host),
            "fromBlock": quantity(first),
            "toBlock": quantity(last),
            "topics": [[data(topic) for topic in WATCHED_TOPICS]],
        }
        served = await self._pool.ask([Call("eth_getLogs", (wanted,), decode_logs)], endpoint=name)
        answer = served.answer[0]
        if isinstance(answer, RpcFailure) and last > first:
            middle = (first + last) // 2
            return await self._logs(name, first, middle) + await self._logs(name, middle + 1, last)
        return expect(answer, name, height=first)

    def _read_log(self, found: LogJson, name: Endpoint) -> Log:
        if octets(found.address) != self._host:
            raise EndpointWrong(name, what="log address", got=found.address, expected=data(self._host))
        if found.removed:
            raise EndpointWrong(name, what="log", got="removed", expected="in a final block")
        height = Height(0, number(found.block_number))
        return Log(
            topics=tuple(octets(topic) for topic in found.topics),
            data=octets(found.data),
            position=Position(height, number(found.transaction_index), number(found.log_index)),
            block_hash=octets(found.block_hash),
            transaction=found.transaction_hash.lower(),
        )

    def _events(self, found: Log, name: Endpoint) -> tuple[HostEvent, ...]:
        try:
            return decode_log(found)
        except MalformedProof as refusal:
            if refusal.part == "ABI string":
                # An app may put bytes that are no text where the host has text. No host of another kind could
                # receive such a packet, and it must not stop the others.
                log.warning("%s: the event at %s holds text that is not UTF-8", self._settings.ledger, found.position)
                return decode_unreadable(found)
            raise EndpointWrong(name, what="event", got=str(refusal), expected="the host's ABI") from None
        except InvalidProof as refusal:
            raise EndpointWrong(name, what="event", got=str(refusal), expected="the host's ABI") from None

    async def _refuse_other_past(self, name: Endpoint, after: Cursor, got: Header) -> None:
        """The block we read up to has another hash: is it this endpoint, or the chain?"""
        others = [header for by, header in await self._chain.headers_at(after.height.number) if by != name]
        needed = self._settings.trust.k if self._settings.trust is not None else 1
        against = 1 + sum(header.hash != after.hash for header in others)
        height = after.height.number
        if against < needed:
            raise EndpointWrong(name, what=f"hash of block {height}", got=got.hash, expected=after.hash)
        raise FinalityViolated(height, got=got.hash.hex(), expected=after.hash.hex())


def claimed_value(path: bytes, stored: int, by: Endpoint) -> bytes | None:
    """What a stored word says about a path: the last sequence sent in 8 bytes, a commitment in 32, or nothing.

    >>> claimed_value(b"nextSequenceSend/client-0", 3, Endpoint("here")).hex()
    '0000000000000003'
    """
    if is_send_counter(path):
        if stored >= 1 << 64:
            raise EndpointWrong(by, what="send counter", got=hex(stored), expected="64 bits")
        return stored.to_bytes(8, "big")
    return stored.to_bytes(32, "big") if stored else None


def check_keys_answered(answer: StateProofJson, keys: Sequence[bytes], by: Endpoint) -> None:
    """[EIP-1186] One proof per key, in the order of the keys."""
    got = [number(slot.key) for slot in answer.storage_proof]
    expected = [int.from_bytes(key, "big") for key in keys]
    if got != expected:
        raise EndpointWrong(by, what="storage keys proved", got=len(got), expected=f"the {len(keys)} keys asked for")


def check_logs_ordered(logs: Sequence[Log], by: Endpoint, *, first: int, last: int) -> None:
    """[execution-apis eth_getLogs] Within the range, in the order of the chain, none twice."""
    before = (first, -1)
    for each in logs:
        place = (each.position.height.number, each.position.event)
        if place <= before or place[0] > last:
            raise EndpointWrong(
                by, what="log order", got=place, expected=f"after {before}, in blocks {first} to {last}"
            )
        before = place


def check_logs_in_blocks(logs: Sequence[Log], headers: Sequence[Header], by: Endpoint) -> None:
    """Every log stands in the block that the chain has at its height."""
    hashes = {header.number: header.hash for header in headers}
    for each in logs:
        expected = hashes[each.position.height.number]
        if each.block_hash != expected:
            raise EndpointWrong(by, what="block of a log", got=each.block_hash, expected=expected)


def cut_at_block_end(logs: list[Log], last: int, event_limit: int) -> tuple[list[Log], int]:
    """Stop at the end of the block in which the limit is reached: a cursor never stands inside a block."""
    if len(logs) < event_limit:
        return logs, last
    end = logs[event_limit - 1].position.height.number
    return [each for each in logs if each.position.height.number <= end], end
