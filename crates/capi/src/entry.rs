//! What every entry has in common.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::status::{FAULT, Failed};

/// Runs the body of an entry. Whatever it does not answer is `failed`, a panic too.
pub(crate) fn guard<T>(
    failed: impl Fn(Failed) -> T,
    body: impl FnOnce() -> Result<T, Failed>,
) -> T {
    // What a panic left half-done is behind locks that are poisoned then, or is dropped.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(answer)) => answer,
        Ok(Err(status)) => failed(status),
        Err(_) => {
            #[cfg(feature = "fuzz")]
            crate::fuzz::panicked();
            failed(FAULT)
        }
    }
}

/// The answer of a call that failed, for calls that answer with a status.
pub(crate) fn status(failed: Failed) -> u32 {
    failed
}

/// The answer of a call that failed, for calls that answer with a number: nothing.
pub(crate) fn nothing<T: Default>(_: Failed) -> T {
    T::default()
}

/// The answer of a call that failed, for calls that return nothing.
pub(crate) fn ignore(_: Failed) {}

/// Defines functions of the C interface. An argument `name: Kind` is read by `Kind::read` of `argument` before the body
/// runs, so the body is safe code; `name/length: Kind` is a pointer with its length. A body answers `Ok`, or `Err` with
/// a status, of which the function after `else` makes the answer.
///
/// The documentation is that of the header, which a test makes from the same text and from the same types.
macro_rules! entries {
    ($section:literal; $(
        $(#[doc = $doc:literal])+
        fn $name:ident($( $arg:ident $(/ $length:ident)? : $kind:ty ),* $(,)?) -> $answer:ty, else $failed:path $body:block
    )*) => {
        $(
            $(#[doc = $doc])+
            ///
            /// # Safety
            /// Each pointer is NULL or points to what its documentation says, with the length that goes with it.
            #[expect(unsafe_code, reason = "C calls it by this name, with pointers")]
            #[unsafe(no_mangle)]
            pub(crate) unsafe extern "C" fn $name(
                $( $arg: <$kind as crate::argument::Argument>::C $(, $length: usize)? ),*
            ) -> $answer {
                crate::entry::guard($failed, || {
                    // All of them first: places for answers are empty then, also if an argument before them cannot be used.
                    $(
                        // SAFETY: the caller promises it.
                        let $arg = unsafe { <$kind>::read($arg $(, $length)?) };
                    )*
                    $( let $arg = $arg?; )*
                    $body
                })
            }
        )*

        /// The functions of this file, for the fuzz target.
        #[cfg(feature = "fuzz")]
        pub(crate) fn calls() -> Vec<crate::fuzz::Call> {
            vec![$(
                crate::fuzz::Call {
                    name: stringify!($name),
                    call: |_session| {
                        $( let mut $arg = <$kind as crate::fuzz::Drawn>::draw(_session, stringify!($arg)); )*
                        $( $( let $length = <$kind as crate::fuzz::Drawn>::length(&$arg); )? )*
                        #[expect(unsafe_code, reason = "what C calls takes pointers")]
                        // SAFETY: what is drawn is NULL, or points to memory or a handle that is there until the end of the
                        // call, with the length that goes with it.
                        let answer = unsafe {
                            $name($( <$kind as crate::fuzz::Drawn>::pass(&mut $arg) $(, $length)? ),*)
                        };
                        let answer = crate::fuzz::Answer::number(answer);
                        $( <$kind as crate::fuzz::Drawn>::after($arg, _session, answer); )*
                        // A status is told by what a failed call answers.
                        let failed: fn(crate::status::Failed) -> $answer = $failed;
                        let status = crate::fuzz::Answer::number(failed(FAILED)) == u64::from(FAILED);
                        _session.ends(stringify!($name), answer, status);
                    },
                }
            ),*]
        }

        /// A status for which a call that answers something else answers nothing.
        #[cfg(feature = "fuzz")]
        const FAILED: u32 = crate::status::ARGUMENT;

        /// The functions of this file, for the header.
        #[cfg(test)]
        pub(crate) fn section() -> crate::header::Section {
            crate::header::Section {
                title: $section,
                functions: vec![$(
                    crate::header::Function {
                        name: stringify!($name),
                        doc: &[$($doc),+],
                        arguments: vec![$(
                            (<<$kind as crate::argument::Argument>::C as crate::header::InC>::in_c(), stringify!($arg))
                            $(, (<usize as crate::header::InC>::in_c(), stringify!($length)))?
                        ),*],
                        answer: <$answer as crate::header::InC>::in_c(),
                    }
                ),*],
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{NULL, OK};

    #[test]
    fn a_panic_is_a_fault_and_accepts_nothing() {
        assert_eq!(guard(status, || panic!("planted")), FAULT);
        assert_eq!(guard(nothing::<u32>, || panic!("planted")), 0);
        assert_eq!(guard(status, || Err(NULL)), NULL);
        assert_eq!(guard(status, || Ok(OK)), OK);
    }
}
