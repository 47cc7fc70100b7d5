//! A handshake presents one identity whole, and no step of a rotation is lost: by no other administrator, and by no
//! follower of files. No handshake waits for a subscriber or for the provider.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the modules of a test have no outside, and a fault needs one scenario"
)]

use mutual_trust_schedules::found_after;

/// The scenarios for one copy of the files.
macro_rules! scenarios {
    ($name:ident) => {
        mod $name {
            use mutual_trust_schedules::rotation::$name::{
                ClientAuthFailures, Identities, handshake, serve,
            };
            use mutual_trust_schedules::rotation::{
                Event, Identity, RotationError, ServerId, events,
            };
            use shuttle::thread::{self, JoinHandle};

            const FIRST: ServerId = 1;
            const SECOND: ServerId = 2;

            /// The number of the first identity.
            const OLD: u8 = 10;
            const NEW: u8 = 20;
            /// Of files that another program replaces.
            const FOLLOWED: u8 = 30;

            fn identities() -> Identities {
                drop(events());
                Identities::new(Identity::new(OLD))
            }

            fn start<T: Send + 'static>(
                identities: &Identities,
                does: impl FnOnce(&Identities) -> T + Send + 'static,
            ) -> JoinHandle<T> {
                let identities = identities.clone();
                thread::spawn(move || does(&identities))
            }

            fn join_all(threads: impl IntoIterator<Item = JoinHandle<()>>) {
                threads.into_iter().for_each(|one| one.join().unwrap());
            }

            fn presented(identities: &Identities, server: ServerId) -> u8 {
                identities.presented_to(&server).certificate().fingerprint()
            }

            fn current(identities: &Identities) -> u8 {
                identities.current().certificate().fingerprint()
            }

            fn next(identities: &Identities) -> Option<u8> {
                identities
                    .next()
                    .map(|next| next.certificate().fingerprint())
            }

            /// All steps of a rotation.
            fn rotate(identities: &Identities, to: u8) -> Result<(), RotationError> {
                identities.stage(Identity::new(to))?;
                identities.activate(&FIRST)?;
                identities.activate_all()?;
                identities.commit()
            }

            /// A server that takes one kind of key is never presented the other.
            pub fn a_handshake_has_one_identity() {
                let identities = identities();
                let rotator = start(&identities, |identities| rotate(identities, NEW).unwrap());
                let client = start(&identities, |identities| {
                    let unsent = ClientAuthFailures::default();
                    let mut missing = 0;
                    for _ in 0..3 {
                        match handshake(identities, Some(FIRST), &unsent, &[OLD]) {
                            Some(sent) => assert_eq!((sent.0, sent.1), (OLD, OLD)),
                            None => missing += 1,
                        }
                    }
                    assert_eq!((unsent.requests(), unsent.count()), (3, missing));
                    let last = unsent.last().map(|last| last.certificate);
                    assert_eq!(last, (missing > 0).then_some(NEW));
                });
                let server = serve(&identities).unwrap();
                assert_eq!(server.0, server.1);
                rotator.join().unwrap();
                client.join().unwrap();
            }

            /// No handshake is presented an older one than the handshake before.
            pub fn none_goes_back() {
                let identities = identities();
                let rotator = start(&identities, |identities| rotate(identities, NEW).unwrap());
                let handshakes = [FIRST, SECOND].map(|server| {
                    start(&identities, move |identities| {
                        let seen: Vec<u8> = (0..4).map(|_| presented(identities, server)).collect();
                        assert!(seen.is_sorted(), "{seen:?}");
                    })
                });
                rotator.join().unwrap();
                join_all(handshakes);
                assert_eq!((current(&identities), next(&identities)), (NEW, None));
            }

            /// What is activated at once for two servers is activated for both.
            pub fn each_activation_counts() {
                let identities = identities();
                identities.stage(Identity::new(NEW)).unwrap();
                let threads = [FIRST, SECOND].map(|server| {
                    start(&identities, move |identities| {
                        identities.activate(&server).unwrap()
                    })
                });
                join_all(threads);
                assert_eq!(
                    [FIRST, SECOND].map(|server| presented(&identities, server)),
                    [NEW; 2]
                );
                assert_eq!(presented(&identities, 3), OLD);
            }

            /// Of two who end one rotation, one does.
            pub fn a_rotation_ends_once() {
                let identities = identities();
                identities.stage(Identity::new(NEW)).unwrap();
                identities.activate_all().unwrap();
                let threads = [(), ()].map(|()| start(&identities, Identities::commit));
                let mut ended = threads.map(|one| one.join().unwrap());
                ended.sort_by_key(Result::is_err);
                assert_eq!(ended, [Ok(()), Err(RotationError::NothingStaged)]);
                assert_eq!(current(&identities), NEW);
            }

            /// Two rotate at once: what is presented was staged, and who ended a rotation sees its end.
            pub fn two_rotators() {
                let identities = identities();
                let threads = [NEW, NEW + 1].map(|to| {
                    start(&identities, move |identities| {
                        let done = rotate(identities, to);
                        assert!(done.is_err() || current(identities) != OLD);
                        done.is_ok()
                    })
                });
                let done = threads.map(|one| one.join().unwrap());
                let (current, next) = (current(&identities), next(&identities));
                assert_eq!(current != OLD, done.contains(&true));
                // Each has a place or was replaced before it was presented.
                assert_ne!(Some(current), next);
                let told = events();
                let renewed = told
                    .iter()
                    .filter(|event| matches!(event, Event::Renewed(_)));
                assert_eq!(renewed.count(), done.iter().filter(|done| **done).count());
            }

            /// Files are replaced while an administrator rotates.
            pub fn a_follower_loses_no_step() {
                let identities = identities();
                let follower = start(&identities, |identities| {
                    assert!(identities.follow(Identity::new(FOLLOWED)));
                });
                identities.stage(Identity::new(NEW)).unwrap();
                assert_eq!(next(&identities), Some(NEW));
                identities.activate(&FIRST).unwrap();
                assert_eq!(presented(&identities, FIRST), NEW);
                assert!([OLD, FOLLOWED].contains(&presented(&identities, SECOND)));
                follower.join().unwrap();
                assert_eq!(
                    (current(&identities), next(&identities)),
                    (FOLLOWED, Some(NEW))
                );
                assert_eq!(presented(&identities, FIRST), NEW);
                identities.activate_all().unwrap();
                identities.commit().unwrap();
                assert_eq!(current(&identities), NEW);
            }

            /// The files are those of the identity that is staged.
            pub fn a_follower_has_the_staged_one() {
                let identities = identities();
                let follower = start(&identities, |identities| {
                    identities.follow(Identity::new(NEW));
                });
                match rotate(&identities, NEW) {
                    Ok(())
                    | Err(
                        RotationError::NothingStaged
                        | RotationError::AlreadyCurrent { certificate: NEW },
                    ) => {}
                    Err(other) => panic!("{other:?}"),
                }
                follower.join().unwrap();
                assert_eq!((current(&identities), next(&identities)), (NEW, None));
            }

            fn is_said_once(said: [JoinHandle<bool>; 2], told: Event) {
                let said = said.map(|one| one.join().unwrap());
                assert_ne!(said[0], said[1], "who changed it is told so");
                assert_eq!(events(), [told]);
            }

            /// Two find one change of a folder, or of files.
            pub fn a_change_is_said_once() {
                let identities = identities();
                let followers = [(), ()].map(|()| {
                    start(&identities, |identities| {
                        identities.follow(Identity::new(FOLLOWED))
                    })
                });
                is_said_once(followers, Event::Renewed(FOLLOWED));
                let readers = [(), ()].map(|()| {
                    start(&identities, |identities| {
                        let next = Some(Identity::new(NEW));
                        identities.set_all(Identity::new(FOLLOWED), next, &[FIRST])
                    })
                });
                is_said_once(readers, Event::Rotated(FOLLOWED, Some(NEW)));
                assert_eq!(presented(&identities, FIRST), NEW);
            }

            /// What is not taken is freed where no handshake waits.
            pub fn what_is_refused_is_freed_elsewhere() {
                let identities = identities();
                let handshakes = start(&identities, |identities| presented(identities, FIRST));
                let certificate = OLD;
                assert_eq!(
                    identities.stage(Identity::new(OLD)),
                    Err(RotationError::AlreadyCurrent { certificate })
                );
                assert!(!identities.follow(Identity::new(OLD)));
                assert!(!identities.set_all(Identity::new(OLD), None, &[]));
                assert_eq!(handshakes.join().unwrap(), OLD);
                // A staged one that is replaced or dropped goes with its key.
                identities.stage(Identity::new(NEW)).unwrap();
                identities.stage(Identity::new(NEW + 1)).unwrap();
                identities.cancel().unwrap();
                assert_eq!(identities.cancel(), Err(RotationError::NothingStaged));
            }
        }
    };
}

