//! Servers of every age, each fact by itself.

use serde_json::{Value, json};

use super::containers::{hierarchy, target};
use super::signed::TICKET;
use super::{FORM, LOOK, container, entry, failed, send, signed_site};
use crate::scripted::{Asked, Reply, Server, file, quick};
use crate::{ClientError, LogEntry, ProjectRef, Route, Settings, UploadFile};

fn no_such_address() -> Reply {
    Reply::Json(
        404,
        json!({ "status_code": 404, "message": "The resource could not be found." }),
    )
}

/// A server from before lookup, subjects and tickets, with a session of another program under the
/// same label.
fn old(asked: &Asked) -> Reply {
    let project = json!({ "_id": "p1", "group": "neuro", "label": "ADNI", "files": [] });
    match asked.line.as_str() {
        "POST /api/resolve" => Reply::Json(
            200,
            json!({ "path": [{ "_id": "neuro" }, project], "children": [] }),
        ),
        "GET /api/users/self" => Reply::Json(
            200,
            json!({ "_id": "me@site", "root": true, "api_key": { "key": "topsecretkey" } }),
        ),
        "GET /api/projects/p1" => Reply::Json(200, project),
        "GET /api/projects/p1/sessions" => Reply::Json(
            200,
            json!([
                { "_id": "theirs", "label": "ses", "uid": "1.2", "project": "p1", "subject": { "_id": "x", "code": "OTHER" } },
                { "_id": "sibling", "label": "before", "uid": "1.1", "project": "p1", "subject": { "_id": "y", "code": "SECRET-1" } }
            ]),
        ),
        "GET /api/sessions/sibling" => {
            Reply::Json(200, json!({ "_id": "sibling", "project": "p1" }))
        }
        "POST /api/sessions" => Reply::Json(200, json!({ "_id": "s9" })),
        "GET /api/sessions/s9/acquisitions" => Reply::Json(200, json!([])),
        "POST /api/acquisitions" => Reply::Json(200, json!({ "_id": "a9" })),
        _ => no_such_address(),
    }
}

#[tokio::test]
async fn an_old_server_resolves_what_it_cannot_look_up_and_labels_count_exactly() {
    let server = Server::start(|asked, _| old(asked)).await;
    let found = server
        .client()
        .resolve_project(&ProjectRef::parse("neuro/ADNI").unwrap())
        .await
        .unwrap();
    assert_eq!(found.id.as_deref(), Some("p1"));
    let other = server
        .client()
        .resolve_project(&ProjectRef::parse("neuro/adni").unwrap())
        .await
        .unwrap_err();
    assert!(matches!(other, ClientError::ProjectNotFound { .. }));
}

#[tokio::test]
async fn an_old_server_proves_the_key_and_its_own_copy_of_it_is_not_kept() {
    let server = Server::start(|asked, _| old(asked)).await;
    let user = server
        .client()
        .check_key()
        .await
        .unwrap();
    assert_eq!((user.id.as_str(), user.is_admin), ("me@site", true));
    assert!(!format!("{user:?}").contains("topsecret"));
}

#[tokio::test]
async fn sessions_of_an_old_server_bear_the_code_of_their_subject() {
    let server = Server::start(|asked, _| old(asked)).await;
    let hierarchy = hierarchy(&server);
    assert_eq!(
        hierarchy
            .acquisition(&target("1.2.3"))
            .await
            .unwrap()
            .reference
            .id,
        "a9"
    );
    let made = server
        .asked()
        .into_iter()
        .find(|asked| asked.line == "POST /api/sessions")
        .unwrap();
    let subject = json!({ "code": "SECRET-1" });
    assert_eq!(
        made.json(),
        json!({ "project": "p1", "subject": subject, "label": "ses", "uid": "1.2", "timestamp": "2020-01-02T03:04:05+00:00" })
    );
    // One that is there is taken, by UID and of this subject only.
    let mut known = target("1.2.3");
    known.session.uid = Some("1.1".into());
    assert_eq!(
        hierarchy
            .session(&known)
            .await
            .unwrap()
            .reference
            .id,
        "sibling"
    );
    // What the server cannot do is found out once.
    known.subject.label = "SECRET-2".into();
    assert_eq!(
        hierarchy
            .session(&known)
            .await
            .unwrap()
            .reference
            .id,
        "s9"
    );
    assert_eq!(server.count("POST /api/subjects"), 1);
    assert_eq!(server.count("GET /api/projects/p1/subjects?limit=1"), 1);
}

