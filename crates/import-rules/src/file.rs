//! What is known of a file without opening it. A path may identify: it is never printed for
//! debugging.

use std::fmt;

use super::value::Value;

/// A file, or a member of an archive, as rules see it.
#[derive(Clone)]
pub struct FileFields {
    path: String,
    size: u64,
    modified: Option<i64>,
    created: Option<i64>,
    /// For a member: the archive that holds it, and its path inside.
    archive: Option<(Box<FileFields>, String)>,
}

impl fmt::Debug for FileFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileFields(..)")
    }
}

impl FileFields {
    /// A file by its path below the folder that is imported, `/` between parts, and its size in
    /// bytes.
    pub fn new(path: impl Into<String>, size: u64) -> Self {
        Self {
            path: path.into(),
            size,
            modified: None,
            created: None,
            archive: None,
        }
    }

    /// With the times of its last changes, in seconds since 1970: of its content, and of its
    /// entry in the folder.
    #[must_use]
    pub fn with_times(mut self, modified: Option<i64>, created: Option<i64>) -> Self {
        self.modified = modified;
        self.created = created;
        self
    }

    /// A member of this archive by its path inside; of an archive inside it with `::` between.
    /// Times are the member's.
    #[must_use]
    pub fn member(&self, path: &str, size: u64, modified: Option<i64>) -> Self {
        Self {
            path: format!("{}/{}", self.path, path.replace("::", "/")),
            size,
            modified,
            created: modified,
            archive: Some((Box::new(self.clone()), path.to_owned())),
        }
    }

    /// Its path; for a member that of the archive and that inside, with `::` between.
    pub fn path(&self) -> String {
        match &self.archive {
            Some((archive, member)) => format!("{}::{member}", archive.path),
            None => self.path.clone(),
        }
    }

    /// What filters without `::` see: the file, or the archive that holds it.
    pub(crate) fn outermost(&self) -> &Self {
        self.archive
            .as_ref()
            .map_or(self, |(archive, _)| archive)
    }

    /// The path of the archive and the path inside, for a member.
    pub(crate) fn halves(&self) -> Option<(&str, &str)> {
        self.archive
            .as_ref()
            .map(|(archive, member)| (archive.path.as_str(), member.as_str()))
    }

    pub(crate) fn text(&self, field: PathField) -> Option<&str> {
        Some(match field {
            PathField::Path => &self.path,
            PathField::Name => self
                .path
                .rsplit('/')
                .next()
                .unwrap_or_default(),
            PathField::Dir => self
                .path
                .rsplit_once('/')
                .map_or("", |(dir, _)| dir),
            PathField::Ext => {
                let name = self.text(PathField::Name)?;
                name.trim_start_matches('.')
                    .rsplit_once('.')
                    .map_or("", |(_, ext)| ext)
            }
            _ => return None,
        })
    }

    pub(crate) fn number(&self, field: PathField) -> Option<i64> {
        match field {
            PathField::Depth => i64::try_from(self.path.matches('/').count() + 1).ok(),
            PathField::Size => i64::try_from(self.size).ok(),
            PathField::Ctime => self.created,
            PathField::Mtime => self.modified,
            _ => None,
        }
    }

    /// As templates see it.
    pub(crate) fn value(&self, field: PathField) -> Option<Value> {
        match self.text(field) {
            Some(text) => Some(Value::text(text)),
            None => self
                .number(field)
                .map(Value::Integer),
        }
    }

    /// The folders above, from the nearest.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        self.path
            .strip_prefix('/')
            .unwrap_or(&self.path)
            .rsplit('/')
            .skip(1)
    }
}

/// A field that every file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PathField {
    Path,
    Name,
    Dir,
    Depth,
    Size,
    Ctime,
    Mtime,
    /// Of filters alone.
    Ext,
}

impl PathField {
    pub const SOURCES: [(&'static str, Self); 7] = [
        ("path", Self::Path),
        ("name", Self::Name),
        ("dir", Self::Dir),
        ("depth", Self::Depth),
        ("size", Self::Size),
        ("ctime", Self::Ctime),
        ("mtime", Self::Mtime),
    ];

    /// The field that templates call so.
    pub fn source(name: &str) -> Option<Self> {
        Self::SOURCES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, field)| *field)
    }
}
