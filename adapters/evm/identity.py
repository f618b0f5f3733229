"""What makes an EVM ledger this ledger: chain id, genesis or checkpoint, host address, and the code behind it."""

from __future__ import annotations

from typing import Final

from adapters.contract.errors import IdentityChanged
from adapters.contract.ledger import Endpoint, LedgerIdentity
from adapters.evm.chain import existing, header_call
from adapters.evm.connection import EndpointPool
from adapters.evm.jsonrpc import Call, expect
from adapters.evm.settings import EvmSettings
from adapters.evm.wire import data, decode_data, decode_word
from proofs.primitives.hashing import keccak256

# ERC-1967: keccak256("eip1967.proxy.implementation") - 1.
IMPLEMENTATION_SLOT: Final = int.from_bytes(keccak256(b"eip1967.proxy.implementation"), "big") - 1


async def read_identity(pool: EndpointPool, settings: EvmSettings, *, host: bytes) -> LedgerIdentity:
    """Read it from one endpoint, now. Raises IdentityChanged where the settings name another root or code."""
    return await pool.attempt(lambda name: _read(pool, settings, name, host=host))


async def _read(pool: EndpointPool, settings: EvmSettings, name: Endpoint, *, host: bytes) -> LedgerIdentity:
    checkpoint = settings.checkpoint
    height = checkpoint.height if checkpoint is not None else 0
    blocks = await pool.ask([header_call(height)], endpoint=name)
    root = existing(blocks.answer[0], name, wanted=height).hash
    if checkpoint is not None and root != checkpoint.hash:
        raise IdentityChanged("checkpoint hash", got=root.hex(), expected=checkpoint.hash.hex())
    code = await _read_code(pool, name, settings, host=host)
    return LedgerIdentity(chain_id=str(settings.chain_id), root=root.hex(), host=data(host), code=code)


async def _read_code(pool: EndpointPool, name: Endpoint, settings: EvmSettings, *, host: bytes) -> str:
    """Hash of the host's code; behind an ERC-1967 proxy of its code, the implementation's address and code together."""
    asked = await pool.ask(
        [
            Call("eth_getCode", (data(host), "latest"), decode_data),
            Call("eth_getStorageAt", (data(host), hex(IMPLEMENTATION_SLOT), "latest"), decode_word),
        ],
        endpoint=name,
    )
    code, slot = (expect(answer, name) for answer in asked.answer)
    own = keccak256(code)
    if settings.host_code is not None and own != settings.host_code:
        raise IdentityChanged("host code", got=own.hex() if code else "none", expected=settings.host_code.hex())
    if not any(slot):
        return own.hex()
    implementation = slot[12:]
    served = await pool.get(Call("eth_getCode", (data(implementation), "latest"), decode_data), endpoint=name)
    return keccak256(own + implementation + keccak256(served.answer)).hex()
