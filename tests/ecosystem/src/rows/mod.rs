//! The rows: what is expected of each library, and what the table says of it.

mod clients;
mod servers;
mod traps;

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;

pub use clients::clients;
pub use servers::servers;
pub use traps::traps;

use crate::table::{Row, State};

/// What runs the rows of one table.
struct Runner<'a> {
    only: Option<&'a str>,
    rows: Vec<Row>,
}

impl Runner<'_> {
    /// Runs a row, if what it needs is there.
    async fn row<N, F>(&mut self, library: &str, needs: Option<N>, run: impl FnOnce(N) -> F)
    where
        F: Future<Output = Vec<String>>,
    {
        if self.only.is_some_and(|only| !library.contains(only)) {
            return;
        }
        let begin = Instant::now();
        let (state, cells) = match needs {
            None => (State::Skipped, Vec::new()),
            Some(needs) => match AssertUnwindSafe(run(needs)).catch_unwind().await {
                Ok(cells) => (State::Measured, cells),
                Err(_) => (State::Failed, Vec::new()),
            },
        };
        println!("{library}: {state:?} in {} ms", begin.elapsed().as_millis());
        self.rows.push(Row {
            library: library.to_owned(),
            cells,
            state,
        });
    }
}
