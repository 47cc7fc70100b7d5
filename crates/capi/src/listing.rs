//! What a store has, for a program that shows it.

use mutual_trust::TrustSnapshot;
use mutual_trust::store::{Claim, Entry, Scope, Server, Slot};

use crate::argument::{Buffer, Ref};
use crate::entry::nothing;
use crate::json::Object;
use crate::store::Store;

fn slot(slot: Slot) -> &'static str {
    match slot {
        Slot::Pin => "pin",
        Slot::Authority => "authority",
        Slot::Intermediate => "intermediate",
    }
}

/// The kind of a scope, and which one it is.
fn scope(scope: &Scope) -> (&'static str, Option<String>) {
    match scope {
        Scope::Server(id) => ("server", Some(id.to_string())),
        Scope::Group(id) => ("group", Some(id.to_string())),
        Scope::AnyServer => ("any_server", None),
        Scope::Clients => ("clients", None),
        Scope::Everyone => ("everyone", None),
    }
}

fn entry(entry: &Entry) -> String {
    let key = entry.key();
    let (kind, whose) = scope(&key.scope);
    let mut object = Object::new();
    object.text("slot", slot(key.slot));
    object.text("scope", kind);
    object.optional("whose", whose.as_deref());
    object.text("fingerprint", &key.fingerprint.to_string());
    object.optional("label", entry.options().label());
    let certificate = entry.certificate();
    object.optional("subject", certificate.map(|one| one.subject()).as_deref());
    object.optional(
        "valid",
        certificate.map(|one| one.validity().to_string()).as_deref(),
    );
    object.optional("disabled", entry.disabled());
    object.optional("installed_by", entry.installed_by());
    object.end()
}

fn server(server: &Server) -> String {
    let mut object = Object::new();
    object.text("id", &server.id().to_string());
    object.texts("names", server.names().map(ToString::to_string));
    object.optional("group", server.group().map(ToString::to_string).as_deref());
    let (claim, until) = match server.claim() {
        Claim::Unclaimed => ("unclaimed", None),
        Claim::Claimed => ("claimed", None),
        Claim::Migrating { until } => ("migrating", Some(until)),
    };
    object.text("claim", claim);
    if let Some(until) = until {
        object.number("until", until.as_secs());
    }
    object.end()
}

fn json(view: &TrustSnapshot) -> String {
    let mut object = Object::new();
    object.number("generation", view.generation());
    object.objects("servers", view.servers().map(server));
    object.texts("groups", view.groups().map(|group| group.id().to_string()));
    object.objects("entries", view.entries().into_iter().map(entry));
    object.texts("blocks", view.blocks().map(|block| format!("{block:#}")));
    object.end()
}

entries! { "What a store has";
    /// Writes what the store has as one object of JSON: generation, servers, groups, entries, blocks. Further members may
    /// come.
    /// Returns the length of the whole text. Call it with a capacity of 0 first, and again with enough room; between the two,
    /// another thread or process may have changed the store.
    /// Threads: any; calls on one store wait for each other.
    fn mt_store_json(store: Ref<Store>, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&json(store.lock()?.contents())))
    }
}
