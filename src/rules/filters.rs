//! The filters of the command line: all of them have to let a file pass.
//!
//! Owns what `--filter`, `--modality`, `--skip-localizers` and `--skip-derived` mean. A field that a
//! DICOM file does not have fits no filter, so that what asks for it takes no such file, and what
//! skips by it skips none. Of files that are not DICOM a filter for headers says nothing: they
//! follow the images beside them.

use import_rules::{FileFields, Filter, OriginalHeader, Refusal, Zone};
use sha2::{Digest, Sha256};

/// Filters as they were typed.
#[derive(Debug, Clone, Copy)]
pub struct FilterFlags<'a> {
    /// `--filter`.
    pub filters: &'a [String],
    /// `--modality`.
    pub modalities: &'a [String],
    /// `--skip-localizers`.
    pub skip_localizers: bool,
    /// `--skip-derived`.
    pub skip_derived: bool,
}

impl FilterFlags<'_> {
    fn identity(&self) -> String {
        let mut digest = Sha256::new();
        for texts in [self.filters, self.modalities] {
            digest.update((texts.len() as u64).to_le_bytes());
            for text in texts {
                digest.update((text.len() as u64).to_le_bytes());
                digest.update(text);
            }
        }
        digest.update([self.skip_localizers, self.skip_derived].map(u8::from));
        hex::encode(digest.finalize())
    }
}

/// Filters that are ready.
#[derive(Debug, Default)]
pub struct Filters {
    conditions: Vec<Condition>,
    /// What stands for them as they were typed.
    identity: String,
}

/// One flag: any of its filters lets a file pass, or with `skips` keeps it out.
#[derive(Debug)]
struct Condition {
    name: String,
    any_of: Vec<Filter>,
    skips: bool,
}

