//! Every element of an instance by its path, for rules that select by regular expression.

use crate::profile::{PythonRegex, TooComplex};
use crate::standard;
use dicom_lossless::{DataSet, Element, Tag};

/// Where an element is: the items to enter, then its tag.
#[derive(Clone)]
pub(super) struct Location {
    pub(super) items: Vec<(Tag, usize)>,
    pub(super) tag: Tag,
}

/// All elements as they were when the list was made, with both forms of their paths.
pub(super) struct Paths {
    keywords: Vec<(String, usize)>,
    numbers: Vec<(String, usize)>,
    locations: Vec<Location>,
}

impl Paths {
    /// Lists a data set and all that is nested in it.
    pub(super) fn of(data: &DataSet) -> Self {
        let mut paths = Self {
            keywords: Vec::new(),
            numbers: Vec::new(),
            locations: Vec::new(),
        };
        paths.list(data, &mut Vec::new(), "", "");
        paths
    }

    fn list(
        &mut self,
        data: &DataSet,
        items: &mut Vec<(Tag, usize)>,
        keywords: &str,
        numbers: &str,
    ) {
        for element in data {
            let tag = element.tag;
            let number = format!("{numbers}{:04x}{:04x}", tag.group(), tag.element());
            let keyword = standard::keyword(tag);
            let at = self.locations.len();
            self.locations.push(Location {
                items: items.clone(),
                tag,
            });
            self.numbers.push((number.clone(), at));
            // Elements without a keyword have none of these paths, but what is nested in them has:
            // a private sequence stands there by its number. Flywheel's engine passes over what
            // private sequences hold.
            let path = match keyword {
                Some(keyword) => format!("{keywords}{keyword}"),
                None => format!("{keywords}{:04x}{:04x}", tag.group(), tag.element()),
            };
            for (index, item) in element
                .items()
                .into_iter()
                .flat_map(|sequence| &sequence.items)
                .enumerate()
            {
                items.push((tag, index));
                self.list(
                    &item.data,
                    items,
                    &format!("{path}.{index}."),
                    &format!("{number}.{index}."),
                );
                items.pop();
            }
            if keyword.is_some() {
                self.keywords.push((path, at));
            }
        }
    }

    /// Where the expression matches: by keywords first, then by numbers. An element that matches in
    /// both forms comes twice, and is acted on twice.
    pub(super) fn matching(&self, regex: &PythonRegex) -> Result<Vec<Location>, TooComplex> {
        let mut found = Vec::new();
        for (path, at) in self.keywords.iter().chain(&self.numbers) {
            if regex.is_match_start(path)? {
                found.extend(self.locations.get(*at).cloned());
            }
        }
        Ok(found)
    }
}

/// The element at a location, if it is still there.
pub(super) fn find<'a>(data: &'a DataSet, location: &Location) -> Option<&'a Element> {
    let mut data = data;
    for (tag, index) in &location.items {
        data = &data.get(*tag)?.items()?.items.get(*index)?.data;
    }
    data.get(location.tag)
}
