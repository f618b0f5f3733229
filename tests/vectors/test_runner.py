"""The runner itself: wrong verdicts and unread files are seen, and a verdict comes from nowhere but the verifier."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from proofs.merkle import rfc6962
from tests.vectors import runner, tables
from tests.vectors.__main__ import main
from tests.vectors.case import ACCEPT, REJECT, value
from tests.vectors.files import Files

SUITE = "rfc6962_merkle"
LEAVES = [b"a", b"b", b"c"]


def entry(index: int, *, want_error: bool) -> dict[str, Any]:
    """An inclusion case of a good proof, in the form of the suite."""
    return {
        "name": f"case {index}",
        "leafIdx": index,
        "treeSize": len(LEAVES),
        "root": b64encode(rfc6962.root_of(LEAVES)).decode(),
        "leafHash": b64encode(rfc6962.leaf_hash(LEAVES[index])).decode(),
        "proof": [b64encode(node).decode() for node in rfc6962.proof_of(LEAVES, index)],
        "wantErr": want_error,
    }


def root_with(folder: Path, **files: object) -> Path:
    (folder / SUITE).mkdir(parents=True)
    for name, content in files.items():
        (folder / SUITE / name.replace("__", ".")).write_text(json.dumps(content))
    (folder / SUITE / "README.md").write_text("what this is")
    return folder


def test_right_verdicts_in_two_roots_with_any_middle_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = root_with(tmp_path / "first", inclusion__dev__json=[entry(0, want_error=False)])
    second = root_with(
        tmp_path / "second",
        inclusion__other__json=[entry(1, want_error=False)],
        inclusion__json=[entry(2, want_error=False) | {"treeSize": 4, "wantErr": True}],
    )
    assert main([str(first), str(second)]) == 0
    assert "accept 2/2  reject 1/1  files not understood 0" in capsys.readouterr().out


def test_a_wrong_verdict_fails_the_run_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = root_with(tmp_path / "root", inclusion__json=[entry(0, want_error=True), entry(1, want_error=False)])
    assert main([str(root)]) == 1
    out = capsys.readouterr().out
    assert "accept 1/1  reject 0/1" in out
    assert "inclusion.json case 0: expected reject, accepted" in out


def test_an_unread_data_file_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = root_with(tmp_path / "root", inclusion__json=[entry(0, want_error=False)], surprise__json=[])
    assert main([str(root)]) == 1
    assert "not understood: surprise.json" in capsys.readouterr().out


def test_a_suite_in_which_nothing_was_asked_is_not_right(tmp_path: Path) -> None:
    root = root_with(tmp_path / "root", inclusion__json=[])
    assert main([str(root)]) == 1


def test_a_folder_without_a_module_fails_only_when_strict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = root_with(tmp_path / "root", inclusion__json=[entry(0, want_error=False)])
    (root / "not_a_suite").mkdir()
    assert main([str(root)]) == 0
    assert "not yet verified" in capsys.readouterr().out
    assert main([str(root), "--strict"]) == 1


def test_nothing_is_right_when_every_verdict_in_the_files_is_flipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = root_with(tmp_path / "root", inclusion__json=[entry(index, want_error=True) for index in range(3)])
    assert main([str(root)]) == 1
    assert "accept 0/0  reject 0/3" in capsys.readouterr().out


def test_a_crash_is_wrong_whatever_was_expected() -> None:
    def crash() -> None:
        raise IndexError

    assert [runner._ask(crash, expected)[1] for expected in (ACCEPT, REJECT)] == [False, False]


def test_an_answer_must_be_the_expected_one() -> None:
    assert runner._ask(lambda: 1, value(1))[1]
    assert not runner._ask(lambda: 2, value(1))[1]
    assert not runner._ask(lambda: 1, value(1).flipped())[1]
    assert not runner._ask(lambda: None, REJECT)[1]


def test_a_file_that_another_root_has_is_found(tmp_path: Path) -> None:
    first = root_with(tmp_path / "first", inclusion__json=[])
    second = root_with(tmp_path / "second", bootstrap__dev__json=["b"])
    files = Files(SUITE, [first, second])
    found = files.one("bootstrap.json")
    assert found is not None
    assert found.json() == ["b"]
    assert [file.name for file in files.unread()] == ["inclusion.json"]


@pytest.mark.parametrize("table", ("NEVER_PERFORMED", "CONTRADICT_THE_SPECIFICATION", "WITHOUT_VERDICT"))
def test_every_row_of_the_tables_has_a_reason_and_a_suite(table: str) -> None:
    for row in getattr(tables, table):
        assert len(row.reason) > 15
        assert row.suite in runner.known_suites()
