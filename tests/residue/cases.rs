//! The cases: kinds of keys, forms, sources, providers; what works, and what is refused.

use crate::drive::path;
use crate::keys::{Der, Fixture, pem};
use crate::needles::{self, Needle};

/// Kinds of keys, by the name of their fixture.
pub const KINDS: &[&str] = &[
    "p256",
    "p384",
    "p521",
    "ed25519",
    "rsa2048",
    "rsa4096",
    #[cfg(feature = "aws-lc-rs")]
    "mldsa65",
    #[cfg(feature = "aws-lc-rs")]
    "mldsa87",
];

fn is_ml_dsa(kind: &str) -> bool {
    kind.starts_with("mldsa")
}

/// The file of a key.
pub fn key_file(kind: &str) -> String {
    let folder = if is_ml_dsa(kind) { "ml-dsa" } else { "keys" };
    path(&format!("{folder}/{kind}.key.pem"))
}

/// That of its certificate.
fn certificate_file(kind: &str) -> String {
    let folder = if is_ml_dsa(kind) { "ml-dsa/" } else { "" };
    format!("{folder}ee-{kind}.pem")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Memory,
    File,
    /// `std::io::Read` over a pipe.
    Reader,
    /// Made by the child.
    Made,
}

/// How a case must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Works,
    /// With an error whose name begins so.
    Refused(&'static str),
}

/// One run of the child.
pub struct Case {
    /// Row of the table.
    pub row: String,
    pub provider: &'static str,
    pub kind: &'static str,
    pub source: Source,
    /// What the child does with the key.
    pub plan: &'static str,
    /// How the child reads it.
    pub form: &'static str,
    pub input: Vec<u8>,
    pub passphrase: Option<Vec<u8>>,
    pub certificate: String,
    pub ending: Ending,
    pub needles: Vec<Needle>,
}

pub fn providers() -> Vec<&'static str> {
    vec![
        #[cfg(feature = "aws-lc-rs")]
        "aws-lc-rs",
        #[cfg(feature = "ring")]
        "ring",
    ]
}

/// How a key is written.
struct Form {
    name: &'static str,
    reads: &'static str,
    bytes: Vec<u8>,
}

/// The label of the older form.
fn older_label(kind: &str) -> (&'static str, &'static str) {
    if kind.starts_with("rsa") {
        ("PKCS#1", "RSA PRIVATE KEY")
    } else {
        ("SEC 1", "EC PRIVATE KEY")
    }
}

fn forms(kind: &str, fixture: &Fixture) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut both = |name: [&'static str; 2], label: &str, der: &Der| {
        forms.push(Form {
            name: name[0],
            reads: "pem",
            bytes: pem(label, &der.bytes).into(),
        });
        forms.push(Form {
            name: name[1],
            reads: "der",
            bytes: der.bytes.clone(),
        });
    };
    both(["PKCS#8 PEM", "PKCS#8 DER"], "PRIVATE KEY", &fixture.pkcs8);
    if let Some(older) = &fixture.older {
        let names = ["PKCS#1 or SEC 1 PEM", "PKCS#1 or SEC 1 DER"];
        both(names, older_label(kind).1, older);
    }
    forms
}

