//! The project that everything goes to.
//!
//! Owns finding it, exactly. It must never take a project that merely resembles the one asked for.

use serde_json::{Value, json};

use crate::client::{Client, optional};
use crate::error::{ClientError, Operation, RequestError};
use crate::listing::{ContainerAnswer, Created};
use crate::project::{Project, ProjectRef};
use crate::reference::segment;

/// How like another label one must be to be suggested, and how many are.
const CLOSE: f64 = 0.8;
const MAX_SUGGESTIONS: usize = 5;

/// A longer label is not compared with others: comparing takes time by length.
const LONGEST_COMPARED: usize = 64;

impl Client {
    /// The project that is meant, exactly: the answer's group and label are those asked for.
    ///
    /// # Errors
    /// [`ClientError::ProjectNotFound`], [`ClientError::ProjectAmbiguous`],
    /// [`ClientError::Request`].
    pub async fn resolve_project(&self, wanted: &ProjectRef) -> Result<Project, ClientError> {
        let refused = match self.project_by_name(wanted).await {
            Ok(Some(project)) => return Ok(project),
            Ok(None) => None,
            Err(error) if error.status() == Some(403) => Some(error),
            Err(error) => return Err(finding(error)),
        };
        self.listed_project(wanted, refused)
            .await
    }

    /// Creates a project in an existing group, or gives the one that is there.
    ///
    /// # Errors
    /// [`ClientError::GroupNotFound`], [`ClientError::ProjectLost`], [`ClientError::Request`].
    pub async fn create_project(&self, group: &str, label: &str) -> Result<Project, ClientError> {
        let known = self
            .look_up(&json!({ "path": [group] }))
            .await
            .map_err(|error| error.during(Operation::FindGroup))?;
        if known.is_none_or(|known| known.id != group) {
            let group = group.to_owned();
            return Err(ClientError::GroupNotFound { group });
        }
        self.create_project_once_seen_missing(group, label)
            .await
            .map_err(|error| error.during(Operation::CreateProject))?
            .ok_or(ClientError::ProjectLost)
    }

    /// Looks before every try: a creation whose answer was lost must not be repeated.
    async fn create_project_once_seen_missing(
        &self,
        group: &str,
        label: &str,
    ) -> Result<Option<Project>, RequestError> {
        let mut tries = self.tries("POST /api/projects");
        loop {
            if let Some(project) = self
                .find_project(group, label)
                .await?
            {
                return Ok(Some(project));
            }
            let body = json!({ "group": group, "label": label });
            match self
                .post_once("/projects?inherit=true", Some(&body))
                .await
                .and_then(|answer| answer.json::<Created>())
            {
                Ok(created) => {
                    let project = self
                        .project_by_id(&created.id)
                        .await?;
                    return Ok(
                        project.filter(|project| project.group == group && project.label == label)
                    );
                }
                Err(error) if error.status() == Some(409) => {
                    return self
                        .find_project(group, label)
                        .await;
                }
                Err(error) => tries.wait(error).await?,
            }
        }
    }

    /// The project by a lookup; none where only a list of projects can tell.
    async fn project_by_name(&self, wanted: &ProjectRef) -> Result<Option<Project>, RequestError> {
        match wanted {
            ProjectRef::GroupAndLabel { group, label } => {
                self.find_project(group, label)
                    .await
            }
            ProjectRef::Id(id) => self.project_by_id(id).await,
            ProjectRef::Label(_) => Ok(None),
        }
    }

    /// Looks a project up and believes only an exact match.
    async fn find_project(
        &self,
        group: &str,
        label: &str,
    ) -> Result<Option<Project>, RequestError> {
        let found = self
            .look_up(&json!({ "path": [group, label] }))
            .await?;
        let is_project = |answer: &ContainerAnswer| {
            answer
                .container_type
                .as_deref()
                .is_none_or(|kind| kind == "project")
        };
        let project = found
            .filter(is_project)
            .and_then(ContainerAnswer::into_project);
        Ok(project.filter(|project| project.group == group && project.label == label))
    }

    /// What lies at the end of a path, by the server's own idea of what is the same. Servers from
    /// before `/lookup` resolve the path instead; that they have no `/lookup` looks as if the thing
    /// were absent, so both are asked.
    async fn look_up(&self, path: &Value) -> Result<Option<ContainerAnswer>, RequestError> {
        let absent = |error: &RequestError| matches!(error.status(), Some(404 | 405));
        match self.ask("/lookup", path).await {
            Err(error) if absent(&error) => {}
            found => return found.map(Some),
        }
        match self
            .ask::<Resolved>("/resolve", path)
            .await
        {
            Err(error) if absent(&error) => Ok(None),
            resolved => Ok(resolved?.path.pop()),
        }
    }

