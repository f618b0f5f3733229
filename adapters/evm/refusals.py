"""What the host's reverts mean to a relay: one table, from error selector to refusal.

Source: the errors declared by ICS26Router, ICS02Client, AttestationLightClient and OpenZeppelin's access control,
as read in their sources; selector = first four bytes of keccak256 of the signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from adapters.contract.errors import HostRefusal, NotPermitted, RefusedForEver, RefusedForNow
from adapters.contract.messages import Acknowledge, HostMessage, Receive, Rule, Timeout

When = Literal["now", "ever", "permission"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """name: the contract error. when: whether a later state of the host may accept the same message."""

    name: str
    rule: Rule
    when: When


_INVALID_TIMEOUT: Final = bytes.fromhex("65d30129")

_TABLE: Final[tuple[tuple[str, str, Rule, When], ...]] = (
    ("9fff831f", "IBCInvalidCounterparty", Rule.WRONG_COUNTERPARTY, "ever"),
    ("df95155a", "IBCCounterpartyClientNotFound", Rule.UNKNOWN_CLIENT, "now"),
    ("a0db16fe", "IBCClientNotFound", Rule.UNKNOWN_CLIENT, "now"),
    ("a09dbf59", "IBCAppNotFound", Rule.UNKNOWN_PORT, "now"),
    ("adef7fb8", "IBCFailedCallback", Rule.APP_REFUSES, "now"),
    ("ecfef798", "IBCAsyncAcknowledgementNotSupported", Rule.APP_REFUSES, "now"),
    ("6b2675e3", "IBCErrorUniversalAcknowledgement", Rule.APP_REFUSES, "now"),
    ("356f4dbd", "IBCMultiPayloadPacketNotSupported", Rule.PAYLOADS, "ever"),
    ("657b94fe", "IBCPacketReceiptMismatch", Rule.OTHER_PACKET, "ever"),
    ("3f87a2ec", "IBCPacketCommitmentMismatch", Rule.OTHER_PACKET, "ever"),
    ("f7caaa5c", "ConsensusTimestampNotFound", Rule.UNKNOWN_HEIGHT, "now"),
    ("928b1233", "FrozenClientState", Rule.CLIENT_FROZEN, "now"),
    ("378b0805", "ThresholdNotMet", Rule.QUORUM, "now"),
    ("d7e8a2c2", "UnknownSigner", Rule.QUORUM, "now"),
    ("e021c4f2", "DuplicateSigner", Rule.QUORUM, "now"),
    ("301b38b6", "EmptySignatures", Rule.QUORUM, "now"),
    ("f645eedf", "ECDSAInvalidSignature", Rule.QUORUM, "now"),
    ("d78bce0c", "ECDSAInvalidSignatureS", Rule.QUORUM, "now"),
    ("2ee17a3d", "InvalidSignatureLength", Rule.QUORUM, "now"),
    ("c7441689", "HeightMismatch", Rule.INVALID_PROOF, "now"),
    ("291fc442", "NotMember", Rule.INVALID_PROOF, "now"),
    ("9a960b4f", "NotNonMember", Rule.INVALID_PROOF, "now"),
    ("1e6c84da", "EmptyPackets", Rule.INVALID_PROOF, "now"),
    ("88b3170e", "InvalidPathLength", Rule.INVALID_PROOF, "now"),
    ("1208b21b", "EmptyValue", Rule.INVALID_PROOF, "now"),
    ("dcbc5460", "InvalidState", Rule.INVALID_PROOF, "now"),
    ("da81d7c2", "FeatureNotSupported", Rule.UNKNOWN, "ever"),
    ("068ca9d8", "AccessManagedUnauthorized", Rule.UNKNOWN, "permission"),
    ("af77169d", "AccessManagedRequiredDelay", Rule.UNKNOWN, "permission"),
    ("e2517d3f", "AccessControlUnauthorizedAccount", Rule.UNKNOWN, "permission"),
    ("715fed60", "IBCInvalidTimeoutDuration", Rule.UNKNOWN, "ever"),
    ("be2f2b45", "IBCUnauthorizedSender", Rule.UNKNOWN, "ever"),
    ("3ee5aeb5", "ReentrancyGuardReentrantCall", Rule.APP_REFUSES, "now"),
    ("d93c0665", "EnforcedPause", Rule.PAUSED, "now"),
    ("d6bda275", "FailedCall", Rule.APP_REFUSES, "now"),
)
MEANINGS: Final = {bytes.fromhex(selector): Meaning(name, rule, when) for selector, name, rule, when in _TABLE}


def refusal_of(reverted: bytes, *, message: HostMessage | None, account: str, out_of_gas: bool = False) -> HostRefusal:
    """Name the refusal in what a call returned when it reverted.

    message:    what was called; IBCInvalidTimeoutTimestamp means opposite things to a receive and a timeout.
    out_of_gas: the call used all it was given, which explains a revert without data.
    """
    selector = reverted[:4]
    if selector == _INVALID_TIMEOUT:
        return _wrong_time(reverted, message)
    meaning = MEANINGS.get(selector) if len(selector) == 4 else None
    if meaning is None:
        return _unnamed(reverted, message, out_of_gas=out_of_gas)
    detail = f"{meaning.name} {_words(reverted[4:])}".rstrip()
    if meaning.when == "permission":
        return NotPermitted(role=_role(meaning.name, reverted[4:]), account=account)
    if meaning.when == "ever":
        return RefusedForEver(meaning.rule, detail)
    return RefusedForNow(meaning.rule, detail)


def _wrong_time(reverted: bytes, message: HostMessage | None) -> HostRefusal:
    detail = f"IBCInvalidTimeoutTimestamp {_words(reverted[4:])}"
    if isinstance(message, Receive):
        # No later block has an earlier time.
        return RefusedForEver(Rule.EXPIRED, detail)
    if isinstance(message, Timeout):
        return RefusedForNow(Rule.NOT_YET_EXPIRED, detail)
    return RefusedForEver(Rule.EXPIRED, detail)


def _unnamed(reverted: bytes, message: HostMessage | None, *, out_of_gas: bool) -> HostRefusal:
    if not reverted:
        if out_of_gas:
            return RefusedForNow(Rule.TOO_LITTLE_GAS, "reverted without data, all gas used")
        return RefusedForNow(Rule.UNKNOWN, "reverted without data: malformed proof, or a client without code")
    detail = f"0x{reverted[:4].hex()} {_words(reverted[4:])}".rstrip()
    if isinstance(message, Acknowledge | Timeout):
        # The host does not catch its app here: what it does not name itself is the app's own word.
        return RefusedForNow(Rule.APP_REFUSES, detail)
    return RefusedForNow(Rule.UNKNOWN, detail)


def _words(arguments: bytes) -> str:
    """The first words of an error's arguments, small ones as numbers: enough for a person, bounded for a log."""
    shown = []
    for start in range(0, min(len(arguments), 96), 32):
        word = arguments[start : start + 32]
        value = int.from_bytes(word, "big")
        shown.append(str(value) if value < 1 << 64 else f"0x{word.hex()}")
    return " ".join(shown)


def _role(name: str, arguments: bytes) -> str:
    """Who lacks which right, as far as the error says."""
    if name == "AccessControlUnauthorizedAccount" and len(arguments) >= 64:
        return f"role 0x{arguments[32:64].hex()} of the light client, for the host 0x{arguments[12:32].hex()}"
    if name == "AccessManagedRequiredDelay" and len(arguments) >= 64:
        return f"a role without delay (delay {int.from_bytes(arguments[32:64], 'big')} s)"
    return "relayer role of the host's access manager"
