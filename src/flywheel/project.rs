//! The project that everything goes to.
//!
//! Owns finding it, exactly. It must never take a project that merely resembles the one asked for.

use serde_json::{Value, json};

use super::answer::{ContainerAnswer, Created, segment};
use super::client::{Client, optional};
use super::error::{ApiError, shown};
use super::retry::Tries;
use crate::failure::{Error, RunCode};
use dicom_lossless::escape_for_terminal;

/// How like another label one must be to be suggested, and how many are.
const CLOSE: f64 = 0.8;
const MAX_SUGGESTIONS: usize = 5;

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

impl ProjectRef {
    /// Reads `group/project`, `fw://group/project`, a database id, a bare label, or the address of
    /// one of the project's pages.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.starts_with("https://") || text.starts_with("http://") {
            return Self::of_page(text);
        }
        let path = text.strip_prefix("fw://").unwrap_or(text);
        let unusable = || {
            Error::new(
                RunCode::Usage,
                "the project is not of the form group/project",
            )
        };
        let parts = path
            .split_once('/')
            .map(|(group, label)| (group, label.strip_suffix('/').unwrap_or(label)));
        match parts {
            Some((group, label)) if group.is_empty() || label.is_empty() => Err(unusable()),
            Some((group, label)) => Ok(Self::GroupAndLabel {
                group: group.to_owned(),
                label: label.to_owned(),
            }),
            None if path.is_empty() || text.starts_with("fw://") => Err(unusable()),
            None if is_database_id(path) => Ok(Self::Id(path.to_ascii_lowercase())),
            None => Ok(Self::Label(path.to_owned())),
        }
    }
}

impl ProjectRef {
    /// The project of a page as the browser shows its address: `https://site/#/projects/<id>/...`.
    fn of_page(address: &str) -> Result<Self, Error> {
        let mut parts = address
            .split(['/', '?', '&', '#', '='])
            .skip_while(|part| !matches!(*part, "projects" | "project"));
        match parts.nth(1).filter(|id| is_database_id(id)) {
            Some(id) => Ok(Self::Id(id.to_ascii_lowercase())),
            None => Err(Error::new(
                RunCode::Usage,
                "the address given to `--project` is not that \
                of a page of a project",
            )
            .with_hint(
                "write group/project, or copy the address of a page of the project, in which \
                        /projects/ and its id stand",
            )),
        }
    }
}

fn is_database_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A project on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its database id.
    pub id: String,
    /// The id of its group.
    pub group: String,
    /// Its label.
    pub label: String,
}

impl Project {
    /// `group/project`, escaped for people.
    pub fn path(&self) -> String {
        escape_for_terminal(&format!("{}/{}", self.group, self.label))
    }

    fn from_answer(answer: ContainerAnswer) -> Option<Self> {
        let group = answer.group.or(answer.parents.group)?;
        Some(Self {
            id: answer.id,
            group,
            label: answer.label?,
        })
        .filter(|project| !project.id.is_empty())
    }
}

impl Client {
    /// The project that is meant, exactly: the answer's group and label are those asked for.
    /// Otherwise `project.not-found` with close matches, `project.ambiguous` with the candidates,
    /// or what stood in the way.
    pub async fn resolve_project(&self, wanted: &ProjectRef) -> Result<Project, Error> {
        match wanted {
            ProjectRef::GroupAndLabel { group, label } => {
                match self.find_project(group, label).await {
                    Ok(Some(project)) => Ok(project),
                    Ok(None) => self.listed_project(group, label, None).await,
                    Err(error) if error.status() == Some(403) => {
                        self.listed_project(group, label, Some(looking(error)))
                            .await
                    }
                    Err(error) => Err(looking(error)),
                }
            }
            ProjectRef::Id(id) => {
                let error = match self.project_by_id(id).await {
                    Ok(Some(project)) => return Ok(project),
                    Ok(None) => Error::new(
                        RunCode::ProjectNotFound,
                        format!("no project has the id {id}"),
                    ),
                    Err(error) if error.status() == Some(403) => looking(error),
                    Err(error) => return Err(looking(error)),
                };
                let all = self.projects("/projects").await.unwrap_or_default();
                all.into_iter()
                    .find(|project| project.id == *id)
                    .ok_or(error)
            }
            ProjectRef::Label(label) => self.project_by_label(label).await,
        }
    }

