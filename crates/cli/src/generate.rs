//! `completions` and `man`: made from the same description as the help.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;

use crate::json;
use crate::output::{Failure, Outcome};
use crate::plain;

/// The shell.
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// Where the pages are written.
#[derive(Args, Debug)]
pub(crate) struct Manual {
    /// The folder for a page of each subcommand; without it, the first page is printed
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Prints the completions of a shell.
pub(crate) fn completions(arguments: &Completions, mut command: Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "mutual-trust", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let made = json::Completions {
        shell: arguments.shell.to_string(),
        script: script.clone(),
    };
    Outcome::of(script, &made)
}

/// Prints the manual, or writes its pages.
pub(crate) fn manual(arguments: &Manual, command: Command) -> Result<Outcome, Failure> {
    let Some(folder) = &arguments.out else {
        let page = page(command)?;
        let made = json::Manual::Page { page: page.clone() };
        return Ok(Outcome::of(page, &made));
    };
    let about = |error: std::io::Error| Failure::from(error).about(folder.display());
    std::fs::create_dir_all(folder).map_err(about)?;
    clap_mangen::generate_to(command, folder).map_err(about)?;
    let mut pages = pages(folder).map_err(about)?;
    pages.sort();
    let text = format!("{} pages in {}", pages.len(), plain::path(folder));
    let made = json::Manual::Pages {
        folder: folder.display().to_string(),
        pages,
    };
    Ok(Outcome::of(text, &made))
}

fn page(command: Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn pages(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("mutual-trust") && name.ends_with(".1") {
            pages.push(name);
        }
    }
    Ok(pages)
}
