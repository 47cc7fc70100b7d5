//! Errors as one line of text.

use core::error::Error;

/// An error with its causes, as one line: `what: cause: its cause`.
///
/// `Display` of an error says only what happened and where. Log with this, or walk
/// [`source`](core::error::Error::source) yourself.
///
/// ```
/// use mutual_trust::Certificate;
/// use mutual_trust::error::with_causes;
///
/// let text = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
/// let error = Certificate::from_pem(text.as_bytes()).unwrap_err();
/// assert_eq!(
///     with_causes(&error),
///     "the certificate in section 1 (line 1) cannot be read: the certificate is empty"
/// );
/// ```
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
