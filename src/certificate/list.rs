//! DER structures of few parts, and checks of each part of longer ones.

use core::ops::Deref;

use super::der::{OID, SEQUENCE, Value, take};

pub(super) type Checked = Result<(), &'static str>;

/// The parts of a value of few parts, without a list of their own.
pub(super) struct List<'a> {
    few: [Value<'a>; FEW],
    count: usize,
}

/// No structure that is read as a list has more parts; those of any length are walked.
const FEW: usize = 4;

impl<'a> Deref for List<'a> {
    type Target = [Value<'a>];

    fn deref(&self) -> &[Value<'a>] {
        self.few.get(..self.count).unwrap_or(&[])
    }
}

#[inline]
pub(super) fn list<'a>(
    value: &Value<'a>,
    tag: u8,
    field: &'static str,
) -> Result<List<'a>, &'static str> {
    let mut list = List {
        few: [*value; FEW],
        count: 0,
    };
    each(value, tag, field, |part| {
        let place = list.few.get_mut(list.count).ok_or(field)?;
        *place = *part;
        list.count = list.count.saturating_add(1);
        Ok(())
    })?;
    Ok(list)
}

/// Checks every part of a value; returns how many there are.
#[inline]
pub(super) fn each<'a>(
    value: &Value<'a>,
    tag: u8,
    field: &'static str,
    mut check: impl FnMut(&Value<'a>) -> Checked,
) -> Result<usize, &'static str> {
    if value.tag != tag {
        return Err(field);
    }
    let mut rest = value.content;
    let mut count = 0_usize;
    while !rest.is_empty() {
        let (part, after) = take(rest).ok_or(field)?;
        check(&part)?;
        rest = after;
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// The same, and there must be one.
#[inline]
pub(super) fn at_least_one<'a>(
    value: &Value<'a>,
    tag: u8,
    field: &'static str,
    check: impl FnMut(&Value<'a>) -> Checked,
) -> Checked {
    match each(value, tag, field, check)? {
        0 => Err(field),
        _ => Ok(()),
    }
}

/// An identifier, and parameters of whatever kind it has.
#[inline]
pub(super) fn algorithm(value: &Value<'_>, field: &'static str) -> Checked {
    match &list(value, SEQUENCE, field)?[..] {
        [id] | [id, _] if id.tag == OID => Ok(()),
        _ => Err(field),
    }
}
