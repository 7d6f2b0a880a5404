//! Subjects, sessions and acquisitions.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::failed;
use crate::scripted::{Asked, Reply, Server};
use crate::{
    AcquisitionTarget, ContainerKind, Destination, Fields, Hierarchy, Operation, Origin, Project,
    SessionTarget, SubjectTarget,
};

pub(super) fn target(uid: &str) -> Destination {
    let time = Some("2020-01-02T03:04:05+00:00".to_owned());
    Destination {
        subject: SubjectTarget {
            label: "SECRET-1".into(),
            fields: Fields::default(),
        },
        session: SessionTarget {
            label: "ses".into(),
            uid: Some("1.2".into()),
            timestamp: time.clone(),
            forced: false,
            fields: Fields::default(),
        },
        acquisition: AcquisitionTarget {
            label: "acq".into(),
            uid: Some(uid.into()),
            timestamp: Some("20200102".into()),
            fields: Fields::default(),
        },
    }
}

pub(super) fn hierarchy(server: &Server) -> Hierarchy {
    Hierarchy::new(
        server.client(),
        Project {
            id: Some("p1".into()),
            group: "neuro".into(),
            label: "ADNI".into(),
        },
    )
}

/// A server that keeps the containers it makes.
struct Kept(Mutex<Vec<(&'static str, Value)>>);

impl Kept {
    fn answer(&self, asked: &Asked) -> Reply {
        let mut kept = self.0.lock().unwrap();
        let under = |kept: &[(&'static str, Value)], kind: &str| -> Vec<Value> {
            kept.iter()
                .filter(|(of, _)| *of == kind)
                .map(|(_, value)| value.clone())
                .collect()
        };
        match asked.line.as_str() {
            "POST /api/lookup" => match under(&kept, "subjects").first() {
                Some(subject) => Reply::Json(200, subject.clone()),
                None => Reply::Json(404, json!({ "message": "none" })),
            },
            "POST /api/subjects" => make(
                &mut kept,
                "subjects",
                asked,
                &json!({ "container_type": "subject" }),
            ),
            "POST /api/sessions" => make(&mut kept, "sessions", asked, &json!({})),
            "POST /api/acquisitions" => make(&mut kept, "acquisitions", asked, &json!({})),
            "GET /api/subjects/subjects1/sessions" => {
                Reply::Json(200, under(&kept, "sessions").into())
            }
            "GET /api/sessions/sessions1/acquisitions" => {
                Reply::Json(200, under(&kept, "acquisitions").into())
            }
            line => {
                let found = kept
                    .iter()
                    .find(|(_, value)| line.ends_with(value["_id"].as_str().unwrap()));
                found.map_or(Reply::Json(404, json!({})), |(_, value)| {
                    Reply::Json(200, value.clone())
                })
            }
        }
    }
}

fn make(
    kept: &mut Vec<(&'static str, Value)>,
    kind: &'static str,
    asked: &Asked,
    more: &Value,
) -> Reply {
    let mut value = asked.json();
    let id = format!(
        "{kind}{}",
        kept.iter()
            .filter(|(of, _)| *of == kind)
            .count()
            + 1
    );
    value["_id"] = json!(id);
    value["files"] = json!([{ "name": "a", "size": 3 }]);
    value
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    kept.push((kind, value));
    Reply::Json(200, json!({ "_id": id }))
}

async fn keeping() -> Server {
    let kept = Kept(Mutex::default());
    Server::start(move |asked, _| kept.answer(asked)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_make_one_container_of_each() {
    let server = keeping().await;
    let hierarchy = Arc::new(hierarchy(&server));
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let hierarchy = Arc::clone(&hierarchy);
            tokio::spawn(async move {
                hierarchy
                    .acquisition(&target("1.2.3"))
                    .await
                    .unwrap()
            })
        })
        .collect();
    for task in tasks {
        let container = task.await.unwrap();
        assert_eq!(
            (
                container.reference.id.as_str(),
                container.origin == Origin::Made
            ),
            ("acquisitions1", true)
        );
    }
    for kind in ["subjects", "sessions", "acquisitions"] {
        assert_eq!(server.count(&format!("POST /api/{kind}")), 1, "{kind}");
    }
}

#[tokio::test]
async fn containers_are_made_with_what_servers_take() {
    let server = keeping().await;
    hierarchy(&server)
        .acquisition(&target("1.2.3"))
        .await
        .unwrap();
    let body = |line: &str| {
        server
            .asked()
            .iter()
            .find(|asked| asked.line == line)
            .unwrap()
            .json()
    };
    assert_eq!(
        body("POST /api/lookup"),
        json!({ "path": ["neuro", "<id:p1>", "SECRET-1"] })
    );
    assert_eq!(
        body("POST /api/subjects"),
        json!({ "project": "p1", "label": "SECRET-1", "code": "SECRET-1" })
    );
    assert_eq!(
        body("POST /api/sessions"),
        json!({ "project": "p1", "subject": { "_id": "subjects1" }, "label": "ses", "uid": "1.2", "timestamp": "2020-01-02T03:04:05+00:00" })
    );
    // A time without a zone would be refused.
    assert_eq!(
        body("POST /api/acquisitions"),
        json!({ "session": "sessions1", "label": "acq", "uid": "1.2.3" })
    );
}

#[tokio::test]
async fn another_run_finds_everything_and_a_namesake_gets_a_number() {
    let server = keeping().await;
    hierarchy(&server)
        .acquisition(&target("1.2.3"))
        .await
        .unwrap();
    let again = hierarchy(&server)
        .acquisition(&target("1.2.3"))
        .await
        .unwrap();
    assert_eq!(
        (
            again.reference.id.as_str(),
            again.origin == Origin::Made,
            again.files().len()
        ),
        ("acquisitions1", false, 1)
    );
    let other = hierarchy(&server)
        .acquisition(&target("1.2.4"))
        .await
        .unwrap();
    assert_eq!(
        (other.reference.id.as_str(), other.origin == Origin::Made),
        ("acquisitions2", true)
    );
    assert_eq!(other.label, "acq (2)");
    assert_eq!(other.labels(), ["SECRET-1", "ses", "acq (2)"]);
    assert_eq!(other.keys(), ["subjects1", "sessions1", "acquisitions2"]);
}

#[tokio::test]
async fn a_rehearsal_finds_what_is_there_and_makes_nothing() {
    let server = keeping().await;
    hierarchy(&server)
        .acquisition(&target("1.2.3"))
        .await
        .unwrap();
    let made = server.asked().len();
    let mut rehearsal = hierarchy(&server);
    rehearsal.rehearsal = true;
    let found = rehearsal
        .acquisition(&target("1.2.3"))
        .await
        .unwrap();
    assert_eq!(
        (
            found.reference.id.as_str(),
            found.is_rehearsed(),
            found.files().len()
        ),
        ("acquisitions1", false, 1)
    );
    let more = ["1.2.4", "1.2.5"];
    let mut labels = Vec::new();
    for uid in more {
        let wanted = rehearsal
            .acquisition(&target(uid))
            .await
            .unwrap();
        assert!(
            wanted.is_rehearsed()
                && rehearsal
                    .files_now(&wanted)
                    .await
                    .unwrap()
                    .is_empty()
        );
        labels.push(wanted.label.clone());
    }
    assert_eq!(labels, ["acq (2)", "acq (3)"]);
    let elsewhere = Destination {
        subject: SubjectTarget {
            label: "NEW".into(),
            fields: Fields::default(),
        },
        ..target("1.2.3")
    };
    assert!(
        rehearsal
            .acquisition(&elsewhere)
            .await
            .is_ok()
    );
    let asked = server.asked();
    assert!(
        asked[made..]
            .iter()
            .all(|asked| asked.line.starts_with("GET ") || asked.line == "POST /api/lookup")
    );
}

#[tokio::test]
async fn a_lost_answer_and_a_lost_race_do_not_make_twins() {
    let kept = Kept(Mutex::default());
    let server = Server::start(move |asked, before| {
        let reply = kept.answer(asked);
        match asked.line.as_str() {
            "POST /api/subjects" if before == 0 => Reply::Json(
                422,
                json!({ "message": "subject code \"SECRET-1\" already exists" }),
            ),
            "GET /api/projects/p1/subjects" => {
                Reply::Json(200, json!([{ "_id": "subjects1", "label": "SECRET-1" }]))
            }
            "POST /api/sessions" if before == 0 => Reply::Cut,
            "POST /api/acquisitions" if before == 0 => Reply::Json(502, json!({})),
            _ => reply,
        }
    })
    .await;
    let container = hierarchy(&server)
        .acquisition(&target("1.2.3"))
        .await
        .unwrap();
    assert_eq!(
        (
            container.reference.id.as_str(),
            container.origin == Origin::Made
        ),
        ("acquisitions1", false)
    );
    for kind in ["subjects", "sessions", "acquisitions"] {
        assert_eq!(server.count(&format!("POST /api/{kind}")), 1, "{kind}");
    }
}

#[tokio::test]
async fn a_subject_of_another_project_or_label_is_not_taken() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        "POST /api/lookup" => {
            Reply::Json(200, json!({ "_id": "x", "label": "SECRET-1", "container_type": "subject", "project": "p2" }))
        }
        "POST /api/subjects" => Reply::Json(200, json!({ "_id": "mine" })),
        _ => Reply::Json(200, json!([{ "_id": "y", "label": "secret-1" }])),
    })
    .await;
    let hierarchy = hierarchy(&server);
    let subject = hierarchy
        .subject_container(&target("1").subject)
        .await;
    let subject = subject.unwrap();
    assert_eq!(subject.reference.id, "mine");
}

#[tokio::test]
async fn a_session_that_the_user_named_is_found_by_its_label_alone() {
    let server = keeping().await;
    hierarchy(&server)
        .session(&target("1"))
        .await
        .unwrap();
    let mut named = target("1");
    named.session.forced = true;
    named.session.uid = Some("9.9".into());
    assert_eq!(
        hierarchy(&server)
            .session(&named)
            .await
            .unwrap()
            .reference
            .id,
        "sessions1"
    );
    named.session.label = "new".into();
    hierarchy(&server)
        .session(&named)
        .await
        .unwrap();
    let asked = server.asked();
    let last = asked
        .iter()
        .rev()
        .find(|asked| asked.line == "POST /api/sessions")
        .unwrap();
    assert_eq!(last.json().get("uid"), None);
}

#[tokio::test]
async fn refusals_name_no_label_and_a_dead_key_stops_the_run() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        line if line.starts_with("GET ") => Reply::Json(200, json!([])),
        "POST /api/lookup" => Reply::Json(404, json!({})),
        _ => Reply::Json(
            403,
            json!({ "message": "you may not create SECRET-1 here" }),
        ),
    })
    .await;
    let error = failed(
        hierarchy(&server)
            .acquisition(&target("1"))
            .await,
    );
    assert_eq!(error.operation, Operation::Create(ContainerKind::Subject));
    assert_eq!(
        error.to_string(),
        "127.0.0.1 answered 403: you may not create (..) here"
    );

    let server = Server::start(|_, _| Reply::Json(401, json!({}))).await;
    let error = failed(
        hierarchy(&server)
            .acquisition(&target("1"))
            .await,
    );
    assert_eq!(error.status(), Some(401));
}
