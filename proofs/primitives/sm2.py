"""SM2 signatures, as SM chains and their certificates use them. Verification only: nothing here signs.

The work is done by the system's libcrypto 3, called through cffi without a compile step. `cryptography` carries a
libcrypto of its own but lets nobody call its SM2, and no other library in use here knows the scheme, so there is one
fallback only: where the system has no libcrypto 3 with SM2, the first use says `Sm2Unavailable` and nothing is
verified. It is no refusal of evidence, as no messenger can help it: `require` tells at start, before evidence comes.

A signature is over e = SM3(Z ‖ message), where Z binds the key, the curve and a user id, so there is no form that
takes a digest. Unlike ECDSA a signature has no twin. Source: GB/T 32918.2 and 32918.5; GM/T 0009 for the default id.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from cffi import FFI

from proofs.errors import InvalidSignature, MalformedProof

DEFAULT_USER_ID: Final = b"1234567812345678"
ORDER: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123

_BYTES: Final = 32
# Z starts with the length of the id in bits, as 16 bits.
_USER_ID_BYTES_MAX: Final = 8_190
_LIBRARIES: Final = ("libcrypto.so.3", "libcrypto.3.dylib", "libcrypto-3-x64.dll", "libcrypto-3-arm64.dll")
_DECLARATIONS: Final = """
    unsigned int OPENSSL_version_major(void);
    void *d2i_PUBKEY(void **key, const unsigned char **der, long length);
    void EVP_PKEY_free(void *key);
    void *EVP_MD_CTX_new(void);
    void EVP_MD_CTX_free(void *context);
    const void *EVP_sm3(void);
    int EVP_DigestVerifyInit(void *context, void **key_context, const void *digest, void *engine, void *key);
    int EVP_PKEY_CTX_set1_id(void *key_context, const void *id, int length);
    int EVP_DigestVerify(void *context, const unsigned char *signature, size_t signature_length,
                         const unsigned char *message, size_t message_length);
    void ERR_clear_error(void);
