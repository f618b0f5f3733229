"""`causeway verify BUNDLE`: what a bundle proves, offline, to somebody who trusts nobody but his own checkpoint."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from proofs.attestation.client import AttestationClient
from proofs.bundle.format import BUNDLE_BYTES_MAX, checkpoint_digest, decode_checkpoint, encode_checkpoint
from proofs.bundle.types import Kind
from proofs.bundle.uncovered import uncovered
from proofs.errors import ClientFrozen, HeaderFromFuture, TrustExpired, ValueMismatch, VerificationError
from relay.cli.options import AsJson, paragraphs
from relay.cli.outcome import CommandFailed, Exit
from relay.cli.output import note, print_json, print_line, show_time

if TYPE_CHECKING:
    from proofs.bundle.verify import Proved

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
VERIFY_EPILOG: Final = paragraphs(
    "A checkpoint is where your trust begins: a light client of the ledger at some height. Take its digest from people "
    "you believe, or from a node of your own; the bundle carries a copy, which anybody could have made.",
    "Examples:",
    "causeway verify 7.bundle                                  what it would prove, and from which checkpoint",
    "causeway verify 7.bundle --checkpoint-digest 9f86d081…    it proves that, to whoever trusts this checkpoint",
    "causeway verify 7.bundle --checkpoint harbour.checkpoint  the same, from a file",
    "causeway verify 7.bundle --at 2026-05-01T12:00:00Z        was it proved then? Trust in a checkpoint ages",
    "Exit codes: 0 proved from a checkpoint you named · 1 refused: it proves nothing · 2 a mistake in the command or a "
    "file that cannot be read · 4 it would be proved, if you trusted the checkpoint in the bundle",
    "Nothing is asked of any network. docs/bundle.md describes the file.",
)


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A file of `causeway packets bundle`.")],
    *,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="The checkpoint that you trust, as a file.", metavar="FILE")
    ] = None,
    digest: Annotated[
        str | None, typer.Option("--checkpoint-digest", help="Or its SHA-256 digest.", metavar="HEX")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Judge the age of trust at this time: unix seconds, or ISO 8601. Now otherwise."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save-checkpoint", help="Write the bundle's checkpoint here, to compare it.", metavar="FILE"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify an evidence bundle offline: from your checkpoint, over the evidence, to the proof about one packet."""
    # Every family of light clients is loaded with it: other commands need not wait for that.
    from proofs.bundle.verify import verify_bundle

    held, now = _held(checkpoint, digest), _moment(at)
    try:
        proved = verify_bundle(_read(bundle), held=held, now=now)
    except VerificationError as refusal:
        if as_json:
            print_json({"proved": False, "refusal": type(refusal).__name__, "detail": str(refusal), "judged_at": now})
        raise CommandFailed(f"refused: {refusal}", _advice(refusal)) from None
    if save is not None:
        save.write_bytes(encode_checkpoint(proved.bundle.checkpoint))
    if as_json:
        print_json(_shape(proved, now))
    else:
        _tell(proved, now)
    if not proved.held:
        raise SystemExit(Exit.CONDITIONAL)


def _held(file: Path | None, digest: str | None) -> bytes | None:
    if file is not None and digest is not None:
        raise CommandFailed("--checkpoint and --checkpoint-digest both name the checkpoint: say one", code=Exit.USAGE)
    if file is not None:
        try:
            return checkpoint_digest(decode_checkpoint(_read(file)))
        except VerificationError as refusal:
            raise CommandFailed(f"{file} is no checkpoint: {refusal}", code=Exit.USAGE) from None
    if digest is None:
        return None
    if not _DIGEST.fullmatch(digest.lower()):
        raise CommandFailed(f"--checkpoint-digest {digest!r}: 64 hex digits are expected", code=Exit.USAGE)
    return bytes.fromhex(digest)


def _moment(text: str | None) -> int:
    if text is None:
        return int(time.time())
    if re.fullmatch(r"[0-9]{1,12}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(f"--at {text!r}: unix seconds or ISO 8601 are expected", code=Exit.USAGE) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _read(path: Path) -> bytes:
    """At most one byte more than is ever taken: the size is refused by its rule, and memory is bounded here."""
    try:
        with path.open("rb") as file:
            return file.read(BUNDLE_BYTES_MAX + 1)
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}", code=Exit.USAGE) from None


