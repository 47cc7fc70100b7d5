//! What became of the questions to a key server, for people and for programs.

use super::message::{Key, Operation, Refusal};
use super::{Asked, End, Step, words};
use crate::json::{Kmip, KmipKey, KmipRefusal, KmipStep};
use crate::output::Failure;
use crate::plain;

/// The result of the test.
pub(crate) struct Told {
    pub(crate) lines: Vec<String>,
    pub(crate) fact: Kmip,
    /// The code of the refusal, if it is one.
    pub(crate) refused: Option<&'static str>,
    pub(crate) failed: Option<Failure>,
}

fn name(operation: Operation) -> String {
    words::operation(operation.number())
}

fn shown(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| plain::line(text)).collect();
    texts.join(", ")
}

impl Asked {
    /// Whether the server refused who we are: what is known against our certificate then matters.
    pub(crate) fn is_about_us(&self) -> bool {
        matches!(&self.end, Some(End::Refused(_)))
    }

    /// `us` is our certificate in words.
    pub(crate) fn told(self, us: &str, lacks_client_auth: bool) -> Told {
        let mut lines = self.lines();
        let mut refusal = None;
        let (mut refused, mut failed) = (None, None);
        match &self.end {
            None => lines.push(String::from(match self.key_id {
                Some(_) => "serves: the key is there and active; its material was not asked for",
                None => "serves: the server answers in KMIP; --key-id ID asks for a key",
            })),
            Some(End::Refused(why)) => {
                refused = Some(if words::is_not_found(why) {
                    "KeyNotFound"
                } else {
                    "RefusedByKeyServer"
                });
                refusal = Some(of_refusal(why, us, lacks_client_auth));
            }
            Some(End::NoVersion) => {
                refused = Some("NoCommonKmipVersion");
                refusal = Some(self.without_version());
            }
            Some(End::NotActive) => {
                refused = Some("KeyNotActive");
                let state = self.key.as_ref().and_then(|key| key.state);
                let (meaning, remedy) = words::of_state(state);
                refusal = Some(KmipRefusal {
                    operation: name(Operation::GetAttributes),
                    reason: None,
                    message: None,
                    meaning: meaning.to_owned(),
                    remedy: remedy.to_owned(),
                });
            }
            Some(End::Failed(why)) => failed = Some(why.clone()),
        }
        if let Some(refusal) = &refusal {
            lines.push(format!("refused: {}", sentence(refusal)));
            lines.push(format!("  to do: {}", refusal.remedy));
        }
        let fact = self.fact(refusal);
        Told {
            lines,
            fact,
            refused,
            failed,
        }
    }

    /// What the server answered.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(version) = self.version {
            let of = words::list(&self.offered);
            lines.push(format!("KMIP {version}: the server knows {of}"));
        }
        if let Some(server) = &self.server {
            let vendor = server
                .vendor
                .as_deref()
                .unwrap_or("which does not name itself");
            let mut line = format!("key server: {}", plain::line(vendor));
            if !server.information.is_empty() {
                line.push_str(&format!(" ({})", shown(&server.information)));
            }
            lines.push(line);
            let operations: Vec<String> = server
                .operations
                .iter()
                .map(|number| words::operation(*number))
                .collect();
            let types: Vec<String> = server
                .object_types
                .iter()
                .map(|number| words::object_type(*number))
                .collect();
            lines.push(format!("  operations: {}", shown(&operations)));
            if !types.is_empty() {
                lines.push(format!("  objects: {}", shown(&types)));
            }
            if !server.operations.contains(&words::GET) {
                lines.push(String::from(
                    "warning: the server does not offer Get: a system cannot fetch a key from it",
                ));
            }
        }
        if let (Some(id), Some(key)) = (&self.key_id, &self.key) {
            lines.push(format!("key {}: {}", plain::line(id), described(key)));
        }
        lines
    }

    fn without_version(&self) -> KmipRefusal {
        let of = match words::list(&self.offered) {
            list if list.is_empty() => String::from("none"),
            list => list,
        };
        let (meaning, remedy) = match self.wanted {
            Some(wanted) => (
                format!("the server does not know KMIP {wanted}; it knows {of}"),
                "use one of them, or have the version enabled at the server",
            ),
            None => (
                format!("the server knows no version of KMIP from 1.0 to 2.1; it knows {of}"),
                "ask the server's administrator which versions are enabled",
            ),
        };
        KmipRefusal {
            operation: name(Operation::DiscoverVersions),
            reason: None,
            message: None,
            meaning,
            remedy: remedy.to_owned(),
        }
    }

    fn fact(self, refusal: Option<KmipRefusal>) -> Kmip {
        let server = self.server.unwrap_or_default();
        let step = match self.reached {
            Step::Versions => KmipStep::Versions,
            Step::Query => KmipStep::Query,
            Step::Key => KmipStep::Key,
        };
        let key = self.key_id.zip(self.key).map(|(id, key)| KmipKey {
            id,
            state: key.state.map(words::state),
            object_type: key.object_type.map(words::object_type),
            algorithm: key.algorithm.map(words::algorithm),
            bits: key.length,
            names: key.names,
        });
        Kmip {
            failed_step: self.end.is_some().then_some(step),
            versions: self.offered.iter().map(ToString::to_string).collect(),
            version: self.version.map(|version| version.to_string()),
            vendor: server.vendor,
            server_information: server.information,
            operations: server
                .operations
                .into_iter()
                .map(words::operation)
                .collect(),
            object_types: server
                .object_types
                .into_iter()
                .map(words::object_type)
                .collect(),
            key,
            refusal,
        }
    }
}

fn described(key: &Key) -> String {
    let state = match key.state {
        Some(state) => words::state(state),
        None => String::from("of unknown state"),
    };
    let mut parts = vec![state];
    parts.extend(key.object_type.map(words::object_type));
    parts.extend(key.algorithm.map(words::algorithm));
    parts.extend(key.length.map(|length| format!("{length} bits")));
    parts.extend(
        key.names
            .iter()
            .map(|name| format!("named {}", plain::line(name))),
    );
    parts.join(", ")
}

fn of_refusal(why: &Refusal, us: &str, lacks_client_auth: bool) -> KmipRefusal {
    KmipRefusal {
        operation: name(why.operation),
        reason: why.reason.map(words::reason),
        message: why.message.clone(),
        meaning: words::meaning(why).to_owned(),
        remedy: words::remedy(why, us, lacks_client_auth),
    }
}

/// A refusal in one line.
fn sentence(refusal: &KmipRefusal) -> String {
    let said = match (&refusal.reason, &refusal.message) {
        (None, None) => return refusal.meaning.clone(),
        (Some(reason), None) => reason.clone(),
        (None, Some(message)) => format!("\"{}\"", plain::line(message)),
        (Some(reason), Some(message)) => format!("{reason}, \"{}\"", plain::line(message)),
    };
    format!(
        "the key server refuses {} ({said}): {}",
        refusal.operation, refusal.meaning
    )
}
