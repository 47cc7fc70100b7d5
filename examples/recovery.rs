//! A store that outlives damage: it is made, saved, damaged, refused with the line, recovered without losing a block
//! or a claim, and then follows files that another program writes. `cargo run --example recovery`
//!
//! Nothing has to be prepared. What is shown is also checked: the exit status is 0 only if everything is as it should
//! be.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mutual_trust::admin::{DurableSettings, DurableStore, Follower, Source};
use mutual_trust::store::{BlockSelector, Claim};
use mutual_trust::{Certificate, EntryOptions, KeyPolicy, PinScope, ServerId};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let folder = std::env::temp_dir().join(format!("mutual-trust-recovery-{}", std::process::id()));
    let played = fs::create_dir_all(&folder)
        .map_err(Into::into)
        .and_then(|()| play(&folder));
    // It is of no more use.
    let _ = fs::remove_dir_all(&folder);
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn play(folder: &Path) -> Outcome<()> {
    let settings = settings()?;
    let stolen = certificate("stolen.example")?;

    println!("(a) A store is made in a folder. Each change is stored, and only then in force.");
    made(folder, settings.clone(), &stolen)?;

    println!("\n(b) A bad block of the disk: one line of the file is damaged.");
    let file = folder.join("trust-store");
    damage(&file)?;
    match DurableStore::open(folder, settings.clone()) {
        Ok(_) => return Err("damage was not seen".into()),
        Err(error) => say(&without(&error.to_string(), folder)),
    }

    println!("\n(c) Recovery is a call of its own. It says what it did.");
    let (mut store, report) = DurableStore::recover(folder, settings)?;
    say(&without(&report.to_string(), folder));
    let block = BlockSelector::certificate(&stolen);
    check(
        store.contents().blocks().any(|found| *found == block),
        "the block holds",
    )?;
    for id in ["keys-1", "keys-2"] {
        let server = store.contents().server(&id.parse()?);
        let claim = server.map(mutual_trust::store::Server::claim);
        check(
            claim == Some(Claim::Claimed),
            &format!("{id} must present a pin"),
        )?;
    }

    println!(
        "\n(d) Another program writes the certificates of keys-2 into a file, which is followed."
    );
    follow(&mut store, &folder.join("keys-2.pem"))?;
    println!("\nAll of it is as it should be.");
    Ok(())
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
fn settings() -> Outcome<DurableSettings> {
    let provider = mutual_trust::tls::provider::default_provider();
    let keys = KeyPolicy::new(provider.signature_verification_algorithms.all);
    Ok(DurableSettings::new(keys))
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
fn settings() -> Outcome<DurableSettings> {
    let _ = KeyPolicy::new(&[]);
    Err("a crypto provider is needed: feature aws-lc-rs or ring".into())
}

fn made(folder: &Path, settings: DurableSettings, stolen: &Certificate) -> Outcome<()> {
    let mut store = DurableStore::create(folder, settings)?;
    store.set_actor(Some("alice"))?;
    let (keys_1, keys_2): (ServerId, ServerId) = ("keys-1".parse()?, "keys-2".parse()?);
    let (one, two) = (certificate("kms1.example")?, certificate("kms2.example")?);
    store.change(|store| {
        store.add_server(keys_1.clone(), ["kms1.example".parse()?])?;
        store.install_pin(PinScope::Server(keys_1), one, EntryOptions::new())
    })?;
    // The newest change, which the version before does not have.
    store.change(|store| {
        store.block(stolen);
        store.add_server(keys_2.clone(), ["kms2.example".parse()?])?;
        store.install_pin(PinScope::Server(keys_2), two, EntryOptions::new())
    })?;
    let view = store.contents();
    say(&format!(
        "generation {}, digest {}…",
        view.generation(),
        store.digest().to_string().get(..16).unwrap_or_default()
    ));
    for server in view.servers() {
        say(&format!("server {}: {}", server.id(), view.level(server)));
    }
    for block in view.blocks() {
        say(&format!(
            "blocked: {}…",
            block.to_string().get(..35).unwrap_or_default()
        ));
    }
    Ok(())
}

/// Writes over a letter in the file.
fn damage(file: &Path) -> Outcome<()> {
    let text = fs::read_to_string(file)?;
    fs::write(file, text.replacen("  by alice", "  b? alice", 1))?;
    Ok(())
}

fn follow(store: &mut DurableStore, file: &PathBuf) -> Outcome<()> {
    let (next, after) = (certificate("kms2.example")?, certificate("kms2.example")?);
    let pins = mutual_trust::admin::Feeds::Pins(PinScope::Server("keys-2".parse()?));
    let mut follower = Follower::new([Source::new("keys-2 by the deployment", file, pins)])?;
    let scenes: [(&str, Option<String>, usize); 5] = [
        ("a certificate", Some(next.to_pem()), 1),
        (
            "two, for a renewal",
            Some(next.to_pem() + &after.to_pem()),
            2,
        ),
        ("half a file", Some(next.to_pem().split_at(200).0.into()), 2),
        ("no file at all", None, 2),
        ("an explicit nobody", Some("trust nobody\n".into()), 0),
    ];
    for (what, content, expected) in scenes {
        match content {
            Some(content) => fs::write(file, content)?,
            None => fs::remove_file(file)?,
        }
        // A file that is written in place is taken over when two polls find it unchanged.
        follower.poll(store)?;
        follower.poll(store)?;
        let entries = store.contents().entries();
        let held = entries
            .iter()
            .filter(|entry| entry.source().is_some())
            .count();
        let health = store.health().sources.first().map(ToString::to_string);
        let health = health.unwrap_or_default();
        let folder = file.parent().unwrap_or(file);
        println!("    {what:<20} {}", without(&health, folder));
        check(held == expected, &format!("installed: {expected}"))?;
    }
    let server = store.contents().server(&"keys-2".parse()?);
    let claimed = server.is_some_and(|server| server.claim() == Claim::Claimed);
    check(claimed, "keys-2 still must present a pin")
}

fn certificate(name: &str) -> Outcome<Certificate> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()])?;
    Ok(Certificate::from_der(made.cert.der())?)
}

fn say(text: &str) {
    for line in text.lines() {
        println!("    {line}");
    }
}

/// A text without the path of the folder, which says nothing here.
fn without(text: &str, folder: &Path) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}

fn check(is_so: bool, what: &str) -> Outcome<()> {
    if !is_so {
        return Err(format!("not so: {what}").into());
    }
    println!("      checked: {what}");
    Ok(())
}
