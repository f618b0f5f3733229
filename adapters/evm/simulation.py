"""Running calls against a node's newest state without sending them.

eth_simulateV1 runs calls one after another, each on what the one before it left. Gas is given amply and measured; it is
never searched for: a search for the smallest limit that does not revert finds the limit at which an app that catches
its own failure answers with an error for ever.
Source: execution-apis, eth_simulateV1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adapters.contract.errors import EndpointWrong
from adapters.contract.ledger import Endpoint
from adapters.evm.chain import Header
from adapters.evm.codec import CLIENT_UPDATED_EVENT, NOOP_EVENT, acknowledgements_of
from adapters.evm.connection import EndpointPool
from adapters.evm.jsonrpc import Call, expect
from adapters.evm.wire import SimulatedCallJson, data, decode_simulation, number, octets, quantity
from proofs.encoding.abi import decode
from proofs.errors import MalformedProof

# Room for every call of a batch to be given the most a transaction may use.
_BLOCK_GAS: Final = 1 << 40

UPDATE_FREEZES: Final = 1
UPDATE_CHANGES_NOTHING: Final = 2


@dataclass(frozen=True, slots=True)
class Run:
    """One call to be run. gas: what it is given."""

    calldata: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did.

    returned:         what it returned, or reverted with.
    acknowledgements: what receives wrote, by (client, sequence) topics.
    updates:          results of client updates.
    """

    accepted: bool
    gas_used: int
    returned: bytes
    acknowledgements: dict[tuple[bytes, ...], tuple[bytes, ...]]
    noops: int
    updates: tuple[int, ...]


async def simulate(
    pool: EndpointPool, runs: Sequence[Run], *, sender: bytes, to: bytes, host: bytes, on: Header, endpoint: Endpoint
) -> list[Outcome]:
    """Run calls in order in one block on top of the newest. host: whose events are read."""
    block = {
        # The newest block is mined already: a transaction stands in the next one at the earliest.
        "blockOverrides": {
            "number": quantity(on.number + 1),
            "time": quantity(on.time + 1),
            "gasLimit": quantity(_BLOCK_GAS),
        },
        "calls": [
            {"from": data(sender), "to": data(to), "input": data(run.calldata), "gas": quantity(run.gas)}
            for run in runs
        ],
    }
    options = {"blockStateCalls": [block], "validation": False, "traceTransfers": False}
    call = Call("eth_simulateV1", (options, quantity(on.number)), decode_simulation)
    served = await pool.ask([call], endpoint=endpoint)
    blocks = expect(served.answer[0], endpoint, height=on.number)
    if len(blocks) != 1 or len(blocks[0].calls) != len(runs):
        raise EndpointWrong(endpoint, what="simulated calls", got=len(blocks), expected=f"1 block of {len(runs)}")
    return [_outcome(each, host=host, by=endpoint) for each in blocks[0].calls]


def _outcome(call: SimulatedCallJson, *, host: bytes, by: Endpoint) -> Outcome:
    returned = octets(call.return_data)
    if not returned and call.error is not None and call.error.data is not None:
        returned = _error_data(call.error.data)
    acknowledgements: dict[tuple[bytes, ...], tuple[bytes, ...]] = {}
    noops, updates = 0, []
    for each in call.logs:
        if octets(each.address) != host or not each.topics:
            continue
        topics = tuple(octets(topic) for topic in each.topics)
        try:
            written = acknowledgements_of(topics, octets(each.data))
            if topics[0] == CLIENT_UPDATED_EVENT:
                updates.append(decode("(string,uint8)", octets(each.data))[1])
        except MalformedProof as refusal:
            raise EndpointWrong(by, what="simulated event", got=str(refusal), expected="the host's ABI") from None
        if written is not None:
            acknowledgements[topics[1:]] = written
        noops += topics[0] == NOOP_EVENT
    return Outcome(
        accepted=number(call.status) == 1,
        gas_used=number(call.gas_used),
        returned=returned,
        acknowledgements=acknowledgements,
        noops=noops,
        updates=tuple(updates),
    )


def _error_data(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        return b""
