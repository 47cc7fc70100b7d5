//! The examples of `fleet`.

use super::Examples;

/// By the words after the program's name.
pub(super) const EXAMPLES: Examples = &[
    (
        "fleet",
        &[
            "mutual-trust fleet init arrays --threshold 2 --key ana.pub --key ben.pub --key cleo.pub --fleet fleet",
            "mutual-trust fleet follow /mnt/fleet --store trust --every 30",
        ],
    ),
    (
        "fleet new-key",
        &["mutual-trust fleet new-key ana.key --public-key ana.pub"],
    ),
    (
        "fleet init",
        &[
            "mutual-trust fleet init arrays --threshold 2 --key ana.pub --key ben.pub --key cleo.pub --fleet fleet",
        ],
    ),
    ("fleet keys", &["mutual-trust fleet keys show fleet/keys"]),
    (
        "fleet keys show",
        &[
            "mutual-trust fleet keys show fleet/keys",
            "mutual-trust fleet keys show /mnt/fleet/publication",
        ],
    ),
    (
        "fleet keys change",
        &[
            "mutual-trust fleet keys change --add dora.pub --remove cleo.pub --days 90 --fleet fleet",
            "mutual-trust fleet keys change --threshold 3 --days 90 --fleet fleet",
        ],
    ),
    (
        "fleet draft",
        &[
            "mutual-trust fleet draft --store trust --days 90 --fleet fleet",
            "mutual-trust fleet draft --store trust --part servers --days 30 --fleet fleet",
        ],
    ),
    (
        "fleet sign",
        &[
            "mutual-trust fleet sign draft --last publication --key ana.key --out ana.sig",
            "mutual-trust fleet sign draft --to-sign draft.bin",
            "mutual-trust fleet sign draft --public-key ben.pub --signature ben.raw --out ben.sig",
        ],
    ),
    (
        "fleet publish",
        &[
            "mutual-trust fleet publish --signature ana.sig --signature ben.sig --to /mnt/fleet --fleet fleet",
        ],
    ),
    (
        "fleet fetch",
        &["mutual-trust fleet fetch /mnt/fleet --fleet fleet"],
    ),
    (
        "fleet status",
        &["mutual-trust fleet status /mnt/fleet --expect array-7 --expect array-8"],
    ),
    (
        "fleet serve",
        &[
            "mutual-trust fleet serve site --listen 0.0.0.0:8443 --publisher ana --store hub-trust --identity hub.pem --key hub.key",
        ],
    ),
    (
        "fleet forget",
        &["mutual-trust fleet forget /mnt/fleet array-3"],
    ),
    (
        "fleet diff",
        &[
            "mutual-trust fleet diff old-publication /mnt/fleet/publication",
            "mutual-trust fleet diff /mnt/fleet/publication trust",
        ],
    ),
    (
        "fleet join",
        &["mutual-trust fleet join /mnt/fleet --store trust"],
    ),
    (
        "fleet take",
        &[
            "mutual-trust fleet take /mnt/fleet --store trust",
            "mutual-trust fleet take /mnt/fleet --store trust --guard refuse",
        ],
    ),
    (
        "fleet follow",
        &["mutual-trust fleet follow /mnt/fleet --store trust --every 30"],
    ),
    ("fleet show", &["mutual-trust fleet show --store trust"]),
    ("fleet leave", &["mutual-trust fleet leave --store trust"]),
];
