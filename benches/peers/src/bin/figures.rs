//! Makes the tables of docs/FIGURES.md and the plots of what `benches/run` measured.
//!
//! `figures PAGE PLOTS`: each part of the page between `<!-- figures:NAME -->` and `<!-- /figures:NAME -->` is
//! replaced by the table NAME, and the plots are written into the folder PLOTS.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed; a figure may be rounded"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use mutual_trust_peers::plot::{Series, grouped, svg};
use mutual_trust_peers::record;

struct Figures(BTreeMap<String, f64>);

/// A time with three digits.
fn time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{} {unit}", digits(value))
}

fn digits(value: f64) -> String {
    match value {
        v if v < 1.0 => format!("{v:.3}"),
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => grouped(v.round() as u64),
    }
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text
}

impl Figures {
    fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    fn time(&self, name: &str) -> String {
        self.get(name).map_or("–".to_owned(), time)
    }

    /// How many times of the second one the first takes.
    fn ratio(&self, name: &str, of: &str) -> String {
        let both = self.get(name).zip(self.get(of));
        both.map_or("–".to_owned(), |(one, other)| {
            format!("{} ×", digits(one / other))
        })
    }

    fn sizes(&self, group: &str) -> Vec<u64> {
        let names = self.0.keys().filter_map(|name| name.strip_prefix(group));
        let mut sizes: Vec<u64> = names.filter_map(|size| size.parse().ok()).collect();
        sizes.sort_unstable();
        sizes
    }

    fn pins(&self) -> String {
        let head = [
            "pins installed",
            "a server's pin",
            "few clients",
            "any client",
            "comparison of bytes",
            "OpenSSL, parsed",
            "OpenSSL, with parsing",
            "webpki, one signature",
            "webpki / a server's pin",
        ];
        let rows = self.sizes("pin/server/").into_iter().map(|size| {
            let ours = format!("pin/server/{size}");
            let others = ["client-few", "client-any", "bytes"]
                .map(|what| self.time(&format!("pin/{what}/{size}")));
            let openssl = ["openssl-parsed", "openssl"]
                .map(|what| self.time(&format!("pin-peers/{what}/{size}")));
            let webpki = "pin-peers/webpki-one";
            [grouped(size), self.time(&ours)]
                .into_iter()
                .chain(others)
                .chain(openssl)
                .chain([self.time(webpki), self.ratio(webpki, &ours)])
                .collect()
        });
        table(&head, rows.collect())
    }

    fn matches(&self) -> String {
        let rows = [
            ("certificate", "by the whole certificate"),
            ("key", "by its key, the installed certificate presented"),
            ("key-renewed", "by its key, another certificate presented"),
            ("fingerprint", "by its fingerprint"),
            ("refused", "not: another certificate of the key is pinned"),
        ];
        let rows = rows.map(|(name, title)| {
            let [ec, rsa] =
                ["P-256", "RSA-2048"].map(|kind| self.time(&format!("match/{name}/{kind}")));
            vec![title.to_owned(), ec, rsa]
        });
        table(&["a pin matches", "P-256", "RSA-2048"], rows.into())
    }

    fn chain_row(&self, group: &str, value: &str) -> Vec<String> {
        let name = |what: &str| format!("{group}/{what}/{value}");
        let [first, known, remembered, webpki] =
            ["first", "known", "remembered", "webpki"].map(name);
        vec![
            self.time(&first),
            self.time(&known),
            self.time(&remembered),
            self.time(&webpki),
            self.time(&name("openssl")),
            self.ratio(&first, &webpki),
            self.ratio(&known, &webpki),
            self.ratio(&webpki, &remembered),
        ]
    }

    fn chains(&self) -> String {
        let mut rows = Vec::new();
        for kind in ["P-256", "RSA-2048"] {
            for length in ["1", "2", "3", "4"] {
                let mut row = vec![kind.to_owned(), length.to_owned()];
                row.extend(self.chain_row(&format!("chain-{kind}"), length));
                rows.push(row);
            }
        }
        let head = [
            "keys",
            "certificates presented",
            "first seen",
            "issuers known",
            "remembered",
            "webpki",
            "OpenSSL, with parsing",
            "first seen / webpki",
            "issuers known / webpki",
            "webpki / remembered",
        ];
        table(&head, rows)
    }

