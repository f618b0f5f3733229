"""Messages that do not fit into one transaction together go in several."""

from __future__ import annotations

from tests.relay.pipeline.stage import open_stage

NUMBER = 20  # of 64 KiB less a little: more than the million bytes that a transaction has there


async def test_large_messages_that_are_verified_together_are_submitted_in_parts() -> None:
    async with open_stage() as stage:
        for number in range(NUMBER):
            await stage.send(text=f"{number:02}" + "x" * 60_000)
        for _ in range(8):
            await stage.round()
            for _ in range(3):
                await stage.submit()
            stage.blocks("west")
            await stage.read("west")
            stage.let_pass(6)
        states = {(await stage.waits(sequence=number))["state"] for number in range(1, NUMBER + 1)}
        assert states == {"done"}
