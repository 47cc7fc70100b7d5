//! The expected facts of each certificate in `tests/fixtures`, as in `PROVENANCE.md`.

/// 2012-01-01, 2013-01-01, 2026-01-01, 2026-10-01, 2028-01-01, 2100-01-01, 2126-01-01 and the last second
/// of 9999, all as seconds since 1970.
const Y2012: i64 = 1_325_376_000;
const Y2013: i64 = 1_356_998_400;
const Y2026: i64 = 1_767_225_600;
const OCTOBER_2026: i64 = 1_790_812_800;
const Y2028: i64 = 1_830_297_600;
const Y2100: i64 = 4_102_444_800;
const Y2126: i64 = 4_922_899_200;
const END_OF_9999: i64 = 253_402_300_799;
/// The tools that count from the current time got this number of days.
pub const DAYS: i64 = 36_500 * 86_400;

const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
const RSA_SHA256: &str = "1.2.840.113549.1.1.11";
const RSA_SHA1: &str = "1.2.840.113549.1.1.5";
const ED25519: &str = "1.3.101.112";

/// The expected facts of one certificate.
#[derive(Clone)]
pub struct Facts {
    pub version: u8,
    pub subject: String,
    pub issuer: String,
    /// As `KeyKind` displays it.
    pub key: &'static str,
    pub signature: &'static str,
    pub names: Vec<String>,
    /// CA and path length.
    pub basic: Option<(bool, Option<u32>)>,
    /// digitalSignature, keyCertSign, cRLSign.
    pub usage: Option<(bool, bool, bool)>,
    /// any, serverAuth, clientAuth.
    pub extended: Option<(bool, bool, bool)>,
    pub aki: bool,
    pub ski: bool,
    pub from: Option<i64>,
    pub to: Option<i64>,
}

const SAN: &[&str] = &["dns:kms1.example", "ip:127.0.0.1", "ip:::1"];

/// The facts of most fixtures: `ca; CA:FALSE, SAN` in the table.
fn plain(name: &str) -> Facts {
    let subject = format!("O={name}, CN=kms1.example");
    Facts {
        version: 3,
        issuer: subject.clone(),
        subject,
        key: "ECDSA P-256",
        signature: ECDSA_SHA256,
        names: SAN.iter().map(|name| (*name).to_owned()).collect(),
        basic: Some((false, None)),
        usage: None,
        extended: None,
        aki: false,
        ski: true,
        from: Some(Y2026),
        to: Some(Y2126),
    }
}

impl Facts {
    fn rsa(mut self, key: &'static str) -> Self {
        (self.key, self.signature) = (key, RSA_SHA256);
        self
    }
    fn key(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }
    fn signature(mut self, signature: &'static str) -> Self {
        self.signature = signature;
        self
    }
    fn names(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }
    fn named(mut self, name: &str) -> Self {
        (self.subject, self.issuer) = (name.to_owned(), name.to_owned());
        self
    }
    fn by(mut self, issuer: &str) -> Self {
        self.issuer = issuer.to_owned();
        self.aki()
    }
    fn aki(mut self) -> Self {
        self.aki = true;
        self
    }
    fn no_basic(mut self) -> Self {
        self.basic = None;
        self
    }
    fn ca(mut self, path_len: Option<u32>) -> Self {
        self.basic = Some((true, path_len));
        self.usage = Some((false, true, true));
        self.names(&[])
    }
    fn usage(mut self, digital_signature: bool) -> Self {
        self.usage = Some((digital_signature, false, false));
        self
    }
    fn extended(mut self, any: bool, server: bool, client: bool) -> Self {
        self.extended = Some((any, server, client));
        self
    }
    fn both(self) -> Self {
        self.extended(false, true, true)
    }
    fn valid(mut self, from: i64, to: i64) -> Self {
        (self.from, self.to) = (Some(from), Some(to));
        self
    }
    fn dated_now(mut self) -> Self {
        (self.from, self.to) = (None, None);
        self
    }
    fn version_1(mut self) -> Self {
        (self.version, self.ski) = (1, false);
        let this = self.no_basic().names(&[]).rsa("RSA 2048");
        this.dated_now()
    }
    fn leaf(self, subject: &str, issuer: &str) -> Self {
        let this = self.named(subject).by(issuer).usage(true);
        this.extended(false, true, false)
    }
}

const ROOT: &str = "O=Example, CN=Example Root CA";
const INTERMEDIATE: &str = "O=Example, CN=Example Intermediate CA";