#[tokio::test]
async fn a_project_that_vanished_is_no_old_server() {
    for (list, project) in [(json!([]), 200), (Value::Null, 404)] {
        let server = Server::start(move |asked, _| match asked.line.as_str() {
            "GET /api/projects/p1/subjects?limit=1" if list.is_array() => {
                Reply::Json(200, list.clone())
            }
            "GET /api/projects/p1" if project == 200 => Reply::Json(200, json!({ "_id": "p1" })),
            _ => no_such_address(),
        })
        .await;
        let error = failed(
            hierarchy(&server)
                .session(&target("1"))
                .await,
        );
        assert_eq!(
            (error.status(), server.count("POST /api/sessions")),
            (Some(404), 0)
        );
    }
}

#[tokio::test]
async fn a_subject_that_lies_in_another_project_gets_no_session() {
    // The server would move it, with all its sessions.
    let server = Server::start(|asked, _| match asked.line.as_str() {
        "GET /api/projects/p1/subjects" => Reply::Json(
            200,
            json!([{ "_id": "moved", "label": "SECRET-1", "project": "p2" }, { "_id": "slim", "label": "SECRET-1" }]),
        ),
        "GET /api/subjects/slim" => {
            Reply::Json(200, json!({ "_id": "slim", "label": "SECRET-1", "parents": { "project": "p2" } }))
        }
        "POST /api/lookup" => no_such_address(),
        "POST /api/subjects" => Reply::Json(422, json!({ "message": "subject code already exists \
            in project" })),
        _ => Reply::Json(200, json!([])),
    })
    .await;
    assert!(matches!(
        hierarchy(&server)
            .session(&target("1"))
            .await,
        Err(ClientError::Request(_))
    ));
    assert_eq!(server.count("POST /api/sessions"), 0);
}

#[tokio::test]
async fn a_session_of_another_project_in_the_list_is_not_taken() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        "POST /api/lookup" => {
            Reply::Json(200, json!({ "_id": "s", "label": "SECRET-1", "container_type": "subject", "project": "p1" }))
        }
        "GET /api/subjects/s/sessions" => {
            Reply::Json(200, json!([{ "_id": "x", "label": "ses", "uid": "1.2", "project": "p2" }]))
        }
        "POST /api/sessions" => Reply::Json(200, json!({ "_id": "mine" })),
        _ => no_such_address(),
    })
    .await;
    assert_eq!(
        hierarchy(&server)
            .session(&target("1"))
            .await
            .unwrap()
            .reference
            .id,
        "mine"
    );
}

#[tokio::test]
async fn a_creation_that_is_answered_with_nonsense_is_looked_up_before_it_is_repeated() {
    for nonsense in ["", "<html>", "{\"_id\":\"\"}"] {
        let server = Server::start(move |asked, before| match asked.line.as_str() {
            "POST /api/lookup" => {
                Reply::Json(200, json!({ "_id": "s", "label": "SECRET-1", "container_type": "subject", "project": "p1" }))
            }
            "POST /api/sessions" => Reply::Raw(200, vec![], nonsense.to_owned()),
            "GET /api/subjects/s/sessions" if before > 0 => {
                Reply::Json(200, json!([{ "_id": "made", "label": "ses", "uid": "1.2" }]))
            }
            "GET /api/subjects/s/sessions" => Reply::Json(200, json!([])),
            _ => Reply::Json(200, json!({ "_id": "made", "project": "p1" })),
        })
        .await;
        assert_eq!(
            hierarchy(&server)
                .session(&target("1"))
                .await
                .unwrap()
                .reference
                .id,
            "made"
        );
        assert_eq!(server.count("POST /api/sessions"), 1, "{nonsense}");
    }
}

