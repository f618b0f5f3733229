"""The running relay's API, as the commands use it. Every refusal becomes one message that says what to do next."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote

import msgspec

from relay.cli.outcome import CommandFailed, Exit
from relay.cli.runtime_file import api_address
from relay.config import Config
from relay.keys.secret import Secret, SecretRefused, secret_from_file

if TYPE_CHECKING:
    import aiohttp

_ANSWER_BYTES_MAX: Final = 64 << 20  # a page of packets with payloads of 64 KiB in hex
_TIMEOUT_SECONDS: Final = 30
_TOKEN: Final = re.compile(rb"[\x21-\x7e]+")


def read_token(path: Path) -> Secret:
    """A bearer token stands in a header: visible ASCII only. Raises SecretRefused."""
    token = secret_from_file(path)
    if not _TOKEN.fullmatch(token.reveal()):
        raise SecretRefused(str(path), got="other characters", expected="a token of visible ASCII characters")
    return token


@dataclass(frozen=True, slots=True)
class ApiClient:
    """address: of the relay. token_file: read when something is written, not before."""

    address: str
    token_file: Path
    config_file: Path
    session: aiohttp.ClientSession

    async def get(self, *path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await self._ask("GET", path, query or {}, None, {})

    async def download(self, *path: str, query: Mapping[str, str] | None = None) -> bytes:
        """A file, as it is."""
        status, content = await self._exchange("GET", path, query or {}, None, {})
        return content if status < 400 else self._refuse(status, content)

    async def post(self, *path: str, body: object = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        token = read_token(self.token_file).reveal().decode()
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})}
        return await self._ask("POST", path, {}, None if body is None else msgspec.json.encode(body), sent)

    async def _ask(
        self,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, str],
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> dict[str, Any]:
        status, content = await self._exchange(method, path, query, body, headers)
        answer = _decoded(content)
        if answer is None or status >= 400:
            self._refuse(status, content)
        return answer

    async def _exchange(
        self,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, str],
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> tuple[int, bytes]:
        import aiohttp
        from yarl import URL

        # What a user typed is one part of the path, whatever it holds.
        url = URL(self.address + "/" + "/".join(quote(part, safe="~:") for part in path), encoded=True)
        sent = None if body is None else io.BytesIO(body)  # a large one is sent in pieces
        try:
            async with self.session.request(
                method, url.update_query(query) if query else url, data=sent, headers=headers, allow_redirects=False
            ) as response:
                return response.status, await _bounded(response)
        except (aiohttp.ClientError, OSError) as trouble:  # TimeoutError is an OSError
            raise self._unreachable(_why(trouble)) from None

    def _refuse(self, status: int, content: bytes) -> NoReturn:
        problem = _decoded(content)
        if problem is None:
            raise self._unreachable(f"HTTP status {status}, and no answer of a relay")
        raise self._refused(status, problem)

    def _unreachable(self, why: str) -> CommandFailed:
        hint = f"start the relay with: causeway run --config {self.config_file}"
        return CommandFailed(f"no relay answers at {self.address}: {why}", hint, Exit.UNREACHABLE)

    def _refused(self, status: int, problem: Mapping[str, Any]) -> CommandFailed:
        """RFC 9457: title and detail are for people, the type is for programs."""
        title, detail = str(problem.get("title", "refused")), str(problem.get("detail", ""))
        message = f"{title}: {detail}" if detail else title
        kind = str(problem.get("type", "")).rpartition(":")[2]
        code = Exit.UNREACHABLE if status >= 500 else Exit.FAILED if status == 409 else Exit.USAGE
        return CommandFailed(message, self._hint(status, kind), code)

    def _hint(self, status: int, kind: str) -> str:
        if status == 401:
            return f"the token comes from {self.token_file}: it must be the one the running relay was started with"
        if status == 404 and kind != "no-bundle":
            return "causeway lanes list and causeway packets list show what there is"
        hints = {
            "idempotency-key-reused": "take another --key, or none: one is made for each message",
            "cannot-send": "set accounts.send of that ledger in the configuration and start the relay again",
            "nothing-to-do": "causeway packets show says in which state it is",
        }
        return hints.get(kind, "")


def _decoded(content: bytes) -> dict[str, Any] | None:
    """A JSON object, or None for anything else. Ledgers count beyond 64 bits, and so does the decoder."""
    try:
        answer = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return answer if isinstance(answer, dict) else None


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    import aiohttp

    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > _ANSWER_BYTES_MAX:
            raise aiohttp.ClientPayloadError(f"more than {_ANSWER_BYTES_MAX} bytes")
    return bytes(content)


def _why(trouble: Exception) -> str:
    import aiohttp

    if isinstance(trouble, TimeoutError):
        return "no answer in time"
    if isinstance(trouble, aiohttp.ClientConnectorError):
        return trouble.os_error.strerror or "it cannot be reached"
    # Only the kind: some of these errors carry the headers of the request.
    return type(trouble).__name__


@asynccontextmanager
async def open_api(config: Config) -> AsyncIterator[ApiClient]:
    """Raises CommandFailed where a free port was configured and no relay runs."""
    import aiohttp

    address = api_address(config)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)) as session:
        yield ApiClient(address, config.api.token_file, config.file, session)
