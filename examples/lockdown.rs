//! What a process can do so that its private key leaves no trace outside its memory: no swap, no core dump, no
//! reading by other processes of the same user. Linux; other systems have their own calls for the same.
//!
//! `cargo run --features issue --example lockdown`
//!
//! The order matters: first the process is locked down, then the key is read. The crate does none of this by itself,
//! since all of it concerns the whole process, which is the embedder's.

#[cfg(all(target_os = "linux", any(feature = "aws-lc-rs", feature = "ring")))]
fn main() -> std::process::ExitCode {
    match linux::run() {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(all(target_os = "linux", any(feature = "aws-lc-rs", feature = "ring")))]
mod linux {
    use std::error::Error;
    use std::fs;

    use mutual_trust::certificate::{SystemClock, TimeSource};
    use mutual_trust::identity::{CertificateSpec, GeneratedKey, KeyType};
    use mutual_trust::tls::{self, SigningKeyPair};
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{
        DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior,
        setrlimit,
    };

    /// Memory that exists and memory to come stays out of swap. `mlock` on the key alone would not do: the provider
    /// keeps it where it likes.
    fn out_of_swap() -> Result<bool, Box<dyn Error>> {
        mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE)?;
        let status = fs::read_to_string("/proc/self/status")?;
        let locked = status
            .lines()
            .find_map(|line| line.strip_prefix("VmLck:"))
            .and_then(|size| size.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(locked.is_some_and(|size| size > 0))
    }

    /// No core dump by the kernel, and no `ptrace` or `/proc/PID/mem` for other processes of this user.
    fn not_dumpable() -> Result<bool, Box<dyn Error>> {
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        Ok(dumpable_behavior()? == DumpableBehavior::NotDumpable)
    }

    /// No core file, whatever the process becomes later.
    fn no_core_file() -> Result<bool, Box<dyn Error>> {
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        setrlimit(Resource::Core, none)?;
        Ok(getrlimit(Resource::Core) == none)
    }

    /// No page in a core dump that root forces all the same: what `MADV_DONTDUMP` does for a mapping, for all of
    /// them.
    fn nothing_in_a_dump() -> Result<bool, Box<dyn Error>> {
        let file = "/proc/self/coredump_filter";
        fs::write(file, "0")?;
        Ok(u64::from_str_radix(fs::read_to_string(file)?.trim(), 16)? == 0)
    }

    type Measure = fn() -> Result<bool, Box<dyn Error>>;

    pub(crate) fn run() -> Result<bool, Box<dyn Error>> {
        // The filter first: a process that is not dumpable may no longer write its own files in /proc.
        let measures: [(&str, Measure); 4] = [
            ("core dumps have no pages", nothing_in_a_dump),
            ("no core file", no_core_file),
            ("memory stays out of swap", out_of_swap),
            ("no reading by other processes", not_dumpable),
        ];
        let mut all = true;
        for (name, measure) in measures {
            let state = match measure() {
                Ok(true) => "holds".to_owned(),
                Ok(false) => "DOES NOT HOLD".to_owned(),
                // `mlockall` needs CAP_IPC_LOCK or a limit that is large enough: LimitMEMLOCK in systemd.
                Err(error) => format!("DOES NOT HOLD: {error}"),
            };
            all &= state == "holds";
            println!("{name:32} {state}");
        }

        // Only now the key. A service would read it: `Identity::from_files("array.pem", "array.key", &provider)`.
        let provider = tls::provider::default_provider();
        let key = SigningKeyPair::new(
            GeneratedKey::generate(KeyType::default())?.into_key()?,
            &provider,
        )?;
        let spec = CertificateSpec::new("array-7")?;
        let identity = key.self_signed(&spec, 30, SystemClock::new().now())?;
        println!(
            "identity                         {}",
            identity.certificate().subject()
        );
        println!(
            "\nOutside of this: hibernation, registers, and the users who are root or own the hypervisor."
        );
        Ok(all)
    }
}

#[cfg(not(all(target_os = "linux", any(feature = "aws-lc-rs", feature = "ring"))))]
fn main() {
    eprintln!("this needs Linux and a crypto provider: feature aws-lc-rs or ring");
}
