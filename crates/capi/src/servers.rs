//! Servers and groups.

use mutual_trust::{GroupId, HostName, ServerId};

use crate::admin::parse;
use crate::argument::{List, MaybeOut, Ref, Seconds, Text};
use crate::entry::status;
use crate::report::{Report, finish};
use crate::settings::moment;
use crate::status::{Failed, TEXT};
use crate::store::Store;

fn names(list: Vec<&[u8]>) -> Result<Vec<HostName>, Failed> {
    let texts = list.into_iter().map(|name| core::str::from_utf8(name));
    texts.map(|text| parse(text.map_err(|_| TEXT)?)).collect()
}

entries! { "Servers and groups";
    /// Adds a server: an id that never changes, and the names and addresses by which it is dialled; none if it is reached by
    /// id alone. report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_add_server(store: Ref<Store>, id: Text, names/count: List, report: MaybeOut<Report>) -> u32, else status {
        let (id, names) = (parse::<ServerId>(id)?, self::names(names)?);
        finish(&report, store.change(|store| Ok(store.add_server(id, names)?)))
    }

    /// Adds a name to a server. report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_add_name(store: Ref<Store>, id: Text, name: Text, report: MaybeOut<Report>) -> u32, else status {
        let (id, name) = (parse::<ServerId>(id)?, parse::<HostName>(name)?);
        finish(&report, store.change(|store| Ok(store.add_name(&id, name)?)))
    }

    /// Takes a name from its server. A link to that name is refused then. report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_release_name(store: Ref<Store>, name: Text, report: MaybeOut<Report>) -> u32, else status {
        let name = parse::<HostName>(name)?;
        finish(&report, store.change(|store| Ok(store.release_name(&name)?)))
    }

    /// Removes a server with its entries. A claimed one must be released first. report may be NULL; free *report with
    /// mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_remove_server(store: Ref<Store>, id: Text, report: MaybeOut<Report>) -> u32, else status {
        let id = parse::<ServerId>(id)?;
        finish(&report, store.change(|store| Ok(store.remove_server(&id)?)))
    }

    /// Removes the pins of a server, and lets authorities decide about it from then on. report may be NULL; free *report
    /// with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_release(store: Ref<Store>, id: Text, report: MaybeOut<Report>) -> u32, else status {
        let id = parse::<ServerId>(id)?;
        finish(&report, store.change(|store| Ok(store.release(&id)?)))
    }

    /// Lets a server that has pins also present a chain, until a time in seconds since 1970, at most 366 days from now.
    /// report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_migrate(store: Ref<Store>, id: Text, until: Seconds, report: MaybeOut<Report>) -> u32, else status {
        let (id, until) = (parse::<ServerId>(id)?, moment(until)?);
        finish(&report, store.change(|store| Ok(store.migrate(&id, until)?)))
    }

    /// Ends a migration before its time. report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_stop_migrating(store: Ref<Store>, id: Text, report: MaybeOut<Report>) -> u32, else status {
        let id = parse::<ServerId>(id)?;
        finish(&report, store.change(|store| Ok(store.stop_migrating(&id)?)))
    }

    /// Adds a group: servers that replicate one certificate. report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_add_group(store: Ref<Store>, group: Text, report: MaybeOut<Report>) -> u32, else status {
        let group = parse::<GroupId>(group)?;
        finish(&report, store.change(|store| Ok(store.add_group(group)?)))
    }

    /// Makes a server a member of a group. report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_join_group(store: Ref<Store>, group: Text, id: Text, report: MaybeOut<Report>) -> u32, else status {
        let (group, id) = (parse::<GroupId>(group)?, parse::<ServerId>(id)?);
        finish(&report, store.change(|store| Ok(store.join_group(&group, &id)?)))
    }

    /// Takes a server out of its group. It stays claimed. report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_leave_group(store: Ref<Store>, id: Text, report: MaybeOut<Report>) -> u32, else status {
        let id = parse::<ServerId>(id)?;
        finish(&report, store.change(|store| Ok(store.leave_group(&id)?)))
    }

    /// Removes a group. Its members stay claimed. report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. It writes to the disk.
    fn mt_store_remove_group(store: Ref<Store>, group: Text, report: MaybeOut<Report>) -> u32, else status {
        let group = parse::<GroupId>(group)?;
        finish(&report, store.change(|store| Ok(store.remove_group(&group)?)))
    }
}
