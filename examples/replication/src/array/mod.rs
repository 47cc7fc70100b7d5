//! An array. It trusts the key servers of the group by the one certificate that they share, and the stand-alone one by its
//! own. Its key is made here and never leaves its folder.

mod reader;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mutual_trust::admin::bundle::Part;
use mutual_trust::store::{Scope, Slot};
use mutual_trust::{ClientConfigBuilder, EntryOptions, PinScope, ServerId};
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::console::{self, causes};
use crate::key_server::source;
use crate::machine::{Folder, make_identity, policy, provider, read_certificate_heard, runtime};
use crate::protocol::ask;
use crate::site::Site;
use crate::taking::Member;
use reader::{Reader, Readings, connect};
use watch::Watch;

struct Array {
    name: String,
    folder: Folder,
    site: Arc<Site>,
    builder: ClientConfigBuilder,
    member: Member,
    readings: Readings,
    watch: Watch,
    runtime: Runtime,
}

/// Runs an array until its console is closed.
pub(crate) fn run(name: &str, folder: PathBuf, site: &Path) -> Outcome<()> {
    let folder = Folder(folder);
    let runtime = runtime()?;
    folder.identity("own", name)?;
    let own = folder.followed("own")?;
    let store = folder.store("store")?;
    let trust = store.live();
    let builder = ClientConfigBuilder::new(provider(), trust.clone(), policy(), own);
    let member = Member::new(name, store)?;
    let site = Arc::new(Site::read(site)?);
    let (readings, watch) = (Readings::new(), Watch::default());
    let reader = Reader {
        builder: builder.clone(),
        trust,
        site: site.clone(),
        name: name.to_owned(),
        readings: readings.clone(),
    };
    runtime.spawn(reader.run());
    watch.start(runtime.handle(), &builder, &site, name);
    follow(&builder, &site, &member, &readings);
    let mut array = Array {
        name: name.to_owned(),
        folder,
        site,
        builder,
        member,
        readings,
        watch,
        runtime,
    };
    console::serve(|words| array.answer(words))
}

/// Takes over the group's certificates from every key server that can be the primary. Their hubs let no array in that is
/// not accepted yet, so it begins with the first key.
fn follow(builder: &ClientConfigBuilder, site: &Arc<Site>, member: &Member, readings: &Readings) {
    let (builder, site) = (builder.clone(), site.clone());
    let (member, readings) = (member.clone(), readings.clone());
    thread::spawn(move || {
        while readings.get().key.is_none() {
            thread::sleep(Duration::from_millis(50));
        }
        let followed = site.publishers().try_for_each(|(id, server)| {
            member.follow(id.as_str(), source(&builder, id, server.for_arrays)?)
        });
        if let Err(error) = followed {
            eprintln!("nothing is followed: {}", causes(&*error));
        }
    });
}

impl Array {
    fn answer(&mut self, words: &[&str]) -> Outcome<String> {
        match words {
            // The key servers of the group, by what the fleet publishes: one certificate for all of them. The file came by
            // any means. The digest was read out over another channel.
            ["join", file, heard] => {
                let publication = fs::read(file)?;
                self.member
                    .join(Part::Servers, &publication, heard.parse()?)?;
                Ok(self.member.shown())
            }
            // The stand-alone key server, by its own certificate.
            ["install", server, file, heard] => {
                let id: ServerId = server.parse()?;
                let certificate = read_certificate_heard(file, heard.parse()?)?;
                self.member.store().change(|store| {
                    store.add_server(id.clone(), [])?;
                    store.install_pin(PinScope::Server(id), certificate, EntryOptions::new())
                })?;
                Ok(String::new())
            }
            // A key server of which no certificate is installed: a CA must vouch for it.
            ["add-server", server] => {
                let id = server.parse()?;
                self.member
                    .store()
                    .change(|store| store.add_server(id, []))?;
                Ok(String::new())
            }
            ["new-identity"] => {
                let (chain, key) = self.folder.pair("own");
                make_identity(&chain, &key, &self.name)?;
                Ok(String::new())
            }
            ["ask-for", server, key] => {
                let server = server.parse()?;
                self.runtime.block_on(async {
                    let mut link = connect(&self.builder, &self.site, &server).await?;
                    let key = ask(&mut link, key).await?;
                    Ok(format!("key={}", String::from_utf8_lossy(&key)))
                })
            }
            ["count-anew"] => {
                self.readings.reset();
                self.watch.reset();
                Ok(String::new())
            }
            ["status"] => Ok(self.status()),
            _ => Err("no such command".into()),
        }
    }

    fn status(&self) -> String {
        let reading = self.readings.get();
        let in_use = reading
            .in_use
            .map_or_else(|| "-".to_owned(), |id| id.to_string());
        let key = reading
            .key
            .as_deref()
            .and_then(|key| str::from_utf8(key).ok());
        let key = key.unwrap_or("-");
        let pins = self.installed(Slot::Pin, |scope| matches!(scope, Scope::Group(_)));
        let authorities = self.installed(Slot::Authority, |scope| *scope == Scope::AnyServer);
        format!(
            "{} {} in-use={in_use} key={key} reads={} ended={} gap={} read-from={} group-pins={pins} \
             authorities={authorities}",
            self.watch.shown(),
            self.member.shown(),
            reading.reads,
            reading.ended,
            reading.gap.as_millis(),
            reading.presented,
        )
    }

    /// How many certificates are installed in a slot for such a scope.
    fn installed(&self, slot: Slot, is_scope: impl Fn(&Scope) -> bool) -> usize {
        let store = self.member.store();
        let entries = store.contents().entries().into_iter();
        let keys = entries.map(|entry| entry.key());
        keys.filter(|key| key.slot == slot && is_scope(&key.scope))
            .count()
    }
}
