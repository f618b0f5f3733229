"""Headers and finality of one EVM chain, as a pool of endpoints tells them.

A header is taken only when its fields hash to the hash it is given under: an endpoint can still lie, but not by halves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeVar

from adapters.contract.errors import EndpointTrouble, EndpointUnavailable, EndpointWrong, HistoryPruned
from adapters.contract.ledger import Endpoint, Head, Served
from adapters.evm.connection import EndpointPool
from adapters.evm.jsonrpc import Call, RpcFailure, expect
from adapters.evm.settings import Finality
from adapters.evm.wire import BlockJson, decode_block, number, octets, quantity
from proofs.errors import UnsupportedProof
from proofs.ethereum.execution import ExecutionHeader
from proofs.light_client import Height
from proofs.primitives.hashing import keccak256

T = TypeVar("T")

# An endpoint this far behind the others is no use for work at the head: it is asked last.
LAG_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Header:
    """time: unix seconds. rlp: what hashes to `hash`. base_fee: wei per gas, 0 before London."""

    number: int
    time: int
    hash: bytes
    parent: bytes
    state_root: bytes
    base_fee: int
    rlp: bytes


@dataclass(frozen=True, slots=True)
class Agreed:
    """by: one of those that agree. given: what every endpoint gave, dissent included."""

    header: Header
    by: Endpoint
    given: tuple[tuple[Endpoint, Header], ...]


def header_call(block: int | str) -> Call[BlockJson | None]:
    """block: a number or a tag. Transactions are given as hashes: nodes offer no call for a header alone."""
    return Call("eth_getBlockByNumber", (block if isinstance(block, str) else quantity(block), False), decode_block)


def header_of(block: BlockJson, by: Endpoint) -> Header:
    """Raises EndpointWrong when the fields do not hash to the hash."""
    rlp = header_rlp(block, by)
    computed = keccak256(rlp)
    if computed != octets(block.hash):
        raise EndpointWrong(by, what=f"hash of header {number(block.number)}", got=block.hash, expected=computed)
    return Header(
        number=number(block.number),
        time=number(block.timestamp),
        hash=computed,
        parent=octets(block.parent_hash),
        state_root=octets(block.state_root),
        base_fee=number(block.base_fee_per_gas) if block.base_fee_per_gas is not None else 0,
        rlp=rlp,
    )


def header_rlp(block: BlockJson, by: Endpoint) -> bytes:
    """The header's fields as they are hashed."""
    fields = ExecutionHeader(
        parent_hash=octets(block.parent_hash),
        ommers_hash=octets(block.sha3_uncles),
        beneficiary=octets(block.miner),
        state_root=octets(block.state_root),
        transactions_root=octets(block.transactions_root),
        receipts_root=octets(block.receipts_root),
        logs_bloom=octets(block.logs_bloom),
        difficulty=number(block.difficulty),
        number=number(block.number),
        gas_limit=number(block.gas_limit),
        gas_used=number(block.gas_used),
        timestamp=number(block.timestamp),
        extra_data=octets(block.extra_data),
        mix_hash=octets(block.mix_hash),
        nonce=octets(block.nonce),
        base_fee_per_gas=_optional(number, block.base_fee_per_gas),
        withdrawals_root=_optional(octets, block.withdrawals_root),
        blob_gas_used=_optional(number, block.blob_gas_used),
        excess_blob_gas=_optional(number, block.excess_blob_gas),
        parent_beacon_block_root=_optional(octets, block.parent_beacon_block_root),
        requests_hash=_optional(octets, block.requests_hash),
    )
    try:
        return fields.encode()
    except UnsupportedProof as refusal:
        raise EndpointWrong(by, what=refusal.part, got=refusal.got, expected=refusal.expected) from None


def _optional(read: Callable[[str], T], text: str | None) -> T | None:
    return None if text is None else read(text)


def existing(answer: BlockJson | RpcFailure | None, by: Endpoint, *, wanted: int | str) -> Header:
    """The header that was asked for. Raises EndpointUnavailable when the endpoint does not have it."""
    height = wanted if isinstance(wanted, int) else None
    block = expect(answer, by, height=height)
    if block is None:
        raise EndpointUnavailable(by, f"has no block {wanted}", retry_after=1.0)
    header = header_of(block, by)
    if height is not None and header.number != height:
        raise EndpointWrong(by, what="block number", got=header.number, expected=height)
    return header