/// Every case of a kind of key and a provider.
pub fn cases(provider: &'static str, kind: &'static str, fixture: &Fixture) -> Vec<Case> {
    let mut cases = Vec::new();
    let needles = needles::of_fixture(fixture);
    let mut add = |row: &str, plan, form, source, input: &[u8], certificate: &str, ending| {
        cases.push(Case {
            row: row.to_owned(),
            provider,
            kind,
            source,
            plan,
            form,
            input: input.to_vec(),
            passphrase: None,
            certificate: path(certificate),
            ending,
            needles: needles.clone(),
        });
    };
    let own = certificate_file(kind);
    // ring has neither P-521 nor ML-DSA: each of their cases is one more way to be refused.
    let lacking = provider == "ring" && (kind == "p521" || is_ml_dsa(kind));
    let works = if lacking {
        Ending::Refused("KeyUnusable")
    } else {
        Ending::Works
    };
    let plan = plan(kind);
    let forms = forms(kind, fixture);
    let text = &forms[0].bytes;
    for source in [Source::Memory, Source::File, Source::Reader] {
        for form in &forms {
            add(
                form.name,
                plan,
                form.reads,
                source,
                &form.bytes,
                &own,
                works,
            );
        }
        if source == Source::Reader || kind == "rsa4096" {
            continue;
        }
        let row = "read, never used";
        add(row, "drop", "pem", source, text, &own, Ending::Works);
        for (row, form, input, error) in damaged(kind, fixture) {
            let ending = Ending::Refused(error);
            add(row, plan, form, source, &input, &own, ending);
        }
        let row = "certificate of another key";
        let other = match kind {
            "p384" => "ee-p256.pem",
            _ => "ee-p384.pem",
        };
        let mismatch = Ending::Refused(if lacking {
            "KeyUnusable"
        } else {
            "KeyMismatch"
        });
        add(row, plan, "pem", source, text, other, mismatch);
        let row = "chain cannot be read";
        let chain = "malformed/truncated-last-section.pem";
        let unreadable = Ending::Refused("Certificate");
        add(row, plan, "pem", source, text, chain, unreadable);
        if let Some(bytes) = without_public_part(kind, fixture) {
            let row = "PKCS#8 DER without public part";
            let ending = match (provider, lacking) {
                ("ring", false) => Ending::Refused("KeyLacksPublicPart"),
                _ => works,
            };
            add(row, plan, "der", source, &bytes, &own, ending);
        }
        let row = "chain and key in one PEM";
        let mut all = std::fs::read(path(&own)).unwrap();
        all.extend_from_slice(text);
        add(row, plan, "combined", source, &all, &own, works);
    }
    let row = "`Identity::from_pem`";
    add(row, "together", "pem", Source::Memory, text, &own, works);
    let row = "in another thread";
    add(row, "thread", "pem", Source::Memory, text, &own, works);
    // RSA and P-521 sign too slowly for many interruptions. In the first thread alone: it gets the signals.
    if matches!(kind, "p256" | "p384" | "ed25519") {
        for (plan, row) in [
            ("signals", "interrupted by signals"),
            ("old signals", "interrupted by signals, older processor"),
        ] {
            add(row, plan, "pem", Source::Memory, text, &own, Ending::Works);
        }
    }
    if !lacking {
        let row = "rustls alone, for comparison";
        add(
            row,
            "compare",
            "pem",
            Source::Memory,
            text,
            &own,
            Ending::Works,
        );
    }
    #[cfg(feature = "encrypted-keys")]
    cases.extend(encrypted_cases(provider, kind, fixture, works));
    #[cfg(feature = "issue")]
    if matches!(kind, "p256" | "p384" | "ed25519" | "rsa2048")
        || is_ml_dsa(kind) && provider == "aws-lc-rs"
    {
        cases.push(made(provider, kind));
    }
    // Not optimised, the search takes long: only what shows most.
    if cfg!(debug_assertions) {
        cases.retain(|case| {
            let error = case.ending != Ending::Works;
            case.kind != "rsa4096" && case.source != Source::Reader && (!error || kind == "p256")
        });
    }
    cases
}

/// P-521 has no signature scheme in TLS 1.2 that both ends would choose.
fn plan(kind: &str) -> &'static str {
    if kind == "p521" { "tls 1.3" } else { "use" }
}

/// A key that the child makes, writes and uses.
#[cfg(feature = "issue")]
fn made(provider: &'static str, kind: &'static str) -> Case {
    // RSA keys are made by aws-lc-rs alone.
    let lacking = kind == "rsa2048" && !cfg!(feature = "aws-lc-rs");
    Case {
        row: "made, written, with a certificate of its own".to_owned(),
        provider,
        kind,
        source: Source::Made,
        plan: "make",
        form: kind,
        input: Vec::new(),
        passphrase: None,
        certificate: "-".to_owned(),
        ending: if lacking {
            Ending::Refused("KeyType")
        } else {
            Ending::Works
        },
        needles: Vec::new(),
    }
}

