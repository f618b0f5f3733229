"""What an embedded ledger starts from. Its hash is part of the ledger's identity."""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.embedded import clients, wire
from adapters.embedded.committee import Powers
from adapters.embedded.execution import OPERATOR_KEY, POWERS_KEY, set_balance
from adapters.embedded.state import MAILBOX, STAKING, State
from proofs.primitives.hashing import sha256

HOST_NAME: Final = "ibc"
# The layout is what proofs and identities depend on: a change of rules or of paths is a change of this text.
HOST_CODE: Final = sha256(b"native IBC v2 host, layout 1, store ibc, mailbox-1")

_CHAIN_ID_BYTES: Final = range(1, 51)


class Genesis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """seed: what the validators' keys are derived from. operator: the account that changes the validator set.

    final_depth: 0 where every block is final at once, else how many blocks must stand on a final one.
    states_kept: how many newest heights can still be proved at. As many as a light client remembers: each may hold a
                 whole client of its own, up to 256 KiB where attestors signed often.
    """

    chain_id: str
    seed: bytes
    powers: Powers = ((0, 10), (1, 10), (2, 10), (3, 10))
    balances: tuple[tuple[str, int], ...] = ()
    operator: str = ""
    gas_price: int = 1
    final_depth: int = 0
    states_kept: int = 256
    block_gas: int = 200_000_000

    @property
    def hash(self) -> bytes:
        return sha256(wire.encode(msgspec.structs.replace(self, seed=sha256(self.seed))))

    def found(self) -> State:
        """The first state. No store is empty: an empty tree cannot prove absence."""
        state = State()
        clients.found(state)
        state.set(MAILBOX, b"genesis", b"\x01")
        state.set(STAKING, POWERS_KEY, wire.encode(self.powers))
        state.set(STAKING, OPERATOR_KEY, (self.operator or "nobody").encode())
        set_balance(state, "treasury", 0)
        for account, amount in self.balances:
            set_balance(state, account, amount)
        return state


def is_chain_id(chain_id: str) -> bool:
    """CometBFT takes chain ids of 1 to 50 bytes."""
    return len(chain_id.encode()) in _CHAIN_ID_BYTES