class Chain:
    """The head of a chain, by the finality rule that was configured for it."""

    def __init__(self, pool: EndpointPool, finality: Finality, *, needed: int) -> None:
        """needed: how many endpoints must have reached a final height before it counts."""
        self._pool = pool
        self._finality = finality
        self._needed = needed

    async def head(self) -> Head:
        """The newest final header that enough endpoints have reached.

        Raises the trouble of an endpoint when too few answer.
        """
        answers = await self._pool.ask_each([header_call("latest"), header_call(self._final_tag)])
        reached: list[tuple[Header, Header, Endpoint]] = []
        troubles: list[EndpointTrouble] = []
        for answer in answers:
            try:
                reached.append(self._read_head(answer))
            except EndpointTrouble as trouble:
                troubles.append(trouble)
        if len(reached) < self._needed:
            raise troubles[0]
        newest = max(final.number for _, final, _ in reached)
        for _, final, by in reached:
            if final.number < newest - LAG_MOST:
                self._pool.blame(by, EndpointWrong(by, what="final height", got=final.number, expected=newest))
        reached.sort(key=lambda each: each[1].number, reverse=True)
        latest, final, by = reached[self._needed - 1]
        if self._finality.tag is None:
            depth = self._finality.depth
            final = await self.header_at(max(latest.number - depth, 0), endpoint=by)
        return Head(
            latest=Height(0, latest.number),
            final=Height(0, final.number),
            final_hash=final.hash,
            final_time=final.time,
            served_by=by,
        )

    async def header_at(self, height: int, *, endpoint: Endpoint) -> Header:
        served = await self._pool.ask([header_call(height)], endpoint=endpoint)
        return existing(served.answer[0], endpoint, wanted=height)

    async def headers_at(self, height: int) -> list[tuple[Endpoint, Header]]:
        """What every endpoint gives at `height`; those without an answer are left out.

        Raises the trouble of an endpoint when none answers.
        """
        given: list[tuple[Endpoint, Header]] = []
        trouble: EndpointTrouble | None = None
        for answer in await self._pool.ask_each([header_call(height)]):
            if isinstance(answer, EndpointTrouble):
                trouble = answer
                continue
            try:
                given.append((answer.by, existing(answer.answer[0], answer.by, wanted=height)))
            except (EndpointUnavailable, EndpointWrong, HistoryPruned) as refusal:
                trouble = refusal
                if isinstance(refusal, EndpointWrong):
                    self._pool.blame(answer.by, refusal)
        if not given:
            assert trouble is not None, "a pool has at least one endpoint"
            raise trouble
        return given

    async def agreed_at(self, height: int) -> Agreed:
        """The header at `height` that enough endpoints give. Those that give another are blamed.

        Raises EndpointUnavailable when too few agree.
        """
        given = await self.headers_at(height)
        hashes = [header.hash for _, header in given]
        most = max(set(hashes), key=hashes.count)
        agreeing = [(name, header) for name, header in given if header.hash == most]
        if len(agreeing) < self._needed:
            names = Endpoint(",".join(name for name, _ in given))
            of = len(self._pool.names)
            raise EndpointUnavailable(
                names, f"{len(agreeing)} of {of} agree on header {height}, needed {self._needed}", retry_after=1.0
            )
        for name, header in given:
            if header.hash != most:
                what = f"hash of header {height}"
                self._pool.blame(name, EndpointWrong(name, what=what, got=header.hash, expected=most))
        by, header = agreeing[0]
        return Agreed(header, by, tuple(given))

    async def check_agreed(self, header: Header, by: Endpoint) -> None:
        """Enough other endpoints give this header too: what one alone says is no ground to stand on."""
        if self._needed == 1:
            return
        agreed = await self.agreed_at(header.number)
        if agreed.header.hash != header.hash:
            what = f"hash of header {header.number}"
            raise EndpointWrong(by, what=what, got=header.hash, expected=agreed.header.hash)

    async def final_number(self, endpoint: Endpoint) -> int:
        """The final height by the word of one endpoint."""
        served = await self._pool.ask([header_call(self._final_tag)], endpoint=endpoint)
        final = existing(served.answer[0], endpoint, wanted=self._final_tag)
        return max(final.number - self._finality.depth, 0) if self._finality.tag is None else final.number

    @property
    def _final_tag(self) -> str:
        return self._finality.tag or "latest"

    def _read_head(
        self, answer: Served[list[BlockJson | RpcFailure | None]] | EndpointTrouble
    ) -> tuple[Header, Header, Endpoint]:
        if isinstance(answer, EndpointTrouble):
            raise answer
        latest, final = answer.answer
        return (
            existing(latest, answer.by, wanted="latest"),
            existing(final, answer.by, wanted=self._final_tag),
            answer.by,
        )


def check_linked(headers: Sequence[Header], by: Endpoint) -> None:
    """[yellow paper 4.4] Each header names its parent's hash, and times only grow. headers: by rising number."""
    for below, above in pairwise(headers):
        if above.number == below.number + 1 and above.parent != below.hash:
            raise EndpointWrong(by, what=f"parent of block {above.number}", got=above.parent, expected=below.hash)
        if above.time < below.time:
            raise EndpointWrong(by, what=f"time of block {above.number}", got=above.time, expected=f">= {below.time}")
