//! Finding the project and its settings.

use serde_json::{Value, json};

use super::{failed, is_unexpected};
use crate::scripted::{Reply, Server};
use crate::{ClientError, Level, LevelSettings, Operation, Project, ProjectRef};

const ID: &str = "5e8f00000000000000000001";

fn adni() -> Value {
    json!({ "_id": ID, "group": "neuro", "label": "ADNI", "container_type": "project" })
}

fn project() -> Project {
    Project {
        id: Some(ID.into()),
        group: "neuro".into(),
        label: "ADNI".into(),
    }
}

async fn settings(server: &Server, level: Level) -> Result<LevelSettings<Value>, ClientError> {
    server
        .client()
        .settings(level, &project())
        .await
}

fn missing() -> Reply {
    Reply::Json(404, json!({ "message": "not found" }))
}

#[tokio::test]
async fn a_project_is_found_by_path_id_and_label() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        "GET /api/projects" => Reply::Json(
            200,
            json!([adni(), { "_id": "2", "group": "b", "label": "adni" }]),
        ),
        _ => Reply::Json(200, adni()),
    })
    .await;
    for text in ["neuro/ADNI", "fw://neuro/ADNI", ID, "ADNI"] {
        let found = server
            .client()
            .resolve_project(&ProjectRef::parse(text).unwrap())
            .await
            .unwrap();
        assert_eq!(found, project(), "{text}");
    }
    assert_eq!(
        server
            .asked()
            .first()
            .unwrap()
            .json(),
        json!({ "path": ["neuro", "ADNI"] })
    );
}

#[tokio::test]
async fn a_project_that_merely_resembles_is_not_taken_but_suggested() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        "POST /api/lookup" => Reply::Json(200, adni()),
        "GET /api/groups/neuro/projects" => Reply::Json(
            200,
            json!({ "results": [adni(), { "_id": "2", "group": "neuro", "label": "zzz" }] }),
        ),
        _ => missing(),
    })
    .await;
    let error = server
        .client()
        .resolve_project(&ProjectRef::parse("neuro/adni").unwrap())
        .await
        .unwrap_err();
    let ClientError::ProjectNotFound { close, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(close, [project()]);
}

#[tokio::test]
async fn a_label_that_several_projects_bear_is_ambiguous() {
    let server = Server::start(|_, _| {
        Reply::Json(
            200,
            json!([{ "_id": "2", "group": "b", "label": "ADNI" }, adni()]),
        )
    })
    .await;
    let error = server
        .client()
        .resolve_project(&ProjectRef::Label("ADNI".into()))
        .await
        .unwrap_err();
    let ClientError::ProjectAmbiguous { found } = error else {
        panic!("{error:?}")
    };
    let paths: Vec<_> = found
        .iter()
        .map(Project::path)
        .collect();
    assert_eq!(paths, ["b/ADNI", "neuro/ADNI"]);
}

#[tokio::test]
async fn an_old_server_resolves_and_a_refusal_is_no_absence() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        "POST /api/resolve" => Reply::Json(
            200,
            json!({ "path": [{ "_id": "neuro" }, adni()], "children": [] }),
        ),
        _ => missing(),
    })
    .await;
    assert_eq!(
        server
            .client()
            .resolve_project(&ProjectRef::parse("neuro/ADNI").unwrap())
            .await
            .unwrap(),
        project()
    );

    let server =
        Server::start(|_, _| Reply::Json(403, json!({ "message": "Not authorized" }))).await;
    let error = failed(
        server
            .client()
            .resolve_project(&ProjectRef::parse("neuro/ADNI").unwrap())
            .await,
    );
    assert_eq!(
        (error.operation, error.status()),
        (Operation::FindProject, Some(403))
    );
}

#[tokio::test]
async fn a_project_is_made_once_even_if_the_answer_is_lost() {
    let server = Server::start(|asked, before| {
        match (
            asked.line.as_str(),
            asked.json()["path"]
                .as_array()
                .map(Vec::len),
        ) {
            ("POST /api/lookup", Some(1)) => Reply::Json(
                200,
                json!({ "_id": "neuro", "label": "Neuro", "container_type": "group" }),
            ),
            ("POST /api/lookup", _) if before >= 2 => Reply::Json(200, adni()),
            ("POST /api/projects?inherit=true", _) => Reply::Cut,
            _ => missing(),
        }
    })
    .await;
    assert_eq!(
        server
            .client()
            .create_project("neuro", "ADNI")
            .await
            .unwrap(),
        project()
    );
    assert_eq!(server.count("POST /api/projects?inherit=true"), 1);
}

