// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import { ILightClient, UpdateResult } from "./Interfaces.sol";
import { MsgVerifyMembership, MsgVerifyNonMembership } from "./Messages.sol";
import { Quorum } from "./Quorum.sol";

/// A light client whose belief is what a quorum of attestors signed: the time of a height, and what a path holds there.
contract AttestationClient is Quorum, ILightClient {
    struct AttestationProof {
        bytes attestationData;
        bytes[] signatures;
    }

    struct StateAttestation {
        uint64 height;
        uint64 timestamp; // unix seconds
    }

    struct PacketCompact {
        bytes32 path; // keccak256 of the path
        bytes32 commitment; // zero for absence
    }

    struct PacketAttestation {
        uint64 height;
        PacketCompact[] packets;
    }

    struct ClientState {
        address[] attestorAddresses;
        uint8 minRequiredSigs;
        uint64 latestHeight;
        bool isFrozen;
    }

    error FrozenClientState();
    error ConsensusTimestampNotFound(uint64 height);
    error InvalidState(uint64 height, uint64 timestamp);
    error HeightMismatch(uint64 expected, uint64 actual);
    error InvalidPathLength(uint256 expected, uint256 actual);
    error EmptyValue();
    error EmptyPackets();
    error NotMember();
    error NotNonMember();
    error FeatureNotSupported();
    error AccessControlUnauthorizedAccount(address account, bytes32 neededRole);

    event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
    event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);

    bytes32 public constant PROOF_SUBMITTER_ROLE = keccak256("PROOF_SUBMITTER_ROLE");
    bytes32 public constant DEFAULT_ADMIN_ROLE = 0x00;

    uint64 private _latestHeight;
    bool private _isFrozen;
    mapping(uint64 height => uint64) private _timestamps;
    mapping(bytes32 role => mapping(address account => bool)) private _roles;

    /// roleManager: who says who may submit proofs; the zero address lets everybody.
    constructor(
        address[] memory attestorAddresses,
        uint8 minRequiredSigs,
        uint64 initialHeight,
        uint64 initialTimestampSeconds,
        address roleManager
    ) Quorum(attestorAddresses, minRequiredSigs) {
        require(initialHeight != 0 && initialTimestampSeconds != 0, InvalidState(initialHeight, initialTimestampSeconds));
        _latestHeight = initialHeight;
        _timestamps[initialHeight] = initialTimestampSeconds;
        if (roleManager == address(0)) {
            _setRole(PROOF_SUBMITTER_ROLE, address(0), true);
        } else {
            _setRole(DEFAULT_ADMIN_ROLE, roleManager, true);
            _setRole(PROOF_SUBMITTER_ROLE, roleManager, true);
        }
    }

    modifier onlySubmitter() {
        bool permitted = _roles[PROOF_SUBMITTER_ROLE][address(0)] || _roles[PROOF_SUBMITTER_ROLE][msg.sender];
        require(permitted, AccessControlUnauthorizedAccount(msg.sender, PROOF_SUBMITTER_ROLE));
        _;
    }

    modifier notFrozen() {
        require(!_isFrozen, FrozenClientState());
        _;
    }

    /// A second time for one height is misbehaviour: the client believes nothing any more, for ever.
    function updateClient(bytes calldata updateMsg) external onlySubmitter notFrozen returns (UpdateResult) {
        AttestationProof memory proof = abi.decode(updateMsg, (AttestationProof));
        _requireQuorum(Kind.State, proof.attestationData, proof.signatures);
        StateAttestation memory state = abi.decode(proof.attestationData, (StateAttestation));
        require(state.height != 0 && state.timestamp != 0, InvalidState(state.height, state.timestamp));

        uint64 known = _timestamps[state.height];
        if (known == state.timestamp) return UpdateResult.NoOp;
        if (known != 0) {
            _isFrozen = true;
            return UpdateResult.Misbehaviour;
        }
        _timestamps[state.height] = state.timestamp;
        if (state.height > _latestHeight) _latestHeight = state.height;
        return UpdateResult.Update;
    }

    function verifyMembership(MsgVerifyMembership calldata message)
        external
        view
        onlySubmitter
        notFrozen
        returns (uint256)
    {
        require(message.value.length != 0, EmptyValue());
        uint64 height = message.proofHeight.revisionHeight;
        uint256 timestamp = _timestampAt(height);
        bytes32 path = _pathHash(message.path);
        PacketCompact[] memory packets = _attestedPackets(message.proof, height);
        for (uint256 i = 0; i < packets.length; ++i) {
            bool holds = packets[i].path == path
                && keccak256(abi.encodePacked(packets[i].commitment)) == keccak256(message.value);
            if (holds) return timestamp;
        }
        revert NotMember();
    }

    /// The first entry of the path decides.
    function verifyNonMembership(MsgVerifyNonMembership calldata message)
        external
        view
        onlySubmitter
        notFrozen
        returns (uint256)
    {
        uint64 height = message.proofHeight.revisionHeight;
        uint256 timestamp = _timestampAt(height);
        bytes32 path = _pathHash(message.path);
        PacketCompact[] memory packets = _attestedPackets(message.proof, height);
        for (uint256 i = 0; i < packets.length; ++i) {
            if (packets[i].path != path) continue;
            require(packets[i].commitment == 0, NotNonMember());
            return timestamp;
        }
        revert NotMember();
    }

    function misbehaviour(bytes calldata) external pure {
        revert FeatureNotSupported();
    }

    function getClientState() external view returns (bytes memory) {
        (address[] memory attestors, uint8 minRequiredSigs) = getAttestationSet();
        return abi.encode(ClientState(attestors, minRequiredSigs, _latestHeight, _isFrozen));
    }

    /// Unix seconds; zero for a height that is not known.
    function getConsensusTimestamp(uint64 height) external view returns (uint64) {
        return _timestamps[height];
    }

    function hasRole(bytes32 role, address account) external view returns (bool) {
        return _roles[role][account];
    }

    function grantRole(bytes32 role, address account) external {
        _requireManager();
        _setRole(role, account, true);
    }

    function revokeRole(bytes32 role, address account) external {
        _requireManager();
        _setRole(role, account, false);
    }

    function _attestedPackets(bytes calldata encodedProof, uint64 height)
        private
        view
        returns (PacketCompact[] memory)
    {
        AttestationProof memory proof = abi.decode(encodedProof, (AttestationProof));
        _requireQuorum(Kind.Packet, proof.attestationData, proof.signatures);
        PacketAttestation memory attested = abi.decode(proof.attestationData, (PacketAttestation));
        require(attested.height == height, HeightMismatch(height, attested.height));
        require(attested.packets.length != 0, EmptyPackets());
        return attested.packets;
    }

    function _timestampAt(uint64 height) private view returns (uint64) {
        uint64 timestamp = _timestamps[height];
        require(timestamp != 0, ConsensusTimestampNotFound(height));
        return timestamp;
    }

    function _pathHash(bytes[] calldata path) private pure returns (bytes32) {
        require(path.length == 1, InvalidPathLength(1, path.length));
        return keccak256(path[0]);
    }

    function _requireManager() private view {
        bool permitted = _roles[DEFAULT_ADMIN_ROLE][msg.sender];
        require(permitted, AccessControlUnauthorizedAccount(msg.sender, DEFAULT_ADMIN_ROLE));
    }

    function _setRole(bytes32 role, address account, bool held) private {
        if (_roles[role][account] == held) return;
        _roles[role][account] = held;
        if (held) emit RoleGranted(role, account, msg.sender);
        else emit RoleRevoked(role, account, msg.sender);
    }
}
