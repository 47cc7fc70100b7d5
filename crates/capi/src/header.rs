//! The header of the C interface, made from the entries and their types, and compared with the one that is checked in.

use core::ffi::{c_char, c_void};
use std::fmt::Write as _;
use std::fs;

use mutual_trust::ReasonCode;

use crate::argument::Bytes;
use crate::status::{ABI_VERSION, CHOICES, STATUSES, TIME_SYSTEM, TIME_UNSET};

/// A function of the interface.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static [&'static str],
    /// Type and name.
    pub(crate) arguments: Vec<(String, &'static str)>,
    pub(crate) answer: String,
}

/// The functions of one file.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) functions: Vec<Function>,
}

/// A type as C writes it.
pub(crate) trait InC {
    fn in_c() -> String;
}

macro_rules! in_c {
    ($($rust:ty => $c:literal),* $(,)?) => {
        $( impl InC for $rust {
            fn in_c() -> String {
                $c.into()
            }
        } )*
    };
}

in_c! {
    () => "void",
    u32 => "uint32_t",
    u64 => "uint64_t",
    i64 => "int64_t",
    usize => "size_t",
    c_char => "char",
    c_void => "void",
    Bytes => "mt_bytes",
}

/// The handles, each with what it is.
macro_rules! handles {
    ($($rust:ty => $c:literal, $what:literal;)*) => {
        in_c! { $($rust => $c),* }
        const HANDLES: &[(&str, &str)] = &[$(($c, $what)),*];
    };
}

handles! {
    crate::settings::Settings => "mt_settings", "Settings of a store.";
    crate::store::Store => "mt_store", "A store in a folder, open.";
    crate::live::Live => "mt_live", "What is in force.";
    crate::policy::Policy => "mt_policy", "What is demanded of peers.";
    crate::judge::Judge => "mt_judge", "Decides about peers.";
    crate::peer::Peer => "mt_peer", "The peer of one connection.";
    crate::verdict::Verdict => "mt_verdict", "What was decided about a peer.";
    crate::report::Report => "mt_report", "What a call did, or why it did not.";
    crate::options::Options => "mt_options", "Options of an entry.";
    crate::enrolment::Enrolment => "mt_enrolment", "Unknown clients that wait for an administrator.";
    crate::enrolment::Pending => "mt_pending", "The clients that waited at one moment.";
}

impl<T: InC> InC for *const T {
    fn in_c() -> String {
        format!("const {} *", T::in_c())
    }
}

impl<T: InC> InC for *mut T {
    fn in_c() -> String {
        let inner = T::in_c();
        let space = if inner.ends_with('*') { "" } else { " " };
        format!("{inner}{space}*")
    }
}

pub(crate) fn sections() -> Vec<Section> {
    vec![
        crate::library::section(),
        crate::settings::section(),
        crate::store::section(),
        crate::live::section(),
        crate::policy::section(),
        crate::judge::section(),
        crate::peer::section(),
        crate::verdict::section(),
        crate::reasons::section(),
        crate::report::section(),
        crate::certificates::section(),
        crate::options::section(),
        crate::admin::section(),
        crate::servers::section(),
        crate::blocks::section(),
        crate::listing::section(),
        crate::enrolment::section(),
    ]
}

/// `PinMatched` as `PIN_MATCHED`.
fn upper(name: &str) -> String {
    let mut upper = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !upper.is_empty() {
            upper.push('_');
        }
        upper.push(character.to_ascii_uppercase());
    }
    upper
}

fn comment(header: &mut String, lines: &[&str]) {
    if let [line] = lines {
        writeln!(header, "/* {} */", line.trim()).unwrap();
        return;
    }
    header.push_str("/*\n");
    for line in lines {
        writeln!(header, "{}", format!(" * {}", line.trim()).trim_end()).unwrap();
    }
    header.push_str(" */\n");
}

fn constants(header: &mut String) {
    for (title, table) in [
        ("What calls answer", STATUSES),
        ("What calls take", CHOICES),
    ] {
        writeln!(header, "\n/* ---- {title} ---- */\n").unwrap();
        for (name, number, doc) in table {
            let lines: Vec<&str> = doc.trim_end_matches('\0').lines().collect();
            comment(header, &lines);
            writeln!(header, "#define {name} UINT32_C({number})").unwrap();
        }
    }
    header.push_str("\n/* A time: read the clock of the operating system each time. */\n");
    writeln!(header, "#define MT_TIME_SYSTEM INT64_C({TIME_SYSTEM})").unwrap();
    header.push_str("/* A time: there is no clock, or it was not set since power-on. */\n");
    writeln!(header, "#define MT_TIME_UNSET INT64_C({TIME_UNSET})").unwrap();
    header.push_str(
        "\n/* ---- Reasons of verdicts ----\n *\n * Below 100: the peer may be trusted. A number is never used for another reason, and further ones may come.\n */\n\n",
    );
    header.push_str("/* There is no verdict: an argument cannot be used. */\n#define MT_REASON_NONE UINT32_C(0)\n");
    for reason in ReasonCode::ALL {
        comment(header, &[reason.meaning()]);
        let name = upper(reason.code());
        writeln!(
            header,
            "#define MT_REASON_{name} UINT32_C({})",
            reason.number()
        )
        .unwrap();
    }
}