    fn authorities(&self) -> String {
        let rows = self.sizes("authorities/first/").into_iter().map(|size| {
            let mut row = vec![grouped(size)];
            row.extend(self.chain_row("authorities", &size.to_string()));
            row
        });
        let head = [
            "authorities",
            "first seen",
            "issuers known",
            "remembered",
            "webpki",
            "OpenSSL, with parsing",
            "first seen / webpki",
            "issuers known / webpki",
            "webpki / remembered",
        ];
        table(&head, rows.collect())
    }

    fn handshakes(&self) -> String {
        let mut rows = Vec::new();
        for provider in ["aws-lc-rs", "ring"] {
            for kind in ["P-256", "RSA-2048"] {
                for (what, title) in [("pin", "pinned"), ("chain", "signed by a CA")] {
                    for tls in ["1.2", "1.3"] {
                        let name =
                            |way: &str| format!("handshake/{provider}/{kind}/{what}/{tls}/{way}");
                        let [ours, remembered, unchecked, plain] =
                            ["ours", "remembered", "unchecked", "plain"].map(name);
                        rows.push(vec![
                            provider.to_owned(),
                            kind.to_owned(),
                            title.to_owned(),
                            tls.to_owned(),
                            self.time(&ours),
                            self.time(&remembered),
                            self.time(&unchecked),
                            self.time(&plain),
                            self.ratio(&ours, &unchecked),
                            self.ratio(&remembered, &unchecked),
                            self.ratio(&ours, &plain),
                            self.ratio(&remembered, &plain),
                        ]);
                    }
                }
            }
        }
        let head = [
            "provider",
            "keys",
            "certificates",
            "TLS",
            "ours",
            "ours, remembering chains",
            "no certificate check",
            "plain rustls",
            "ours / no check",
            "remembering / no check",
            "ours / plain",
            "remembering / plain",
        ];
        table(&head, rows)
    }

    fn publishing(&self) -> String {
        let mut rows = Vec::new();
        for (what, title) in [
            ("verdict", "verdicts on one busy peer"),
            ("verdict-many", "verdicts on 10,000 clients"),
            ("handshake", "handshakes"),
        ] {
            for threads in ["1", "2"] {
                let of = |part: &str| self.get(&format!("publishing/{what}/{threads}/{part}"));
                let shown = |value: Option<f64>, as_text: &dyn Fn(f64) -> String| {
                    value.map_or("–".to_owned(), as_text)
                };
                rows.push(vec![
                    title.to_owned(),
                    threads.to_owned(),
                    shown(of("without"), &|rate| grouped(rate.round() as u64)),
                    shown(of("gain"), &|gain| format!("{gain:.2} ×")),
                    shown(of("kept"), &|kept| format!("{:.1} %", 100.0 * (1.0 - kept))),
                ]);
            }
        }
        let head = [
            "what",
            "threads",
            "a second, alone",
            "beside one thread",
            "lost with 1,000 publications a second",
        ];
        table(&head, rows)
    }

    fn stores(&self) -> String {
        let rows = self.sizes("store/write/").into_iter().map(|size| {
            let bytes = self.get(&format!("store/bytes/{size}")).unwrap_or(0.0);
            let memory = self.get(&format!("memory/entry/{size}"));
            let times = [
                "write",
                "read",
                "open",
                "change",
                "publish-server",
                "publish-pin",
            ];
            let mut row = vec![grouped(size), format!("{} MB", digits(bytes / 1e6))];
            row.extend(times.map(|what| self.time(&format!("store/{what}/{size}"))));
            row.push(memory.map_or("–".to_owned(), |bytes| format!("{bytes:.0} bytes")));
            row
        });
        let head = [
            "entries",
            "file",
            "to text",
            "from text",
            "open",
            "a change, on disk and in force",
            "publish a server",
            "publish a pin",
            "memory for an entry beyond its DER",
        ];
        table(&head, rows.collect())
    }