    /// Creates a project in an existing group, or gives the one that is there.
    pub async fn create_project(&self, group: &str, label: &str) -> Result<Project, Error> {
        let known = self
            .look_up(&json!({ "path": [group] }))
            .await
            .map_err(|error| error.into_run("looking up the group"))?;
        if known.is_none_or(|known| known.id != group) {
            let what = format!(
                "no group \"{}\" exists or you cannot see it",
                escape_for_terminal(group)
            );
            return Err(Error::new(RunCode::ProjectNotFound, what)
                .with_hint("check its spelling: the group's id is meant, in lower case"));
        }
        let created = self
            .create_project_once_seen_missing(group, label)
            .await
            .map_err(|error| error.into_run("creating the project"))?;
        created.ok_or_else(|| {
            Error::new(
                RunCode::ServerUnexpected,
                "the project was created but cannot be found",
            )
        })
    }

    /// Looks before every try: a creation whose answer was lost must not be repeated.
    async fn create_project_once_seen_missing(
        &self,
        group: &str,
        label: &str,
    ) -> Result<Option<Project>, ApiError> {
        let mut tries = Tries::new(self, "POST /api/projects");
        loop {
            if let Some(project) = self.find_project(group, label).await? {
                return Ok(Some(project));
            }
            let body = json!({ "group": group, "label": label });
            match self
                .post_once("/projects?inherit=true", Some(&body))
                .await
                .and_then(|answer| answer.json::<Created>())
            {
                Ok(created) => {
                    let project = self.project_by_id(&created.id).await?;
                    return Ok(
                        project.filter(|project| project.group == group && project.label == label)
                    );
                }
                Err(error) if error.status() == Some(409) => {
                    return self.find_project(group, label).await;
                }
                Err(error) => tries.wait(error).await?,
            }
        }
    }

    /// Looks a project up and believes only an exact match.
    async fn find_project(&self, group: &str, label: &str) -> Result<Option<Project>, ApiError> {
        let found = self.look_up(&json!({ "path": [group, label] })).await?;
        let is_project = |answer: &ContainerAnswer| {
            answer
                .container_type
                .as_deref()
                .is_none_or(|kind| kind == "project")
        };
        let project = found.filter(is_project).and_then(Project::from_answer);
        Ok(project.filter(|project| project.group == group && project.label == label))
    }

    /// What lies at the end of a path, by the server's own idea of what is the same. Servers from
    /// before `/lookup` resolve the path instead; that they have no `/lookup` looks as if the thing
    /// were absent, so both are asked.
    async fn look_up(&self, path: &Value) -> Result<Option<ContainerAnswer>, ApiError> {
        let absent = |error: &ApiError| matches!(error.status(), Some(404 | 405));
        match self.ask("/lookup", path).await {
            Err(error) if absent(&error) => {}
            found => return found.map(Some),
        }
        match self.ask::<Resolved>("/resolve", path).await {
            Err(error) if absent(&error) => Ok(None),
            resolved => Ok(resolved?.path.pop()),
        }
    }

    async fn project_by_id(&self, id: &str) -> Result<Option<Project>, ApiError> {
        let answer: Option<ContainerAnswer> = optional(
            self.get_listing(&format!("/projects/{}", segment(id)))
                .await,
        )?;
        Ok(answer
            .and_then(Project::from_answer)
            .filter(|project| project.id == id))
    }

    async fn project_by_label(&self, label: &str) -> Result<Project, Error> {
        let all = self.projects("/projects").await.map_err(looking)?;
        let shown_label = escape_for_terminal(label);
        match the_only(all.iter().filter(|project| project.label == label))? {
            Some(project) => Ok(project.clone()),
            None => Err(with_close_matches(
                Error::new(
                    RunCode::ProjectNotFound,
                    format!("no project \"{shown_label}\" that you can see"),
                ),
                label,
                &all,
            )),
        }
    }

