//! The checks. Each takes a file and returns what is wrong with it, a line each.

use crate::layering::source::{
    Token, code, docs, lines_in_use, paths, tokens, without_marked, without_tests,
};

/// A source file: its path from the root of the package, and its text.
pub struct File {
    pub path: String,
    pub source: String,
    code: String,
    production: String,
}

impl File {
    pub fn new(path: &str, source: &str) -> Self {
        let code = code(source);
        Self {
            path: path.to_owned(),
            source: source.to_owned(),
            production: without_tests(&code),
            code,
        }
    }

    pub fn production(&self) -> &str {
        &self.production
    }

    /// The directory or file below `src/`, without `.rs`; nothing for a file of the command.
    fn room(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or("");
        let first = below.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// The rooms in the order in which a certificate flows.
pub const ROOMS: [&str; 8] = [
    "certificate",
    "identity",
    "store",
    "policy",
    "observe",
    "failover",
    "admin",
    "tls",
];

/// What is behind a feature: the module that declares it, and its modules. `*` is the whole room, which is there with
/// any of the features.
const BEHIND: &[(&str, &str, &[&str])] = &[
    (
        "admin",
        "src/admin/mod.rs",
        &[
            "durable",
            "expiry",
            "file",
            "follow",
            "guided",
            "peer",
            "plan",
            "scenarios",
            "deciding",
            "seal",
            "seen",
        ],
    ),
    ("enrol", "src/admin/mod.rs", &["enrol"]),
    ("bundle", "src/admin/mod.rs", &["bundle"]),
    ("bundle", "src/tls/mod.rs", &["bundle"]),
    ("enrol", "src/tls/mod.rs", &["enrol", "probe"]),
    ("metrics", "src/admin/mod.rs", &["gauges"]),
    ("metrics", "src/tls/mod.rs", &["gauges"]),
    ("admin", "src/tls/mod.rs", &["folder"]),
    (
        "admin",
        "src/store/mod.rs",
        &["planned", "restore", "rollback", "rolled_back"],
    ),
];

/// The attributes that put an item behind a feature.
const FEATURE_MARKS: [&str; 5] = [
    "#[cfg(feature = \"bundle\")]",
    "#[cfg(feature = \"admin\")]",
    "#[cfg(feature = \"enrol\")]",
    "#[cfg(any(feature = \"admin\", feature = \"enrol\"))]",
    "#[cfg(all(feature = \"admin\", feature = \"metrics\"))]",
];

/// What is behind a feature is not named outside of it: the modules are declared behind their feature, and no other
/// file names the room `admin`, or one of these modules, in an item that is not behind a feature itself.
pub fn features(file: &File) -> Vec<String> {
    let mut wrong = Vec::new();
    let behind = |(_, declares, modules): &(&str, &str, &[&str])| {
        let folder = declares.trim_end_matches("mod.rs");
        let rest = file.path.strip_prefix(folder);
        rest.is_some_and(|rest| modules.contains(&rest.split(['/', '.']).next().unwrap()))
    };
    if BEHIND.iter().any(behind) || file.path.starts_with(PROGRAM) {
        return wrong;
    }
    // Feature names are literals, so the marks are looked for in the source; comments and tests are no items.
    let open = without_marked(&file.production, &file.source, &FEATURE_MARKS);
    for (line, path) in paths(&open) {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let is_room = matches!(names.as_slice(), ["crate" | "super", "admin", ..])
            || (file.path == "src/lib.rs" && matches!(names.as_slice(), ["admin", _, ..]));
        if is_room && file.room() != "admin" {
            wrong.push(file.at(
                line,
                &format!("names {} without its feature", names.join("::")),
            ));
        }
        for (feature, declares, modules) in BEHIND {
            let (["super" | "self", named, ..] | [named, ..]) = names.as_slice() else {
                continue;
            };
            if *declares == file.path && modules.contains(named) && names.len() > 1 {
                let what = format!("names {} without the feature {feature}", names.join("::"));
                wrong.push(file.at(line, &what));
            }
        }
    }
    let words = tokens(&open);
    for pair in words.windows(2) {
        let (Token::Name(first), Token::Name(module)) = (&pair[0].1, &pair[1].1) else {
            continue;
        };
        let declared = BEHIND.iter().any(|(_, declares, modules)| {
            *declares == file.path && modules.contains(&module.as_str())
        });
        let is_admin = file.path == "src/lib.rs" && module == "admin";
        if first == "mod" && (declared || is_admin) {
            wrong.push(file.at(pair[1].0, &format!("declares {module} without its feature")));
        }
    }
    wrong
}

/// Where the command is. It is a user of the library, so it may name every room, do I/O and print.
pub const PROGRAM: &str = "crates/cli/src/";

/// The modules of the command, in the order in which one may name another.
const MODULES: [&str; 34] = [
    "plain",
    "account",
    "json",
    "long",
    "output",
    "ask",
    "facts",
    "describe",
    "passphrase",
    "formats",
    "files",
    "fingerprints",
    "tree",
    "hardware",
    "ours",
    "presented",
    "trust",
    "exchange",
    "link",
    "kmip",
    "nodes",
    "inspect",
    "check",
    "connect",
    "store",
    "fleet",
    "enroll",
    "session",
    "serve",
    "rotation",
    "identity",
    "examples",
    "fitting",
    "generate",
];

/// The command's modules name only modules before them, and nothing of the library but what it offers to all.
pub fn modules(file: &File) -> Vec<String> {
    let Some(below) = file.path.strip_prefix(PROGRAM) else {
        return Vec::new();
    };
    let own = below.split(['/', '.']).next().unwrap();
    let place = |module: &str| MODULES.iter().position(|known| *known == module);
    let mut wrong = Vec::new();
    if own != "main" && place(own).is_none() {
        wrong.push(file.at(1, "a module of the command without a place in the order"));
    }
    for (line, path) in paths(&file.production) {
        let (Some("crate"), Some(named)) = (path.first().map(String::as_str), path.get(1)) else {
            continue;
        };
        if own != "main" && place(named) >= place(own) && named != own {
            let what = format!("{own} names {}, which is not before it", path.join("::"));
            wrong.push(file.at(line, &what));
        }
    }
    wrong
}

/// A room names only rooms above it. All may name `limits`, which names none. `error` re-exports the errors of all
/// rooms, and no room names it.
pub fn rooms(file: &File) -> Vec<String> {
    let own = file.room();
    let mut wrong = Vec::new();
    if own == "lib" || file.path.starts_with(PROGRAM) {
        return wrong;
    }
    let modules = file.path.matches('/').count() - usize::from(file.path.ends_with("/mod.rs"));
    for (line, path) in paths(&file.production) {
        let supers = path.iter().take_while(|name| *name == "super").count();
        let from_root = match path.first().map(String::as_str) {
            Some("crate") => path.get(1),
            Some("super") if supers >= modules => path.get(supers),
            _ => continue,
        };
        let Some(named) = from_root else {
            wrong.push(file.at(line, "takes the crate itself"));
            continue;
        };
        let place = |room: &str| ROOMS.iter().position(|known| *known == room);
        let allowed = match (place(own), place(named)) {
            _ if own == "limits" => false,
            (Some(own), Some(named)) => named <= own,
            (None, Some(_)) => own == "error",
            (_, None) => named == "limits",
        };
        if !allowed {
            let what = format!("{own} names {}, which is not above it", path.join("::"));
            wrong.push(file.at(line, &what));
        }
    }
    wrong
}

/// `lib.rs` declares rooms and re-exports; it has no logic.
pub fn no_logic_in_lib(file: &File) -> Vec<String> {
    if file.path != "src/lib.rs" {
        return Vec::new();
    }
    let all = tokens(&file.production);
    let logic = |token: &Token| {
        let words = [
            "fn",
            "impl",
            "struct",
            "enum",
            "trait",
            "const",
            "static",
            "let",
            "macro_rules",
        ];
        matches!(token, Token::Name(name) if words.contains(&name.as_str()))
    };
    let found = all.iter().filter(|(_, token)| logic(token));
    found
        .map(|(line, token)| file.at(*line, &format!("{token:?} in lib.rs")))
        .collect()
}

/// What only some files may name: the start of a path, and those files or folders.
const ONLY_IN: &[(&str, &[&str])] = &[
    // rustls 0.24 may change nothing but the adapters.
    ("rustls", &["src/tls/"]),
    // webpki 0.104 may change one file of the policy.
    ("webpki", &["src/policy/linear.rs"]),
    (
        "webpki::RawPublicKeyEntity",
        &["src/certificate/keys.rs", "src/tls/signature.rs"],
    ),
    (
        "webpki::anchor_from_trusted_cert",
        &["src/certificate/mod.rs"],
    ),
    ("webpki::EndEntityCert", &["src/certificate/mod.rs"]),
    ("webpki::Error", &["src/tls/signature.rs"]),
    // Nothing but the clock that an embedder may replace reads the time.
    ("std::time::SystemTime", &["src/certificate/time.rs"]),
    // How long a reader of observations has waited. Nothing is judged by it.
    ("std::time::Instant", &["src/observe/queue.rs"]),
    // The snapshot in force and what is remembered of signatures are swapped; all else that threads share has a lock or is a
    // count.
    (
        "arc_swap",
        &["src/store/pointer.rs", "src/store/verified.rs"],
    ),
    // A certificate and its bytes in one piece of memory.
    ("triomphe", &["src/certificate/mod.rs"]),
    // No I/O, no environment, and no threads but those that verify a large bundle.
    // Private keys, the files of a store and of our identity, and followed files, and nothing else.
    (
        "std::fs",
        &[
            "src/identity/file.rs",
            "src/identity/owner.rs",
            "src/identity/open.rs",
            "src/identity/write.rs",
            "src/admin/durable/disk/",
            "src/admin/follow/read.rs",
            "src/tls/folder/disk.rs",
        ],
    ),
    ("std::env", &[]),
    ("std::net::TcpStream", &[]),
    ("std::net::TcpListener", &[]),
    ("std::net::UdpSocket", &[]),
    ("std::net::ToSocketAddrs", &[]),
    // The name of a temporary file has the process id in it.
    ("std::process", &["src/identity/write.rs"]),
    ("std::thread", &["src/store/threads.rs"]),
    ("std::thread::LocalKey", &["src/certificate/apart.rs"]),
    // A change waits for the change of another process, for a bounded time. The file's lock cannot wait so itself.
    (
        "std::thread::sleep",
        &["src/admin/durable/disk/lock.rs", "src/tls/folder/disk.rs"],
    ),
    ("std::io::stdin", &[]),
    ("std::io::stdout", &[]),
    ("std::io::stderr", &[]),
    // Only the events.
    (
        "tracing",
        &[
            "src/admin/enrol/trace.rs",
            "src/observe/trace.rs",
            "src/store/trace.rs",
            "src/tls/trace.rs",
        ],
    ),
    // Only the counters and gauges.
    ("metrics", &["src/observe/meter/", "src/store/trace.rs"]),
    // One place says yes to rustls for certificates, and one for handshake signatures.
    ("ServerCertVerified::assertion", &["src/tls/verifier.rs"]),
    ("ClientCertVerified::assertion", &["src/tls/verifier.rs"]),
    (
        "HandshakeSignatureValid::assertion",
        &["src/tls/signature.rs"],
    ),
];

pub fn only_in(file: &File) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_program = file.path.starts_with(PROGRAM);
    for (line, path) in paths(&file.production) {
        let path = path.join("::");
        let is_below = |start: &str| {
            let glob = path.strip_suffix('*').unwrap_or("/");
            path == start || path.starts_with(&format!("{start}::")) || start.starts_with(glob)
        };
        let matching: Vec<_> = ONLY_IN
            .iter()
            .filter(|(start, _)| is_below(start))
            .collect();
        let named_here = |places: &&[&str]| places.iter().any(|place| file.path.starts_with(place));
        let of_program =
            |start: &str| is_program && (start.starts_with("std::") || start == "rustls");
        let allowed = matching
            .iter()
            .any(|(start, places)| named_here(places) || of_program(start));
        if !matching.is_empty() && !allowed {
            wrong.push(file.at(line, &format!("names {path}")));
        }
    }
    wrong
}

/// Names that stand in one file only, however they were imported.
const NAMES_ONLY_IN: &[(&str, &[&str])] = &[
    ("verify_for_usage", &["src/policy/linear.rs"]),
    (
        "anchor_from_trusted_cert",
        &["src/policy/linear.rs", "src/certificate/mod.rs"],
    ),
    ("SystemTime", &["src/certificate/time.rs"]),
    ("Instant", &["src/observe/queue.rs"]),
];

/// Macros that print or stop.
const MACROS: [&str; 9] = [
    "println",
    "eprintln",
    "print",
    "eprint",
    "dbg",
    "todo",
    "unimplemented",
    "unreachable",
    "panic",
];

/// Those that the command may use.
const PRINTING: [&str; 4] = ["println", "eprintln", "print", "eprint"];

/// What a verdict may not depend on: nothing in the view or in its judgement changes by itself.
const STATE: [&str; 9] = [
    "Mutex",
    "RwLock",
    "Condvar",
    "Cell",
    "RefCell",
    "OnceLock",
    "OnceCell",
    "LazyLock",
    "thread_local",
];

/// Where there is state all the same: the pointer to the snapshot in force, which a verdict reads once; what was decided is
/// remembered there, and given again only if it would be decided again; a judgement of time notes up to when it stays the
/// same, which no judgement reads; and each verdict counts from zero what it spends.
const STATE_IN: &[(&str, &[&str])] = &[
    ("src/store/live.rs", &["Condvar", "Mutex"]),
    (
        "src/store/pointer.rs",
        &["AtomicUsize", "OnceLock", "thread_local"],
    ),
    // Copies of what is kept of a verdict, equal to it. No judgement reads them.
    ("src/certificate/apart.rs", &["RefCell", "thread_local"]),
    (
        "src/policy/decide/acceptance.rs",
        &["RefCell", "thread_local"],
    ),
    (
        "src/policy/memory.rs",
        &["RwLock", "AtomicBool", "AtomicU64"],
    ),
    ("src/policy/timing.rs", &["Cell"]),
    // Signatures that were verified before. With or without it, a verdict is the same.
    ("src/store/verified.rs", &["Mutex"]),
    // The tasks that wait for a change. No verdict reads them.
    ("src/store/waiters.rs", &["Mutex"]),
    ("src/policy/work.rs", &["Cell"]),
];

pub fn names(file: &File) -> Vec<String> {
    let mut wrong = Vec::new();
    let all = tokens(&file.production);
    let pure = ["certificate", "store", "policy"].contains(&file.room());
    for (index, (line, token)) in all.iter().enumerate() {
        let Token::Name(name) = token else { continue };
        let name = name.as_str();
        let next = all.get(index + 1).map(|(_, token)| token);
        let elsewhere = |(only, places): &(&str, &[&str])| {
            *only == name && !places.contains(&file.path.as_str())
        };
        let prints = PRINTING.contains(&name) || name == "Instant";
        if prints && file.path.starts_with(PROGRAM) {
            continue;
        }
        let is_macro = MACROS.contains(&name) && next == Some(&Token::Mark('!'));
        let is_state = STATE.contains(&name) || name.starts_with("Atomic");
        let is_known = STATE_IN
            .iter()
            .any(|(path, known)| *path == file.path && known.contains(&name));
        if NAMES_ONLY_IN.iter().any(elsewhere) || is_macro || (pure && is_state && !is_known) {
            wrong.push(file.at(*line, &format!("has {name}")));
        }
    }
    wrong
}

/// Only `policy/decide/` can say yes: it alone makes an `Acceptance`, and the `Accepted` of a caller is made of one.
pub fn accepted(file: &File) -> Vec<String> {
    let made_in = [
        ("Acceptance", "src/policy/decide/acceptance.rs"),
        ("Accepted", "src/policy/result.rs"),
        ("Yes", "src/policy/decide/acceptance.rs"),
    ];
    let all = tokens(&file.production);
    let mut wrong = Vec::new();
    for (name, place) in made_in {
        let pairs = all
            .windows(2)
            .filter(|pair| pair[0].1 == Token::Name(name.into()) && pair[1].1 == Token::Mark('{'));
        if file.path != place {
            let what = format!("makes, takes apart or extends {name}");
            wrong.extend(pairs.map(|pair| file.at(pair[0].0, &what)));
        }
    }
    // Its constructors are visible in `decide` alone; the compiler holds that, and this that it stays so.
    let made = |(_, path): &(usize, Vec<String>)| {
        path.windows(2).any(|pair| {
            pair[0] == "Acceptance" && matches!(pair[1].as_str(), "by_pin" | "by_chain")
        })
    };
    if !file.path.starts_with("src/policy/decide/") {
        let calls = paths(&file.production);
        let calls = calls.iter().filter(|call| made(call));
        wrong.extend(calls.map(|(line, _)| file.at(*line, "calls what makes Acceptance")));
    }
    wrong
}

/// In API docs, "self-signed" always says what is.
pub fn self_signed(file: &File) -> Vec<String> {
    let blocks = if file.path.ends_with(".md") {
        let paragraphs = (1..).zip(file.source.split("\n\n"));
        paragraphs
            .map(|(at, text)| (at, text.replace('\n', " ")))
            .collect()
    } else {
        docs(&file.source)
    };
    let nouns = [
        "end entity",
        "end entities",
        "CA",
        "certificate",
        "server certificate",
        "client certificate",
    ];
    let mut wrong = Vec::new();
    for (line, text) in blocks {
        for (found, word) in text.to_ascii_lowercase().match_indices("self-signed") {
            let rest = text[found + word.len()..].trim_start_matches([' ', '*', '`', '_']);
            if !nouns.iter().any(|noun| rest.starts_with(noun)) {
                let end = rest
                    .char_indices()
                    .nth(30)
                    .map_or(rest.len(), |(end, _)| end);
                wrong.push(file.at(
                    line,
                    &format!("bare \"self-signed\" before {:?}", &rest[..end]),
                ));
            }
        }
    }
    wrong
}

/// Lints are never switched off without a reason, and never by `allow`.
pub fn lint_attributes(file: &File) -> Vec<String> {
    let all = tokens(&file.code);
    let mut wrong = Vec::new();
    let mut index = 0;
    while index < all.len() {
        let bang =
            usize::from(all.get(index + 1).map(|(_, token)| token) == Some(&Token::Mark('!')));
        let open = all.get(index + 1 + bang).map(|(_, token)| token) == Some(&Token::Mark('['));
        if all[index].1 != Token::Mark('#') || !open {
            index += 1;
            continue;
        }
        let (line, start) = (all[index].0, index + 1 + bang);
        let mut depth = 0;
        let length = all[start..].iter().position(|(_, token)| {
            match token {
                Token::Mark('[') => depth += 1,
                Token::Mark(']') => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let inside: Vec<&Token> = all[start..start + length.unwrap_or(0)]
            .iter()
            .map(|(_, token)| token)
            .collect();
        let has = |name: &str| inside.contains(&&Token::Name(name.to_owned()));
        let is = |name: &str| inside.get(1) == Some(&&Token::Name(name.to_owned()));
        if is("allow") {
            wrong.push(file.at(line, "allow instead of expect with a reason"));
        } else if (is("expect") || has("allow")) && !has("reason") {
            wrong.push(file.at(line, "a lint switched off without a reason"));
        }
        index = start + length.unwrap_or(0) + 1;
    }
    wrong
}

/// Files stay short enough to be read at once.
pub fn length(file: &File) -> Vec<String> {
    let lines = lines_in_use(&file.source, &file.production);
    if lines < 400 {
        return Vec::new();
    }
    vec![file.at(lines, "400 lines or more without tests")]
}

/// In the rooms that judge, no catch-all arm of a match says yes.
pub fn catch_all(file: &File) -> Vec<String> {
    if !["policy", "tls"].contains(&file.room()) {
        return Vec::new();
    }
    let yes = [
        "Ok",
        "true",
        "Passed",
        "Accepted",
        "Acceptance",
        "assertion",
        "by_pin",
        "by_chain",
        "by_authority",
        "accept_pin",
        "accept_chain",
    ];
    let all = tokens(&file.production);
    let mut wrong = Vec::new();
    for (index, (line, token)) in all.iter().enumerate() {
        let arrow = |at: usize| {
            all.get(at).map(|(_, token)| token) == Some(&Token::Mark('='))
                && all.get(at + 1).map(|(_, token)| token) == Some(&Token::Mark('>'))
        };
        if *token != Token::Name("_".into()) {
            continue;
        }
        // `_ =>`, or `_ if … =>`.
        let guarded = all.get(index + 1).map(|(_, token)| token) == Some(&Token::Name("if".into()));
        let Some(start) = (index + 1..all.len().min(index + 40)).find(|at| arrow(*at)) else {
            continue;
        };
        if start != index + 1 && !guarded {
            continue;
        }
        let mut depth = 0_i32;
        let arm = all[start + 2..].iter().take_while(|(_, token)| {
            match token {
                Token::Mark('(' | '[' | '{') => depth += 1,
                Token::Mark(')' | ']' | '}') => depth -= 1,
                _ => {}
            }
            depth >= 0 && !(depth == 0 && *token == Token::Mark(','))
        });
        let says_yes =
            |token: &Token| matches!(token, Token::Name(name) if yes.contains(&name.as_str()));
        if arm.into_iter().any(|(_, token)| says_yes(token)) {
            wrong.push(file.at(*line, "a catch-all arm that says yes"));
        }
    }
    wrong
}
