//! Certificates in the shapes that tools make by default, made by the tools themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A way in which a certificate for a machine comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// `openssl req -x509`: RSA-2048, CA:TRUE, no SAN.
    OpensslReq,
    /// The same with P-384.
    P384,
    /// The same with P-521.
    P521,
    /// The same with Ed25519.
    Ed25519,
    /// `openssl x509 -req -signkey` without extensions: version 1.
    V1,
    /// `keytool -genkeypair -keyalg RSA`: version 3 with nothing but a subject key identifier.
    KeytoolRsa,
    /// The same with an EC key.
    KeytoolEc,
    /// `certtool --generate-self-signed` with a name and an end.
    Certtool,
    /// Go's generate_cert: self-signed CA:FALSE, serverAuth alone, SAN.
    Go,
    /// One self-signed CA:FALSE certificate with a name that no server has, on three of them.
    Replicated,
    /// A leaf of a CA, with SANs and both extended key usages.
    CaLeaf,
    /// A leaf of an intermediate CA, sent with it.
    CaChain,
    /// The same, sent alone.
    CaIncomplete,
    /// A leaf with the server's name, signed with the key of a self-signed CA:FALSE server certificate.
    SignedByServer,
    /// A leaf of a CA that has expired.
    ExpiredCa,
}

impl Shape {
    pub const ALL: [Self; 15] = [
        Self::OpensslReq,
        Self::P384,
        Self::P521,
        Self::Ed25519,
        Self::V1,
        Self::KeytoolRsa,
        Self::KeytoolEc,
        Self::Certtool,
        Self::Go,
        Self::Replicated,
        Self::CaLeaf,
        Self::CaChain,
        Self::CaIncomplete,
        Self::SignedByServer,
        Self::ExpiredCa,
    ];

