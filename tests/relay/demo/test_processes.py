"""The folder of a demo goes with it, whatever was under way."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from relay.demo.processes import open_workshop


def test_a_step_that_was_cancelled_in_its_thread_leaves_no_folder() -> None:
    """A thread cannot be cancelled: what it writes after the janitor was there must go as well."""
    begun, folders = threading.Event(), list[Path]()

    def write_late(folder: Path) -> None:
        folders.append(folder)
        begun.set()
        while folder.exists():
            time.sleep(0.01)
        time.sleep(0.3)
        (folder / "keys").mkdir(parents=True)

    async def demo() -> None:
        async with open_workshop() as workshop:
            step = asyncio.create_task(asyncio.to_thread(write_late, workshop.folder))
            await asyncio.to_thread(begun.wait)
            step.cancel()

    asyncio.run(demo())
    assert [each.exists() for each in folders] == [False]
