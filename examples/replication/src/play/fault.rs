//! Faults of the site that the tests plant, to see that each claim can fail. They are made from outside, by what an
//! administrator could do wrong or an attacker could do: the programs do not know them.

use std::str::FromStr;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The secondaries do not reach the primary.
    NoDistribution,
    /// The array is accepted by the fingerprint of another one.
    OtherFingerprint,
    /// The old certificate of the group is removed before the servers present the new one.
    OldRemovedFirst,
    /// A secondary is cut off when the array is blocked.
    BlockNotDistributed,
    /// The files of the promoted server are an old copy.
    OldCopy,
    /// The key of the old primary stays in the key set.
    OldKeyStays,
    /// The stand-alone server has the certificate of the group.
    SharedByAll,
    /// The private key of a server was stolen.
    ImpostorHasKey,
}

/// All of them, with their names.
const ALL: [(&str, Fault); 8] = [
    ("no-distribution", Fault::NoDistribution),
    ("other-fingerprint", Fault::OtherFingerprint),
    ("old-removed-first", Fault::OldRemovedFirst),
    ("block-not-distributed", Fault::BlockNotDistributed),
    ("old-copy", Fault::OldCopy),
    ("old-key-stays", Fault::OldKeyStays),
    ("shared-by-all", Fault::SharedByAll),
    ("impostor-has-key", Fault::ImpostorHasKey),
];

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = ALL.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, fault)| *fault)
            .ok_or_else(|| format!("no fault {name}"))
    }
}
