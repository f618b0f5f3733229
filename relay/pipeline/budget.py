"""What may be spent: per account and day, per lane and day. A transaction above the rest of a budget is not signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from adapters.contract.ledger import Account, Clock
from relay.lanes import LaneId
from relay.lifecycle import WaitReason
from relay.pipeline.refusals import Verdict
from relay.store.database import Database
from relay.store.submissions import DAY_SECONDS, reserved, spend


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits in the ledger's smallest unit; None where there is none."""

    ledger: str
    account: Account
    database: Database
    clock: Clock
    account_per_day: int | None = None
    lane_per_day: dict[LaneId, int] = field(default_factory=dict)

    async def exceeded(self, lanes: Sequence[LaneId], fee: int) -> Verdict | None:
        """Why a transaction that may cost `fee` must wait for another day, or None."""
        now = self.clock()
        limits = {f"{self.ledger}/{self.account}": self.account_per_day}
        limits.update({lane: self.lane_per_day.get(lane) for lane in lanes})

        def over(connection: Connection) -> Verdict | None:
            held = reserved(connection, self.ledger, self.account)
            for scope, limit in limits.items():
                if limit is None:
                    continue
                spent = spend(connection, scope, now=now)
                spent += sum(most for lanes, most in held if scope in lanes or scope not in self.lane_per_day)
                if spent + fee > limit:
                    numbers: dict[str, object] = {"scope": scope, "spent": spent, "needed": fee, "limit": limit}
                    until_tomorrow = DAY_SECONDS - now % DAY_SECONDS
                    return Verdict(WaitReason.OVER_BUDGET, numbers, retry_after=min(until_tomorrow, 300.0))
            return None

        return await self.database.run(over)
