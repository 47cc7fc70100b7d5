//! libFuzzer drives [`mutual_trust_fuzz::c_calls`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    mutual_trust_fuzz::c_calls(data);
});
