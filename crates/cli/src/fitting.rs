//! Which of the shared options the help of a subcommand shows: those that it uses.
//!
//! An option that does not fit is still read where it is hidden, so that the error can say why it does not fit.

use clap::Command;

/// The options of a change, and those of a prediction.
const NO_CHANGE: &[&str] = &[
    "record_refused",
    "dry_run",
    "force",
    "by",
    "profile",
    "require_crl",
    "allow_unlisted",
];

/// Options of `store` that a subcommand has no use for.
const UNUSED: &[(&str, &[&str])] = &[
    (
        "list",
        &["wait", "record_refused", "dry_run", "force", "by"],
    ),
    ("backup", NO_CHANGE),
    (
        "recover",
        &[
            "record_refused",
            "force",
            "by",
            "profile",
            "require_crl",
            "allow_unlisted",
        ],
    ),
    (
        "create",
        &["force", "by", "profile", "require_crl", "allow_unlisted"],
    ),
    (
        "verify",
        &["wait", "record_refused", "dry_run", "force", "by"],
    ),
    (
        "expiring",
        &["wait", "record_refused", "dry_run", "force", "by"],
    ),
    ("plan", &["wait", "record_refused", "dry_run"]),
    ("new-seal-key", NO_CHANGE),
    ("new-seal-key", &["store", "seal_key", "wait"]),
    (
        "seal",
        &["force", "profile", "require_crl", "allow_unlisted"],
    ),
    (
        "unseal",
        &["force", "profile", "require_crl", "allow_unlisted"],
    ),
];

/// The subcommands of `store` that read files of certificates, which can be archives with a passphrase.
const READ_FILES: &[&str] = &[
    "pin",
    "authority",
    "intermediate",
    "crl",
    "bundle",
    "adopt",
    "block",
    "unblock",
    "remove",
    "update",
    "plan",
];

/// Scopes in which an entry of this slot cannot be.
const NO_SCOPES: &[(&str, &str)] = &[("pin", "any_server"), ("authority", "group")];

/// Hides the options that do not fit.
pub(crate) fn fitting(command: Command) -> Command {
    command.mut_subcommand("store", |store| {
        let mut store = store;
        for (name, unused) in UNUSED {
            let shared: Vec<_> = store
                .get_arguments()
                .filter(|argument| unused.contains(&argument.get_id().as_str()))
                .map(|argument| argument.clone().hide(true))
                .collect();
            store = store.mut_subcommand(name, |below| below.args(shared));
        }
        let passphrase: Vec<_> = store
            .get_arguments()
            .filter(|argument| argument.get_id() == "passphrase_fd")
            .map(|argument| argument.clone().hide(true))
            .collect();
        let names = store
            .get_subcommands()
            .map(|below| below.get_name().to_owned());
        let names: Vec<String> = names.collect();
        for name in names {
            if !READ_FILES.contains(&name.as_str()) {
                store = store.mut_subcommand(name, |below| below.args(passphrase.clone()));
            }
        }
        for (name, scope) in NO_SCOPES {
            store = store.mut_subcommand(name, |below| hidden(below, scope));
            store = store.mut_subcommand("plan", |plan| {
                plan.mut_subcommand(name, |below| hidden(below, scope))
            });
        }
        store
    })
}

fn hidden(command: Command, argument: &str) -> Command {
    command.mut_arg(argument, |argument| argument.hide(true))
}