#[cfg(feature = "encrypted-keys")]
fn encrypted_cases(
    provider: &'static str,
    kind: &'static str,
    fixture: &Fixture,
    works: Ending,
) -> Vec<Case> {
    use crate::encrypted::{self, WAYS};

    let mut cases = Vec::new();
    let (right, wrong) = (&encrypted::passphrase(0)[..], &encrypted::passphrase(1)[..]);
    let usual = plan(kind);
    let mut add = |row: &str, plan, way, form, source, input: &[u8], passphrase: &[u8], ending| {
        let mut needles = needles::of_fixture(fixture);
        needles.extend(encrypted::needles(way, right));
        if passphrase != right && !passphrase.is_empty() {
            needles.extend(encrypted::needles(way, passphrase));
        }
        cases.push(Case {
            row: row.to_owned(),
            provider,
            kind,
            source,
            plan,
            form,
            input: input.to_vec(),
            passphrase: (!passphrase.is_empty()).then(|| passphrase.to_vec()),
            certificate: path(&certificate_file(kind)),
            ending,
            needles,
        });
    };
    for source in [Source::Memory, Source::File] {
        for way in WAYS {
            let der = encrypted::encrypt(&fixture.pkcs8.bytes, way);
            let text = pem("ENCRYPTED PRIVATE KEY", &der);
            let row = format!("encrypted PEM: {}", way.0);
            add(
                &row,
                usual,
                way,
                "pem",
                source,
                text.as_bytes(),
                right,
                works,
            );
            if way != WAYS[0] {
                continue;
            }
            let row = format!("encrypted DER: {}", way.0);
            add(&row, usual, way, "der", source, &der, right, works);
            let row = "encrypted, wrong passphrase";
            let ending = Ending::Refused("Decrypt(Passphrase");
            add(
                row,
                usual,
                way,
                "pem",
                source,
                text.as_bytes(),
                wrong,
                ending,
            );
            let row = "encrypted, no passphrase";
            let ending = Ending::Refused("EncryptedKey");
            add(row, usual, way, "pem", source, text.as_bytes(), b"", ending);
            let row = "encrypted, last byte damaged";
            let mut damaged = der.clone();
            *damaged.last_mut().unwrap() ^= 1;
            let ending = Ending::Refused("Decrypt(Passphrase");
            add(row, usual, way, "der", source, &damaged, right, ending);
            let row = "encrypted, truncated";
            let ending = Ending::Refused("KeyTruncated");
            let shorter = &der[..der.len() - 16];
            add(row, usual, way, "der", source, shorter, right, ending);
            let row = "encrypted, unknown cipher";
            let mut other = der.clone();
            let oid = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
            let at = other.windows(9).position(|window| window == oid).unwrap();
            other[at + 8] = 99;
            let ending = Ending::Refused("Decrypt(Algorithm");
            add(row, usual, way, "der", source, &other, right, ending);
        }
    }
    // scrypt's working memory is large: the allocator treats a second one otherwise than the first, and that of a
    // thread otherwise than the program's.
    let way = WAYS[3];
    assert_eq!(way.1, encrypted::Derivation::Scrypt);
    let der = encrypted::encrypt(&fixture.pkcs8.bytes, way);
    let text = pem("ENCRYPTED PRIVATE KEY", &der);
    for (plan, when) in [
        (usual, ""),
        ("thread", ", in another thread"),
        ("twice", ", twice"),
        ("thread twice", ", twice in another thread"),
    ] {
        // Both versions are spoken there; and what ring keeps of the first key is still there at the second.
        let again = plan != usual;
        let only_tls13 = usual != "use";
        if again && (only_tls13 || provider != "aws-lc-rs") {
            continue;
        }
        let mut add = |row: &str, passphrase, ending| {
            let row = format!("{row}{when}");
            add(
                &row,
                plan,
                way,
                "pem",
                Source::Memory,
                text.as_bytes(),
                passphrase,
                ending,
            );
        };
        if again {
            add("encrypted PEM: AES-256, scrypt", right, works);
        }
        let refused = Ending::Refused("Decrypt(Passphrase");
        add("scrypt, wrong passphrase", wrong, refused);
    }
    cases
}

