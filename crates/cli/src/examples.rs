//! The examples at the end of each `--help`.

mod fleets;

use clap::Command;

/// Examples, by the words that name a subcommand.
type Examples = &'static [(&'static str, &'static [&'static str])];

/// By the words after the program's name. A line that starts with `mutual-trust` is a command that can be run.
const EXAMPLES: Examples = &[
    (
        "",
        &[
            "mutual-trust inspect keys-1.pem",
            "mutual-trust connect kms1.example --pin keys-1.pem --identity array.pem --key array.key",
        ],
    ),
    (
        "inspect",
        &[
            "mutual-trust inspect keys-1.pem",
            "mutual-trust inspect array.key --certificate array.pem",
        ],
    ),
    (
        "check",
        &[
            "mutual-trust check --chain keys-1.pem --server-name kms1.example --pin keys-1.pem",
            "mutual-trust check --chain keys-1.pem --server-name kms1.example --store trust --at 2027-12-31",
        ],
    ),
    (
        "connect",
        &[
            "mutual-trust connect kms1.example:5696 --pin keys-1.pem --identity array.pem --key array.key",
            "mutual-trust connect 192.0.2.7 --store trust --server keys-1 --tls 1.2",
            "mutual-trust connect kms1.example --store trust --identity array.pem --key array.key --kmip --key-id 8f2c",
        ],
    ),
    (
        "enroll",
        &["mutual-trust enroll kms1.example --store trust --server keys-1"],
    ),
    (
        "serve",
        &[
            "mutual-trust serve --listen 127.0.0.1:0 --store trust --identity keys-1.pem --key keys-1.key --for 600",
        ],
    ),
    (
        "identity",
        &["mutual-trust identity new array-7 --identity array.pem --key array.key"],
    ),
    (
        "identity new",
        &[
            "mutual-trust identity new array-7 --host array-7.example --identity array.pem --key array.key",
        ],
    ),
    (
        "identity request",
        &[
            "mutual-trust identity request array-7 --host array-7.example --key array.key --request array.csr",
        ],
    ),
    (
        "identity install",
        &[
            "mutual-trust identity install answer.pem --request array.csr --key array.key --identity array.pem",
        ],
    ),
    #[cfg(feature = "formats")]
    (
        "identity import",
        &["mutual-trust identity import vendor.p12 --identity array.pem --key array.key"],
    ),
    (
        "identity renew",
        &[
            "mutual-trust identity renew --identity array.pem --key array.key --out next.pem",
            "mutual-trust identity renew --identity array.pem --key array.key --new-key next.key --out next.pem",
            "mutual-trust identity renew --when-due --folder identity --json",
            "mutual-trust identity renew --when-due --folder identity --fraction 0.5 --answer answer.pem --use",
        ],
    ),
    (
        "identity create",
        &["mutual-trust identity create --folder identity --identity array.pem --key array.key"],
    ),
    (
        "identity stage",
        &[
            "mutual-trust identity stage --folder identity --out array-next.pem",
            "mutual-trust identity stage --folder identity --identity next.pem --key next.key",
            "mutual-trust identity stage --folder identity --answer answer.pem",
        ],
    ),
    (
        "identity activate",
        &[
            "mutual-trust identity activate keys-1 keys-2 --folder identity",
            "mutual-trust identity activate --all --folder identity",
        ],
    ),
    (
        "identity back",
        &[
            "mutual-trust identity back keys-1 --folder identity",
            "mutual-trust identity back --drop --folder identity",
        ],
    ),
    (
        "identity finish",
        &["mutual-trust identity finish --folder identity --store trust"],
    ),
    (
        "identity status",
        &["mutual-trust identity status --folder identity --store trust --json"],
    ),
    (
        "identity show",
        &["mutual-trust identity show --identity array.pem --key array.key"],
    ),
    ("completions", &["mutual-trust completions bash"]),
    ("man", &["mutual-trust man", "mutual-trust man --out man1"]),
    (
        "store",
        &[
            "mutual-trust store create --store trust",
            "mutual-trust store pin keys-1.pem --name kms1.example --store trust",
            "mutual-trust store list --store trust",
        ],
    ),
    ("store create", &["mutual-trust store create --store trust"]),
    (
        "store list",
        &["mutual-trust store list --store trust --json"],
    ),
    (
        "store expiring",
        &[
            "mutual-trust store expiring --within 90d --own array.pem --store trust",
            "mutual-trust store expiring --server keys-1 --exit-zero --store trust --json",
            "mutual-trust store expiring --within 900d --limit 100 --from 100 --store trust",
        ],
    ),
    (
        "store export",
        &[
            "mutual-trust store export --format pem --clients --out clients.pem --store trust",
            "mutual-trust store export --format curl --server keys-1 --store trust",
            "mutual-trust store export --format json --store trust",
        ],
    ),
    (
        "store report",
        &[
            "mutual-trust store report --html report.html --own array.pem --store trust",
            "mutual-trust store report --html report.html --replace --at 2027-01-31 --store trust",
        ],
    ),
    (
        "store verify",
        &["mutual-trust store verify --store trust --seal-key seal.key"],
    ),
    (
        "store new-seal-key",
        &["mutual-trust store new-seal-key seal.key"],
    ),
    (
        "store seal",
        &[
            "mutual-trust store seal seal.key --store trust",
            "mutual-trust store seal next.key --seal-key seal.key --store trust",
        ],
    ),
    (
        "store unseal",
        &["mutual-trust store unseal --seal-key seal.key --store trust"],
    ),
    (
        "store diff",
        &[
            "mutual-trust store diff 41 42 --store trust",
            "mutual-trust store diff /backup/trust-store trust",
        ],
    ),
    (
        "store log",
        &["mutual-trust store log --store trust --since 2026-11-01 --by alice"],
    ),
    (
        "store replace",
        &[
            "mutual-trust store replace keys-1.pem --server keys-1 --store trust",
            "mutual-trust store replace vendor.p7b --certificate kms1.example --server keys-1 --store trust",
            "mutual-trust store replace keys-1.pem --group site-b --status --store trust --json",
        ],
    ),
    (
        "store rollback",
        &[
            "mutual-trust store rollback --to 41 --dry-run --store trust",
            "mutual-trust store rollback --to 41 --by alice --store trust --json",
        ],
    ),
    (
        "store backup",
        &["mutual-trust store backup /backup/trust-2026-11-29 --store trust"],
    ),
    (
        "store restore",
        &[
            "mutual-trust store restore /backup/trust-2026-11-29 --dry-run --store trust",
            "mutual-trust store restore /backup/trust-2026-11-29 --by alice --store trust",
        ],
    ),
    (
        "store recover",
        &[
            "mutual-trust store recover --dry-run --store trust",
            "mutual-trust store recover --store trust",
            "mutual-trust store recover --backup /backup/trust-2026-11-29 --store trust",
        ],
    ),
    (
        "store plan rollback",
        &["mutual-trust store plan rollback --to 41 --store trust"],
    ),
    (
        "store plan restore",
        &["mutual-trust store plan restore /backup/trust-2026-11-29 --store trust"],
    ),
    (
        "store bundle",
        &[
            "mutual-trust store bundle ca-bundle.pem --any-server --store trust",
            "mutual-trust store bundle ca-bundle.pem --any-server --undecided authority --accept --store trust",
        ],
    ),
    (
        "store adopt",
        &[
            "mutual-trust store adopt certificates --any-server --store trust",
            "mutual-trust store adopt certificates --server keys-1 --undecided pin --accept --store trust",
        ],
    ),
    (
        "store follow",
        &[
            "mutual-trust store follow --authorities any-server roots /etc/kms-ca --lists lists /etc/kms-ca --store trust",
            "mutual-trust store follow --pins clients arrays arrays --include arrays *.txt --every 30 --store trust --json",
        ],
    ),
    (
        "store plan",
        &[
            "mutual-trust store plan remove keys-1.pem --store trust",
            "mutual-trust store plan release keys-1 --store trust",
        ],
    ),
];

