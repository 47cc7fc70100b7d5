//! The consequences of a report by their kinds.

use mutual_trust::store::{
    Consequence, ConsequenceKind, CrlIssuer, EntryKey, Report, ServerId, StoreWarning,
    TrustSourceChange,
};

#[derive(Debug, PartialEq, Eq)]
/// The consequences of one kind, and how many more there are.
pub struct Listed<T> {
    items: Vec<T>,
    omitted: usize,
}

impl<T> Listed<T> {
    pub fn items(&self) -> &[T] {
        &self.items
    }

    pub fn omitted(&self) -> usize {
        self.omitted
    }

    pub fn len(&self) -> usize {
        self.items.len() + self.omitted
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn of(
        report: &Report,
        kind: ConsequenceKind,
        item: impl Fn(&Consequence) -> Option<T>,
    ) -> Self {
        let all = report.consequences().iter();
        let all = all.filter(|consequence| consequence.kind() == kind);
        let (mut items, mut omitted) = (Vec::new(), 0);
        for consequence in all {
            if let Consequence::Omitted { count, .. } = consequence {
                omitted += count;
            } else {
                items.push(item(consequence).unwrap());
            }
        }
        Self { items, omitted }
    }
}

impl<T> IntoIterator for Listed<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

macro_rules! lists {
    ($($name:ident: $kind:ident -> $item:ty),+ $(,)?) => {
        /// The lists of a report.
        pub trait Lists {
            $(fn $name(&self) -> Listed<$item>;)+
        }

        impl Lists for Report {
            $(fn $name(&self) -> Listed<$item> {
                Listed::of(self, ConsequenceKind::$kind, |consequence| match consequence {
                    Consequence::$kind(item) => Some(item.clone()),
                    _ => None,
                })
            })+
        }
    };
}

lists! {
    entries: Entry -> EntryKey,
    claims: Claimed -> ServerId,
    checks: RevocationChecked -> CrlIssuer,
    shifts: TrustSource -> TrustSourceChange,
    still_held: StillHeld -> EntryKey,
    warnings: Warning -> StoreWarning,
}
