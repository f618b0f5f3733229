"""How many signatures a script may ask for, counted without running it.

Source: Bitcoin Core script.cpp (CScript::GetSigOpCount, GetOp).
"""

from __future__ import annotations

from typing import Final

# OP_CHECKSIG, OP_CHECKSIGVERIFY; OP_CHECKMULTISIG and its VERIFY form count as the most that they can be.
_COSTS: Final = {0xAC: 1, 0xAD: 1, 0xAE: 20, 0xAF: 20}
_OP_PUSHDATA1: Final = 0x4C
# OP_PUSHDATA1, 2 and 4 → bytes of the length that follows.
_LENGTH_BYTES: Final = {0x4C: 1, 0x4D: 2, 0x4E: 4}


def signature_operations(script: bytes) -> int:
    """What comes after a push that is longer than the script is not counted: it is not run either."""
    count = at = 0
    while at < len(script):
        operation = script[at]
        at += 1
        if operation < _OP_PUSHDATA1:
            at += operation
        elif operation in _LENGTH_BYTES:
            size = _LENGTH_BYTES[operation]
            at += size + int.from_bytes(script[at : at + size], "little")
        else:
            count += _COSTS.get(operation, 0)
    return count
