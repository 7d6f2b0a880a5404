//! Containers and files: round trips, versions, lists, lookups, settings.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha384};

use super::Bench;
use crate::ProfileLevel;

#[test]
fn a_file_goes_up_and_comes_down_unchanged() {
    let bench = Bench::new();
    let [group, project, subject, session, acquisition] = bench.branch();
    let content: Vec<u8> = (0..3_000_000_u32)
        .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
        .collect();
    let metadata = r#"{"name":"3 - T1.dicom.zip","type":"dicom","zip_member_count":9,"modality":"MR","size":3000000}"#;
    let target = format!("acquisitions/{acquisition}");
    let answer = bench.upload(&target, Some(metadata), "filename=\"x\"", &content);
    assert_eq!(answer.status, 200, "{answer:?}");
    let file = &answer.json()[0];
    assert_eq!(file["name"], "3 - T1.dicom.zip");
    assert_eq!(file["size"], 3_000_000);
    assert_eq!(file["version"], 1);
    assert_eq!(file["zip_member_count"], 9);
    assert_eq!(
        file["hash"],
        format!("v0-sha384-{}", hex::encode(Sha384::digest(&content)))
    );
    assert_eq!(
        bench
            .get(&format!("/api/{target}/files/3%20-%20T1.dicom.zip"))
            .body,
        content
    );
    let shown = bench
        .get(&format!("/api/{target}"))
        .json();
    assert_eq!(shown["files"][0], *file);
    assert_eq!(
        shown["parents"],
        json!({"group": group, "project": project, "subject": subject, "session": session})
    );
    assert_eq!(bench.stored(), ["grp/Proj/S1/ses/acq/3 - T1.dicom.zip"]);
    assert_eq!(bench.arriving(), 0);
}

#[test]
fn replacing_a_file_keeps_the_version_before() {
    let bench = Bench::new();
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let first = bench
        .upload(&target, None, "filename=a.txt", b"one")
        .json();
    let second = bench
        .upload(&target, None, "filename=a.txt", b"three")
        .json();
    assert_eq!(
        (&second[0]["version"], &second[0]["size"]),
        (&json!(2), &json!(5))
    );
    assert_eq!(first[0]["file_id"], second[0]["file_id"]);
    assert_eq!(
        bench
            .get(&format!("/api/{target}"))
            .json()["files"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        bench
            .get(&format!("/api/{target}/files/a.txt?version=1"))
            .body,
        b"one"
    );
    assert_eq!(
        bench
            .get(&format!("/api/{target}/files/a.txt?hash=x"))
            .status,
        409
    );
    let versions = bench
        .get(&format!(
            "/api/files/{}/versions",
            first[0]["file_id"]
                .as_str()
                .unwrap()
        ))
        .json();
    assert_eq!(
        versions
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["version"].clone())
            .collect::<Vec<_>>(),
        [2, 1]
    );
}

#[test]
fn a_deleted_file_is_gone_and_its_name_free() {
    let bench = Bench::new();
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let path = format!("/api/{target}/files/a.txt");
    let first = bench
        .upload(&target, None, "filename=a.txt", b"one")
        .json();
    for deleted in [1, 0] {
        assert_eq!(
            bench
                .send("DELETE", &path, &[&bench.auth()], b"")
                .json(),
            json!({"deleted": deleted})
        );
    }
    assert_eq!(
        bench
            .send("DELETE", &path, &[], b"")
            .status,
        403
    );
    assert_eq!(bench.get(&path).status, 404);
    assert!(bench.stored().is_empty());
    let again = bench
        .upload(&target, None, "filename=a.txt", b"two")
        .json();
    assert_eq!(again[0]["version"], 1);
    assert_ne!(again[0]["file_id"], first[0]["file_id"]);
    assert_eq!(bench.stored(), ["grp/Proj/S1/ses/acq/a.txt"]);
}

#[test]
fn a_deleted_container_is_gone_with_all_that_lies_in_it() {
    let bench = Bench::new();
    let branch = bench.branch();
    bench.upload(
        &format!("acquisitions/{}", branch[4]),
        None,
        "filename=a.txt",
        b"one",
    );
    let path = format!("/api/sessions/{}", branch[3]);
    assert_eq!(
        bench
            .send("DELETE", &path, &[], b"")
            .status,
        403
    );
    assert_eq!(
        bench
            .send(
                "DELETE",
                &format!("/api/acquisitions/{}", branch[3]),
                &[&bench.auth()],
                b""
            )
            .status,
        404
    );
    assert_eq!(
        bench
            .send("DELETE", &path, &[&bench.auth()], b"")
            .json(),
        json!({"deleted": 1})
    );
    for gone in [&path, &format!("/api/acquisitions/{}", branch[4])] {
        assert_eq!(bench.get(gone).status, 404);
        assert_eq!(
            bench
                .send("DELETE", gone, &[&bench.auth()], b"")
                .status,
            404
        );
    }
    assert!(bench.stored().is_empty());
    assert_eq!(
        bench
            .get(&format!("/api/subjects/{}/sessions", branch[2]))
            .json(),
        json!([])
    );
}