pub fn expected(name: &str) -> Facts {
    let p = plain(name);
    match name {
        "ee-rsa2048" => p.both().rsa("RSA 2048"),
        "ee-rsa3072" => p.both().rsa("RSA 3072"),
        "ee-rsa4096" => p.both().rsa("RSA 4096"),
        "ee-p256" => p.both(),
        "crlf" | "text-before" => p.both().named("O=ee-p256, CN=kms1.example"),
        "ee-p384" => p.both().key("ECDSA P-384"),
        "ee-p521" => p.both().key("ECDSA P-521"),
        "ee-ed25519" => p.both().key("Ed25519").signature(ED25519),
        "openssl-req-default" | "openssl-req-san" => {
            let names: &[&str] = match name {
                "openssl-req-san" => &["dns:kms1.example", "ip:127.0.0.1"],
                _ => &[],
            };
            let mut p = p.named("CN=kms1.example").ca(None).aki().names(names);
            p.usage = None;
            p.rsa("RSA 2048").dated_now()
        }
        "keytool-default" | "keytool-san" | "keytool-ec" => {
            let names: &[&str] = match name {
                "keytool-default" => &[],
                _ => &["dns:kms1.example", "ip:127.0.0.1"],
            };
            let p = p.no_basic().names(names).valid(Y2026, Y2026 + DAYS);
            match name {
                "keytool-ec" => p,
                _ => p.rsa("RSA 2048"),
            }
        }
        "v1" => p.version_1(),
        "v1-ca-signed" => {
            let mut p = p.by(ROOT).version_1().signature(ECDSA_SHA256);
            p.aki = false;
            p
        }
        "ca-v1" => p.named("O=Old, CN=Old Root CA").version_1(),
        "ca-v1-leaf" => {
            let mut p = p.leaf("O=Old, CN=kms1.example", "O=Old, CN=Old Root CA");
            p.usage = None;
            p.aki = false; // it names the issuer and serial number only
            p.signature(RSA_SHA256)
        }
        "ca-false" => p,
        "broken-self-signature" => p.named("O=ca-false, CN=kms1.example"),
        "no-basic-constraints" => p.no_basic(),
        "ip-san-only" => p.names(&["ip:127.0.0.1"]),
        "ipv6-san-only" => p.names(&["ip:::1"]),
        "wildcard-san" => p.names(&["dns:*.kms.example"]),
        "expired" => p.valid(Y2012, Y2013),
        "not-yet-valid" => p.valid(Y2100, Y2126),
        "not-after-9999" => p.valid(Y2026, END_OF_9999),
        "eku-client-only" => p.extended(false, false, true),
        "eku-server-only" => p.extended(false, true, false),
        "eku-any" => p.extended(true, false, false),
        "eku-code-signing" => p.extended(false, false, false),
        "ku-key-encipherment-only" => p.usage(false).rsa("RSA 2048"),
        "sha1-self-signed" => p.key("RSA 2048").signature(RSA_SHA1),
        "rsa1024" => p.rsa("RSA 1024"),
        "unknown-critical-extension" => p,
        "empty-subject" => p.named("").dated_now(),
        "huge" => {
            let more = (1..750).map(|i| format!("dns:replica-{i:05}.kms.example"));
            let mut p = p.names(&["dns:kms1.example"]);
            p.names.extend(more);
            p
        }
        "ku-no-cert-sign" => {
            let p = p.named("O=ku-no-cert-sign, CN=Root CA").ca(None);
            p.usage(true)
        }
        "rsa1024-ca" => p.named("O=rsa1024-ca, CN=Root CA").ca(None).rsa("RSA 1024"),
        "unknown-critical-ca" => p.named("O=unknown-critical-ca, CN=Root CA").ca(None),
        "self-issued-signer" => p.named("O=self-issued, CN=kms1.example").ca(None),
        "self-issued-other-key" => p.named("O=self-issued, CN=kms1.example"),
        "self-issued-aki-other" => p.named("O=self-issued, CN=kms1.example").aki(),
        "reissued-old" => p
            .named("O=reissued, CN=kms1.example")
            .both()
            .valid(Y2026, Y2028),
        "reissued-new" => p
            .named("O=reissued, CN=kms1.example")
            .both()
            .valid(OCTOBER_2026, Y2126),
        "same-subject-other-key" => p.named("O=reissued, CN=kms1.example").both(),
        "self-signed-with-ca-subject" => p.named(ROOT).both(),
        "ca-root" => p.named(ROOT).ca(None),
        "ca-intermediate" => p.named(INTERMEDIATE).by(ROOT).ca(Some(0)),
        "chain-server" => p.leaf("O=Example, CN=kms1.example", INTERMEDIATE),
        "chain-client" => p
            .leaf("O=Example, CN=array-7", INTERMEDIATE)
            .names(&["uri:spiffe://example/array-7", "dns:array-7.example"])
            .extended(false, false, true),
        "ca-other" => p.named("O=Other, CN=Other Root CA").ca(None),
        "ca-other-leaf" => p.leaf("O=Other, CN=kms1.example", "O=Other, CN=Other Root CA"),
        "ca-expired" => p
            .named("O=Expired, CN=Expired Root CA")
            .ca(None)
            .valid(Y2012, Y2013),
        "ca-expired-leaf" => p.leaf(
            "O=Expired, CN=kms1.example",
            "O=Expired, CN=Expired Root CA",
        ),
        _ => attacker(name),
    }
}

/// `leaf-signed-by-pin-P-kms1` and `leaf-signed-by-pin-P-other`.
fn attacker(name: &str) -> Facts {
    let Some(rest) = name.strip_prefix("leaf-signed-by-pin-") else {
        panic!("{name} has no row in this table");
    };
    let (pin, which) = rest.rsplit_once('-').unwrap();
    let issuer = match pin {
        "openssl-req-san" => "CN=kms1.example".to_owned(),
        _ => format!("O={pin}, CN=kms1.example"),
    };
    let mut facts = plain(name)
        .named(&format!("O=attacker, CN={which}.example"))
        .by(&issuer)
        .names(&[&format!("dns:{which}.example")])
        .both();
    if matches!(pin, "openssl-req-san" | "v1") {
        facts.signature = RSA_SHA256;
    }
    // For an issuer of version 1, it names issuer and serial number only.
    facts.aki = pin != "v1";
    facts
}
