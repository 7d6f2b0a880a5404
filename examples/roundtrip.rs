//! Reads DICOM files and writes them again with nothing changed, one JSON line each: the reader's
//! judge.
//!
//! `roundtrip OUT_DIR PATH...` writes `OUT_DIR/<number>.dcm` for each file. Where `dicom-object`
//! can open the file too, its elements are compared with ours. Lines hold paths, codes and tags,
//! never a value.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use dicom_core::DataDictionary;
use dicom_core::dictionary::DataDictionaryEntry;
use dicom_core::header::Header;
use dicom_core::value::{PrimitiveValue, Value as Theirs};
use dicom_deid::profile;
use dicom_deid::{Cleaner, DeidErrorKind, Sendable};
use dicom_lossless::{
    self as dicom, DataSet, Element, Encoding, Instance, Limits, Source, SourceFile, Tag, VR, Value,
};
use dicom_object::{InMemDicomObject, OpenFileOptions};
use fwupload::failure::{FileCode, FileFailure};
use serde_json::json;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os()
        .skip(1)
        .map(PathBuf::from);
    let out = arguments
        .next()
        .context("usage: roundtrip OUT_DIR PATH...")?;
    std::fs::create_dir_all(&out)?;
    let mut files = Vec::new();
    arguments.for_each(|path| collect(&path, &mut files));
    let nothing = json!({ "name": "nothing", "dicom": { "fields": [] } });
    let profile = profile::from_server_json(&nothing, "local")?
        .context("a profile without fields is a profile")?;
    let cleaner = Cleaner::new(&profile, None, Limits::default())?;
    for (number, path) in files.iter().enumerate() {
        let target = out.join(format!("{number}.dcm"));
        println!("{}", line(path, &target, &cleaner));
    }
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(path) else {
        return files.push(path.to_owned());
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    for path in &paths {
        collect(path, files);
    }
}

fn line(path: &Path, target: &Path, nothing: &Cleaner) -> serde_json::Value {
    let name = path.to_string_lossy();
    match round_trip(path, target, nothing) {
        Err(failure) => {
            json!({ "path": name, "code": failure.code.as_str(), "message": failure.message() })
        }
        Ok((instance, cleaned)) => {
            let (verdict, at) = compare(path, &instance);
            json!({ "path": name, "ok": target, "cleaned": cleaned, "dicom_object": verdict, "at": at })
        }
    }
}

/// Reads one file both ways that a file can be read, and writes it through a profile that touches
/// nothing; the two must not differ. What has no instance UID cannot be placed and so is not
/// cleaned: it is only written.
fn round_trip(
    path: &Path,
    target: &Path,
    nothing: &Cleaner,
) -> Result<(Instance, bool), FileFailure> {
    let limits = Limits::default();
    let file = Arc::new(SourceFile::new(path)?);
    let instance = dicom::read(Source::File(file.clone()), &limits)?;
    let body = bytes_of(&dicom::write(&instance, &limits)?)?;
    let in_memory = dicom::read(Source::load(file)?, &limits)?;
    assert_eq!(
        instance.header,
        in_memory.header,
        "{}: file and memory differ",
        path.display()
    );
    assert_eq!(
        body,
        bytes_of(&dicom::write(&in_memory, &limits)?)?,
        "{}: file and memory differ",
        path.display()
    );
    let cleaned = match nothing.deidentify(in_memory, "x.dcm") {
        Ok(clean) => {
            assert_eq!(
                body,
                bytes_of(Sendable::from(clean).body())?,
                "{}: a profile without rules did something",
                path.display()
            );
            true
        }
        Err(failure) if failure.kind == DeidErrorKind::MissingUid => false,
        Err(failure) => return Err(failure.into()),
    };
    std::fs::write(target, &body).map_err(|e| unwritable(&e))?;
    Ok((instance, cleaned))
}

fn bytes_of(body: &dicom::Body) -> Result<Vec<u8>, FileFailure> {
    body.to_vec()
        .map_err(|e| unwritable(&e))
}

fn unwritable(error: &std::io::Error) -> FileFailure {
    FileFailure::new(FileCode::OutputWrite, error.kind().to_string())
}