#[test]
fn a_download_ticket_needs_no_key_and_fits_one_file() {
    let bench = Bench::new();
    let target = format!("acquisitions/{}", bench.branch()[4]);
    bench.upload(&target, None, "filename=a.txt", b"one");
    bench.upload(&target, None, "filename=b.txt", b"two");
    let path = format!("/api/{target}/files");
    let ticket = bench
        .get(&format!("{path}/a.txt?ticket="))
        .json()["ticket"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        bench
            .send("GET", &format!("{path}/a.txt?ticket={ticket}"), &[], b"")
            .body,
        b"one"
    );
    assert_eq!(
        bench
            .send("GET", &format!("{path}/b.txt?ticket={ticket}"), &[], b"")
            .status,
        404
    );
    assert_eq!(
        bench
            .send("GET", &format!("{path}/a.txt?ticket=x"), &[], b"")
            .status,
        404
    );
    assert_eq!(
        bench
            .send("GET", &format!("{path}/a.txt?ticket="), &[], b"")
            .status,
        403
    );
    assert_eq!(
        bench
            .send("GET", &format!("{path}/a.txt"), &[], b"")
            .status,
        403
    );
}

#[test]
fn lookup_is_exact_and_knows_ids_and_files() {
    let bench = Bench::new();
    let [_, project, _, session, acquisition] = bench.branch();
    bench.upload(
        &format!("acquisitions/{acquisition}"),
        None,
        "filename=a.txt",
        b"one",
    );
    let lookup = |path: &Value| bench.post("/api/lookup", &json!({"path": path}));
    let found = lookup(&json!(["grp", "Proj", "S1", "ses"])).json();
    assert_eq!(
        (&found["_id"], &found["container_type"]),
        (&json!(session), &json!("session"))
    );
    assert_eq!(
        lookup(&json!(["grp", format!("<id:{project}>"), "S1"])).status,
        200
    );
    assert_eq!(
        lookup(&json!([
            "grp", "Proj", "S1", "ses", "acq", "files", "a.txt"
        ]))
        .json()["size"],
        3
    );
    for (path, status) in [
        (json!(["grp", "proj"]), 404),
        (json!(["Grp"]), 404),
        (json!([]), 404),
        (json!(["grp", "Proj", "S1", "ses", "acq", "more"]), 404),
        (json!(["grp", "Proj", "files"]), 404),
        (json!("grp/Proj"), 400),
        (json!([1]), 400),
        (json!(null), 404),
    ] {
        assert_eq!(lookup(&path).status, status, "{path}");
    }
    assert_eq!(
        bench
            .post("/api/lookup", &json!({}))
            .status,
        400
    );
    let resolved = bench
        .post("/api/resolve", &json!({"path": ["grp"]}))
        .json();
    assert_eq!(resolved["path"][0]["container_type"], "group");
    assert_eq!(resolved["children"][0]["label"], "Proj");
}

