//! The account of the process, for the journal of a store.

use std::fs::File;
use std::io::Read;

/// The bytes of the list of accounts that are looked at. A name beyond them is not found, and the number says who it is.
const MAX_ACCOUNTS: u64 = 1024 * 1024;
/// The bytes of a name. `useradd` takes 32.
const MAX_NAME: usize = 64;

/// `account alice (uid 1000)`: it says that no person named themselves with `--by`.
pub(crate) fn of_process() -> String {
    let uid = rustix::process::getuid().as_raw();
    let mut accounts = Vec::new();
    if let Ok(file) = File::open("/etc/passwd") {
        // Without the list, the number says who it is.
        let _ = file.take(MAX_ACCOUNTS).read_to_end(&mut accounts);
    }
    named(uid, &String::from_utf8_lossy(&accounts))
}

fn named(uid: u32, accounts: &str) -> String {
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        let is_name = |text: &str| {
            let mut bytes = text.bytes();
            !text.is_empty() && text.len() <= MAX_NAME && bytes.all(|byte| byte.is_ascii_graphic())
        };
        (number.parse() == Ok(uid) && is_name(name)).then_some(name)
    });
    match name {
        Some(name) => format!("account {name} (uid {uid})"),
        None => format!("account of uid {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn an_account_is_named_by_its_number_and_the_name_that_is_listed() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nbroken\nalice:x:1000:1000::/home/alice:/bin/sh\n\u{1b}:x:7:7::/:\n";
        assert_eq!(named(0, accounts), "account root (uid 0)");
        assert_eq!(named(1000, accounts), "account alice (uid 1000)");
        for unknown in [7, 10] {
            assert_eq!(
                named(unknown, accounts),
                format!("account of uid {unknown}")
            );
        }
    }
}
