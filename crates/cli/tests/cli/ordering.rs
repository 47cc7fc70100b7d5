//! The order of key servers, and the warning of fewer than two usable ones.

use std::time::{SystemTime, UNIX_EPOCH};

use mutual_trust::limits::MIN_USABLE_SERVERS;

use crate::folder::Folder;
use crate::run::{Ran, machine, now_spec, run, write};
use crate::support::NOW;

const DAY: i64 = 24 * 3600;

fn store(folder: &Folder, line: &str) -> Ran {
    run(folder, &format!("store {line} --store trust"))
}

#[test]
fn the_order_of_servers_is_set_listed_and_taken_back() {
    let folder = Folder::new("cli-order");
    store(&folder, "create").ends_with(0);
    for id in ["a", "b", "c", "d"] {
        store(&folder, &format!("server add {id}")).ends_with(0);
    }
    assert!(
        !store(&folder, "list")
            .all()
            .contains("order of the servers")
    );
    store(&folder, "plan server order c a").ends_with(0);
    assert!(
        !store(&folder, "list")
            .all()
            .contains("order of the servers")
    );
    store(&folder, "server order c a").ends_with(0);
    store(&folder, "server secondaries c b").ends_with(0);
    store(&folder, "list")
        .ends_with(0)
        .says("order of the servers: c, a, d, b")
        .says("asked: nothing (not installed), primary 1")
        .says(", secondary 1 of c");
    let list = store(&folder, "list --json").json();
    let role = |at: usize| {
        let server = &list["servers"][at];
        (
            server["role"].clone(),
            server["place"].clone(),
            server["secondary_of"].clone(),
        )
    };
    let null = serde_json::Value::Null;
    assert_eq!(role(0), ("primary".into(), 2.into(), null.clone()));
    assert_eq!(role(1), ("secondary".into(), 1.into(), "c".into()));
    assert_eq!(role(3), (null.clone(), null.clone(), null));
    store(&folder, "log").says("server order c a");
    store(&folder, "server order c c")
        .ends_with(2)
        .says("store/ServerListedTwice");
    store(&folder, "server secondaries b d")
        .ends_with(2)
        .says("change its role first");
    store(&folder, "server secondaries c").ends_with(0);
    store(&folder, "server order").ends_with(0);
    assert!(
        !store(&folder, "list")
            .all()
            .contains("order of the servers")
    );
}

#[test]
fn fewer_than_two_usable_servers_are_warned_of_and_none_at_all_in_a_store_of_clients() {
    assert_eq!(MIN_USABLE_SERVERS, 2);
    let folder = Folder::new("cli-few");
    for name in ["one", "two", "array"] {
        machine(&folder, name);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ahead = i64::try_from(now.as_secs()).unwrap() - i64::try_from(NOW).unwrap();
    let ends = now_spec("ends").valid(ahead - DAY, ahead + 10 * DAY);
    write(&folder, "ends", &ends.self_signed());
    store(&folder, "create").ends_with(0);
    store(&folder, "pin array.pem --clients").ends_with(0);
    let warned = |word: &str| store(&folder, word).all().contains("can be accepted");
    for word in ["verify", "expiring"] {
        assert!(!warned(word), "{word}: a store of clients");
    }
    store(&folder, "server add one").ends_with(0);
    store(&folder, "verify")
        .ends_with(1)
        .says("warning: no server can be accepted");
    store(&folder, "pin one.pem --server one").ends_with(0);
    for word in ["verify", "expiring"] {
        store(&folder, word)
            .ends_with(0)
            .says("warning: only server one can be accepted: if it is down, there is none");
        let servers = &store(&folder, &format!("{word} --json")).json()["servers"];
        assert_eq!(
            *servers,
            serde_json::json!({"all": 1, "usable": 1, "few": true})
        );
    }
    // Two servers of a group have addresses of their own.
    let group = Folder::new("cli-few-group");
    machine(&group, "shared");
    for line in [
        "create",
        "server add a",
        "server add b",
        "group add both a b",
        "pin shared.pem --group both",
    ] {
        store(&group, line).ends_with(0);
    }
    assert!(
        !store(&group, "verify")
            .ends_with(0)
            .all()
            .contains("can be accepted")
    );
    // One that ends within the time leaves one.
    store(&folder, "server add two").ends_with(0);
    store(&folder, "pin ends.pem --server two").ends_with(0);
    assert!(!warned("verify"));
    assert!(!warned("expiring --within 5d"));
    store(&folder, "expiring --within 20d")
        .says("warning: at ")
        .says(", only server one");
    let json = store(&folder, "expiring --within 20d --json").json();
    assert_eq!(json["servers"]["few"], false);
    assert_eq!(json["usable_servers_at_end"], 1);
    store(&folder, "pin two.pem --server two").ends_with(0);
    assert!(!warned("expiring --within 20d"));
}
