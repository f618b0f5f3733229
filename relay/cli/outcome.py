"""How a command ends: its exit codes, and every error a user can cause or meet, said in one message."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from adapters.contract.errors import EndpointTrouble, HostRefusal, LedgerError
from adapters.contract.plugin import SettingRefused, UnknownPlugin
from proofs.errors import VerificationError
from relay.attestor.signed_log import SigningRefused
from relay.config import ConfigRefused
from relay.keys.keystore import KeyRefused, WrongPassphrase
from relay.keys.secret import SecretRefused
from relay.linking import CannotLink
from relay.store.errors import StoreInUse, StoreTooNew


class Exit(IntEnum):
    """What a script can tell apart. `causeway --help` lists them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    CONDITIONAL = 4


EXIT_CODES: Final = (
    "Exit codes: 0 done · 1 refused or failed · 2 a mistake in the command, the configuration or a key · "
    "3 a ledger, attestor or the relay cannot be reached or is not well · 4 (verify) proved, if you trust a checkpoint"
)


@dataclass(eq=False)
class CommandFailed(Exception):
    """message: what is wrong. hint: what to do next."""

    message: str
    hint: str = ""
    code: Exit = Exit.FAILED

    def __str__(self) -> str:
        return self.message


def as_failure(error: BaseException) -> CommandFailed | None:  # noqa: PLR0911 - one line per kind of error
    """What to tell the user; None for a mistake of ours, which shows its traceback."""
    match error:
        case CommandFailed():
            return error
        case ConfigRefused():
            return CommandFailed(str(error), "correct the file and run: causeway config check", Exit.USAGE)
        case WrongPassphrase():
            return CommandFailed(str(error), "[keys] passphrase says where it comes from", Exit.USAGE)
        case KeyRefused():
            return CommandFailed(str(error), "causeway keys list shows what there is", Exit.USAGE)
        case SecretRefused() | SettingRefused() | UnknownPlugin():
            return CommandFailed(str(error), code=Exit.USAGE)
        case StoreInUse() | StoreTooNew() | CannotLink() | SigningRefused() | HostRefusal():
            return CommandFailed(str(error))
        case EndpointTrouble():
            hint = "is the node running, and is its address right? causeway config check --live asks every ledger"
            return CommandFailed(str(error), hint, Exit.UNREACHABLE)
        case LedgerError() | VerificationError():
            return CommandFailed(str(error), code=Exit.UNREACHABLE)
        case OSError():
            return CommandFailed(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        case _:
            return None
