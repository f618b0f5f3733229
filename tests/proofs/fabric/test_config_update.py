"""A configuration is what its members agreed on, whoever signed the block that brings it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proofs.encoding.protobuf import bytes_field, message_field, varint_field
from proofs.errors import (
    InsufficientVotingPower,
    LimitExceeded,
    MalformedProof,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.fabric.channel_config import CONFIG_BYTES_MAX, read_config
from proofs.fabric.config_elements import ROOT, Element, Key, Kind, elements_of_config
from proofs.fabric.config_messages import Role
from proofs.fabric.config_update import reference_of, verify_update
from tests.proofs.fabric.builders import (
    CHANNEL,
    MORE_ORDERERS,
    ORDERERS,
    ORG1,
    ORG2,
    ORG3,
    STRANGERS,
    Channel,
    ConfigUpdate,
    encoded,
    following,
    genesis,
    group_of,
    revocations,
    signed,
    started,
)
from tests.proofs.fuzzing import assert_only_refusals

ORDERER = ORDERERS.member(Role.ORDERER)
OLD = Channel()
WITH_STRANGERS = Channel(1, organisations=(ORG1, ORG2, STRANGERS), before=OLD)
UPDATE = ConfigUpdate(OLD, WITH_STRANGERS)
ORDERERS_ONLY = (ORDERERS.member(Role.ADMIN), MORE_ORDERERS.member(Role.ADMIN))
MSP = (Kind.VALUE, ("Application", ORG1.msp_id, "MSP"))


def verify(update: bytes, new: bytes | None = None) -> None:
    config = WITH_STRANGERS.config() if new is None else new
    verify_update(update, new=read_config(config), old=read_config(OLD.config()), channel_id=CHANNEL)


def elements(channel: Channel) -> dict[Key, Element]:
    return elements_of_config(channel.config())


def config_of(found: dict[Key, Element], *, sequence: int = 1) -> bytes:
    return varint_field(1, sequence) + message_field(2, group_of(found))


def own_msp_changed() -> dict[Key, Element]:
    """One organisation revokes a certificate of its own: nothing but its MSP changes."""
    found = elements(OLD)
    msp = replace(ORG1, lists=(revocations(ORG1.root, [7]),)).msp()
    found[MSP] = replace(found[MSP], version=1, content=msp)
    return found


def test_an_update_that_enough_members_signed_is_followed() -> None:
    verify(UPDATE.envelope())
    majority = (ORDERERS, MORE_ORDERERS, ORG1, ORG2)
    verify(replace(UPDATE, authors=tuple(each.member(Role.ADMIN) for each in majority)).envelope())


def test_an_organisation_changes_what_is_its_own() -> None:
    found = own_msp_changed()
    update = replace(UPDATE, written=found)
    verify(replace(update, authors=(ORG1.member(Role.ADMIN),)).envelope(), config_of(found))
    for stranger in (ORG2.member(Role.ADMIN), ORG1.member(Role.CLIENT)):
        with pytest.raises(InsufficientVotingPower) as refused:
            verify(replace(update, authors=(stranger,)).envelope(), config_of(found))
        assert refused.value.signers == f"policy /Channel/Application/{ORG1.msp_id}/Admins"


def test_an_orderer_alone_does_not_say_who_the_members_are() -> None:
    """Its signature is enough for any block of this channel."""
    for update, error in (
        (b"", MalformedProof),
        (replace(UPDATE, authors=()).envelope(), InsufficientVotingPower),
        (replace(UPDATE, authors=ORDERERS_ONLY).envelope(), InsufficientVotingPower),
        (Channel(1).update(), ValueMismatch),
    ):
        block = signed(following(genesis(), [WITH_STRANGERS.envelope(update=update)]), 1, [ORDERER])
        with pytest.raises(error):
            started().update(encoded(block), now=0)
    honest = signed(following(genesis(), [WITH_STRANGERS.envelope()]), 1, [ORDERER])
    assert started().update(encoded(honest), now=0).config_number == 1


def test_every_element_asks_its_own_policy() -> None:
    with pytest.raises(InsufficientVotingPower) as refused:
        verify(replace(UPDATE, authors=(*ORDERERS_ONLY, ORG1.member(Role.ADMIN))).envelope())
    assert refused.value.signers in ("policy /Channel/Admins", "policy /Channel/Application/Admins")


def test_members_of_the_new_configuration_have_no_say_in_it() -> None:
    authors = (*ORDERERS_ONLY, ORG1.member(Role.ADMIN), STRANGERS.member(Role.ADMIN))
    with pytest.raises(InsufficientVotingPower) as refused:
        verify(replace(UPDATE, authors=authors).envelope())
    assert refused.value.signed == len(authors) - 1


def test_a_configuration_brings_nothing_that_its_update_does_not() -> None:
    smuggled = replace(WITH_STRANGERS, organisations=(ORG1, ORG3, STRANGERS))
    with pytest.raises(ValueMismatch) as refused:
        verify(UPDATE.envelope(), smuggled.config())
    assert refused.value.part == "updated configuration"
    found = elements(WITH_STRANGERS)
    del found[Kind.POLICY, ("Application", "Endorsement")]
    with pytest.raises(ValueMismatch) as refused:
        verify(UPDATE.envelope(), config_of(found))
    assert refused.value.part == "updated configuration"


@pytest.mark.parametrize("place", (("Orderer", ORDERERS.msp_id), ("Application", ORG1.msp_id)))
def test_an_organisation_is_one(place: tuple[str, ...]) -> None:
    """Its administrators may change what is in its group: they could add others there, which would count as well."""
    found = elements(OLD)
    below = (*place, "hidden")
    found[Kind.GROUP, place] = replace(
        found[Kind.GROUP, place],
        content=frozenset((*found[Kind.GROUP, place].content, (Kind.GROUP, "hidden"))),  # type: ignore[misc] # a group's
    )
    found[Kind.GROUP, below] = Element(0, "Admins", frozenset({(Kind.VALUE, "MSP")}))
    found[Kind.VALUE, (*below, "MSP")] = Element(0, "Admins", STRANGERS.msp())
    with pytest.raises(UnsupportedProof) as refused:
        read_config(config_of(found))
    assert (refused.value.part, refused.value.got) == ("organisation", "groups below it")


def test_versions_count_changes() -> None:
    for key, version, part in (
        (ROOT, 2, "version of /Channel"),
        (
            (Kind.VALUE, ("Application", STRANGERS.msp_id, "MSP")),
            1,
            f"version of /Channel/Application/{STRANGERS.msp_id}/MSP",
        ),
    ):
        written = elements(WITH_STRANGERS)
        written[key] = replace(written[key], version=version)
        with pytest.raises(ValueMismatch) as refused:
            verify(replace(UPDATE, written=written).envelope(), config_of(written))
        assert (refused.value.part, refused.value.got, refused.value.expected) == (part, version, version - 1)


def test_authors_saw_what_they_changed() -> None:
    for stale in (
        {ROOT: replace(elements(OLD)[ROOT], version=7, content=frozenset())},
        elements(WITH_STRANGERS),
    ):
        with pytest.raises(ValueMismatch) as refused:
            verify(replace(UPDATE, read=stale).envelope())
        assert refused.value.part == "read set"


def test_an_update_changes_something() -> None:
    with pytest.raises(MalformedProof) as refused:
        verify(replace(UPDATE, written=elements(OLD)).envelope(), config_of(elements(OLD)))
    assert (refused.value.part, refused.value.got) == ("configuration update", "no change")


def test_an_update_is_for_one_channel() -> None:
    with pytest.raises(WrongLedger) as refused:
        verify(replace(UPDATE, channel_id="other").envelope())
    assert refused.value.part == "channel id"


def test_an_update_of_another_form_is_refused() -> None:
    with pytest.raises(MalformedProof) as refused:
        verify(replace(UPDATE, kind=3).envelope())
    assert (refused.value.part, refused.value.got) == ("configuration update", "transaction type 3")
    with pytest.raises(LimitExceeded) as exceeded:
        verify(bytes_field(1, bytes(3 * CONFIG_BYTES_MAX)))
    assert exceeded.value.part == "configuration update"


@pytest.mark.parametrize(
    ("key", "rule", "expected"),
    (
        (ROOT, "Admins", "/Channel/Admins"),
        ((Kind.GROUP, ("Application",)), "Admins", "/Channel/Application/Admins"),
        ((Kind.VALUE, ("Application", "ACLs")), "Admins", "/Channel/Application/Admins"),
        ((Kind.POLICY, ("Admins",)), "Admins", "/Channel/Admins"),
        ((Kind.VALUE, ("Orderer", "BatchSize")), "/Channel/Admins", "/Channel/Admins"),
    ),
)
def test_a_rule_belongs_to_the_nearest_group(key: Key, rule: str, expected: str) -> None:
    assert reference_of(key, rule) == expected


def test_hostile_updates_meet_refusals_only() -> None:
    check: Callable[[bytes], object] = verify
    assert_only_refusals(check, [UPDATE.envelope()], 300)