    /// The same durable change by each, beside the faster of the others.
    fn durable(&self) -> String {
        let mut rows = Vec::new();
        for size in self.sizes("durable/change/ours/") {
            let of = |what: &str, who: &str| self.get(&format!("durable/{what}/{who}/{size}"));
            let others = ["redb", "sqlite-wal", "sqlite-rollback"];
            let fastest = others.iter().filter_map(|who| of("change", who));
            let fastest = fastest.reduce(f64::min).unwrap_or(f64::NAN);
            for who in ["ours", "redb", "sqlite-wal", "sqlite-rollback"] {
                let change = of("change", who).unwrap_or(f64::NAN);
                let count = |what| of(what, who).map_or("–".to_owned(), digits);
                rows.push(vec![
                    grouped(size),
                    who.to_owned(),
                    time(change),
                    format!("{} ×", digits(change / fastest)),
                    count("flushes"),
                    count("bytes"),
                ]);
            }
        }
        let head = [
            "entries",
            "store",
            "a small change, on disk",
            "of the faster database",
            "flushes",
            "bytes written",
        ];
        table(&head, rows)
    }

    fn series(&self, name: &'static str, group: &str) -> Series {
        let sizes = self.sizes(group).into_iter();
        let points = sizes.map(|size| (size as f64, self.0[&format!("{group}{size}")]));
        Series {
            name,
            points: points.collect(),
        }
    }

    fn plots(&self) -> [(&'static str, Option<String>); 3] {
        let mut webpki = self.series("webpki, one anchor", "pin/server/");
        let one = self.get("pin-peers/webpki-one").unwrap_or(f64::NAN);
        // It was measured once, with one anchor: that is a point, not a line.
        webpki.points.truncate(1);
        webpki.points.iter_mut().for_each(|point| point.1 = one);
        webpki.points.retain(|point| point.1.is_finite());
        let pins = [
            self.series("a server's pin", "pin/server/"),
            self.series("a client of few", "pin/client-few/"),
            self.series("any client", "pin/client-any/"),
            self.series("comparison of bytes", "pin/bytes/"),
            webpki,
            self.series("OpenSSL, with parsing", "pin-peers/openssl/"),
        ];
        let authorities = [
            self.series("ours, first seen", "authorities/first/"),
            self.series("ours, issuers known", "authorities/known/"),
            self.series("ours, remembered", "authorities/remembered/"),
            self.series("webpki", "authorities/webpki/"),
            self.series("OpenSSL", "authorities/openssl/"),
        ];
        let stores = [
            self.series("from text", "store/read/"),
            self.series("to text", "store/write/"),
            self.series("a change, on disk", "store/change/"),
            self.series("publish a pin", "store/publish-pin/"),
            self.series("publish a server", "store/publish-server/"),
        ];
        [
            ("pins", svg("Verdict on a pin", "pins installed", &pins)),
            (
                "authorities",
                svg(
                    "Verdict on a chain of two",
                    "authorities installed",
                    &authorities,
                ),
            ),
            ("stores", svg("Stores", "entries", &stores)),
        ]
    }
}

/// Puts a table between its markers, if the text has them.
fn replace(text: &mut String, name: &str, table: &str) {
    let (begin, end) = (
        format!("<!-- figures:{name} -->"),
        format!("<!-- /figures:{name} -->"),
    );
    let place = text.find(&begin).map(|at| at + begin.len());
    match place.zip(text.find(&end)).filter(|(from, to)| from <= to) {
        Some((from, to)) => text.replace_range(from..to, &format!("\n{table}")),
        None => eprintln!("no markers for {name}"),
    }
}

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (page, plots) = (arguments.next(), arguments.next());
    let figures = Figures(record::all());
    let machine = fs::read_to_string(record::folder().join("machine.txt")).unwrap_or_default();
    let tables = [
        ("machine", machine),
        ("pins", figures.pins()),
        ("matches", figures.matches()),
        ("chains", figures.chains()),
        ("authorities", figures.authorities()),
        ("handshakes", figures.handshakes()),
        ("publishing", figures.publishing()),
        ("stores", figures.stores()),
        ("durable", figures.durable()),
    ];
    for (name, table) in &tables {
        println!("## {name}\n\n{table}");
    }
    if let Some(page) = page {
        let mut text = fs::read_to_string(&page).unwrap();
        tables
            .iter()
            .for_each(|(name, table)| replace(&mut text, name, table));
        fs::write(page, text).unwrap();
    }
    if let Some(folder) = plots {
        fs::create_dir_all(&folder).unwrap();
        for (name, plot) in figures.plots() {
            if let Some(plot) = plot {
                fs::write(folder.join(format!("{name}.svg")), plot).unwrap();
            }
        }
    }
}