impl Filters {
    /// Reads filters.
    ///
    /// # Errors
    /// What is wrong with a filter, and the flag that it stands behind.
    pub fn new(flags: FilterFlags<'_>) -> Result<Self, (String, Refusal)> {
        let mut conditions = Vec::new();
        for (number, text) in (1..).zip(flags.filters) {
            let name = if flags.filters.len() == 1 {
                "`--filter`".to_owned()
            } else {
                format!("`--filter` {number}")
            };
            match Filter::parse(text) {
                Ok(filter) => conditions.push(Condition {
                    name,
                    any_of: vec![filter],
                    skips: false,
                }),
                Err(refusal) => return Err((name, refusal)),
            }
        }
        let skipping = [
            ("`--skip-localizers`", flags.skip_localizers, "LOCALIZER"),
            ("`--skip-derived`", flags.skip_derived, "DERIVED"),
        ];
        let of_header = |name: &str, field: &str, values: &[&str], skips| {
            let any_of: Result<_, _> = values
                .iter()
                .map(|value| Filter::parse(&format!("{field}={value}")))
                .collect();
            Ok(Condition {
                name: name.to_owned(),
                any_of: any_of.map_err(|refusal| (name.to_owned(), refusal))?,
                skips,
            })
        };
        if !flags.modalities.is_empty() {
            let values: Vec<_> = flags
                .modalities
                .iter()
                .map(|modality| modality.trim())
                .collect();
            conditions.push(of_header("`--modality`", "Modality", &values, false)?);
        }
        for (name, asked, value) in skipping {
            if asked {
                conditions.push(of_header(name, "ImageType", &[value], true)?);
            }
        }
        Ok(Self {
            conditions,
            identity: flags.identity(),
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.conditions.len()
    }

    /// What stands for them as they were typed; empty where no flag was asked for.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether any looks at the header.
    pub fn need_header(&self) -> bool {
        self.conditions
            .iter()
            .any(Condition::needs_header)
    }

    /// What a filter is called, by its number.
    pub fn name(&self, number: usize) -> &str {
        self.conditions
            .get(number)
            .map_or("", |condition| &condition.name)
    }

    /// The first filter that keeps a file out; none where all let it pass. Those that ask for the
    /// header say nothing of a file without one.
    ///
    /// # Errors
    /// The filter that would take too long.
    pub(super) fn refuse(
        &self,
        file: &FileFields,
        header: Option<&dyn OriginalHeader>,
        zone: &Zone,
    ) -> Result<Option<usize>, usize> {
        for (number, condition) in self.conditions.iter().enumerate() {
            if header.is_none() && condition.needs_header() {
                continue;
            }
            let mut fits = false;
            for filter in &condition.any_of {
                fits |= filter
                    .fits(file, header, zone)
                    .map_err(|_| number)?;
            }
            if fits == condition.skips {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

impl Condition {
    fn needs_header(&self) -> bool {
        self.any_of
            .iter()
            .any(Filter::needs_header)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use import_rules::HeaderField;

    use super::*;

    struct Header(Vec<(&'static str, Vec<&'static str>)>);

    impl OriginalHeader for Header {
        fn original_values(&self, field: &HeaderField) -> Vec<String> {
            let named = |name: &str| HeaderField::parse(name).as_ref() == Ok(field);
            let found = self
                .0
                .iter()
                .find(|(name, _)| named(name));
            let values = found.map(|(_, values)| values.iter());
            values
                .into_iter()
                .flatten()
                .map(ToString::to_string)
                .collect()
        }
    }

    fn refused(
        flags: FilterFlags<'_>,
        header: Option<Vec<(&'static str, Vec<&'static str>)>>,
    ) -> Option<String> {
        let filters = Filters::new(flags).unwrap();
        let header = header.map(Header);
        let header = header
            .as_ref()
            .map(|header| header as &dyn OriginalHeader);
        let file = FileFields::new("a/b.dcm", 10);
        let number = filters
            .refuse(&file, header, &Zone::utc())
            .unwrap();
        number.map(|number| filters.name(number).to_owned())
    }

    const NONE: FilterFlags<'_> = FilterFlags {
        filters: &[],
        modalities: &[],
        skip_localizers: false,
        skip_derived: false,
    };

    #[test]
    fn all_filters_have_to_fit_and_the_first_that_does_not_is_named() {
        let filters = ["path!~**/localizer/**", "Modality=MR"].map(str::to_owned);
        let flags = FilterFlags {
            filters: &filters,
            ..NONE
        };
        assert_eq!(refused(flags, Some(vec![("Modality", vec!["MR"])])), None);
        let by_second = Some("`--filter` 2".to_owned());
        assert_eq!(
            refused(flags, Some(vec![("Modality", vec!["CT"])])),
            by_second
        );
        assert_eq!(refused(flags, None), None, "nothing is said of a header");
    }

    #[test]
    fn everyday_forms_keep_what_does_not_say() {
        let modalities = ["mr", "PT"].map(str::to_owned);
        let flags = FilterFlags {
            modalities: &modalities,
            skip_localizers: true,
            skip_derived: true,
            ..NONE
        };
        let file = |modality, image_type: &[&'static str]| {
            Some(vec![
                ("Modality", vec![modality]),
                ("ImageType", image_type.to_vec()),
            ])
        };
        for (header, by) in [
            (file("PT", &[]), None),
            (file("MR", &["ORIGINAL", "PRIMARY", "M"]), None),
            (file("CT", &[]), Some("`--modality`")),
            (
                file("MR", &["ORIGINAL", "PRIMARY", "LOCALIZER"]),
                Some("`--skip-localizers`"),
            ),
            (
                file("MR", &["DERIVED", "SECONDARY"]),
                Some("`--skip-derived`"),
            ),
        ] {
            assert_eq!(refused(flags, header).as_deref(), by);
        }
    }

    #[test]
    fn a_filter_that_is_none_is_named() {
        let filters = ["Modality=MR", "Modalty=MR"].map(str::to_owned);
        let flags = FilterFlags {
            filters: &filters,
            ..NONE
        };
        let (name, refusal) = Filters::new(flags).unwrap_err();
        assert_eq!(name, "`--filter` 2");
        assert!(
            refusal
                .hint
                .unwrap()
                .contains("Modality")
        );
    }
}
