"""The short way through the two long parts of a header: the votes of a commit, and the validators of a set.

CometBFT writes each vote and each validator in one form, so a pattern recognises a whole run of them, several times
faster than the general reader. What does not match is not refused here: from there on the general reader reads on,
which decides and says why. So these functions may only ever give what it would give; a test holds them to that.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, TypeVar

from proofs.cometbft.types import SECOND, BlockIdFlag, CommitSig, KeyType, PublicKey, Validator

T = TypeVar("T")

# In both patterns the first group is everything, so that joined groups show whether the entries stand side by side.
# Groups: all, length, flag, address, length of the time, its seconds, its nanoseconds with their tag, signature.
# The seconds of the years 1978 to 3058 take five bytes. An absent vote has a time, the year 1, and nothing else.
_VOTE: Final = re.compile(
    rb"(\x22(?:(.)\x08([\x02\x03])\x12\x14(.{20})\x1a(.)\x08([\x80-\xff]{4}[\x01-\x7f])(\x10[\x80-\xff]{0,4}[\x01-\x7f])?"
    rb"\x22\x40(.{64})|\x0f\x08\x01\x1a\x0b\x08\x80\x92\xb8\xc3\x98\xfe\xff\xff\xff\x01))",
    re.DOTALL,
)
# Groups: all, length, address, Ed25519 key, power, priority with its tag. No power of CometBFT reaches 2^60.
_VALIDATOR: Final = re.compile(
    rb"(\x0a(.)\x0a\x14(.{20})\x12\x22\x0a\x20(.{32})\x18([\x80-\xff]{0,8}[\x01-\x7f])(\x20[\x80-\xff]{0,9}[\x01-\x7f])?)",
    re.DOTALL,
)
_FLAGS: Final = {bytes([flag]): flag for flag in BlockIdFlag}
_ABSENT: Final = CommitSig(BlockIdFlag.ABSENT)


# A frozen dataclass sets its fields by object.__setattr__, which takes longer than everything else here. What it makes
# is the same when its slots set themselves.
_new: Final = object.__new__
_set_flag, _set_voter, _set_time, _set_signature = (
    CommitSig.__dict__[name].__set__ for name in ("flag", "validator_address", "time", "signature")
)
_set_address, _set_key, _set_power, _set_priority = (
    Validator.__dict__[name].__set__ for name in ("address", "public_key", "power", "proposer_priority")
)


def read_votes(data: bytes, most: int) -> tuple[list[CommitSig], int]:
    """The votes at the start of `data`, each behind its tag, and how many bytes they take. None of either: unusual.

    most: how many are read at the most, however many follow.
    """
    votes = []
    entries = _VOTE.findall(data)[:most]
    for entry, length, flag, address, time_length, seconds, nanoseconds, signature in entries:
        if not length:
            votes.append(_ABSENT)
            continue
        fraction = _number(nanoseconds[1:])
        if length[0] != len(entry) - 2 or time_length[0] != 6 + len(nanoseconds) or fraction >= SECOND:
            return [], 0
        vote = _new(CommitSig)
        _set_flag(vote, _FLAGS[flag])
        _set_voter(vote, address)
        # Votes of one block are cast within seconds of each other.
        _set_time(vote, _known_number(seconds) * SECOND + fraction)
        _set_signature(vote, signature)
        votes.append(vote)
    return _if_side_by_side(votes, [entry[0] for entry in entries], data)


def read_validators(data: bytes, most: int) -> tuple[list[Validator], int]:
    """The same of validators."""
    validators = []
    entries = _VALIDATOR.findall(data)[:most]
    for entry, length, address, key, power, priority in entries:
        ahead = _number(priority[1:])
        if length[0] != len(entry) - 2 or ahead >= 1 << 64:
            return [], 0
        validator = _new(Validator)
        _set_address(validator, address)
        _set_key(validator, _public_key(key))
        _set_power(validator, _known_number(power))
        _set_priority(validator, ahead if ahead < 1 << 63 else ahead - (1 << 64))
        validators.append(validator)
    return _if_side_by_side(validators, [entry[0] for entry in entries], data)


def _if_side_by_side(items: list[T], entries: list[bytes], data: bytes) -> tuple[list[T], int]:
    joined = b"".join(entries)
    return (items, len(joined)) if data.startswith(joined) else ([], 0)


# Validators stay for months.
@lru_cache(maxsize=4_096)
def _public_key(key: bytes) -> PublicKey:
    return PublicKey(KeyType.ED25519, key)


def _number(varint: bytes) -> int:
    """The value of a varint that the pattern has found whole; 0 of an absent one."""
    if len(varint) == 5:  # nanoseconds, mostly
        a, b, c, d, e = varint
        return a & 0x7F | (b & 0x7F) << 7 | (c & 0x7F) << 14 | (d & 0x7F) << 21 | e << 28
    value = shift = 0
    for byte in varint:
        value |= (byte & 0x7F) << shift
        shift += 7
    return value


# Powers, and seconds within a block, are often the same.
_known_number: Final = lru_cache(maxsize=4_096)(_number)