#[tokio::test]
async fn a_closed_description_loses_its_size_once_for_all_files() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        FORM if String::from_utf8_lossy(&asked.body).contains("\"size\":") => Reply::Json(
            400,
            json!({ "message": "Additional properties are not allowed ('size' was unexpected)" }),
        ),
        FORM => Reply::Json(200, json!([entry(20)])),
        _ => signed_site(asked).unwrap(),
    })
    .await;
    let client = server.client_with(Settings {
        signed_urls: false,
        ..quick()
    });
    for _ in 0..3 {
        client
            .upload(&container(), &file("s.dicom.zip", 20))
            .await
            .unwrap();
    }
    assert_eq!(server.count(FORM), 4);
}

#[tokio::test]
async fn an_old_description_loses_the_number_of_members_and_nothing_else() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        FORM if String::from_utf8_lossy(&asked.body).contains("zip_member_count") => Reply::Json(
            400,
            json!({ "message": "Additional properties are not allowed \
                ('zip_member_count' was unexpected)" }),
        ),
        FORM => Reply::Json(200, json!([entry(20)])),
        _ => signed_site(asked).unwrap(),
    })
    .await;
    let client = server.client_with(Settings {
        signed_urls: false,
        ..quick()
    });
    for _ in 0..3 {
        let file = UploadFile {
            zip_member_count: Some(2),
            file_type: Some("dicom"),
            ..file("s.dicom.zip", 20)
        };
        client
            .upload(&container(), &file)
            .await
            .unwrap();
    }
    assert_eq!(server.count(FORM), 4);
    let said = |asked: &Asked| String::from_utf8_lossy(&asked.body).into_owned();
    let forms = server
        .asked()
        .into_iter()
        .filter(|asked| asked.line == FORM);
    assert!(
        forms
            .map(|asked| said(&asked))
            .all(|body| body.contains("\"size\":20") && body.contains("\"type\":\"dicom\""))
    );
}

#[tokio::test]
async fn a_closed_description_never_loses_its_record_in_the_log() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        FORM if String::from_utf8_lossy(&asked.body).contains("deid_log_id") => Reply::Json(
            400,
            json!({ "message": "Additional properties are not allowed \
                ('deid_log_id' was unexpected)" }),
        ),
        FORM => Reply::Json(200, json!([entry(20)])),
        _ => Reply::Json(200, json!({ "features": { "multipart_signed_url": true } })),
    })
    .await;
    let file = UploadFile {
        log: LogEntry::Recorded("log-1".into()),
        ..file("s.dicom.zip", 20)
    };
    let error = failed(send(&server, &file).await);
    assert_eq!(error.status(), Some(400));
    assert!(
        error
            .to_string()
            .contains("deid_log_id"),
        "{error}"
    );
}