/// What dicom-object makes of the file: `agree`, `unread`, or `differs` and the first place where.
fn compare(path: &Path, instance: &Instance) -> (&'static str, Option<String>) {
    let Ok(theirs) = OpenFileOptions::new().open_file(path) else {
        return ("unread", None);
    };
    let encoding = instance.syntax.encoding;
    let ours = instance
        .header
        .iter()
        .chain(instance.tail.iter());
    let mut ours: Vec<&Element> = ours.collect();
    ours.sort_by_key(|e| e.tag);
    let pixels = instance
        .pixels
        .iter()
        .map(|p| p.tag)
        .collect::<Vec<_>>();
    let mut expected: Vec<Tag> = ours
        .iter()
        .map(|e| e.tag)
        .chain(pixels.iter().copied())
        .collect();
    expected.sort();
    if !theirs
        .iter()
        .map(Header::tag)
        .eq(expected.iter().copied())
    {
        return ("differs", Some("the list of tags".into()));
    }
    match ours
        .iter()
        .find_map(|e| difference(e, &theirs, encoding))
    {
        None => ("agree", None),
        Some(at) => ("differs", Some(at)),
    }
}

fn data_difference(
    ours: &DataSet,
    theirs: &InMemDicomObject,
    encoding: Encoding,
) -> Option<String> {
    if ours.len() != theirs.iter().count() {
        return Some("the number of elements".into());
    }
    ours.iter()
        .find_map(|e| difference(e, theirs, encoding))
}

fn difference(ours: &Element, theirs: &InMemDicomObject, encoding: Encoding) -> Option<String> {
    let place = |what: &str| Some(format!("{what} of {}", ours.tag));
    let Ok(their) = theirs.element(ours.tag) else {
        return place("the presence");
    };
    let same_vr = their.vr() == ours.vr || (ours.vr == VR::UN) || is_ambiguous(ours.tag);
    if !same_vr {
        return place("the VR");
    }
    match (&ours.value, their.value()) {
        (Value::Items(sequence), Theirs::Sequence(items)) => {
            if sequence.items.len() != items.items().len() {
                return place("the number of items");
            }
            let mut pairs = sequence
                .items
                .iter()
                .zip(items.items());
            pairs
                .find_map(|(a, b)| data_difference(&a.data, b, sequence.encoding))
                .map(|at| format!("{at} in {}", ours.tag))
        }
        // dicom-object leaves UN of defined length closed.
        (Value::Items(_), Theirs::Primitive(_)) if ours.vr == VR::UN => None,
        (Value::Fragments(_), Theirs::PixelSequence(_)) => None,
        (Value::Bytes(bytes), Theirs::Primitive(value)) => {
            (!same_value(bytes, ours.vr, value, encoding)).then(|| place("the value"))?
        }
        (Value::Bytes(bytes), Theirs::Sequence(items))
            if bytes.is_empty() && items.items().is_empty() =>
        {
            None
        }
        _ => place("the kind of value"),
    }
}

/// Whether the dictionary leaves the VR of an implicit element open.
fn is_ambiguous(tag: Tag) -> bool {
    use dicom_core::dictionary::VirtualVr;
    let entry = dicom_dictionary_std::StandardDataDictionary.by_tag(tag);
    entry.is_none_or(|entry| !matches!(entry.vr(), VirtualVr::Exact(_)))
}

/// Compares value bytes: numbers as bytes in the file's order, text through our own reading of it
/// in Latin-1, which is how dicom-object decodes what it has no name for. Text in other sets is
/// compared by length of its ASCII part only.
fn same_value(ours: &[u8], vr: VR, theirs: &PrimitiveValue, encoding: Encoding) -> bool {
    let little = theirs.to_bytes();
    match theirs {
        PrimitiveValue::Str(_) | PrimitiveValue::Strs(_) => {
            let plain = |bytes: &[u8]| {
                bytes
                    .iter()
                    .copied()
                    .filter(u8::is_ascii_graphic)
                    .collect::<Vec<u8>>()
            };
            !ours.is_ascii() || ours.contains(&0x1B) || plain(ours) == plain(&little)
        }
        PrimitiveValue::Tags(tags) => {
            let words = tags.iter().flat_map(|tag| {
                [
                    encoding.put_u16(tag.group()),
                    encoding.put_u16(tag.element()),
                ]
            });
            words
                .flatten()
                .eq(ours.iter().copied())
        }
        _ => {
            let word = if encoding.big_endian {
                word_size(vr)
            } else {
                1
            };
            ours.chunks(word)
                .flat_map(|chunk| chunk.iter().rev())
                .eq(little
                    .chunks(word)
                    .flat_map(|c| c.iter().rev())
                    .collect::<Vec<_>>())
                || ours
                    .chunks(word)
                    .flat_map(|chunk| chunk.iter().rev())
                    .copied()
                    .eq(little.iter().copied())
        }
    }
}

fn word_size(vr: VR) -> usize {
    match vr {
        VR::OW | VR::SS | VR::US => 2,
        VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    }
}
