"""A lane takes no more messages than may wait to be sent. What was taken stays, and its key stays good."""

from __future__ import annotations

from typing import Any

from relay.pipeline.limits import PipelineLimits
from tests.relay.pipeline.stage import TOKEN, Setting, Stage, open_stage


async def post(stage: Stage, key: str, *, lane: str = "") -> tuple[int, Any]:
    body = {"lane": lane or stage.lane.id, "port": "mailbox", "text": key, "timeout_seconds": 600}
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key}
    async with stage.session.post(f"{stage.address}/v1/messages", json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_full_outbox_takes_nothing_more_and_says_so_until_something_was_sent() -> None:
    async with open_stage(Setting(limits=PipelineLimits(outbox_per_lane=2))) as stage:
        assert [(await post(stage, key))[0] for key in ("one", "two")] == [202, 202]
        status, problem = await post(stage, "three")
        assert (status, problem["type"], problem["waiting"]) == (503, "urn:causeway:problem:outbox-full", 2)
        async with stage.session.get(f"{stage.address}/v1/messages/three") as answer:
            assert answer.status == 404
        # A key that was taken is answered as before, and another lane has room of its own.
        assert (await post(stage, "two"))[0] == 202
        other = stage.relay.shared.lanes[stage.lane.opposite].id
        assert (await post(stage, "back", lane=other))[0] == 202
        send = stage.runtime("east").send
        assert send is not None
        await send.step()
        assert (await post(stage, "three"))[0] == 202
