"""Transactions that wait for a block: per account in the order of their sequences, one per sequence, bounded.

A higher price replaces the one that waits in the same place; gaps wait until they are filled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from adapters.embedded.execution import ReadTx
from adapters.embedded.refusals import Refused

TXS_MAX: Final = 10_000
AHEAD_MAX: Final = 256  # sequences beyond the account's next


class Mempool:
    def __init__(self) -> None:
        self._waiting: dict[str, dict[int, ReadTx]] = {}
        self._ids: set[str] = set()

    def __contains__(self, tx_id: str) -> bool:
        return tx_id in self._ids

    def __iter__(self) -> Iterator[ReadTx]:
        """In the order of arrival of accounts, within an account by sequence."""
        for slots in list(self._waiting.values()):
            yield from (slots[each] for each in sorted(slots))

    def add(self, tx: ReadTx, *, next_sequence: int) -> None:
        """Raises Refused when there is no room, or the place is taken by one that pays as much."""
        if tx.id in self._ids:
            return
        if not next_sequence <= tx.body.sequence < next_sequence + AHEAD_MAX:
            raise Refused("sequence", f"got {tx.body.sequence}, the account's next is {next_sequence}")
        slots = self._waiting.setdefault(tx.sender, {})
        occupant = slots.get(tx.body.sequence)
        if occupant is not None and occupant.body.gas_price >= tx.body.gas_price:
            raise Refused("replaced", f"price {tx.body.gas_price}, the waiting one pays {occupant.body.gas_price}")
        if occupant is None and len(self._ids) >= TXS_MAX:
            raise Refused("full", f"{TXS_MAX} transactions wait")
        if occupant is not None:
            self._ids.discard(occupant.id)
        slots[tx.body.sequence] = tx
        self._ids.add(tx.id)

    def remove(self, tx: ReadTx) -> None:
        slots = self._waiting.get(tx.sender, {})
        if slots.get(tx.body.sequence) is tx:
            del slots[tx.body.sequence]
            self._ids.discard(tx.id)
        if not slots:
            self._waiting.pop(tx.sender, None)

    def next_pending(self, account: str, next_sequence: int) -> int:
        """The first sequence that no waiting transaction uses."""
        slots = self._waiting.get(account, {})
        while next_sequence in slots:
            next_sequence += 1
        return next_sequence

    def forget(self, chosen: frozenset[str]) -> None:
        for tx in [tx for tx in self if tx.id in chosen]:
            self.remove(tx)
