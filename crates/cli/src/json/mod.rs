//! The results of `--json` as types. The schema file of the package is made from them: a field that is not here is not
//! written, and a type that has no name here is no result.
//!
//! The comment of a type or a field is its description in the schema.

use core::fmt;

use serde::{Serialize, Serializer};

mod changes;
mod exports;
mod facts;
mod files;
mod fleets;
mod hubs;
mod keeping;
mod links;
mod lists;
mod rotation;
mod store;

#[cfg(test)]
mod schema;

pub(crate) use changes::*;
pub(crate) use exports::*;
pub(crate) use facts::*;
pub(crate) use files::*;
pub(crate) use fleets::*;
pub(crate) use hubs::*;
pub(crate) use keeping::*;
pub(crate) use links::*;
pub(crate) use lists::*;
pub(crate) use rotation::*;
pub(crate) use store::*;

/// What goes to standard output or standard error as one object.
pub(crate) trait Named: Serialize {
    /// The name of its schema, without the program's name and the version.
    const NAME: &'static str;
}

/// A result of a subcommand: it has the field `refused` as well.
pub(crate) trait Answer: Named {}

/// The type that belongs to each name.
macro_rules! named {
    (results: $($name:literal => $result:ty,)* others: $($other_name:literal => $other:ty,)*) => {
        $(
            impl Named for $result {
                const NAME: &'static str = $name;
            }
            impl Answer for $result {}
        )*
        $(
            impl Named for $other {
                const NAME: &'static str = $other_name;
            }
        )*

        /// The schema of each name, and whether it has the field `refused`.
        #[cfg(test)]
        fn schemas(
            generator: &mut schemars::SchemaGenerator,
        ) -> Vec<(&'static str, bool, schemars::Schema)> {
            use schemars::JsonSchema;

            vec![
                $(($name, true, <$result>::json_schema(generator)),)*
                $(($other_name, false, <$other>::json_schema(generator)),)*
            ]
        }
    };
}

named! {
    results:
    "check" => Judged,
    "completions" => Completions,
    "connect" => Connected,
    "enroll" => Enrolled,
    "fleet-diff" => FleetDiff,
    "fleet-draft" => FleetDraft,
    "fleet-fetch" => FleetFetched,
    "fleet-forget" => FleetForgotten,
    "fleet-key" => FleetKeyFiles,
    "fleet-keys" => FleetKeys,
    "fleet-member" => FleetMembership,
    "fleet-publication" => FleetPublished,
    "fleet-serve" => HubServed,
    "fleet-signature" => FleetSigned,
    "fleet-status" => FleetStatus,
    "fleet-take" => FleetTaken,
    "identity" => IdentityFiles,
    "identity-renewal" => IdentityRenewal,
    "identity-request" => RequestFiles,
    "identity-rotation" => IdentityRotation,
    "inspect" => Inspected,
    "man" => Manual,
    "seal-key" => SealKeyFile,
    "serve" => Served,
    "store-adopt" => Adopted,
    "store-backup" => Backup,
    "store-change" => StoreChange,
    "store-clock" => StoreClock,
    "store-crl-fetch" => ListsFetched,
    "store-diff" => StoreDiff,
    "store-expiring" => Expiring,
    "store-export" => Exported,
    "store-follow" => Followed,
    "store-list" => StoreList<'_>,
    "store-log" => StoreLog,
    "store-recover" => Recovered,
    "store-replace" => StoreReplace,
    "store-report" => Reported,
    "store-rollback" => RolledBackChange,
    "store-seal" => StoreSeal,
    "store-verify" => Verified,
    others:
    "error" => Problem,
    "fleet-follow-event" => FleetNodeState,
    "fleet-serve-event" => HubEvent,
    "serve-event" => Event,
    "store-crl-fetch-event" => ListsState,
    "store-follow-event" => FollowState,
}

/// Results that name the files of a store that other users can write.
pub(crate) const LOOKS_AT_FILES: [&str; 8] = [
    "store-adopt",
    "store-change",
    "store-clock",
    "store-recover",
    "store-replace",
    "store-rollback",
    "store-seal",
    "store-verify",
];

/// The `schema` of a name.
pub(crate) fn schema_of<T: Named>() -> String {
    format!("mutual-trust/{}/1", T::NAME)
}

/// An object with the name of its schema.
#[derive(Serialize)]
pub(crate) struct Tagged<'a, T> {
    schema: String,
    #[serde(flatten)]
    content: &'a T,
}

impl<'a, T: Named> Tagged<'a, T> {
    pub(crate) fn new(content: &'a T) -> Self {
        Self {
            schema: schema_of::<T>(),
            content,
        }
    }
}

/// Items that are written one after another: they are not in memory together.
pub(crate) struct List<'a, T>(Items<'a, T>);

type Items<'a, T> = Box<dyn Fn() -> Box<dyn Iterator<Item = T> + 'a> + 'a>;

impl<'a, T> List<'a, T> {
    /// `items` gives the items, each time it is called.
    pub(crate) fn new<I: Iterator<Item = T> + 'a>(items: impl Fn() -> I + 'a) -> Self {
        Self(Box::new(move || Box::new(items())))
    }
}

impl<T: Serialize> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

impl<T> fmt::Debug for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("List")
    }
}

#[cfg(test)]
impl<T: schemars::JsonSchema> schemars::JsonSchema for List<'_, T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Vec::<T>::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<T>::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}