scenarios!(real);
scenarios!(copied_before_the_lock);
scenarios!(ended_in_two_steps);
scenarios!(two_looks);
scenarios!(compared_before_the_lock);
scenarios!(folder_compared_before_the_lock);
scenarios!(next_read_before_the_lock);
scenarios!(freed_under_the_lock);
scenarios!(refused_under_the_lock);
scenarios!(told_under_the_lock);

/// Schedules of each scenario of the real files.
const SCHEDULES: usize = 500;
/// Schedules in which a planted fault must be found.
const MORE: usize = 2_000;

const REAL: [fn(); 9] = [
    real::a_handshake_has_one_identity,
    real::none_goes_back,
    real::each_activation_counts,
    real::a_rotation_ends_once,
    real::two_rotators,
    real::a_follower_loses_no_step,
    real::a_follower_has_the_staged_one,
    real::a_change_is_said_once,
    real::what_is_refused_is_freed_elsewhere,
];

#[test]
fn no_step_is_lost_in_random_schedules() {
    for scenario in REAL {
        shuttle::check_random(scenario, SCHEDULES);
    }
}

#[test]
fn no_step_is_lost_in_schedules_with_few_switches() {
    for scenario in REAL {
        shuttle::check_pct(scenario, SCHEDULES, 3);
    }
}