#[test]
fn children_are_listed_filtered_and_paged() {
    let bench = Bench::new();
    let [_, project, _, session, acquisition] = bench.branch();
    for label in ["b", "a"] {
        bench.make("acquisitions", &json!({"session": session, "label": label}));
    }
    let list = |path: &str| {
        bench
            .get(path)
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["label"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        list(&format!("/api/sessions/{session}/acquisitions")),
        ["acq", "b", "a"]
    );
    assert_eq!(
        list(&format!(
            "/api/projects/{project}/acquisitions?sort=label:asc&limit=2"
        )),
        ["a", "acq"]
    );
    assert_eq!(
        list(&format!(
            "/api/acquisitions?filter=session%3D{session},label%3Db"
        )),
        ["b"]
    );
    assert_eq!(
        list(&format!(
            "/api/sessions/{session}/acquisitions?limit=1&after_id={acquisition}"
        )),
        ["b"]
    );
    assert_eq!(list("/api/groups/grp/projects"), ["Proj"]);
    assert_eq!(
        list("/api/sessions/000000000000000000000000/acquisitions"),
        [] as [Value; 0]
    );
    let paged = bench
        .send(
            "GET",
            "/api/acquisitions?limit=1",
            &[&bench.auth(), "X-Accept-Feature: pagination"],
            b"",
        )
        .json();
    assert_eq!((&paged["total"], &paged["count"]), (&json!(3), &json!(1)));
    let uids = bench
        .post(
            "/api/uids",
            &json!({"sessions": ["1.2", "9"], "acquisitions": ["1.2.3"], "project_id": project}),
        )
        .json();
    assert_eq!(
        uids,
        json!({"sessions": ["1.2"], "acquisitions": ["1.2.3"]})
    );
}

#[test]
fn creating_follows_the_rules() {
    let bench = Bench::new();
    let [group, project, subject, session, _] = bench.branch();
    assert_eq!(
        bench
            .post("/api/groups", &json!({"_id": group}))
            .status,
        202
    );
    let twin = bench.make("projects", &json!({"group": group, "label": "Proj"}));
    let unknown = "000000000000000000000000";
    for (kind, body, status) in [
        ("groups", json!({"_id": "Bad Id"}), 400),
        ("groups", json!({"_id": project}), 409),
        ("projects", json!({"group": "none", "label": "x"}), 404),
        ("projects", json!({"group": project, "label": "x"}), 404),
        ("subjects", json!({"project": project, "code": "S1"}), 422),
        ("subjects", json!({"project": unknown, "code": "S2"}), 404),
        ("subjects", json!({"project": project}), 400),
        (
            "sessions",
            json!({"project": project, "label": "x", "subject": {"_id": unknown}}),
            404,
        ),
        (
            "sessions",
            json!({"project": twin, "label": "x", "subject": {"_id": subject}}),
            422,
        ),
        ("sessions", json!({"project": project, "label": "x"}), 400),
        (
            "sessions",
            json!({"label": "x", "subject": {"_id": subject}, "timestamp": "2020-01-01T00:00:00"}),
            400,
        ),
        (
            "acquisitions",
            json!({"session": unknown, "label": "x"}),
            404,
        ),
        (
            "acquisitions",
            json!({"session": session, "label": "x", "colour": "red"}),
            400,
        ),
        (
            "acquisitions",
            json!({"session": session, "label": "x".repeat(300)}),
            400,
        ),
        ("colours", json!({}), 404),
    ] {
        let answer = bench.post(&format!("/api/{kind}"), &body);
        assert_eq!(answer.status, status, "{kind} {body}");
        assert_eq!(answer.json()["status_code"], status);
    }
    assert_eq!(
        bench
            .post("/api/acquisitions", &json!({"label": 5}))
            .json()["core_status_code"],
        "input_validation_error"
    );
    let made = bench.make(
        "sessions",
        &json!({"project": project, "label": "y", "subject": {"code": "new"}}),
    );
    assert_eq!(
        bench
            .get(&format!("/api/sessions/{made}"))
            .json()["subject"]["label"],
        "new"
    );
}

#[test]
fn the_profile_is_served_at_the_level_asked_for() {
    let profile =
        json!({"name": "Lab", "dicom": {"fields": [{"name": "PatientName", "remove": true}]}});
    for level in [
        ProfileLevel::Project,
        ProfileLevel::Group,
        ProfileLevel::Site,
    ] {
        let bench = Bench::with(|options| {
            options.project = Some(("demo".to_owned(), "P".to_owned()));
            options.profile = Some(profile.clone());
            options.profile_level = level;
        });
        let project = bench
            .post("/api/lookup", &json!({"path": ["demo", "P"]}))
            .json()["_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let of = |path: &str| bench.get(path);
        let (project, group, site) = (
            of(&format!("/api/projects/{project}/settings")),
            of("/api/groups/demo/settings"),
            of("/api/site/settings"),
        );
        assert_eq!(
            group.status,
            if level == ProfileLevel::Group {
                200
            } else {
                404
            }
        );
        for (answer, at) in [
            (project, ProfileLevel::Project),
            (group, ProfileLevel::Group),
            (site, ProfileLevel::Site),
        ] {
            let served = answer.json()["deid_profile"].clone();
            assert_eq!(
                served,
                if at == level {
                    profile.clone()
                } else {
                    Value::Null
                },
                "{level:?} {at:?}"
            );
        }
    }
}

#[test]
fn settings_are_put_as_an_object_or_as_text() {
    let bench = Bench::with(|options| {
        options.read_profile = |text| serde_saphyr::from_str(text).ok();
    });
    let path = format!("/api/projects/{}/settings", bench.branch()[1]);
    let put = |path: &str, body: &Value| {
        bench.send("PUT", path, &[&bench.auth()], body.to_string().as_bytes())
    };
    assert_eq!(bench.get(&path).json(), json!({}));
    assert_eq!(
        put(&path, &json!({"deid_profile": "dicom:\n  fields: []\n"})).status,
        200
    );
    assert_eq!(
        bench.get(&path).json(),
        json!({"deid_profile": {"dicom": {"fields": []}}})
    );
    assert_eq!(put(&path, &json!({"deid_profile": null})).status, 200);
    assert_eq!(bench.get(&path).json(), json!({}));
    assert_eq!(
        put(
            "/api/site/settings",
            &json!({"deid_profile": {"dicom": {}}})
        )
        .status,
        200
    );
    let levels = ('b'..='i').map(|to| {
        format!(
            "{to}: &{to} [{}]\n",
            format!("*{},", char::from(to as u8 - 1)).repeat(9)
        )
    });
    let bomb = format!("a: &a [x]\n{}", levels.collect::<String>());
    for (body, status) in [
        (json!({"deid_profile": "a: ["}), 422),
        (json!({"deid_profile": bomb}), 422),
        (json!({"deid_profile": "[".repeat(100_000)}), 422),
        (json!({"deid_profile": 5}), 400),
        (json!({"x": 1}), 400),
    ] {
        assert_eq!(put(&path, &body).status, status, "{body}");
    }
    assert_eq!(put("/api/groups/none/settings", &json!({})).status, 404);
}
