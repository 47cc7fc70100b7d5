//! The names of what KMIP has numbers for, what refusals of a key server mean, and what to do.

use super::message::{Operation, Refusal, Version};

/// The operations from 1 on (KMIP 2.1 section 11.36).
const OPERATIONS: [&str; 59] = [
    "Create",
    "Create Key Pair",
    "Register",
    "Re-key",
    "Derive Key",
    "Certify",
    "Re-certify",
    "Locate",
    "Check",
    "Get",
    "Get Attributes",
    "Get Attribute List",
    "Add Attribute",
    "Modify Attribute",
    "Delete Attribute",
    "Obtain Lease",
    "Get Usage Allocation",
    "Activate",
    "Revoke",
    "Destroy",
    "Archive",
    "Recover",
    "Validate",
    "Query",
    "Cancel",
    "Poll",
    "Notify",
    "Put",
    "Re-key Key Pair",
    "Discover Versions",
    "Encrypt",
    "Decrypt",
    "Sign",
    "Signature Verify",
    "MAC",
    "MAC Verify",
    "RNG Retrieve",
    "RNG Seed",
    "Hash",
    "Create Split Key",
    "Join Split Key",
    "Import",
    "Export",
    "Log",
    "Login",
    "Logout",
    "Delegated Login",
    "Adjust Attribute",
    "Set Attribute",
    "Set Endpoint Role",
    "PKCS#11",
    "Interop",
    "Re-Provision",
    "Set Defaults",
    "Set Constraints",
    "Get Constraints",
    "Query Asynchronous Requests",
    "Process",
    "Ping",
];

/// The types of objects from 1 on.
const OBJECT_TYPES: [&str; 10] = [
    "Certificate",
    "Symmetric Key",
    "Public Key",
    "Private Key",
    "Split Key",
    "Template",
    "Secret Data",
    "Opaque Object",
    "PGP Key",
    "Certificate Request",
];

/// The algorithms from 1 on, as far as keys of storage systems have them.
const ALGORITHMS: [&str; 30] = [
    "DES",
    "3DES",
    "AES",
    "RSA",
    "DSA",
    "ECDSA",
    "HMAC-SHA1",
    "HMAC-SHA224",
    "HMAC-SHA256",
    "HMAC-SHA384",
    "HMAC-SHA512",
    "HMAC-MD5",
    "DH",
    "ECDH",
    "ECMQV",
    "Blowfish",
    "Camellia",
    "CAST5",
    "IDEA",
    "MARS",
    "RC2",
    "RC4",
    "RC5",
    "SKIPJACK",
    "Twofish",
    "EC",
    "One Time Pad",
    "ChaCha20",
    "Poly1305",
    "ChaCha20Poly1305",
];

/// The states from 1 on (KMIP 1.0 section 9.1.3.2.17).
const STATES: [&str; 6] = [
    "Pre-Active",
    "Active",
    "Deactivated",
    "Compromised",
    "Destroyed",
    "Destroyed Compromised",
];

/// The number of the operation that fetches a key.
pub(crate) const GET: u32 = 0x0A;

/// The one state in which a key protects data.
pub(crate) const ACTIVE: u32 = 2;

/// A number by its name. One without a name is shown as KMIP writes it.
fn named(names: &[&str], number: u32) -> String {
    let index = usize::try_from(number)
        .ok()
        .and_then(|number| number.checked_sub(1));
    match index.and_then(|index| names.get(index)) {
        Some(name) => (*name).to_owned(),
        None => format!("0x{number:08X}"),
    }
}

pub(crate) fn operation(number: u32) -> String {
    named(&OPERATIONS, number)
}

pub(crate) fn object_type(number: u32) -> String {
    named(&OBJECT_TYPES, number)
}

pub(crate) fn algorithm(number: u32) -> String {
    named(&ALGORITHMS, number)
}

pub(crate) fn state(number: u32) -> String {
    named(&STATES, number)
}

/// The names of the reasons that have a text here, and of those that are seen most besides (KMIP 2.1 section 11.50).
pub(crate) fn reason(number: u32) -> String {
    let name = match number {
        ITEM_NOT_FOUND => "Item Not Found",
        RESPONSE_TOO_LARGE => "Response Too Large",
        AUTHENTICATION => "Authentication Not Successful",
        INVALID_MESSAGE => "Invalid Message",
        NOT_SUPPORTED => "Operation Not Supported",
        0x06 => "Missing Data",
        0x07 => "Invalid Field",
        0x08 => "Feature Not Supported",
        0x0A => "Cryptographic Failure",
        0x0B => "Illegal Operation",
        PERMISSION_DENIED => "Permission Denied",
        ARCHIVED => "Object Archived",
        0x14 => "Attestation Required",
        SERVER_ERROR => "Internal Server Error",
        DESTROYED => "Object Destroyed",
        NOT_FOUND => "Object Not Found",
        NOT_AUTHORISED => "Not Authorised",
        SERVER_LIMIT => "Server Limit Exceeded",
        OTHER_VERSION => "Unsupported Protocol Version",
        STORAGE_AWAY => "Protection Storage Unavailable",
        GENERAL_FAILURE => "General Failure",
        other => return format!("0x{other:08X}"),
    };
    name.to_owned()
}