#[tokio::test]
async fn a_project_on_other_storage_than_announced_is_not_asked_for_tickets_again() {
    for (status, body) in [(200, ""), (200, "null"), (405, "{}"), (409, "{}")] {
        let server = Server::start(move |asked, _| match asked.line.as_str() {
            TICKET => Reply::Raw(status, vec![], body.to_owned()),
            FORM => Reply::Json(200, json!([entry(20)])),
            _ => signed_site(asked).unwrap(),
        })
        .await;
        let client = server.client();
        for _ in 0..3 {
            assert_eq!(
                client
                    .upload(&container(), &file("s.dicom.zip", 20))
                    .await
                    .unwrap()
                    .route,
                Route::Form
            );
        }
        assert_eq!(
            (server.count(TICKET), server.count(FORM)),
            (1, 3),
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn a_500_for_a_container_that_is_gone_is_settled_by_asking_for_the_container() {
    for route in [FORM, TICKET] {
        let server = Server::start(move |asked, _| match asked.line.as_str() {
            FORM | TICKET => Reply::Json(
                500,
                json!({ "message": "'NoneType' object has no attribute 'values'" }),
            ),
            LOOK => Reply::Json(404, json!({ "message": "Could not find acquisitions a1" })),
            _ => signed_site(asked).unwrap(),
        })
        .await;
        let client = server.client_with(Settings {
            signed_urls: route == TICKET,
            ..quick()
        });
        let error = failed(
            client
                .upload(&container(), &file("s.dicom.zip", 20))
                .await,
        );
        assert_eq!(error.status(), Some(404));
        assert_eq!(
            (
                server.count(route),
                server.count(FORM) + server.count(TICKET)
            ),
            (1, 1),
            "{route}"
        );
    }
}

#[tokio::test]
async fn the_files_of_a_container_are_listed_and_one_that_is_gone_has_none() {
    let gone = json!({ "message": "'NoneType' object has no attribute 'values'" });
    for (status, body, files) in [
        (200, json!({ "files": [entry(20)] }), Ok(Some(1))),
        (200, json!({ "_id": "a1" }), Ok(Some(0))),
        (404, json!({}), Ok(None)),
        (500, gone, Ok(None)),
        (500, json!({ "message": "out of memory" }), Err(Some(500))),
        (403, json!({}), Err(Some(403))),
    ] {
        let server = Server::start(move |_, _| Reply::Json(status, body.clone())).await;
        let listed = match server
            .client()
            .files_of(&container())
            .await
        {
            Ok(files) => Ok(files.map(|files| files.len())),
            error => Err(failed(error).status()),
        };
        assert_eq!(listed, files, "{status}");
        assert_eq!(server.asked().first().unwrap().line, LOOK);
    }
}

#[tokio::test]
async fn a_project_is_made_on_a_server_that_cannot_look_its_group_up() {
    let server = Server::start(|asked, before| {
        match (
            asked.line.as_str(),
            asked.json()["path"]
                .as_array()
                .map(Vec::len),
        ) {
            ("POST /api/resolve", Some(1)) => Reply::Json(
                200,
                json!({ "path": [{ "_id": "neuro", "label": "Neuro" }], "children": [] }),
            ),
            ("POST /api/projects?inherit=true", _) if before == 0 => {
                Reply::Json(200, json!({ "_id": "p1" }))
            }
            ("GET /api/projects/p1", _) => Reply::Json(
                200,
                json!({ "_id": "p1", "group": "neuro", "label": "ADNI" }),
            ),
            _ => no_such_address(),
        }
    })
    .await;
    assert_eq!(
        server
            .client()
            .create_project("neuro", "ADNI")
            .await
            .unwrap()
            .id,
        Some("p1".to_owned())
    );
}

#[tokio::test]
async fn a_list_in_pages_is_read_to_the_last_one() {
    let page = |from: usize, to: usize| {
        let items: Vec<_> =
            (from..to).map(|n| json!({ "_id": format!("s{n}"), "label": format!("ses {n}"), "uid": format!("1.{n}") })).collect();
        Reply::Json(
            200,
            json!({ "count": to - from, "total": 5, "results": items }),
        )
    };
    let server = Server::start(move |asked, _| match asked.line.as_str() {
        "POST /api/lookup" => {
            Reply::Json(200, json!({ "_id": "s", "label": "SECRET-1", "container_type": "subject", "project": "p1" }))
        }
        "GET /api/subjects/s/sessions" => page(0, 2),
        "GET /api/subjects/s/sessions?limit=2&skip=2" => page(2, 4),
        "GET /api/subjects/s/sessions?limit=2&skip=4" => page(4, 5),
        _ => Reply::Json(200, json!({})),
    })
    .await;
    let mut last = target("1");
    last.session.uid = Some("1.4".into());
    assert_eq!(
        hierarchy(&server)
            .session(&last)
            .await
            .unwrap()
            .reference
            .id,
        "s4"
    );
    // A server that says there are more than it gives is not asked for ever.
    let server = Server::start(move |asked, _| match asked.line.as_str() {
        line if line.starts_with("GET /api/projects") => Reply::Json(
            200,
            json!({ "total": 9, "results": [{ "_id": "p1", "group": "g", "label": "ADNI" }] }),
        ),
        _ => no_such_address(),
    })
    .await;
    let wanted = crate::ProjectRef::Label("ADNI".into());
    assert_eq!(
        server
            .client()
            .resolve_project(&wanted)
            .await
            .unwrap()
            .id,
        Some("p1".to_owned())
    );
    assert_eq!(server.lines().len(), 2);
}
