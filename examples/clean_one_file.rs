//! Cleans one file under `basic`: `PSEUDONYM_KEY=<64 hexadecimal digits> clean_one_file IN OUT`.

use dicom_deid::{Cleaner, Limits, PseudonymKey, Source, profile, read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [from, to] = [1, 2].map(|at| {
        std::env::args_os()
            .nth(at)
            .unwrap_or_default()
    });
    let key = PseudonymKey::parse(&std::env::var("PSEUDONYM_KEY")?)?;
    let cleaner = Cleaner::new(&profile::load("basic")?, Some(key), Limits::default())?;
    let instance = read(Source::open(from)?, &Limits::default())?;
    let clean = cleaner.deidentify(instance, "")?;
    let mut out = std::fs::File::create_new(to)?;
    std::io::copy(&mut clean.body().reader(), &mut out)?;
    Ok(())
}
