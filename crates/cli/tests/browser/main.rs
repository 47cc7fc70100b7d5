//! The page of `store report` in a browser: it fits the screen, loads nothing, has no fault in the console, and is legible in
//! the light, in the dark and in print.
//!
//! Chromium is driven over its pipe (`--remote-debugging-pipe`). Without Chromium, the test says so and is skipped.
//! `MUTUAL_TRUST_SCREENSHOTS` names a folder for pictures to look at.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod chromium;
mod sites;

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mutual_trust_test_support as support;
use serde_json::{Value, json};

use chromium::Browser;
use sites::Site;

/// Widths of a small phone, a phone, a tablet and a desktop.
const WIDTHS: [u32; 4] = [320, 390, 768, 1280];

/// What is measured in the page.
const MEASURE: &str = r#"(() => {
  const root = document.scrollingElement;
  const wide = [...document.querySelectorAll('body *')].filter(one => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && box.right > WIDTH + 1 && !one.closest('svg, caption, thead, .skip');
  });
  const luminance = text => {
    const [r, g, b] = text.match(/[\d.]+/g).map(Number).map(value => {
      value /= 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = one => {
    for (; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if (color !== 'rgba(0, 0, 0, 0)') return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const contrast = one => {
    const style = getComputedStyle(one);
    const color = one instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [luminance(color), luminance(ground(one))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const texts = [...document.querySelectorAll('body *:not(title, desc)')].filter(one =>
    [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  const headings = [...document.querySelectorAll('h1, h2, h3')].map(one => +one.tagName[1]);
  const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
  return {
    width: root.scrollWidth, inner: WIDTH,
    wide: wide.slice(0, 5).map(one => one.outerHTML.slice(0, 200)),
    contrast: Math.min(...texts.map(contrast)),
    faint: texts.filter(one => contrast(one) < 4.5).slice(0, 5).map(one => one.outerHTML.slice(0, 200)),
    ground: getComputedStyle(document.documentElement).backgroundColor,
    accent: getComputedStyle(document.querySelector('a')).color,
    scripts: document.scripts.length,
    loads: performance.getEntriesByType('resource').length,
    external: document.querySelectorAll('[src], link, iframe, object, embed, form, [style], [onload], [onclick]').length,
    links: [...document.querySelectorAll('a')].filter(one => !document.querySelector(one.getAttribute('href'))).length,
    lang: document.documentElement.lang, title: document.title,
    oneFirst: headings.filter(level => level === 1).length,
    jumps: headings.some((level, index) => index > 0 && level > headings[index - 1] + 1),
    unnamed: [...document.querySelectorAll('td')].filter(one => !one.dataset.head).length,
    tables: [...document.querySelectorAll('table')].filter(one => !one.caption || !one.tHead).length,
    twice: ids.length - new Set(ids).size,
    labelled: [...document.querySelectorAll('svg')].filter(one =>
      one.getAttribute('role') === 'img' && (!one.querySelector('title') || !one.querySelector('desc'))).length,
    alerted: typeof window.alerted,
  };
})()"#;

/// Where pictures go.
fn pictures() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("MUTUAL_TRUST_SCREENSHOTS")?);
    fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

fn keep(name: &str, encoded: &Value) {
    if let Some(folder) = pictures() {
        let content = STANDARD.decode(encoded.as_str().unwrap()).unwrap();
        fs::write(folder.join(name), content).unwrap();
    }
}

#[track_caller]
fn holds(site: &Site, width: u32, scheme: &str, found: &Value) {
    let at = format!("{} at {width} px, {scheme}: {found:#}", site.name);
    assert!(found["width"].as_u64() <= found["inner"].as_u64(), "{at}");
    assert_eq!(found["wide"], json!([]), "{at}");
    assert!(found["contrast"].as_f64().unwrap() >= 4.5, "{at}");
    for none in [
        "scripts", "loads", "external", "links", "unnamed", "tables", "twice", "labelled",
    ] {
        assert_eq!(found[none], 0, "{none}: {at}");
    }
    assert_eq!(found["lang"], "en", "{at}");
    assert!(!found["title"].as_str().unwrap().is_empty(), "{at}");
    assert_eq!(found["oneFirst"], 1, "{at}");
    assert_eq!(found["jumps"], false, "{at}");
    assert_eq!(found["alerted"], "undefined", "{at}");
    // The style is in force: its hash is that of the policy.
    let wanted = match scheme {
        "dark" => ("rgb(19, 23, 26)", "rgb(116, 201, 216)"),
        _ => ("rgb(250, 249, 246)", "rgb(10, 88, 102)"),
    };
    assert_eq!(found["ground"], wanted.0, "{at}");
    assert_eq!(found["accent"], wanted.1, "{at}");
}

#[test]
fn the_report_is_legible_on_each_screen_and_in_print() {
    let Some(mut browser) = Browser::start("cli-browser") else {
        support::skips::skipped("no chromium, so no browser shows the report");
        return;
    };
    for site in sites::all() {
        browser.go(&site.page());
        for width in WIDTHS {
            for scheme in ["light", "dark"] {
                browser.screen(width, scheme);
                let found = browser.evaluate(&MEASURE.replace("WIDTH", &width.to_string()));
                holds(&site, width, scheme, &found);
                if pictures().is_some() {
                    let name = format!("{}-{width}-{scheme}.png", site.name);
                    keep(&name, &browser.picture());
                }
            }
        }
        // In print the ground is white and the text is dark, also for those who prefer the dark.
        browser.media("print", "dark");
        let found = browser.evaluate(&MEASURE.replace("WIDTH", "1280"));
        assert_eq!(found["ground"], "rgb(255, 255, 255)", "{}", site.name);
        let contrast = found["contrast"].as_f64().unwrap();
        assert!(contrast >= 4.5, "{} in print: {found:#}", site.name);
        let printed = browser.printed();
        let content = STANDARD.decode(printed.as_str().unwrap()).unwrap();
        assert!(content.starts_with(b"%PDF-"), "{}", site.name);
        keep(&format!("{}.pdf", site.name), &printed);
        browser.media("screen", "light");
        let faults = browser.faults();
        assert!(faults.is_empty(), "{}: {faults:#?}", site.name);
    }
}

/// The policy of the page is in force: what a certificate could bring into it does nothing.
#[test]
fn the_policy_of_the_page_stops_scripts_and_loads() {
    let Some(mut browser) = Browser::start("cli-browser-policy") else {
        support::skips::skipped("no chromium, so no browser shows the report");
        return;
    };
    let site = sites::hostile();
    let path = site.folder.file("spoiled.html");
    let page = fs::read_to_string(site.page()).unwrap();
    let spoiled = page.replace(
        "<main>",
        "<main><script>window.alerted = 1</script><img src=\"https://example.org/a.png\" onerror=\"window.alerted = 2\"><style>html{background:red}</style>",
    );
    assert_ne!(spoiled, page);
    fs::write(&path, spoiled).unwrap();
    browser.go(&path);
    assert_eq!(browser.evaluate("typeof window.alerted"), "undefined");
    let ground = browser.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    assert_ne!(ground, "rgb(255, 0, 0)");
    let faults = browser.faults();
    assert!(
        faults
            .iter()
            .filter(|fault| fault.contains("Content Security Policy"))
            .count()
            >= 3,
        "{faults:#?}"
    );
}
