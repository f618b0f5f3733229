from __future__ import annotations

import pytest

from tests.adapters.evm.world import World, build_world
from tests.nodes.anvil import AnvilNode


@pytest.fixture(scope="session")
def world(anvil: AnvilNode) -> World:
    return build_world(anvil)
