//! One configuration file, read and checked: every key known, every value one that could be typed.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::cli::{
    FileValue, PathRule, Setting, Takes, check_values, file_settings, has_to_be_typed,
    named_profile,
};
use crate::failure::Error;
use dicom_deid::standard::likeness;
use dicom_lossless::{display_path, escape_for_terminal, native_path};

use super::{Places, invalid};

/// No configuration is longer, in bytes.
const LONGEST: u64 = 1 << 20;
/// How often a flag that says more or less can be repeated.
const MOST_REPEATED: i64 = 2;
/// Keys that the file of a site, or the environment, holds, and never one of these.
const KEYS: [&str; 2] = ["api-key", "pseudonym-key"];

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The user's own.
    Own,
    /// That of the current folder.
    Project,
    /// It was named.
    Named,
}

impl Sort {
    fn source(self) -> &'static str {
        match self {
            Self::Own => "user file",
            Self::Project => "project file",
            Self::Named => "named file",
        }
    }
}

/// What a file says.
#[derive(Debug)]
pub struct Document {
    pub path: PathBuf,
    pub sort: Sort,
    pub values: BTreeMap<String, FileValue>,
    pub presets: BTreeMap<String, BTreeMap<String, FileValue>>,
    pub sites: BTreeMap<String, Site>,
    /// Folders whose own files are trusted.
    pub trusted: Vec<PathBuf>,
    /// It has a list of such folders.
    pub trusts: bool,
    /// Values that lead out of the folder of the file, each with its place.
    pub outside: Vec<(String, String)>,
}

/// A table of a site.
#[derive(Debug)]
pub struct Site {
    pub address: String,
    /// It is meant where nothing says which.
    pub default: Option<String>,
    pub values: BTreeMap<String, FileValue>,
}

impl Document {
    /// Reads a file; none where there is none.
    ///
    /// # Errors
    /// It cannot be read, others may change it, or it says what cannot be used.
    pub fn read(path: &Path, sort: Sort, places: &Places) -> Result<Option<Self>, Error> {
        let unreadable =
            |why: &str| invalid(format!("{} cannot be read", display_path(path))).because(why);
        let length = match fs::metadata(path) {
            Ok(facts) => facts.len(),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(unreadable(&error.to_string())),
        };
        if length > LONGEST {
            return Err(unreadable("it is longer than 1 MiB"));
        }
        refuse_if_others_write(path)?;
        let text = fs::read_to_string(path).map_err(|error| unreadable(&error.to_string()))?;
        let table = DeTable::parse(&text).map_err(|error| {
            let line = line_of(&text, error.span());
            invalid(format!(
                "{}:{line}: {}",
                display_path(path),
                error.message()
            ))
            .with_hint("docs/configuration.md has an example")
        })?;
        let reading = Reading {
            text: &text,
            path,
            places,
            settings: file_settings(),
        };
        let mut document = Self {
            path: path.to_owned(),
            sort,
            values: BTreeMap::new(),
            presets: BTreeMap::new(),
            sites: BTreeMap::new(),
            trusted: Vec::new(),
            trusts: false,
            outside: Vec::new(),
        };
        reading.whole(table.get_ref(), &mut document)?;
        Ok(Some(document))
    }

    /// The table of a site, by its name or its address.
    pub fn site(&self, site: &str) -> Option<(&String, &Site)> {
        self.sites
            .iter()
            .find(|(name, table)| *name == site || table.address == site)
    }

    /// The site that is meant where nothing says which: its address and its place.
    pub fn default_site(&self) -> Option<(&str, &str)> {
        self.sites
            .values()
            .find_map(|site| Some((site.address.as_str(), site.default.as_deref()?)))
    }

    /// All settings of the file, those of presets and sites too.
    pub fn all_values(&self) -> impl Iterator<Item = (&String, &FileValue)> {
        let inner = self.presets.values().chain(
            self.sites
                .values()
                .map(|site| &site.values),
        );
        self.values
            .iter()
            .chain(inner.flatten())
    }
}

/// A file on its way to a [`Document`].
struct Reading<'a> {
    text: &'a str,
    path: &'a Path,
    places: &'a Places,
    settings: Vec<Setting>,
}

type Key<'i> = Spanned<DeString<'i>>;
type Value<'i> = Spanned<DeValue<'i>>;
/// What stands in a table.
type Entries<'v, 'i> = Vec<(&'v Key<'i>, &'v Value<'i>)>;