/// Examples of changes of a store, for `store` and for `store plan`.
const CHANGES: &[(&str, &[&str])] = &[
    ("server", &["server add keys-1 kms1.example 192.0.2.7"]),
    ("server add", &["server add keys-1 kms1.example 192.0.2.7"]),
    ("server remove", &["server remove keys-1"]),
    (
        "server add-name",
        &["server add-name keys-1 kms1-b.example"],
    ),
    (
        "server move-name",
        &["server move-name kms1.example keys-2"],
    ),
    ("server release-name", &["server release-name kms1.example"]),
    ("server expect", &["server expect keys-1 kms.example"]),
    ("server order", &["server order keys-1 keys-2"]),
    (
        "server secondaries",
        &["server secondaries keys-1 keys-1-replica"],
    ),
    (
        "pin",
        &[
            "pin keys-1.pem --server keys-1",
            "pin array.pem --clients --label array-7 --match-key",
        ],
    ),
    (
        "authority",
        &[
            "authority ca.pem --any-server",
            "authority ca.pem --clients --pattern dns:*.arrays.example",
        ],
    ),
    ("intermediate", &["intermediate issuing.pem"]),
    ("crl", &["crl ca.crl"]),
    ("crl add", &["crl add ca.crl"]),
    (
        "crl fetch",
        &[
            "crl fetch --list http://pki.example/ca.crl ca.pem",
            "crl fetch --list http://pki.example/ca.crl ca.pem --follow --json",
        ],
    ),
    ("crl remove", &["crl remove ca.crl"]),
    ("crl stop", &["crl stop ca.pem"]),
    ("group", &["group add site-a"]),
    (
        "group add",
        &["group add site-a", "group add site-b keys-1 keys-2"],
    ),
    ("group remove", &["group remove site-a"]),
    ("group join", &["group join site-a keys-1"]),
    ("group leave", &["group leave keys-1"]),
    ("clock", &["clock show", "clock reset --dry-run"]),
    ("clock show", &["clock show"]),
    ("clock confirm", &["clock confirm"]),
    (
        "clock reset",
        &["clock reset", "clock reset --to 2027-01-31T12:00:00Z"],
    ),
    (
        "migrate",
        &[
            "migrate keys-1 --until 2027-06-30",
            "migrate keys-1 --until 30d",
            "migrate keys-1 --stop",
        ],
    ),
    (
        "update",
        &[
            "update keys-1.pem --label room-2 --grace 30d",
            "update keys-1.pem --server keys-1 --no-match-key",
        ],
    ),
    ("release", &["release keys-1", "release --group site-a"]),
    ("block", &["block stolen.pem"]),
    ("unblock", &["unblock stolen.pem"]),
    (
        "remove",
        &[
            "remove keys-1.pem --server keys-1",
            "remove keys-1.pem --all --force",
        ],
    ),
];

