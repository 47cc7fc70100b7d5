//! Runs one case in a process of its own, and looks at that at each moment.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use crate::keys::{Fixture, Key};
use crate::needles::{self, Kind, Needle};
use crate::scan::{Findings, Hit, Index, Place, pieces, scan};

/// A process that waits for us.
pub struct Case {
    child: Child,
}

/// What a child says when it waits.
pub enum Message {
    Moment(String),
    Signed {
        scheme: u16,
        message: Vec<u8>,
        signature: Vec<u8>,
    },
    /// It is done, with this result.
    End(String),
}

impl Case {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        if arguments[0].starts_with("old") {
            // aws-lc does as on an x86-64 processor without AVX and what came later, where other registers hold
            // other things. Elsewhere this changes nothing.
            command.env("OPENSSL_ia32cap", "~0x1000000000000000:~0xffffffff");
        }
        let child = command
            .arg(crate::drive::CHILD)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child }
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn send(&mut self, bytes: &[u8]) {
        let pipe = self.child.stdin.as_mut().unwrap();
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        pipe.write_all(&length).unwrap();
        pipe.write_all(bytes).unwrap();
    }

    pub fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(&[0]).unwrap();
    }

    /// Sends signals until the child has something to say.
    fn interrupt(&mut self) {
        let id = i32::try_from(self.process()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        let pipe = self.child.stdout.as_ref().unwrap().as_fd();
        loop {
            let mut waits = [PollFd::new(&pipe, PollFlags::IN)];
            let pause = Timespec {
                tv_sec: 0,
                tv_nsec: 100_000,
            };
            if poll(&mut waits, Some(&pause)).unwrap() > 0 {
                break;
            }
            rustix::process::kill_process(id, Signal::USR1).unwrap();
        }
    }

    fn receive(&mut self) -> Vec<u8> {
        let pipe = self.child.stdout.as_mut().unwrap();
        let mut length = [0; 4];
        pipe.read_exact(&mut length).expect("the child has failed");
        let mut bytes = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        pipe.read_exact(&mut bytes).unwrap();
        bytes
    }

    pub fn next(&mut self) -> Message {
        match String::from_utf8(self.receive()).unwrap().as_str() {
            "signed" => {
                let scheme = u16::from_be_bytes(self.receive().try_into().unwrap());
                Message::Signed {
                    scheme,
                    message: self.receive(),
                    signature: self.receive(),
                }
            }
            "end" => {
                let result = String::from_utf8(self.receive()).unwrap();
                assert!(self.child.wait().unwrap().success());
                Message::End(result)
            }
            moment => Message::Moment(moment.to_owned()),
        }
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        // Ours, and it may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was found of a kind, and where: the number of separate pieces.
pub type Tally = BTreeMap<(Kind, Place), usize>;

pub fn tally(findings: &Findings) -> Tally {
    let mut groups: BTreeMap<(Kind, Place), Vec<&Hit>> = BTreeMap::new();
    for hit in &findings.hits {
        groups.entry((hit.kind, hit.place)).or_default().push(hit);
    }
    let groups = groups.into_iter();
    groups.map(|(key, hits)| (key, pieces(hits))).collect()
}

pub fn show(tally: &Tally) -> String {
    if tally.is_empty() {
        return "0".to_owned();
    }
    let parts = tally
        .iter()
        .map(|((kind, place), count)| format!("{}{count}{}", kind.letter(), place.letter()));
    parts.collect::<Vec<_>>().join(" ")
}

/// A moment of a case, and what was found in it.
pub struct Look {
    pub moment: String,
    pub tally: Tally,
    pub findings: Findings,
}

/// All looks at one case, and how it ended.
pub struct Record {
    pub looks: Vec<Look>,
    pub result: String,
}

/// Runs a case: gives it `inputs` when it has started, and looks at every moment and after every signature.
pub fn run(arguments: &[&str], inputs: &[&[u8]], key: &Key, mut needles: Vec<Needle>) -> Record {
    let mut case = Case::start(arguments);
    let mut looks = Vec::new();
    // A key that the child has made, if it does.
    let mut made: Option<Fixture> = None;
    loop {
        let moment = match case.next() {
            Message::Moment(moment) => moment,
            Message::Signed {
                scheme,
                message,
                signature,
            } => {
                let key = made.as_ref().map_or(key, |made| &made.key);
                let new = needles::of_signature(key, scheme, &message, &signature);
                needles.extend(new);
                format!("signed {scheme:#06x}")
            }
            Message::End(result) => return Record { looks, result },
        };
        if moment == "written" {
            let fixture = Fixture::of_file(arguments[4]);
            needles.extend(needles::of_fixture(&fixture));
            made = Some(fixture);
        }
        let everything = matches!(moment.as_str(), "start" | "dropped");
        let findings = scan(case.process(), &Index::new(&needles), everything);
        looks.push(Look {
            tally: tally(&findings),
            findings,
            moment: moment.clone(),
        });
        case.go_on();
        if moment == "signals" {
            case.interrupt();
        }
        if moment == "start" {
            for input in inputs {
                case.send(input);
            }
        }
    }
}
