//! Modules: libraries that speak PKCS#11, each loaded and initialised once in a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as CallError, RvError};

use crate::Uri;
use crate::error::{Error, described};
use crate::log_ins::LogIns;
use crate::uri::is_module_name;

/// A loaded module. It stays loaded and initialised until the process ends: it may serve other parts of the process as
/// well, and unloading is where modules crash.
pub(crate) struct Module {
    path: PathBuf,
    pub(crate) context: Pkcs11,
    /// The process that initialised it.
    pub(crate) process: u32,
    pub(crate) log_ins: LogIns,
}

static MODULES: Mutex<Vec<Arc<Module>>> = Mutex::new(Vec::new());

impl Module {
    /// Loads the module that a URI names, or finds it loaded.
    pub(crate) fn open(uri: &Uri) -> Result<Arc<Self>, Error> {
        let path = match (&uri.module_path, &uri.module_name) {
            (Some(path), _) => path.clone(),
            (None, Some(name)) => named(name)?,
            (None, None) => return Err(Error::NoModule),
        };
        let failed = |reason: String| Error::Module {
            path: path.clone(),
            reason,
        };
        if !path.is_absolute() {
            return Err(failed(String::from("its path is not absolute")));
        }
        let real = fs::canonicalize(&path).map_err(|error| failed(error.to_string()))?;
        let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        let found = modules.iter().find(|module| module.path == real).cloned();
        let module = match found {
            Some(module) if module.process == process::id() => module,
            Some(of_parent) => {
                let context = of_parent.context.clone();
                again(&context).map_err(|error| failed(described(&error).1))?;
                let log_ins = LogIns::of_parent(&of_parent.log_ins);
                Arc::new(Self::new(real, context, log_ins))
            }
            None => {
                let context = Pkcs11::new(&real).map_err(|error| failed(described(&error).1))?;
                initialise(&context).map_err(|error| failed(described(&error).1))?;
                Arc::new(Self::new(real, context, LogIns::default()))
            }
        };
        // In place of the parent's, which stays if the module cannot be initialised.
        modules.retain(|other| other.path != module.path);
        modules.push(module.clone());
        drop(modules);
        module.is_meant(uri)?;
        Ok(module)
    }

    fn new(path: PathBuf, context: Pkcs11, log_ins: LogIns) -> Self {
        Self {
            path,
            context,
            process: process::id(),
            log_ins,
        }
    }

    /// Initialises the module anew, after another part of the process has finalised it.
    pub(crate) fn initialise(&self) -> Result<(), CallError> {
        initialise(&self.context)
    }

    /// Whether its library is the one that a URI names.
    fn is_meant(&self, uri: &Uri) -> Result<(), Error> {
        if uri.library_manufacturer.is_none()
            && uri.library_description.is_none()
            && uri.library_version.is_none()
        {
            return Ok(());
        }
        let info = self.context.get_library_info()?;
        let version = info.library_version().to_string();
        for (what, expected, found) in [
            (
                "manufacturer",
                &uri.library_manufacturer,
                info.manufacturer_id(),
            ),
            (
                "description",
                &uri.library_description,
                info.library_description(),
            ),
            ("version", &uri.library_version, &version),
        ] {
            if let Some(expected) = expected
                && expected != found
            {
                return Err(Error::OtherLibrary {
                    what,
                    found: found.to_owned(),
                    expected: expected.clone(),
                });
            }
        }
        Ok(())
    }
}

fn initialise(context: &Pkcs11) -> Result<(), CallError> {
    match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Another part of the process uses it too.
        Err(CallError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        result => result,
    }
}

/// Initialises the module in a process that was forked from the one that did (PKCS#11 2.40 section 5.4). A module that
/// does not notice the fork holds what belongs to the parent, so it is finalised first.
fn again(context: &Pkcs11) -> Result<(), CallError> {
    let args = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
    match context.initialize(args) {
        Err(CallError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {
            context.clone().finalize()?;
            context.initialize(args)
        }
        result => result,
    }
}

/// The folders in which the distributions install modules: Debian's, Fedora's, and those of SoftHSM.
fn folders() -> Vec<String> {
    let arch = std::env::consts::ARCH;
    vec![
        format!("/usr/lib/{arch}-linux-gnu/pkcs11"),
        format!("/usr/lib/{arch}-linux-gnu"),
        format!("/usr/lib/{arch}-linux-gnu/softhsm"),
        String::from("/usr/lib64/pkcs11"),
        String::from("/usr/lib64"),
        String::from("/usr/lib/pkcs11"),
        String::from("/usr/lib/softhsm"),
        String::from("/usr/lib"),
        String::from("/usr/local/lib/pkcs11"),
        String::from("/usr/local/lib"),
    ]
}

fn named(name: &str) -> Result<PathBuf, Error> {
    let mut folders = folders().into_iter().filter(|_| is_module_name(name));
    let found = folders.find_map(|folder| {
        let files = [
            format!("lib{name}.so"),
            format!("{name}.so"),
            name.to_owned(),
        ];
        let mut paths = files.iter().map(|file| Path::new(&folder).join(file));
        paths.find(|path| path.is_file())
    });
    found.ok_or_else(|| Error::ModuleNotFound {
        name: name.to_owned(),
    })
}