#[test]
fn each_planted_fault_is_found() {
    let planted: [(&str, fn()); 11] = [
        (
            "a lost activation",
            copied_before_the_lock::each_activation_counts,
        ),
        (
            "an end that counts twice",
            copied_before_the_lock::a_rotation_ends_once,
        ),
        ("back to the old one", ended_in_two_steps::none_goes_back),
        (
            "two identities in a handshake",
            two_looks::a_handshake_has_one_identity,
        ),
        (
            "files said twice",
            compared_before_the_lock::a_change_is_said_once,
        ),
        (
            "a folder said twice",
            folder_compared_before_the_lock::a_change_is_said_once,
        ),
        (
            "a lost stage",
            next_read_before_the_lock::a_follower_loses_no_step,
        ),
        (
            "a lost step of one of two",
            copied_before_the_lock::a_follower_loses_no_step,
        ),
        (
            "freed under the lock",
            freed_under_the_lock::what_is_refused_is_freed_elsewhere,
        ),
        (
            "refused under the lock",
            refused_under_the_lock::what_is_refused_is_freed_elsewhere,
        ),
        ("told under the lock", told_under_the_lock::none_goes_back),
    ];
    for (name, scenario) in planted {
        let found = found_after(scenario, MORE);
        println!("{name}: found after {found:?} schedules");
        assert!(found.is_some(), "{name}");
    }
}
