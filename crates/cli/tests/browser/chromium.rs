//! Chromium without a window, driven over its pipe: messages of JSON, each ended by a zero byte.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::folder::Folder;

/// One page of one browser. Ended by its id when it is dropped.
pub(crate) struct Browser {
    child: Child,
    requests: File,
    answers: BufReader<File>,
    next: u64,
    session: Option<String>,
    /// Events that came between answers.
    events: VecDeque<Value>,
    _folder: Folder,
}

/// The program, if there is one.
fn program() -> Option<&'static str> {
    let is_there = |name: &&str| {
        let version = Command::new(name)
            .arg("--version")
            .stderr(Stdio::null())
            .output();
        version.is_ok_and(|output| output.status.success())
    };
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(is_there)
}

impl Browser {
    pub(crate) fn start(test: &str) -> Option<Self> {
        let program = program()?;
        let folder = Folder::new(test);
        for name in ["requests", "answers"] {
            let made = Command::new("mkfifo")
                .arg(folder.file(name))
                .status()
                .unwrap();
            assert!(made.success());
        }
        // The browser reads from descriptor 3 and writes to 4. Each end of a pipe waits for the other one: the order is
        // the same here. The sandbox of the browser needs what containers and root do not have.
        let line = format!(
            "exec {program} --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
             --disable-background-networking --user-data-dir=profile --remote-debugging-pipe about:blank 3<requests 4>answers"
        );
        let child = Command::new("sh")
            .args(["-c", &line])
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let requests = OpenOptions::new()
            .write(true)
            .open(folder.file("requests"))
            .unwrap();
        let answers = File::open(folder.file("answers")).unwrap();
        let mut browser = Self {
            child,
            requests,
            answers: BufReader::new(answers),
            next: 0,
            session: None,
            events: VecDeque::new(),
            _folder: folder,
        };
        let page = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = browser.ask(
            "Target.attachToTarget",
            json!({ "targetId": page["targetId"], "flatten": true }),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    fn message(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.answers.read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.pop(), Some(0), "the browser has ended");
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Sends a request and waits for its answer.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut request = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let mut bytes = request.to_string().into_bytes();
        bytes.push(0);
        self.requests.write_all(&bytes).unwrap();
        loop {
            let message = self.message();
            if message["id"] == self.next {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    /// Shows a file, and forgets what was logged before.
    pub(crate) fn go(&mut self, path: &Path) {
        self.events.clear();
        let path = path.canonicalize().unwrap();
        let url = format!("file://{}", path.display());
        self.ask("Page.navigate", json!({ "url": url }));
        loop {
            let is_loaded = |event: &Value| event["method"] == "Page.loadEventFired";
            if self.events.iter().any(is_loaded) {
                return;
            }
            let event = self.message();
            self.events.push_back(event);
        }
    }

    /// A screen of this width. The page is scrolled, as on a phone.
    pub(crate) fn screen(&mut self, width: u32, scheme: &str) {
        let is_mobile = width < 768;
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": is_mobile }),
        );
        self.media("screen", scheme);
    }

    pub(crate) fn media(&mut self, media: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let params = json!({ "media": media, "features": features });
        self.ask("Emulation.setEmulatedMedia", params);
    }

    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        let answer = self.ask("Runtime.evaluate", params);
        assert!(answer.get("exceptionDetails").is_none(), "{answer:#}");
        answer["result"]["value"].clone()
    }

    /// The whole page as a picture.
    pub(crate) fn picture(&mut self) -> Value {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        self.ask("Page.captureScreenshot", params)["data"].clone()
    }

    /// The page as it is printed.
    pub(crate) fn printed(&mut self) -> Value {
        let params = json!({ "preferCSSPageSize": true, "printBackground": false });
        self.ask("Page.printToPDF", params)["data"].clone()
    }

    /// What the page logged, and what it tried to load beside itself.
    pub(crate) fn faults(&mut self) -> Vec<String> {
        // The events before this answer have come.
        self.evaluate("0");
        let is_fault = |event: &&Value| match event["method"].as_str() {
            Some("Log.entryAdded" | "Runtime.consoleAPICalled" | "Runtime.exceptionThrown") => true,
            Some("Network.requestWillBeSent") => event["params"]["type"] != "Document",
            _ => false,
        };
        let faults = self.events.iter().filter(is_fault);
        faults.map(ToString::to_string).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