const ITEM_NOT_FOUND: u32 = 0x01;
const RESPONSE_TOO_LARGE: u32 = 0x02;
const AUTHENTICATION: u32 = 0x03;
const INVALID_MESSAGE: u32 = 0x04;
const NOT_SUPPORTED: u32 = 0x05;
const PERMISSION_DENIED: u32 = 0x0C;
const ARCHIVED: u32 = 0x0D;
const SERVER_ERROR: u32 = 0x2A;
const DESTROYED: u32 = 0x36;
const NOT_FOUND: u32 = 0x37;
const NOT_AUTHORISED: u32 = 0x39;
const SERVER_LIMIT: u32 = 0x3A;
const OTHER_VERSION: u32 = 0x3F;
const STORAGE_AWAY: u32 = 0x44;
const GENERAL_FAILURE: u32 = 0x100;

/// Whether another version may be answered where this refusal was.
pub(crate) fn may_be_of_version(refusal: &Refusal) -> bool {
    !matches!(
        refusal.reason,
        Some(AUTHENTICATION | PERMISSION_DENIED | NOT_AUTHORISED | SERVER_LIMIT)
    )
}

/// Whether the server says that it does not have the operation.
pub(crate) fn is_unsupported(refusal: &Refusal) -> bool {
    refusal.reason == Some(NOT_SUPPORTED)
}

/// Whether the server says that it has no such key, at least for us.
pub(crate) fn is_not_found(refusal: &Refusal) -> bool {
    refusal.operation == Operation::GetAttributes
        && matches!(refusal.reason, Some(ITEM_NOT_FOUND | NOT_FOUND))
}

/// What a refusal means.
pub(crate) fn meaning(refusal: &Refusal) -> &'static str {
    let is_of_key = refusal.operation == Operation::GetAttributes;
    match refusal.reason {
        Some(ITEM_NOT_FOUND | NOT_FOUND) if is_of_key => {
            "the server knows our certificate, and has no such key for its user: there is none with this ID, or it belongs to another user, of which some servers say the same"
        }
        Some(PERMISSION_DENIED | NOT_AUTHORISED) if is_of_key => {
            "the server knows our certificate, and its user may not use this key: it belongs to another user, or a policy does not let ours see it"
        }
        Some(PERMISSION_DENIED | NOT_AUTHORISED) => {
            "the server knows our certificate, and its user may not do this"
        }
        Some(AUTHENTICATION) => {
            "TLS works, and the server maps our certificate to none of its users: it has no user for its subject (often the CN), it asks for clientAuth in the extended key usage, or it wants a user name and password as well"
        }
        Some(NOT_SUPPORTED) => "the server does not have this operation",
        Some(INVALID_MESSAGE | OTHER_VERSION) => {
            "the server cannot read the request: often it does not speak this version of KMIP"
        }
        Some(RESPONSE_TOO_LARGE) => {
            "the server has a limit for its answers, and this one is longer"
        }
        Some(ARCHIVED) => "the key is archived: the server has it, and gives it to no one",
        Some(DESTROYED) => {
            "the key is destroyed: what it encrypted cannot be read with this server"
        }
        Some(SERVER_ERROR | GENERAL_FAILURE) => "the server failed at this, and does not say why",
        Some(SERVER_LIMIT) => "the server is at one of its limits",
        Some(STORAGE_AWAY) => "the server does not reach the storage of its keys",
        _ => "the server refuses this request",
    }
}

/// What to do after a refusal. `us` is our certificate in words.
pub(crate) fn remedy(refusal: &Refusal, us: &str, lacks_client_auth: bool) -> String {
    let is_of_key = refusal.operation == Operation::GetAttributes;
    match refusal.reason {
        Some(ITEM_NOT_FOUND | NOT_FOUND) if is_of_key => format!(
            "compare the ID with the list of keys at the server, and ask its administrator which user has it and which user our certificate is mapped to: {us}"
        ),
        Some(PERMISSION_DENIED | NOT_AUTHORISED) => format!(
            "ask the server's administrator to give the user of our certificate access{}: {us}",
            if is_of_key { " to the key" } else { "" }
        ),
        Some(AUTHENTICATION) if lacks_client_auth => format!(
            "present a certificate that lists clientAuth in its extended key usage; this one does not: {us}"
        ),
        Some(AUTHENTICATION) => format!(
            "ask the server's administrator to make a KMIP user for our certificate, and to read the server's log: {us}"
        ),
        Some(INVALID_MESSAGE | OTHER_VERSION | NOT_SUPPORTED) => String::from(
            "try another version (--kmip-version), and ask the server's administrator which versions are enabled",
        ),
        Some(ARCHIVED) => String::from("have the key recovered at the server (Recover)"),
        Some(DESTROYED) => String::from(
            "use another key, and look for this one at a replica or in a backup of the server",
        ),
        _ => String::from("read the server's log"),
    }
}

/// What the state of a key means if it is not active, and what to do.
pub(crate) fn of_state(number: Option<u32>) -> (&'static str, &'static str) {
    match number {
        Some(1) => (
            "the key is not active yet: nothing may be encrypted with it",
            "activate it at the server, or wait for its activation date",
        ),
        Some(3) => (
            "the key is deactivated: it may only decrypt what it has encrypted before",
            "use another key for new data",
        ),
        Some(4) => (
            "the key is compromised: others may have it",
            "use another key, and encrypt anew what this one has encrypted",
        ),
        Some(5 | 6) => (
            "the key is destroyed: what it encrypted cannot be read with this server",
            "use another key, and look for this one at a replica or in a backup of the server",
        ),
        Some(_) => (
            "the key is in a state that KMIP does not have",
            "look at the key at the server",
        ),
        None => (
            "the server does not say whether the key is active",
            "look at the key at the server: perhaps it is no key",
        ),
    }
}

/// Versions in one line.
pub(crate) fn list(versions: &[Version]) -> String {
    let shown: Vec<String> = versions.iter().map(ToString::to_string).collect();
    shown.join(", ")
}