/// A key of an elliptic curve in PKCS#8 without its public part, as keytool writes it.
fn without_public_part(kind: &str, fixture: &Fixture) -> Option<Vec<u8>> {
    if !kind.starts_with("p") {
        return None;
    }
    let der = &fixture.pkcs8.bytes;
    let scalar = &der[fixture.pkcs8.secrets[0].clone()];
    let octets = value(4, &[scalar]);
    let key = value(4, &[&value(0x30, &[&[2, 1, 1], &octets])]);
    Some(value(0x30, &[&[2, 1, 0], algorithm(der), &key]))
}

/// A short value in DER.
fn value(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 0x80);
    [&[tag, length][..], &content].concat()
}

/// The algorithm identifier in PKCS#8.
fn algorithm(pkcs8: &[u8]) -> &[u8] {
    let from = pkcs8
        .windows(4)
        .position(|four| four[..3] == [2, 1, 0] && four[3] == 0x30);
    let from = from.unwrap() + 3;
    &pkcs8[from..from + 2 + usize::from(pkcs8[from + 1])]
}

type Damaged = (&'static str, &'static str, Vec<u8>, &'static str);

/// Files with which something is wrong, and with what error they are refused.
fn damaged(kind: &str, fixture: &Fixture) -> Vec<Damaged> {
    let der = &fixture.pkcs8.bytes;
    let text = pem("PRIVATE KEY", der);
    let cut = &text[..text.len() * 3 / 4];
    let mut letter = text.clone();
    let at = letter.len() * 3 / 4;
    letter.replace_range(at..=at, "*");
    let shorter = &der[..der.len() - 3];
    let (_, older) = older_label(kind);
    let mut behind = der.clone();
    behind.extend([0, 0, 0]);
    let too_large = format!("{text}{}", "#".repeat(1 << 20));
    let mut all = vec![
        ("PEM cut off", "pem", cut.into(), "KeyPem(MissingEnd"),
        (
            "PEM with a bad letter",
            "pem",
            letter.into(),
            "KeyPem(Base64",
        ),
        (
            "PEM of truncated DER",
            "pem",
            pem("PRIVATE KEY", shorter).into(),
            "KeyTruncated",
        ),
        (
            "PEM under another label",
            "pem",
            pem(older, der).into(),
            "KeyMalformed",
        ),
        (
            "PEM under an unknown label",
            "pem",
            pem("SECRET PRIVATE KEY", der).into(),
            "KeyPem(Label",
        ),
        (
            "PEM that says it is encrypted",
            "pem",
            pem("ENCRYPTED PRIVATE KEY", der).into(),
            "EncryptedKey",
        ),
        (
            "PEM with headers",
            "pem",
            pem(older, der)
                .replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n", 1)
                .into(),
            "LegacyEncryptedKey",
        ),
        ("PEM too large", "pem", too_large.into(), "Key"),
        (
            "two keys",
            "pem",
            format!("{text}{text}").into(),
            "NotOneKey",
        ),
        ("DER truncated", "der", shorter.to_vec(), "KeyTruncated"),
        ("DER with bytes behind", "der", behind, "KeyTrailing"),
    ];
    // What only the provider finds: a public point, or a factor, that does not belong to the rest.
    let secret = fixture.pkcs8.secrets.last().unwrap();
    let unfit = match kind {
        "ed25519" | "mldsa65" | "mldsa87" => None,
        "rsa2048" | "rsa4096" => Some(secret.end - 1),
        _ => Some(der.len() - 1),
    };
    if let Some(at) = unfit {
        let mut unfit = der.clone();
        unfit[at] ^= 4;
        all.push(("parts that do not fit", "der", unfit, "KeyUnusable"));
    }
    all
}