    async fn project_by_id(&self, id: &str) -> Result<Option<Project>, RequestError> {
        let answer: Option<ContainerAnswer> = optional(
            self.get_listing(&format!("/projects/{}", segment(id)))
                .await,
        )?;
        Ok(answer
            .and_then(ContainerAnswer::into_project)
            .filter(|project| project.id.as_deref() == Some(id)))
    }

    /// The project in the lists that the user may see, exactly: a user without a role in its group
    /// is refused the group, and with it the way there. Otherwise `refused`, or that it is not
    /// there, with close matches.
    async fn listed_project(
        &self,
        wanted: &ProjectRef,
        refused: Option<RequestError>,
    ) -> Result<Project, ClientError> {
        let of_group = match wanted {
            ProjectRef::GroupAndLabel { group, .. } => {
                Some(format!("/groups/{}/projects", segment(group)))
            }
            ProjectRef::Id(_) | ProjectRef::Label(_) => None,
        };
        let lists = of_group
            .into_iter()
            .chain(["/projects".to_owned()]);
        let mut seen = Vec::new();
        for list in lists {
            match (self.projects(&list).await, wanted) {
                (Ok(projects), _) => seen = projects,
                (Err(error), ProjectRef::Label(_)) => return Err(finding(error)),
                // The lists are a way round: if they cannot be had, the error stands without them.
                (Err(_), _) => seen = Vec::new(),
            }
            if let Some(project) = the_only(
                seen.iter()
                    .filter(|project| is(project, wanted)),
            )? {
                return Ok(project.clone());
            }
            if refused.is_none() && !seen.is_empty() {
                break;
            }
        }
        Err(match refused {
            Some(error) => finding(error),
            None => ClientError::ProjectNotFound {
                wanted: wanted.clone(),
                close: close_matches(wanted, seen),
            },
        })
    }

    async fn projects(&self, path: &str) -> Result<Vec<Project>, RequestError> {
        Ok(self
            .list(path)
            .await?
            .into_iter()
            .filter_map(ContainerAnswer::into_project)
            .collect())
    }
}

/// The answer of servers from before `/lookup`.
#[derive(serde::Deserialize)]
struct Resolved {
    path: Vec<ContainerAnswer>,
}

impl ContainerAnswer {
    fn into_project(self) -> Option<Project> {
        if self.id.is_empty() {
            return None;
        }
        Some(Project {
            id: Some(self.id),
            group: self.group.or(self.parents.group)?,
            label: self.label?,
        })
    }
}

fn finding(error: RequestError) -> ClientError {
    error
        .during(Operation::FindProject)
        .into()
}

fn is(project: &Project, wanted: &ProjectRef) -> bool {
    match wanted {
        ProjectRef::GroupAndLabel { group, label } => {
            project.group == *group && project.label == *label
        }
        ProjectRef::Id(id) => project.id.as_ref() == Some(id),
        ProjectRef::Label(label) => project.label == *label,
    }
}

/// The one project, if there is one.
fn the_only<'a>(
    found: impl Iterator<Item = &'a Project>,
) -> Result<Option<&'a Project>, ClientError> {
    let found: Vec<_> = found.collect();
    match found.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only)),
        several => Err(ClientError::ProjectAmbiguous {
            found: several
                .iter()
                .copied()
                .cloned()
                .collect(),
        }),
    }
}

/// The projects whose labels are most like the one that is wanted, the most alike first.
fn close_matches(wanted: &ProjectRef, among: Vec<Project>) -> Vec<Project> {
    let (ProjectRef::GroupAndLabel { label, .. } | ProjectRef::Label(label)) = wanted else {
        return Vec::new();
    };
    if label.len() > LONGEST_COMPARED {
        return Vec::new();
    }
    let wanted = label.to_lowercase();
    let mut near: Vec<(f64, Project)> = among
        .into_iter()
        .map(|project| {
            let known = project.label.to_lowercase();
            (strsim::jaro_winkler(&wanted, &known), project)
        })
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .collect();
    near.sort_by(|a, b| {
        b.0.total_cmp(&a.0)
            .then_with(|| a.1.path().cmp(&b.1.path()))
    });
    let nearest = near
        .into_iter()
        .take(MAX_SUGGESTIONS);
    nearest
        .map(|(_, project)| project)
        .collect()
}