    /// The project in the lists that the user may see, exactly: a user without a role in its group
    /// is refused the group, and with it the way there. Otherwise `refused`, or that it is not
    /// there, with close matches.
    async fn listed_project(
        &self,
        group: &str,
        label: &str,
        refused: Option<Error>,
    ) -> Result<Project, Error> {
        let what = format!(
            "no project \"{}\" in group \"{}\"",
            escape_for_terminal(label),
            escape_for_terminal(group)
        );
        let error = refused.unwrap_or_else(|| Error::new(RunCode::ProjectNotFound, what));
        // The lists are a way round: if they cannot be had, the error stands without them.
        let siblings = self
            .projects(&format!("/groups/{}/projects", segment(group)))
            .await
            .unwrap_or_default();
        let is_meant = |project: &&Project| project.group == group && project.label == label;
        if let Some(project) = the_only(siblings.iter().filter(is_meant))? {
            return Ok(project.clone());
        }
        if error.code == RunCode::ProjectNotFound && !siblings.is_empty() {
            return Err(with_close_matches(error, label, &siblings));
        }
        let all = self.projects("/projects").await.unwrap_or_default();
        match the_only(all.iter().filter(is_meant))? {
            Some(project) => Ok(project.clone()),
            None if error.code == RunCode::ProjectNotFound => {
                Err(with_close_matches(error, label, &all))
            }
            None => Err(error),
        }
    }

    async fn projects(&self, path: &str) -> Result<Vec<Project>, ApiError> {
        Ok(self
            .list(path)
            .await?
            .into_iter()
            .filter_map(Project::from_answer)
            .collect())
    }
}

/// The answer of servers from before `/lookup`.
#[derive(serde::Deserialize)]
struct Resolved {
    path: Vec<ContainerAnswer>,
}

/// The one project, if there is one; `project.ambiguous` where there are several.
fn the_only<'a>(found: impl Iterator<Item = &'a Project>) -> Result<Option<&'a Project>, Error> {
    let found: Vec<_> = found.collect();
    let [first, _, ..] = found.as_slice() else {
        return Ok(found.first().copied());
    };
    let mut names: Vec<String> = found.iter().map(|project| project.path()).collect();
    names.sort_unstable();
    let what = format!(
        "{} projects are labelled \"{}\"",
        names.len(),
        escape_for_terminal(&first.label)
    );
    Err(names
        .into_iter()
        .fold(Error::new(RunCode::ProjectAmbiguous, what), Error::because))
}

fn looking(error: ApiError) -> Error {
    error.into_run("looking up the project")
}

fn with_close_matches(error: Error, label: &str, among: &[Project]) -> Error {
    let wanted = label.to_lowercase();
    let mut near: Vec<(f64, &Project)> = among
        .iter()
        .map(|project| {
            (
                dicom_deid::standard::likeness(&wanted, &project.label.to_lowercase()),
                project,
            )
        })
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .collect();
    near.sort_by(|a, b| {
        b.0.total_cmp(&a.0)
            .then_with(|| a.1.path().cmp(&b.1.path()))
    });
    let names: Vec<String> = near
        .iter()
        .take(MAX_SUGGESTIONS)
        .map(|(_, project)| shown(&project.path()))
        .collect();
    if names.is_empty() {
        error
    } else {
        error.with_hint(format!(
            "close matches: {} (labels are case-sensitive)",
            names.join(", ")
        ))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

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
        for text in [
            "",
            "/",
            "neuro/",
            "/ADNI",
            "fw://neuro",
            "fw://",
            "https://site.example/#/projects",
            "https://site.example",
        ] {
            assert_eq!(
                ProjectRef::parse(text).unwrap_err().code,
                RunCode::Usage,
                "{text}"
            );
        }
    }
}