#[tokio::test]
async fn no_project_is_made_in_a_group_that_is_not_there() {
    let server = Server::start(|_, _| Reply::Json(200, json!({ "_id": "neuro2" }))).await;
    let made = server
        .client()
        .create_project("neuro", "ADNI")
        .await;
    assert!(matches!(made, Err(ClientError::GroupNotFound { group }) if group == "neuro"));
}

#[tokio::test]
async fn settings_are_read_at_each_level_and_in_the_older_place() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        "GET /api/projects/5e8f00000000000000000001" => Reply::Json(
            200,
            json!({ "_id": ID, "settings": { "deid_profile": { "name": "p" } } }),
        ),
        "GET /api/groups/neuro/settings" => {
            Reply::Json(200, json!({ "deid_profile": { "name": "g" } }))
        }
        "GET /api/site/settings" => Reply::Json(200, json!({ "center_gears": [] })),
        _ => missing(),
    })
    .await;
    let said = async |level| match settings(&server, level)
        .await
        .unwrap()
    {
        LevelSettings::There(settings) => settings,
        other => panic!("{other:?}"),
    };
    for (level, kept) in Level::ALL.into_iter().zip([
        json!({ "deid_profile": { "name": "p" } }),
        json!({ "deid_profile": { "name": "g" } }),
        json!({ "center_gears": [] }),
    ]) {
        assert_eq!(said(level).await, kept, "{level}");
    }
}

#[tokio::test]
async fn a_level_is_absent_unseen_or_unreadable_and_these_are_not_mixed_up() {
    let server = Server::start(|_, _| missing()).await;
    for level in Level::ALL {
        assert!(matches!(
            settings(&server, level)
                .await
                .unwrap(),
            LevelSettings::Absent
        ));
    }
    let server = Server::start(|_, _| Reply::Json(403, json!({ "message": "not for you" }))).await;
    for level in Level::ALL {
        let said = settings(&server, level)
            .await
            .unwrap();
        assert!(
            matches!(&said, LevelSettings::Unseen(why) if why.to_string().contains("not for you")),
            "{said:?}"
        );
    }
    for status in [400, 401, 500] {
        let server = Server::start(move |_, _| Reply::Json(status, json!({}))).await;
        for level in Level::ALL {
            let error = failed(settings(&server, level).await);
            assert_eq!(
                (error.operation, error.status()),
                (Operation::ReadSettings(level), Some(status))
            );
        }
    }
    for body in ["<html>", "", r#"{"deid_profile":"#, "{} {}"] {
        let server = Server::start(move |_, _| Reply::Raw(200, vec![], body.to_owned())).await;
        let error = failed(settings(&server, Level::Group).await);
        assert_eq!(error.operation, Operation::ReadSettings(Level::Group));
        assert!(is_unexpected(&error), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_user_without_a_role_in_the_group_finds_the_project_in_the_lists() {
    let other = || json!({ "_id": "2", "group": "neuro", "label": "adni" });
    for refusal in [403, 404] {
        for list in ["GET /api/groups/neuro/projects", "GET /api/projects"] {
            let server = Server::start(move |asked, _| match asked.line.as_str() {
                line if line == list => Reply::Json(200, json!([other(), adni()])),
                "GET /api/groups/neuro/projects" => Reply::Json(200, json!([])),
                _ => Reply::Json(refusal, json!({ "message": "Not authorized" })),
            })
            .await;
            let found = async |text| {
                server
                    .client()
                    .resolve_project(&ProjectRef::parse(text).unwrap())
                    .await
            };
            assert_eq!(
                found("neuro/ADNI").await.unwrap(),
                project(),
                "{refusal} {list}"
            );
            match found("neuro/NACC")
                .await
                .unwrap_err()
            {
                ClientError::Request(error) => {
                    assert_eq!((error.status(), refusal), (Some(403), 403));
                }
                ClientError::ProjectNotFound { .. } => assert_eq!(refusal, 404),
                other => panic!("{other:?}"),
            }
            if list == "GET /api/projects" {
                assert_eq!(found(ID).await.unwrap(), project(), "{refusal}");
            }
        }
    }
}

#[tokio::test]
async fn two_projects_of_one_label_in_the_lists_are_ambiguous() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        "GET /api/groups/neuro/projects" => Reply::Json(
            200,
            json!([adni(), { "_id": "2", "group": "neuro", "label": "ADNI" }]),
        ),
        _ => Reply::Json(403, json!({})),
    })
    .await;
    let error = server
        .client()
        .resolve_project(&ProjectRef::parse("neuro/ADNI").unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::ProjectAmbiguous { .. }));
}
