//! Byte ranges in the DER of a revocation list.

/// A byte range, like [`Span`](super::super::der::Span), but for lists of millions of bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    start: u32,
    len: u32,
}

impl Place {
    /// The range of `part`, which must be a slice of `whole`.
    pub(super) fn locate(whole: &[u8], part: &[u8]) -> Option<Self> {
        let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
        let end = start.checked_add(part.len())?;
        if end > whole.len() {
            return None;
        }
        Some(Self {
            start: u32::try_from(start).ok()?,
            len: u32::try_from(part.len()).ok()?,
        })
    }

    pub(super) fn get(self, whole: &[u8]) -> &[u8] {
        let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let start = index(self.start);
        whole
            .get(start..start.saturating_add(index(self.len)))
            .unwrap_or(&[])
    }
}
