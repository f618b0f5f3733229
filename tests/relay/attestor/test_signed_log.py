"""The attestor's memory: never two times for one height, whatever happened in between."""

import shutil
from pathlib import Path

import pytest

from relay.attestor.signed_log import (
    HeightMayBeSigned,
    KeyBoundElsewhere,
    OtherTimestamp,
    SignedLog,
    SigningRefused,
    Subject,
)

SUBJECT = Subject("chain-1", "ibc", "tagged")
KEY = b"\x01" * 20


def opened(folder: Path) -> SignedLog:
    log = SignedLog(folder / "signed.db", marks=folder / "keys")
    log.bind(SUBJECT, KEY)
    return log


def test_one_height_has_one_time_across_restarts(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.record(SUBJECT, KEY, height=5, timestamp=100)
    log.record(SUBJECT, KEY, height=5, timestamp=100)
    log.close()
    log = opened(tmp_path)
    log.record(SUBJECT, KEY, height=5, timestamp=100)
    with pytest.raises(OtherTimestamp) as refusal:
        log.record(SUBJECT, KEY, height=5, timestamp=101)
    assert (refusal.value.got, refusal.value.expected) == ("101 for 5", "100")
    log.record(SUBJECT, KEY, height=4, timestamp=99)
    log.close()


def test_what_is_recorded_is_on_disk_before_record_returns(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.record(SUBJECT, KEY, height=5, timestamp=100)
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for file in tmp_path.glob("signed.db*"):  # what a power cut leaves: nothing is closed properly
        shutil.copy(file, crashed / file.name)
    shutil.copytree(tmp_path / "keys", crashed / "keys")
    log.close()
    after = opened(crashed)
    with pytest.raises(OtherTimestamp):
        after.record(SUBJECT, KEY, height=5, timestamp=101)
    after.close()


def test_a_restored_older_log_refuses_what_it_may_have_forgotten(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.record(SUBJECT, KEY, height=5, timestamp=100)
    log.close()
    backup = (tmp_path / "signed.db").read_bytes()
    log = opened(tmp_path)
    log.record(SUBJECT, KEY, height=9, timestamp=104)
    log.close()
    for file in tmp_path.glob("signed.db*"):
        file.unlink()
    (tmp_path / "signed.db").write_bytes(backup)

    for _ in range(2):  # also after the next restart, when the log has passed its mark again
        log = opened(tmp_path)
        for height in (4, 8, 9):
            with pytest.raises(HeightMayBeSigned) as refusal:
                log.record(SUBJECT, KEY, height=height, timestamp=105)
            assert refusal.value.expected == "a height above 9"
        log.record(SUBJECT, KEY, height=5, timestamp=100)
        log.record(SUBJECT, KEY, height=10, timestamp=105)
        log.close()


def test_a_lost_log_refuses_every_height_up_to_the_mark(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.record(SUBJECT, KEY, height=9, timestamp=104)
    log.close()
    for file in tmp_path.glob("signed.db*"):
        file.unlink()
    log = opened(tmp_path)
    with pytest.raises(HeightMayBeSigned):
        log.record(SUBJECT, KEY, height=9, timestamp=104)
    log.record(SUBJECT, KEY, height=10, timestamp=105)
    log.close()


@pytest.mark.parametrize(
    "other",
    (Subject("chain-2", "ibc", "tagged"), Subject("chain-1", "other", "tagged"), Subject("chain-1", "ibc", "plain")),
)
def test_a_key_signs_for_one_ledger_host_and_variant_for_ever(tmp_path: Path, other: Subject) -> None:
    opened(tmp_path).close()
    log = SignedLog(tmp_path / "signed.db", marks=tmp_path / "keys")
    with pytest.raises(KeyBoundElsewhere) as refusal:
        log.bind(other, KEY)
    assert str(SUBJECT) in refusal.value.expected
    log.close()


def test_two_variants_of_one_host_never_give_it_two_times(tmp_path: Path) -> None:
    log = opened(tmp_path)
    plain, key = Subject("chain-1", "ibc", "plain"), b"\x02" * 20
    log.bind(plain, key)
    log.record(SUBJECT, KEY, height=5, timestamp=100)
    with pytest.raises(OtherTimestamp):
        log.record(plain, key, height=5, timestamp=101)
    log.close()


def test_a_damaged_mark_stops_everything(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.record(SUBJECT, KEY, height=5, timestamp=100)
    (tmp_path / "keys" / f"{KEY.hex()}.mark").write_bytes(b"5x")
    with pytest.raises(SigningRefused, match="damaged"):
        log.record(SUBJECT, KEY, height=6, timestamp=101)
    log.close()


def test_a_second_process_on_one_log_and_a_damaged_log_are_refused(tmp_path: Path) -> None:
    log = opened(tmp_path)
    with pytest.raises(SigningRefused) as refusal:
        opened(tmp_path)
    assert "locked" in refusal.value.got
    log.close()
    (tmp_path / "signed.db").write_bytes(b"no database" * 1000)
    with pytest.raises(SigningRefused) as refusal:
        opened(tmp_path)
    assert "not a database" in refusal.value.got
