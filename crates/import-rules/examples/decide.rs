//! Prints what the rules of a file decide for each file of a folder, one JSON object a line:
//! `decide RULES FOLDER [--headers FOLDER] [--no-folder-labels]`. With `--headers`, values come from
//! the cleaned copies there. A file of rules that is refused gives one line and exit code 5.

use std::path::Path;
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use dicom_lossless::{CharacterSet, DataSet, Limits, Source, character_set_of, read, values};
use import_rules::{
    CleanedHeader, Decision, FileFields, HeaderField, OriginalHeader, RuleSet, Settings, Tag,
};
use serde_json::json;
use walkdir::WalkDir;

/// The header of one file.
struct Header {
    data: DataSet,
    encoding: dicom_lossless::Encoding,
}

impl Header {
    fn of(path: &Path) -> Option<Self> {
        let instance = read(Source::open(path).ok()?, &Limits::default()).ok()?;
        Some(Self {
            encoding: instance.syntax.encoding,
            data: instance.header,
        })
    }

    fn values(&self, field: &HeaderField) -> Vec<String> {
        let charset = character_set_of(&self.data, &CharacterSet::default());
        let of = |tag: Tag| {
            self.data
                .get(tag)
                .map(|element| values(element, self.encoding, &charset))
                .unwrap_or_default()
        };
        let (group, element, creator) = match field {
            HeaderField::Standard(tag) => return of(*tag),
            HeaderField::Private {
                group,
                element,
                creator,
            } => (*group, *element, creator),
        };
        let block = (0x10..=0xff).find(|block| of(Tag(group, *block)).first() == Some(creator));
        block
            .map(|block| of(Tag(group, block << 8 | u16::from(element))))
            .unwrap_or_default()
    }
}

impl OriginalHeader for Header {
    fn original_values(&self, field: &HeaderField) -> Vec<String> {
        self.values(field)
    }
}

impl CleanedHeader for Header {
    fn cleaned_values(&self, field: &HeaderField) -> Vec<String> {
        self.values(field)
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let without = arguments
        .iter()
        .position(|word| word == "--no-folder-labels");
    if let Some(at) = without {
        arguments.remove(at);
    }
    let (rules, folder, headers) = match arguments.as_slice() {
        [rules, folder] => (rules, Path::new(folder), None),
        [rules, folder, option, headers] if option == "--headers" => {
            (rules, Path::new(folder), Some(Path::new(headers)))
        }
        _ => return Err("decide RULES FOLDER [--headers FOLDER] [--no-folder-labels]".into()),
    };
    let text = std::fs::read_to_string(rules)?;
    let read = if Path::new(rules)
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        RuleSet::from_toml(&text)
    } else {
        RuleSet::from_yaml(&text)
    };
    let rules = match read {
        Ok(rules) => rules,
        Err(refused) => {
            eprintln!("{refused}");
            println!("{}", json!({ "refused": refused.to_string() }));
            return Ok(ExitCode::from(5));
        }
    };
    let settings = Settings {
        folder_labels: without.is_none(),
        ..Settings::default()
    };
    let mut files = Vec::new();
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = entry
                .path()
                .strip_prefix(folder)?
                .to_string_lossy()
                .into_owned();
            files.push((path, entry));
        }
    }
    files.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    for (path, entry) in files {
        let metadata = entry.metadata()?;
        let modified = metadata
            .modified()?
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|time| i64::try_from(time.as_secs()).ok());
        let file = FileFields::new(path.clone(), metadata.len()).with_times(modified, modified);
        let original = Header::of(entry.path());
        let cleaned = match headers {
            Some(folder) => Header::of(&folder.join(&path)),
            None => Header::of(entry.path()),
        };
        let decision = Decision::of(
            &rules,
            &file,
            original
                .as_ref()
                .map(|header| header as &dyn OriginalHeader),
            cleaned
                .as_ref()
                .map(|header| header as &dyn CleanedHeader),
            &settings,
        );
        println!("{}", serde_json::to_string(&decision)?);
    }
    Ok(ExitCode::SUCCESS)
}
