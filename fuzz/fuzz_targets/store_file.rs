//! libFuzzer drives [`mutual_trust_fuzz::store_file`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    mutual_trust_fuzz::store_file(data);
});
