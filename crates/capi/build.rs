//! Names the shared library as the loader of a system looks for it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The number counts up with each change after which programs must be compiled again. cargo-c names the library by
    // itself.
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let is_elf = ["linux", "freebsd", "openbsd", "netbsd"].contains(&os.as_str());
    if is_elf && std::env::var_os("CARGO_CFG_CARGO_C").is_none() {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmutual_trust.so.0");
    }
}
