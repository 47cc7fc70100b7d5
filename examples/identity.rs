//! Makes who a system is: a private key and a self-signed certificate, in a folder.
//!
//! `cargo run --features issue --example identity -- FOLDER NAME [HOST NAME OR ADDRESS]…`
//!
//! NAME is the common name, by which some key servers know their clients. The certificate is for the
//! administrators of the key servers; the key, `system.key.pem` with mode 0600, is for this system alone. What is
//! there already is kept: run again, it says so and changes nothing.

#[cfg(all(unix, any(feature = "aws-lc-rs", feature = "ring")))]
fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(name)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: identity FOLDER NAME [HOST NAME OR ADDRESS]...");
        return std::process::ExitCode::from(2);
    };
    match make(folder.as_ref(), &name, arguments) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(all(unix, any(feature = "aws-lc-rs", feature = "ring")))]
fn make(
    folder: &std::path::Path,
    name: &str,
    hosts: impl Iterator<Item = String>,
) -> Result<(), Box<dyn std::error::Error>> {
    use mutual_trust::certificate::{SystemClock, TimeSource};
    use mutual_trust::identity::{
        CertificateSpec, GeneratedKey, IfExists, KeyType, PrivateKey, write_certificates,
    };
    use mutual_trust::tls::{self, SigningKeyPair};

    let provider = tls::provider::default_provider();
    let mut spec = CertificateSpec::new(name)?;
    for host in hosts {
        spec = spec.with_dns_name(host.parse()?);
    }

    // The key is written before anything is made with it, and never over another.
    let (key_file, certificate_file) = (folder.join("system.key.pem"), folder.join("system.pem"));
    let new = GeneratedKey::generate(KeyType::default())?;
    new.write(&key_file, IfExists::Refuse)?;
    let key = SigningKeyPair::new(new.into_key()?, &provider)?;
    let identity = key.self_signed(&spec, 730, SystemClock::new().now())?;
    let certificate = identity.certificate();
    write_certificates(&certificate_file, [certificate], IfExists::Refuse)?;

    // As it will be read from now on.
    PrivateKey::from_file(&key_file)?;

    println!("private key  {}", key_file.display());
    println!("certificate  {}", certificate_file.display());
    println!("subject      {}", certificate.subject());
    for name in certificate.names() {
        println!("name         {name}");
    }
    println!("valid        {}", certificate.validity());
    println!("SHA-256      {}", certificate.fingerprint());
    println!("\nInstall the certificate on each key server, and compare the fingerprint there.");
    Ok(())
}

#[cfg(not(all(unix, any(feature = "aws-lc-rs", feature = "ring"))))]
fn main() {
    eprintln!(
        "a crypto provider is needed: feature aws-lc-rs or ring; and Unix, for the modes of files"
    );
}
