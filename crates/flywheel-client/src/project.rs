//! A project, and how a user names one.

/// A project on the server, or one that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its database id; none where it is not there yet.
    pub id: Option<String>,
    /// The id of its group.
    pub group: String,
    /// Its label.
    pub label: String,
}

impl Project {
    /// `group/project`, as the server writes both.
    pub fn path(&self) -> String {
        format!("{}/{}", self.group, self.label)
    }

    /// The address of its page on a site, as [`ProjectRef::parse`] reads it; none where it is not
    /// there yet.
    pub(crate) fn page(&self, base_url: &str) -> Option<String> {
        let id = self.id.as_ref()?;
        // The port that the scheme implies, which browsers leave out.
        let implied = if base_url.starts_with("https:") {
            ":443"
        } else {
            ":80"
        };
        let base = base_url
            .strip_suffix(implied)
            .unwrap_or(base_url);
        Some(format!("{base}/#/projects/{id}"))
    }
}

/// A project as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectRef {
    /// `group/project` or `fw://group/project`.
    GroupAndLabel {
        /// The group's id.
        group: String,
        /// The project's label.
        label: String,
    },
    /// A database id of 24 hex digits.
    Id(String),
    /// A label, good when exactly one visible project has it.
    Label(String),
}

/// Why a text names no project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProjectRefError {
    /// It is none of the forms.
    #[error("the project is not of the form group/project")]
    Form,
    /// It is an address that leads to no page of a project.
    #[error("the address is not that of a page of a project")]
    Address,
}

impl ProjectRef {
    /// Reads `group/project`, `fw://group/project`, a database id, a bare label, or the address of
    /// one of the project's pages.
    pub fn parse(text: &str) -> Result<Self, ProjectRefError> {
        if text.starts_with("https://") || text.starts_with("http://") {
            return Self::of_page(text);
        }
        let path = text
            .strip_prefix("fw://")
            .unwrap_or(text);
        let parts = path
            .split_once('/')
            .map(|(group, label)| {
                (
                    group,
                    label
                        .strip_suffix('/')
                        .unwrap_or(label),
                )
            });
        match parts {
            Some((group, label)) if group.is_empty() || label.is_empty() => {
                Err(ProjectRefError::Form)
            }
            Some((group, label)) => Ok(Self::GroupAndLabel {
                group: group.to_owned(),
                label: label.to_owned(),
            }),
            None if path.is_empty() || text.starts_with("fw://") => Err(ProjectRefError::Form),
            None if is_database_id(path) => Ok(Self::Id(path.to_ascii_lowercase())),
            None => Ok(Self::Label(path.to_owned())),
        }
    }

    /// The project of a page as the browser shows its address: `https://site/#/projects/<id>/...`.
    fn of_page(address: &str) -> Result<Self, ProjectRefError> {
        let mut parts = address
            .split(['/', '?', '&', '#', '='])
            .skip_while(|part| !matches!(*part, "projects" | "project"));
        match parts
            .nth(1)
            .filter(|id| is_database_id(id))
        {
            Some(id) => Ok(Self::Id(id.to_ascii_lowercase())),
            None => Err(ProjectRefError::Address),
        }
    }
}

/// Whether a text is a database id: 24 hex digits.
pub(crate) fn is_database_id(text: &str) -> bool {
    text.len() == 24
        && text
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_project_has_the_address_that_a_browser_shows_and_names_it_again() {
        let id = "5e8f0000000000000000abcd";
        let project = Project {
            id: Some(id.into()),
            group: "neuro".into(),
            label: "ADNI".into(),
        };
        for (base, site) in [
            ("https://site.example:443", "https://site.example"),
            ("https://site.example:8443", "https://site.example:8443"),
            ("http://site.example:80", "http://site.example"),
            ("http://[::1]:443", "http://[::1]:443"),
        ] {
            let page = project.page(base).unwrap();
            assert_eq!(page, format!("{site}/#/projects/{id}"));
            assert_eq!(ProjectRef::parse(&page), Ok(ProjectRef::Id(id.into())));
        }
        let not_there_yet = Project {
            id: None,
            ..project
        };
        assert_eq!(not_there_yet.page("https://site.example:443"), None);
    }

    #[test]
    fn a_project_is_named_in_five_ways() {
        let full = ProjectRef::GroupAndLabel {
            group: "neuro".into(),
            label: "My ADNI".into(),
        };
        assert_eq!(ProjectRef::parse("neuro/My ADNI").unwrap(), full);
        assert_eq!(ProjectRef::parse("fw://neuro/My ADNI/").unwrap(), full);
        assert_eq!(
            ProjectRef::parse("5E8F0000000000000000AbCd").unwrap(),
            ProjectRef::Id("5e8f0000000000000000abcd".into())
        );
        assert_eq!(
            ProjectRef::parse("ADNI").unwrap(),
            ProjectRef::Label("ADNI".into())
        );
        let page = "https://site.example/#/projects/5E8F0000000000000000AbCd/sessions/5e8f00000000000000001111?tab=data";
        for address in [
            page,
            "https://site.example/projects/5e8f0000000000000000abcd",
            "http://s/#/projects/5e8f0000000000000000abcd?x=1",
        ] {
            assert_eq!(
                ProjectRef::parse(address).unwrap(),
                ProjectRef::Id("5e8f0000000000000000abcd".into()),
                "{address}"
            );
        }
        for text in ["", "/", "neuro/", "/ADNI", "fw://neuro", "fw://"] {
            assert_eq!(
                ProjectRef::parse(text),
                Err(ProjectRefError::Form),
                "{text}"
            );
        }
        for text in ["https://site.example/#/projects", "https://site.example"] {
            assert_eq!(
                ProjectRef::parse(text),
                Err(ProjectRefError::Address),
                "{text}"
            );
        }
    }
}
