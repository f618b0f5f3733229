"""Groups follow the configuration: the lane they serve, the host they speak of, the tokens they are asked with."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from adapters.contract.ledger import LedgerIdentity
from relay.attestor.groups import groups_of
from relay.config import load_config
from relay.config.toml import write_toml
from relay.keys.secret import SecretRefused
from tests.relay.config.test_config import good


def identity(name: str) -> LedgerIdentity:
    return LedgerIdentity(f"{name}-1", "root", f"host of {name}", "code")


async def test_a_lane_has_the_group_of_its_ledgers_and_variant(tmp_path: Path) -> None:
    path = tmp_path / "causeway.toml"
    path.write_text(write_toml(good()))
    config = load_config(path)
    there, back = (lane.id for lane in config.lanes())
    identities = {name: identity(name) for name in ("x", "y")}
    async with aiohttp.ClientSession() as session:
        with pytest.raises(SecretRefused) as refusal:
            groups_of(config, identities, session=session)
        assert refusal.value.where == str(tmp_path / "t")
        token = tmp_path / "t"
        token.write_text("open sesame")
        token.chmod(0o600)
        groups = groups_of(config, identities, session=session)
        assert groups.keys() == {there}
        group = groups[there]
        assert (group.chain_id, group.host, group.threshold, group.variant) == ("x-1", "host of x", 2, "tagged")
        assert [member.name for member in group.members] == ["m1", "m2", "m3"]
        assert "sesame" not in repr(group)
        assert groups_of(config, identities, session=session, variants={there: "plain", back: ""}) == {}