/// A declaration, on one line if it fits.
fn declaration(function: &Function) -> String {
    let of = |(kind, name): &(String, &str)| {
        let space = if kind.ends_with('*') { "" } else { " " };
        format!("{kind}{space}{name}")
    };
    let arguments: Vec<String> = function.arguments.iter().map(of).collect();
    let space = if function.answer.ends_with('*') {
        ""
    } else {
        " "
    };
    let start = format!("{}{space}{}(", function.answer, function.name);
    if arguments.is_empty() {
        return format!("{start}void);\n");
    }
    let line = format!("{start}{});\n", arguments.join(", "));
    if line.len() <= 120 {
        return line;
    }
    format!("{start}\n    {});\n", arguments.join(",\n    "))
}

fn header() -> String {
    let mut header = include_str!("preamble.h").to_owned();
    writeln!(header, "\n#define MT_ABI_VERSION UINT32_C({ABI_VERSION})").unwrap();
    constants(&mut header);
    header.push_str("\n/* ---- Handles ---- */\n\n");
    for (name, what) in HANDLES {
        writeln!(header, "/* {what} */\ntypedef struct {name} {name};").unwrap();
    }
    for section in sections() {
        writeln!(header, "\n/* ---- {} ---- */", section.title).unwrap();
        for function in &section.functions {
            header.push('\n');
            comment(&mut header, function.doc);
            header.push_str(&declaration(function));
        }
    }
    header.push_str("\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* MUTUAL_TRUST_H */\n");
    header
}

#[test]
fn the_header_is_what_the_entries_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/include/mutual_trust.h");
    let made = header();
    if std::env::var_os("MUTUAL_TRUST_WRITE_HEADER").is_some() {
        fs::write(path, &made).unwrap();
    }
    let stored = fs::read_to_string(path).unwrap_or_default();
    let differs = stored
        .lines()
        .zip(made.lines())
        .find(|(stored, made)| stored != made);
    assert!(
        stored == made,
        "{path} is old, from {differs:?} on: MUTUAL_TRUST_WRITE_HEADER=1 cargo test --package mutual-trust-capi --lib header"
    );
}

#[test]
fn every_function_says_who_may_call_it_and_who_frees_what() {
    for function in sections().iter().flat_map(|section| &section.functions) {
        let (name, doc) = (function.name, function.doc.join("\n"));
        assert!(name.starts_with("mt_"), "{name}");
        assert!(
            doc.contains("\n Threads: "),
            "{name} does not say which threads may call it"
        );
        for (kind, argument) in &function.arguments {
            let gives = kind.starts_with("mt_") && kind.ends_with("**");
            if gives {
                let handle = kind.trim_end_matches(['*', ' ']);
                let freed = format!("{handle}_free");
                assert!(
                    doc.contains("ree ") && doc.replace('\n', " ").contains(&freed),
                    "{name}: who frees {argument}?"
                );
            }
        }
        for line in function.doc {
            assert!(line.len() <= 121, "{name}: {line}");
            assert!(!line.contains("*/"), "{name}");
        }
    }
}

/// A handle that another thread may use must be one that it can.
#[test]
fn handles_are_for_all_threads() {
    fn all<T: Send + Sync>() {}
    all::<crate::settings::Settings>();
    all::<crate::store::Store>();
    all::<crate::live::Live>();
    all::<crate::policy::Policy>();
    all::<crate::judge::Judge>();
    all::<crate::verdict::Verdict>();
    all::<crate::report::Report>();
    all::<crate::options::Options>();
    all::<crate::enrolment::Enrolment>();
    all::<crate::peer::Peer>();
    all::<crate::enrolment::Pending>();
}

#[test]
fn every_handle_has_a_function_that_frees_it() {
    let sections = sections();
    for (handle, _) in HANDLES {
        let freed = format!("{handle}_free");
        let mut functions = sections.iter().flat_map(|section| &section.functions);
        assert!(functions.any(|function| function.name == freed), "{freed}");
    }
}
