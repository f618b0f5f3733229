// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import { AccessManagedUnauthorized, ReentrancyGuardReentrantCall } from "./Refusals.sol";

/// Who may do what, and how often at once. The owner names ports and clients; everything else is open to everybody.
abstract contract Access {
    address private _owner;
    bool private transient _entered;

    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);

    constructor(address initialOwner) {
        _setOwner(initialOwner);
    }

    modifier onlyOwner() {
        require(msg.sender == _owner, AccessManagedUnauthorized(msg.sender));
        _;
    }

    modifier nonReentrant() {
        require(!_entered, ReentrancyGuardReentrantCall());
        _entered = true;
        _;
        _entered = false;
    }

    function owner() public view returns (address) {
        return _owner;
    }

    function transferOwnership(address newOwner) external onlyOwner {
        _setOwner(newOwner);
    }

    /// The host manages its own access. Relays ask a host's authority beforehand what they may call.
    function authority() external view returns (address) {
        return address(this);
    }

    function canCall(address caller, address target, bytes4 selector)
        external
        view
        returns (bool immediate, uint32 delay)
    {
        return (target == address(this) && (caller == _owner || !_isRestricted(selector)), 0);
    }

    /// What only the owner may call.
    function _isRestricted(bytes4 selector) internal pure virtual returns (bool) {
        return selector == this.transferOwnership.selector;
    }

    function _setOwner(address newOwner) private {
        emit OwnershipTransferred(_owner, newOwner);
        _owner = newOwner;
    }
}