impl Reading<'_> {
    fn whole(&self, table: &DeTable<'_>, document: &mut Document) -> Result<(), Error> {
        let source = document.sort.source();
        let mut plain = Vec::new();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "preset" => {
                    for (name, value) in self.table(key, value)? {
                        let values = self.values(self.table(name, value)?, "preset", document)?;
                        let name = name.get_ref().to_string();
                        document
                            .presets
                            .insert(name, values);
                    }
                }
                "site" if value.get_ref().is_table() => {
                    for (name, value) in self.table(key, value)? {
                        let site = self.site(name, self.table(name, value)?, document)?;
                        if site.default.is_some() && document.default_site().is_some() {
                            return Err(self.wrong(&name.span(), "another site is the default"));
                        }
                        let name = name.get_ref().to_string();
                        document.sites.insert(name, site);
                    }
                }
                "trust" => self.trust(self.table(key, value)?, document)?,
                _ => plain.push((key, value)),
            }
        }
        document.values = self.values(plain, source, document)?;
        Ok(())
    }

    fn site(
        &self,
        name: &Key<'_>,
        entries: Entries<'_, '_>,
        document: &mut Document,
    ) -> Result<Site, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !name.get_ref().bytes().all(plain) {
            return Err(self.wrong(
                &name.span(),
                "the name of a site has letters, digits, - and _ alone",
            ));
        }
        let (default, entries): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|(key, _)| key.get_ref() == "default");
        let default = match default.first() {
            Some((key, value)) => value
                .get_ref()
                .as_bool()
                .ok_or_else(|| self.wrong(&value.span(), "`default` has to be true or false"))?
                .then(|| self.place(&key.span())),
            None => None,
        };
        let (address, rest): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|(key, _)| key.get_ref() == "address");
        let Some((_, address)) = address.first() else {
            return Err(self
                .wrong(&name.span(), "the site has no address")
                .with_hint("add a line such as `address = \"flywheel.example.org\"`"));
        };
        let address = address
            .get_ref()
            .as_str()
            .ok_or_else(|| self.wrong(&address.span(), "the address of a site is a text"))?;
        if let Some((key, _)) = rest
            .iter()
            .find(|(key, _)| key.get_ref() == "site")
        {
            return Err(self.wrong(&key.span(), "a site is not set within a site"));
        }
        Ok(Site {
            address: address.to_owned(),
            default,
            values: self.values(rest, "site", document)?,
        })
    }

    fn trust(&self, entries: Entries<'_, '_>, document: &mut Document) -> Result<(), Error> {
        for (key, value) in entries {
            if key.get_ref() != "folders" {
                return Err(self
                    .wrong(&key.span(), "[trust] has no such key")
                    .with_hint("it has `folders`, a list of folders"));
            }
            let folders = self.texts(value)?;
            document.trusted.extend(
                folders
                    .iter()
                    .map(|folder| self.path(folder)),
            );
            document.trusts = true;
        }
        Ok(())
    }

    /// The settings of a table, as if they were typed.
    fn values(
        &self,
        entries: Entries<'_, '_>,
        source: &'static str,
        document: &mut Document,
    ) -> Result<BTreeMap<String, FileValue>, Error> {
        let mut values = BTreeMap::new();
        for (key, value) in entries {
            let setting = self.setting(key)?;
            let place = self.place(&key.span());
            let mut typed = self.as_typed(setting, value)?;
            for text in &mut typed {
                let is_path = match setting.path {
                    PathRule::Never => false,
                    PathRule::Always => true,
                    PathRule::Profile => named_profile(text).is_some(),
                };
                if !is_path {
                    continue;
                }
                if leads_out(Path::new(text), self.folder()) {
                    let outside = (setting.name.clone(), place.clone());
                    document.outside.push(outside);
                }
                *text = self
                    .path(text)
                    .to_string_lossy()
                    .into_owned();
            }
            let value = FileValue {
                values: typed,
                source,
                place,
            };
            values.insert(setting.name.clone(), value);
        }
        check_values(&values).map_err(|(name, why)| {
            let place = values
                .get(&name)
                .map_or("", |value| value.place.as_str());
            invalid(format!("{place}: the value of `{name}` cannot be used")).because(why)
        })?;
        Ok(values)
    }

    /// The setting of this name.
    fn setting(&self, key: &Key<'_>) -> Result<&Setting, Error> {
        let name = key.get_ref().as_ref();
        if let Some(setting) = self
            .settings
            .iter()
            .find(|setting| setting.name == name)
        {
            return Ok(setting);
        }
        let shown = escape_for_terminal(name);
        if KEYS.contains(&name) {
            return Err(self
                .wrong(
                    &key.span(),
                    &format!("`{shown}` is no setting: a key does not stand here"),
                )
                .with_hint(format!(
                    "name a file with `{name}-file` or a command with `{name}-command`; if this \
                        key was real, make a new one"
                )));
        }
        if has_to_be_typed(name) {
            return Err(self
                .wrong(&key.span(), &format!("`{shown}` is no setting of a file"))
                .with_hint(format!("it is decided for each run: type `--{name}`")));
        }
        let close = self
            .settings
            .iter()
            .map(|setting| (likeness(name, &setting.name), setting))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(score, _)| *score > 0.8);
        let error = self.wrong(&key.span(), &format!("`{shown}` is no setting"));
        Err(match close {
            Some((_, setting)) => error.with_hint(format!("did you mean `{}`?", setting.name)),
            None => error.with_hint("`fwupload status --config` lists all of them"),
        })
    }

    /// A value as it would be typed.
    fn as_typed(&self, setting: &Setting, value: &Value<'_>) -> Result<Vec<String>, Error> {
        let what = match setting.takes {
            Takes::Switch => match value.get_ref().as_bool() {
                Some(set) => return Ok(vec![set.to_string()]),
                None => "true or false",
            },
            Takes::Count => match whole(value.get_ref()) {
                Some(number) if (0..=MOST_REPEATED).contains(&number) => {
                    return Ok(vec![number.to_string()]);
                }
                _ => "0, 1 or 2",
            },
            Takes::Many => return self.texts(value),
            Takes::One => match text(value.get_ref()) {
                Some(text) => return Ok(vec![text]),
                None => "a text or a whole number",
            },
        };
        Err(self.wrong(
            &value.span(),
            &format!("`{}` has to be {what}", setting.name),
        ))
    }

    /// The texts of a list; one text is a list of one.
    fn texts(&self, value: &Value<'_>) -> Result<Vec<String>, Error> {
        let texts = match value.get_ref().as_array() {
            Some(items) => items
                .iter()
                .map(|item| text(item.get_ref()))
                .collect(),
            None => text(value.get_ref()).map(|text| vec![text]),
        };
        texts.ok_or_else(|| self.wrong(&value.span(), "this has to be a text or a list of texts"))
    }

    fn table<'v, 'i>(&self, key: &Key<'_>, value: &'v Value<'i>) -> Result<Entries<'v, 'i>, Error> {
        let table = value
            .get_ref()
            .as_table()
            .ok_or_else(|| {
                let what = format!("`{}` has to be a table", escape_for_terminal(key.get_ref()));
                self.wrong(&key.span(), &what)
            })?;
        Ok(table.iter().collect())
    }

    /// A path as the program takes it: `~` is the home, and what is relative begins at the file.
    fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix('~'), &self.places.home) {
            (Some(""), Some(home)) => home.clone(),
            (Some(rest), Some(home)) if rest.starts_with(['/', '\\']) => {
                home.join(rest.trim_start_matches(['/', '\\']))
            }
            _ => native_path(&self.folder().join(text)).into_owned(),
        }
    }

    fn folder(&self) -> &Path {
        self.path
            .parent()
            .unwrap_or(Path::new("."))
    }

    fn place(&self, span: &Range<usize>) -> String {
        let line = line_of(self.text, Some(span.clone()));
        format!("{}:{line}", display_path(self.path))
    }

    fn wrong(&self, span: &Range<usize>, why: &str) -> Error {
        invalid(format!("{}: {why}", self.place(span)))
            .with_hint("docs/configuration.md has an example")
    }
}

