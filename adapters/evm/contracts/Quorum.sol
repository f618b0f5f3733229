// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// A fixed set of attestors and how many of them must sign.
abstract contract Quorum {
    /// A tag in what is signed: an attestation of one kind never passes as one of the other.
    enum Kind {
        None,
        State,
        Packet
    }

    error EmptySignatures();
    error ThresholdNotMet(uint256 actual, uint8 required);
    error UnknownSigner(address signer);
    error DuplicateSigner(address signer);
    error InvalidSignatureLength(bytes signature);
    error ECDSAInvalidSignature();
    error ECDSAInvalidSignatureS(bytes32 s);
    error InvalidAttestor(address attestor);
    error InvalidQuorum(uint256 attestors, uint8 required);

    /// Half the order of secp256k1. Above it lies the twin of every signature, which would be another text for the same.
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    address[] private _attestors;
    mapping(address attestor => bool) private _isAttestor;
    uint8 private _required;

    /// More than half must sign, or two quorums without a common member could say different things.
    constructor(address[] memory attestors, uint8 required) {
        require(attestors.length < 2 * uint256(required), InvalidQuorum(attestors.length, required));
        require(required <= attestors.length, InvalidQuorum(attestors.length, required));
        for (uint256 i = 0; i < attestors.length; ++i) {
            require(attestors[i] != address(0) && !_isAttestor[attestors[i]], InvalidAttestor(attestors[i]));
            _isAttestor[attestors[i]] = true;
        }
        _attestors = attestors;
        _required = required;
    }

    function getAttestationSet() public view returns (address[] memory attestors, uint8 required) {
        return (_attestors, _required);
    }

    /// Every given signature must be good, not only enough of them.
    function _requireQuorum(Kind kind, bytes memory data, bytes[] memory signatures) internal view {
        require(signatures.length != 0, EmptySignatures());
        require(signatures.length >= _required, ThresholdNotMet(signatures.length, _required));
        bytes32 digest = sha256(abi.encodePacked(uint8(kind), sha256(data)));
        address[] memory seen = new address[](signatures.length);
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = _recover(digest, signatures[i]);
            require(_isAttestor[signer], UnknownSigner(signer));
            for (uint256 k = 0; k < i; ++k) {
                require(seen[k] != signer, DuplicateSigner(signer));
            }
            seen[i] = signer;
        }
    }

    function _recover(bytes32 digest, bytes memory signature) private pure returns (address signer) {
        require(signature.length == 65, InvalidSignatureLength(signature));
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
        require(uint256(s) <= HALF_ORDER, ECDSAInvalidSignatureS(s));
        signer = ecrecover(digest, v, r, s);
        require(signer != address(0), ECDSAInvalidSignature());
    }
}
