//! The whole content of a view, for comparisons.

use mutual_trust::TrustSnapshot;

/// One line for each fact. Two views with the same lines have the same content.
pub fn facts(view: &TrustSnapshot) -> Vec<String> {
    let mut facts = vec![
        format!("generation {}", view.generation()),
        format!("floor {:?}", view.floor()),
    ];
    for server in view.servers() {
        facts.push(format!("{server:?} {:?}", view.level(server)));
        for name in server.names() {
            let owner = view.server_of(name).map(|owner| owner.id());
            facts.push(format!("{name} belongs to {owner:?}"));
        }
    }
    facts.extend(view.groups().map(|group| format!("{group:?}")));
    for entry in view.entries() {
        let der = entry.certificate().map(|found| found.der());
        facts.push(format!("{entry:?} {der:?}"));
    }
    facts.extend(view.blocks().map(|block| format!("{block:?}")));
    let issuers = view.revocation_checked_issuers();
    facts.extend(issuers.map(|issuer| format!("checked {issuer:?} {:?}", issuer.name_der())));
    for list in view.crls() {
        facts.push(format!("{list:?} {:?}", list.crl().der()));
    }
    facts.extend(view.unread_crls().map(|list| format!("{list:?}")));
    facts
}
