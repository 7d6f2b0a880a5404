//! What servers answer: an arbitrary body is understood or refused, as success and as refusal.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    flywheel_client::understand_anything(body);
});
