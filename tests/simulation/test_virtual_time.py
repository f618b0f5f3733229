import asyncio

import pytest

from tests.simulation.virtual_time import EPOCH, Deadlock, clock, run_virtual


def test_hours_pass_without_waiting() -> None:
    async def main() -> list[float]:
        seen = []

        async def sleeper(seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append(clock() - EPOCH)

        async with asyncio.TaskGroup() as tasks:
            for seconds in (7200.0, 1.0, 60.0):
                tasks.create_task(sleeper(seconds))
        return seen

    assert run_virtual(main()) == pytest.approx([1.0, 60.0, 7200.0])


def test_a_deadlock_is_an_error() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run_virtual(main())