"""
# SubjectPublicKeyInfo: id-ecPublicKey on sm2p256v1 (1.2.156.10197.1.301), then the point by the length it has.
_ALGORITHM: Final = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")
_POINT_PREFIXES: Final = {65: b"\x04", 33: b"\x02\x03"}


class Sm2Unavailable(RuntimeError):  # a fact about this machine, not about any evidence
    """No libcrypto 3 with SM2 on this system: install OpenSSL 3."""


def verify(message: bytes, signature: bytes, *, public_key: bytes, user_id: bytes = DEFAULT_USER_ID) -> None:
    """Return only if `public_key` made `signature` over `message`.

    message:    the bytes themselves; they are hashed here, after key and user id.
    signature:  r‖s, 64 bytes (ecdsa_der.decode_signature reads the other form, and only its one strict encoding).
    public_key: as SEC 1 encodes it, 33 or 65 bytes.

    Raises InvalidSignature, MalformedProof for a public key that is no point; Sm2Unavailable.
    """
    check_user_id(user_id)
    check_key_form(public_key)
    check_signature_length(signature, public_key)
    r, s = int.from_bytes(signature[:_BYTES], "big"), int.from_bytes(signature[_BYTES:], "big")
    check_scalars(r, s, public_key)
    if not _library().is_valid(message, _der(r, s), _parsed(public_key), user_id):
        raise InvalidSignature(signer=public_key, scheme="sm2")


def require() -> None:
    """Return only if SM2 can be verified here. Raises Sm2Unavailable."""
    _library()


# Parsing takes half as long as verifying, and the keys of a committee come back with every block.
@lru_cache(maxsize=1_024)
def _parsed(public_key: bytes) -> Any:  # a handle of cffi
    key = _library().parse_key(public_key)
    if key is None:
        raise MalformedProof("sm2 public key", got=public_key, expected="a point of the curve")
    return key


def check_user_id(user_id: bytes) -> None:
    """GB/T 32918.2 section 5.5: its length in bits fits 16 bits."""
    if len(user_id) > _USER_ID_BYTES_MAX:
        raise MalformedProof("sm2 user id", got=len(user_id), expected=f"at most {_USER_ID_BYTES_MAX} bytes")


def check_key_form(public_key: bytes) -> None:
    """SEC 1 section 2.3.3. 0x06 and 0x07, the hybrid forms, would be a second encoding of the same point."""
    prefixes = _POINT_PREFIXES.get(len(public_key), b"")
    if not prefixes or public_key[0] not in prefixes:
        raise MalformedProof("sm2 public key", got=public_key, expected="65 bytes from 04, or 33 from 02 or 03")


def check_signature_length(signature: bytes, signer: bytes) -> None:
    if len(signature) != 2 * _BYTES:
        raise InvalidSignature(signer=signer, scheme=f"sm2: {len(signature)} bytes, not 64")


def check_scalars(r: int, s: int, signer: bytes) -> None:
    """GB/T 32918.2 section 7.1, steps B1, B2 and B5: both between 1 and the order, and their sum is not the order."""
    if not (0 < r < ORDER and 0 < s < ORDER) or r + s == ORDER:
        raise InvalidSignature(signer=signer, scheme="sm2: r or s out of range")


class _LibCrypto:
    """The few calls that verification takes. libcrypto refuses DER that is not strict; ours is made here anyway."""

    def __init__(self, ffi: FFI, functions: Any) -> None:  # what dlopen gives has no type
        self._ffi = ffi
        self._functions = functions

    def parse_key(self, public_key: bytes) -> Any | None:
        """A key, freed with its last reference; None if the bytes are no point of the curve."""
        functions, ffi = self._functions, self._ffi
        bits = b"\x03" + bytes((len(public_key) + 1,)) + b"\x00" + public_key
        der = b"\x30" + bytes((len(_ALGORITHM) + len(bits),)) + _ALGORITHM + bits
        source = ffi.new("unsigned char[]", der)
        position = ffi.new("const unsigned char **", source)
        key = functions.d2i_PUBKEY(ffi.NULL, position, len(der))
        if key == ffi.NULL:
            # The queue of errors is shared with everybody in this thread who uses libcrypto, such as `ssl`.
            functions.ERR_clear_error()
            return None
        return ffi.gc(key, functions.EVP_PKEY_free)

    def is_valid(self, message: bytes, der: bytes, key: Any, user_id: bytes) -> bool:
        functions, ffi = self._functions, self._ffi
        context = functions.EVP_MD_CTX_new()
        if context == ffi.NULL:
            raise MemoryError
        try:
            key_context = ffi.new("void **")
            started = functions.EVP_DigestVerifyInit(context, key_context, functions.EVP_sm3(), ffi.NULL, key)
            if started != 1 or functions.EVP_PKEY_CTX_set1_id(key_context[0], user_id, len(user_id)) != 1:
                raise Sm2Unavailable
            # 0: another signature; below 0: no signature at all.
            return bool(functions.EVP_DigestVerify(context, der, len(der), message, len(message)) == 1)
        finally:
            functions.EVP_MD_CTX_free(context)
            functions.ERR_clear_error()


@lru_cache(maxsize=1)
def _library() -> _LibCrypto:
    """Loaded and put to the test once. A failure is not remembered: it is found again by the next call."""
    ffi = FFI()
    ffi.cdef(_DECLARATIONS)
    for name in _LIBRARIES:
        try:
            functions = ffi.dlopen(name)
            major = functions.OPENSSL_version_major()
        except (OSError, AttributeError):  # not here, or older than 3
            continue
        if major >= 3:
            crypto = _LibCrypto(ffi, functions)
            _check_known_answer(crypto)
            return crypto
    raise Sm2Unavailable


def _check_known_answer(crypto: _LibCrypto) -> None:
    """The example of GB/T 32918.5, annex A. A library that answers wrongly must not verify anything."""
    key = crypto.parse_key(
        bytes.fromhex(
            "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
            "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
        )
    )
    r = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
    s = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
    answers = [
        key is not None and crypto.is_valid(message, _der(r, s), key, user_id)
        for message in (b"message digest", b"message Digest")
        for user_id in (DEFAULT_USER_ID, b"another id")
    ]
    if answers != [True, False, False, False]:
        raise Sm2Unavailable


def _der(r: int, s: int) -> bytes:
    body = b"".join(_der_integer(each) for each in (r, s))
    return b"\x30" + bytes((len(body),)) + body


def _der_integer(value: int) -> bytes:
    digits = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes((len(digits),)) + digits