/// A text, or a whole number as one.
fn text(value: &DeValue<'_>) -> Option<String> {
    value
        .as_str()
        .map(str::to_owned)
        .or_else(|| whole(value).map(|number| number.to_string()))
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The line on which something begins, from 1.
fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start));
    before.map_or(1, |before| before.matches('\n').count() + 1)
}

/// Whether a path of a file in this folder is one outside of it, links on the way included.
fn leads_out(path: &Path, folder: &Path) -> bool {
    let mut at = folder.to_owned();
    path.components()
        .any(|component| match component {
            Component::CurDir => false,
            Component::Normal(name) if name == "~" => true,
            Component::Normal(name) => {
                at.push(name);
                fs::symlink_metadata(&at).is_ok_and(|facts| facts.is_symlink())
            }
            Component::Prefix(_) | Component::RootDir | Component::ParentDir => true,
        })
}

/// Refuses a file that everyone may write: what it says could be anyone's.
///
/// # Errors
/// `config.invalid`.
#[cfg(unix)]
fn refuse_if_others_write(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_or(0, |facts| facts.permissions().mode());
    if mode & 0o002 != 0 {
        return Err(invalid(format!(
            "{} can be changed by every user of this machine",
            display_path(path)
        ))
        .with_hint(format!("run `chmod o-w {}`", display_path(path))));
    }
    Ok(())
}

/// Nothing is known of who may write a file.
#[cfg(not(unix))]
fn refuse_if_others_write(_: &Path) -> Result<(), Error> {
    Ok(())
}