def _advice(refusal: VerificationError) -> str:
    match refusal:
        case TrustExpired():
            return (
                "trust in this checkpoint is too old to begin from now. If you trusted it when the packet was "
                "delivered, judge it then with --at TIME; else ask the relay for a bundle from a newer checkpoint"
            )
        case ClientFrozen():
            return "the ledger's signers contradicted themselves: nothing is proved from this checkpoint any more"
        case HeaderFromFuture():
            return "the evidence is newer than the time it is judged at: look at --at, and at this computer's clock"
        case ValueMismatch(part="checkpoint"):
            return (
                "the bundle starts from another checkpoint than yours. Ask the relay for one that starts from yours: "
                "causeway packets bundle PACKET --checkpoint DIGEST"
            )
        case _:
            return "the bundle was changed or damaged, or its maker was deceived: it proves nothing"


def _statement(proved: Proved) -> str:
    packet, acknowledgements = proved.bundle.packet, proved.bundle.acknowledgements
    number, when = f"packet {packet.sequence}", show_time(proved.time) if proved.time else "a time it does not tell"
    at = f"at height {proved.bundle.at}, {when}"
    match proved.bundle.kind:
        case Kind.RECEIVE:
            return f"{number} was sent through client {packet.source_client} to {packet.dest_client} ({at})"
        case Kind.ACKNOWLEDGE:
            answers = ", ".join(each.hex() for each in acknowledgements)
            return f"{number} was received through client {packet.dest_client} and acknowledged with {answers} ({at})"
        case Kind.TIMEOUT:
            return f"{number} had not been received through client {packet.dest_client} when its time was over ({at})"


def _tell(proved: Proved, now: int) -> None:
    bundle = proved.bundle
    print_line(
        f"{'proved' if proved.held else 'proved, IF you trust the checkpoint in the bundle'}: {_statement(proved)}"
    )
    for payload in bundle.packet.payloads:
        print_line(f"payload     {payload.source_port} → {payload.dest_port}, {len(payload.value)} bytes")
    print_line(f"timeout     {show_time(bundle.packet.timeout)}")
    print_line(f"trusting    {proved.trust}")
    print_line(f"checkpoint  {proved.checkpoint.hex()}")
    # Of attestors nobody signed the height it starts at: they are all there is to it.
    alone = bundle.checkpoint.family == AttestationClient.family
    where = "its attestors" if alone else f"height {proved.starts_at}, {show_time(proved.starts_time)}"
    steps = f"{len(bundle.evidence)} {'step' if len(bundle.evidence) == 1 else 'steps'} of evidence from there"
    print_line(f"            {bundle.checkpoint.family}, {where}; {steps}")
    for what, value in proved.marks:
        print_line(f"            {what} {value}")
    print_line(f"judged at   {show_time(now)}")
    for each in uncovered(bundle.checkpoint.family, bundle.kind):
        print_line(f"not covered {each.field}: {each.why}")
    if not proved.held:
        note(
            "this verdict stands only if that checkpoint is true: compare it with people or a node that you trust, and"
        )
        note(f"say then: --checkpoint-digest {proved.checkpoint.hex()}")


def _shape(proved: Proved, now: int) -> dict[str, object]:
    bundle, packet = proved.bundle, proved.bundle.packet
    return {
        "proved": proved.held,
        "conditional_on_checkpoint": not proved.held,
        "statement": _statement(proved),
        "kind": bundle.kind.name.lower(),
        "packet": {
            "sequence": packet.sequence,
            "source_client": packet.source_client,
            "destination_client": packet.dest_client,
            "timeout": packet.timeout,
            "payloads": [
                {
                    "source_port": each.source_port,
                    "destination_port": each.dest_port,
                    "version": each.version,
                    "encoding": each.encoding,
                    "value": each.value.hex(),
                }
                for each in packet.payloads
            ],
        },
        "acknowledgements": [each.hex() for each in bundle.acknowledgements],
        "claim": {
            "path": proved.claim.path.hex(),
            "value": None if proved.claim.value is None else proved.claim.value.hex(),
        },
        "height": str(bundle.at),
        "time": proved.time,
        "trust": proved.trust,
        "checkpoint": {
            "digest": proved.checkpoint.hex(),
            "family": bundle.checkpoint.family,
            "height": str(proved.starts_at),
            "time": proved.starts_time,
            "marks": {what.replace(" ", "_"): value for what, value in proved.marks},
        },
        "evidence_steps": len(bundle.evidence),
        "judged_at": now,
        "uncovered": [
            {"field": each.field, "why": each.why} for each in uncovered(bundle.checkpoint.family, bundle.kind)
        ],
    }