/// Puts the examples behind the help of each subcommand.
pub(crate) fn attached(command: Command) -> Command {
    attach(command, "")
}

fn attach(command: Command, path: &str) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    let command = names.iter().fold(command, |command, name| {
        let below = format!("{path} {name}");
        command.mut_subcommand(name, |found| attach(found, below.trim()))
    });
    let lines = of(path);
    if lines.is_empty() {
        return command;
    }
    let shown: Vec<String> = lines.iter().map(|line| format!("  {line}")).collect();
    let text = format!("Examples:\n{}", shown.join("\n"));
    let after = command.get_after_help().map(|after| format!("\n\n{after}"));
    command.after_help(format!("{text}{}", after.unwrap_or_default()))
}

fn of(path: &str) -> Vec<String> {
    let mut all = EXAMPLES.iter().chain(fleets::EXAMPLES);
    if let Some((_, lines)) = all.find(|(known, _)| *known == path) {
        return lines.iter().map(|line| (*line).to_owned()).collect();
    }
    let change = path
        .strip_prefix("store plan ")
        .map(|rest| ("store plan", rest));
    let change = change.or(path.strip_prefix("store ").map(|rest| ("store", rest)));
    let found = change.and_then(|(start, name)| {
        let (_, lines) = CHANGES.iter().find(|(known, _)| *known == name)?;
        Some(
            lines
                .iter()
                .map(move |line| format!("mutual-trust {start} {line} --store trust")),
        )
    });
    found.map(Iterator::collect).unwrap_or_default()
}