    /// How the table calls it.
    pub fn text(self) -> &'static str {
        match self {
            Self::OpensslReq => "`openssl req -x509` (RSA-2048, CA:TRUE)",
            Self::P384 => "`openssl req -x509`, P-384",
            Self::P521 => "`openssl req -x509`, P-521",
            Self::Ed25519 => "`openssl req -x509`, Ed25519",
            Self::V1 => "`openssl x509 -req` (version 1)",
            Self::KeytoolRsa => "`keytool`, RSA (no SAN)",
            Self::KeytoolEc => "`keytool`, EC (no SAN)",
            Self::Certtool => "`certtool --generate-self-signed`",
            Self::Go => "Go `generate_cert` (serverAuth)",
            Self::Replicated => "one certificate on three names",
            Self::CaLeaf => "leaf of a CA (P-256)",
            Self::CaChain => "leaf with its intermediate",
            Self::CaIncomplete => "leaf without its intermediate",
            Self::SignedByServer => "leaf signed by a server's key",
            Self::ExpiredCa => "leaf of an expired CA",
        }
    }

    fn folder(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// Where all of it lies.
#[derive(Clone, Debug)]
pub struct Shapes {
    root: PathBuf,
}

impl Shapes {
    /// `full.pem`, `leaf.pem`, `key.pem` and `bundle.p12` of a shape.
    pub fn folder(&self, shape: Shape) -> PathBuf {
        self.root.join(shape.folder())
    }

    /// The CA that certifies our own ends, and the leaves of a CA.
    pub fn site_ca(&self) -> PathBuf {
        self.root.join("site/leaf.pem")
    }

    pub fn intermediate(&self) -> PathBuf {
        self.root.join("intermediate/leaf.pem")
    }

    /// The self-signed server certificate whose key signs [`Shape::SignedByServer`].
    pub fn signer(&self) -> PathBuf {
        self.root.join("signer/leaf.pem")
    }

    pub fn expired_ca(&self) -> PathBuf {
        self.root.join("expired/leaf.pem")
    }

    /// Ours: a leaf of the site's CA, which every peer accepts.
    pub fn ours(&self) -> PathBuf {
        self.root.join("ours")
    }

    /// A leaf of the site's CA for our name, without an extended key usage.
    pub fn without_client_auth(&self) -> PathBuf {
        self.root.join("without-client-auth")
    }

    /// Ours, as no peer knows it.
    pub fn unknown(&self) -> PathBuf {
        self.root.join("unknown")
    }

    /// The shapes that the tools on this machine can make.
    pub fn has(&self, shape: Shape) -> bool {
        self.folder(shape).join("full.pem").exists()
    }

    /// Makes them all. `go` is the program for those of Go.
    pub fn make(root: &Path, go: Option<&Path>) -> Self {
        let _ = fs::remove_dir_all(root);
        let shapes = Self {
            root: root.to_owned(),
        };
        let x509 = |name: &str, subject: &str, key: &[&str]| {
            let folder = shapes.fresh(name);
            let mut words =
                words("req -x509 -nodes -days 30 -keyout key.pem -out leaf.pem -newkey");
            words.extend(key);
            words.extend(["-subj", subject]);
            openssl(&folder, &words);
        };
        let p256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
        x509("site", "/CN=Site CA", &p256);
        x509("unknown", "/CN=unknown", &p256);
        x509(&Shape::OpensslReq.folder(), SUBJECT, &["rsa:2048"]);
        x509(
            &Shape::P384.folder(),
            SUBJECT,
            &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        );
        x509(
            &Shape::P521.folder(),
            SUBJECT,
            &["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
        );
        x509(&Shape::Ed25519.folder(), SUBJECT, &["ed25519"]);

        let folder = shapes.fresh(&Shape::V1.folder());
        openssl(
            &folder,
            &words(
                "req -new -newkey rsa:2048 -nodes -keyout key.pem -out req.pem -subj /CN=keys-1.example",
            ),
        );
        openssl(
            &folder,
            &words("x509 -req -in req.pem -signkey key.pem -days 30 -out leaf.pem"),
        );

        shapes.keytool(Shape::KeytoolRsa, "RSA");
        shapes.keytool(Shape::KeytoolEc, "EC");
        shapes.certtool();
        if let Some(go) = go {
            let folder = shapes.fresh(&Shape::Go.folder());
            let line = format!(
                "certificate {} keys-1.example,peer.systems.example\n",
                folder.display()
            );
            let answer = crate::process::ask_once(&mut Command::new(go), &line);
            assert_eq!(answer.trim(), "OK", "Go");
        }

        let end_entity = "basicConstraints=critical,CA:FALSE\nkeyUsage=digitalSignature\n";
        let cluster = format!("{end_entity}subjectAltName=DNS:cluster.example\n");
        shapes.own(&Shape::Replicated.folder(), "/CN=cluster", &cluster);
        shapes.own(
            "signer",
            "/CN=another",
            &format!("{end_entity}subjectAltName=DNS:keys-1.example\n"),
        );
        let authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n";
        shapes.issue("intermediate", "/CN=Intermediate CA", authority, "site");
        shapes.expired();
        let leaf = format!(
            "{end_entity}extendedKeyUsage=serverAuth,clientAuth\n\
             subjectAltName=DNS:keys-1.example,DNS:peer.systems.example\n"
        );
        for (shape, issuer) in [
            (Shape::CaLeaf, "site"),
            (Shape::CaChain, "intermediate"),
            (Shape::SignedByServer, "signer"),
            (Shape::ExpiredCa, "expired"),
        ] {
            shapes.issue(&shape.folder(), SUBJECT, &leaf, issuer);
        }
        let incomplete = shapes.fresh(&Shape::CaIncomplete.folder());
        for file in ["leaf.pem", "key.pem"] {
            fs::copy(
                shapes.folder(Shape::CaChain).join(file),
                incomplete.join(file),
            )
            .unwrap();
        }
        let ours = "extendedKeyUsage=serverAuth,clientAuth\n\
                    subjectAltName=DNS:localhost,DNS:array-7.example,IP:127.0.0.1\n";
        shapes.issue(
            "ours",
            "/CN=array-7",
            &format!("{end_entity}{ours}"),
            "site",
        );
        shapes.issue("without-client-auth", "/CN=array-7", end_entity, "site");
        shapes.finish();
        shapes
    }

    fn fresh(&self, name: &str) -> PathBuf {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn keytool(&self, shape: Shape, algorithm: &str) {
        if !crate::process::is_there("keytool") {
            return;
        }
        let folder = self.fresh(&shape.folder());
        let mut command = Command::new("keytool");
        command.args(words(
            "-genkeypair -alias k -dname CN=keys-1.example -validity 30 -keystore k.p12 -storepass changeit -keyalg",
        ));
        done(command.arg(algorithm).current_dir(&folder));
        openssl(
            &folder,
            &words("pkcs12 -in k.p12 -passin pass:changeit -nodes -nocerts -out with-text.pem"),
        );
        openssl(&folder, &words("pkey -in with-text.pem -out key.pem"));
        openssl(
            &folder,
            &words("pkcs12 -in k.p12 -passin pass:changeit -nokeys -out with-text.pem"),
        );
        openssl(&folder, &words("x509 -in with-text.pem -out leaf.pem"));
    }

    fn certtool(&self) {
        if !crate::process::is_there("certtool") {
            return;
        }
        let folder = self.fresh(&Shape::Certtool.folder());
        fs::write(
            folder.join("template"),
            "cn = \"keys-1.example\"\nexpiration_days = 30\n",
        )
        .unwrap();
        let certtool = |line: &str| {
            done(
                Command::new("certtool")
                    .args(words(line))
                    .current_dir(&folder),
            );
        };
        certtool("--generate-privkey --outfile with-text.pem");
        certtool(
            "--generate-self-signed --load-privkey with-text.pem --template template --outfile leaf.pem",
        );
        openssl(&folder, &words("pkey -in with-text.pem -out key.pem"));
    }

    /// A self-signed certificate with these extensions and no others.
    fn own(&self, name: &str, subject: &str, extensions: &str) {
        let folder = self.fresh(name);
        let settings =
            format!("[req]\ndistinguished_name=d\nx509_extensions=e\n[d]\n[e]\n{extensions}");
        fs::write(folder.join("settings"), settings).unwrap();
        let mut make = words(
            "req -x509 -nodes -days 30 -config settings -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
             -keyout key.pem -out leaf.pem -subj",
        );
        make.push(subject);
        openssl(&folder, &make);
    }

    fn issue(&self, name: &str, subject: &str, extensions: &str, issuer: &str) {
        let folder = self.fresh(name);
        fs::write(folder.join("extensions"), extensions).unwrap();
        let mut request = words(
            "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout key.pem -out req.pem -subj",
        );
        request.push(subject);
        openssl(&folder, &request);
        let (certificate, key) = (
            format!("../{issuer}/leaf.pem"),
            format!("../{issuer}/key.pem"),
        );
        let mut sign = words(
            "x509 -req -in req.pem -days 30 -extfile extensions -CAcreateserial -out leaf.pem",
        );
        sign.extend(["-CA", &certificate, "-CAkey", &key]);
        openssl(&folder, &sign);
    }

    /// A CA whose certificate ended in 2021.
    fn expired(&self) {
        let folder = self.fresh("expired");
        let settings = "[ca]\ndefault_ca=c\n[c]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n\
                        default_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n\
                        [e]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\nsubjectKeyIdentifier=hash\n";
        fs::write(folder.join("settings"), settings).unwrap();
        fs::write(folder.join("index"), "").unwrap();
        fs::write(folder.join("serial"), "01\n").unwrap();
        let mut request = words(
            "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout key.pem -out req.pem -subj",
        );
        request.push("/CN=Expired CA");
        openssl(&folder, &request);
        openssl(
            &folder,
            &words(
                "ca -batch -config settings -selfsign -keyfile key.pem -in req.pem -out leaf.pem -notext \
             -startdate 20200101000000Z -enddate 20210101000000Z",
            ),
        );
    }

    /// What is presented, and the same as PKCS #12 for Java.
    fn finish(&self) {
        for shape in Shape::ALL {
            if self.folder(shape).join("leaf.pem").exists() {
                let more = (shape == Shape::CaChain).then(|| self.intermediate());
                complete(&self.folder(shape), more.as_deref());
            }
        }
        complete(&self.ours(), None);
        complete(&self.unknown(), None);
        complete(&self.without_client_auth(), None);
    }
}

const SUBJECT: &str = "/CN=keys-1.example";

fn complete(folder: &Path, more: Option<&Path>) {
    let mut full = fs::read_to_string(folder.join("leaf.pem")).unwrap();
    if let Some(more) = more {
        let rest = fs::read_to_string(more).unwrap();
        full.push_str(&rest);
        fs::write(folder.join("rest.pem"), rest).unwrap();
    }
    fs::write(folder.join("full.pem"), full).unwrap();
    openssl(
        folder,
        &words(
            "pkcs12 -export -in full.pem -inkey key.pem -name k -passout pass:changeit -out bundle.p12",
        ),
    );
    let file = folder.join("key.pem");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(file, private).unwrap();
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn openssl(folder: &Path, arguments: &[&str]) {
    done(Command::new("openssl").args(arguments).current_dir(folder));
}

fn done(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
