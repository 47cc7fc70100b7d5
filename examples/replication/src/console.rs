//! The console of a process: its administrator types a line, and it answers with one.
//!
//! The process ends when the console does, so that none is left behind when its parent has ended.

use std::io;

use crate::Outcome;

/// Answers commands until the input ends.
pub(crate) fn serve(mut answer: impl FnMut(&[&str]) -> Outcome<String>) -> Outcome<()> {
    println!("ready");
    for line in io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match answer(&words) {
            Ok(text) => println!("ok {}", one_line(&text)),
            Err(error) => println!("error {}", one_line(&causes(&*error))),
        }
    }
    Ok(())
}

/// An error with its causes.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        below = cause.source();
    }
    text
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
