//! The text of a report is the only one for it.

use mutual_trust::Fingerprint;
use mutual_trust_fleet::limits::{MAX_FAULT, MAX_REPORT_BYTES};
use mutual_trust_fleet::{NodeName, NodeReport, ReportError};

use crate::support::report;

fn full() -> NodeReport {
    let digest = Fingerprint::from_bytes([7; 32]);
    let report = report("array-7").with_held(12, digest, true);
    report
        .with_keys_version(2)
        .with_store(340, digest)
        .with_fault("  the clock\nis \u{202e}wrong ")
}

#[test]
fn a_report_is_read_as_it_was_written() {
    for report in [report("a"), full()] {
        let text = report.to_string();
        assert_eq!(text.parse::<NodeReport>().unwrap(), report, "{text}");
        assert_eq!(NodeReport::read(text.as_bytes()).unwrap(), report);
    }
    assert_eq!(full().fault(), Some("the clock is  wrong"));
}

#[test]
fn another_text_is_no_report() {
    let text = full().to_string();
    let others = [
        String::new(),
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        format!("{text}more\n"),
        text.replace("report 1", "report 2"),
        text.replace("bundle 12", "bundle +12"),
        text.replace("bundle 12", "bundle 012"),
        text.replace("07:07", "07"),
        text.replace("applied yes", "applied YES"),
        text.replace("part all", "part any"),
        text.replace("node array-7", "node ../array-7"),
        text.replace("fleet prod", "fleet"),
        text.replace("fault the", "fault  the"),
        text.replace("the clock", "the\tclock"),
    ];
    for other in others {
        let read = other.parse::<NodeReport>();
        assert!(read.is_err(), "{other}: {read:?}");
    }
    assert_eq!(NodeReport::read(&[0xff; 3]).unwrap_err(), ReportError::Text);
    let long = format!("{text}{}", " ".repeat(MAX_REPORT_BYTES));
    assert_eq!(long.parse::<NodeReport>(), Err(ReportError::TooLarge));
}

#[test]
fn a_long_fault_is_cut_at_a_letter() {
    let report = report("a").with_fault(&"ü".repeat(MAX_FAULT));
    assert_eq!(report.fault().unwrap().len(), MAX_FAULT);
    assert_eq!(report.to_string().parse::<NodeReport>().unwrap(), report);
    assert_eq!(report.with_fault(" \n").fault(), None);
}

#[test]
fn the_name_of_a_node_is_a_file_name_everywhere() {
    for good in ["a", "array-7", "7.example", &"a".repeat(253)] {
        assert_eq!(good.parse::<NodeName>().unwrap().to_string(), good);
    }
    let long = "a".repeat(254);
    for bad in ["", ".", "..", "-a", "A", "a/b", "a b", "ä", "a\0", &long] {
        assert!(bad.parse::<NodeName>().is_err(), "{bad}");
    }
}

/// The bound is no more than what nodes write needs.
#[test]
fn the_longest_report_can_be_read() {
    let digest = Fingerprint::from_bytes([0xff; 32]);
    let long = report(&"a".repeat(253))
        .with_held(u64::MAX, digest, false)
        .with_keys_version(u64::MAX)
        .with_store(u64::MAX, digest)
        .with_fault(&"x".repeat(MAX_FAULT));
    assert_eq!(NodeReport::read(long.to_string().as_bytes()).unwrap(), long);
}
