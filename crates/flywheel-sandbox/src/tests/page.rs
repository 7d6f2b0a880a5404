//! The page at `/`: who may see it, what it shows, and that what files hold stays text.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::sync::Arc;

use dicom_lossless::{Instance, Limits, Source, SourceFile, read};
use dicom_pictures::{ShownImage, header_lines};
use serde_json::{Value, json};

use super::{Answer, Bench};
use crate::{Content, Header, HeaderLine, Options, Viewer};

const HOSTILE: &str = "<script>alert(1)</script>\u{202e}\"'&";

fn instance(content: &Content) -> Result<Instance, String> {
    let source = match content {
        Content::File(path) => Source::open(path).unwrap(),
        Content::Member(bytes) => Source::Memory {
            file: Arc::new(SourceFile::as_it_was("", bytes.len() as u64, None)),
            bytes: bytes.clone(),
        },
    };
    read(source, &Limits::default()).map_err(|error| error.to_string())
}

fn header(content: &Content) -> Result<Header, String> {
    let instance = instance(content)?;
    let lines = header_lines(&instance, 100, 100)
        .into_iter()
        .map(|line| HeaderLine {
            depth: line.depth,
            tag: line.tag.to_string(),
            keyword: line.keyword,
            vr: line.vr,
            value: line.value,
        })
        .collect();
    let (frames, no_picture) = match ShownImage::of(instance) {
        Ok(image) => (image.map_or(0, |image| image.frames()), None),
        Err(error) => (0, Some(error.to_string())),
    };
    Ok(Header {
        lines,
        frames,
        no_picture,
    })
}

fn picture(content: &Content, frame: u32, side: Option<usize>) -> Result<Vec<u8>, String> {
    let image = ShownImage::of(instance(content)?).map_err(|error| error.to_string())?;
    let shown = image
        .ok_or("there is no image in it")?
        .frame(frame)
        .map_err(|error| error.to_string())?;
    Ok(side
        .map_or(shown.clone(), |side| shown.thumbnail(side))
        .to_png()
        .unwrap())
}

/// A sandbox whose page looks into files.
fn bench() -> Bench {
    Bench::with(with_viewer)
}

fn with_viewer(options: &mut Options) {
    options.viewer = Some(Viewer { header, picture });
}

impl Bench {
    fn host(&self) -> String {
        format!("Host: {}", self.addr())
    }

    fn own_origin(&self) -> String {
        format!("Origin: http://{}", self.addr())
    }

    /// Sends what a browser sends, with these headers.
    fn browse(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        write!(head, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        super::raw(self.addr(), head.as_bytes())
    }

    fn log_in(&self, key: &str) -> Answer {
        let kind = "Content-Type: application/x-www-form-urlencoded";
        self.browse(
            "POST",
            "/page/login",
            &[&self.host(), &self.own_origin(), kind],
            &format!("key={}", key.replace(':', "%3A")),
        )
    }

    /// The cookie of a browser that the key was typed into.
    fn cookie(&self) -> String {
        let answer = self.log_in(self.key());
        let line = answer
            .head
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "))
            .unwrap();
        format!("Cookie: {}", line.split(';').next().unwrap())
    }

    fn page(&self, cookie: &str, path: &str) -> Answer {
        self.browse("GET", path, &[&self.host(), cookie], "")
    }

    fn page_json(&self, cookie: &str, path: &str) -> Value {
        let answer = self.page(cookie, path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }
}

/// A DICOM file of two frames of 2 by 2 pixels, with a patient's name.
fn dicom(name: &str) -> Vec<u8> {
    let mut file = [vec![0; 128], b"DICM".to_vec()].concat();
    let mut put = |group: u16, element: u16, vr: &[u8; 2], value: &[u8]| {
        let mut value = value.to_vec();
        value.resize(value.len().next_multiple_of(2), b' ');
        file.extend(group.to_le_bytes());
        file.extend(element.to_le_bytes());
        file.extend(vr);
        if matches!(vr, b"OB" | b"OW" | b"UT") {
            file.extend([0, 0]);
            file.extend(
                u32::try_from(value.len())
                    .unwrap()
                    .to_le_bytes(),
            );
        } else {
            file.extend(
                u16::try_from(value.len())
                    .unwrap()
                    .to_le_bytes(),
            );
        }
        file.extend(value);
    };
    put(0x0002, 0x0010, b"UI", b"1.2.840.10008.1.2.1\0");
    put(0x0008, 0x0005, b"CS", b"ISO_IR 192");
    put(0x0010, 0x0010, b"PN", name.as_bytes());
    put(0x0010, 0x4000, b"UT", "v".repeat(65_536).as_bytes());
    put(0x0028, 0x0002, b"US", &[1, 0]);
    put(0x0028, 0x0004, b"CS", b"MONOCHROME2");
    put(0x0028, 0x0008, b"IS", b"2");
    put(0x0028, 0x0010, b"US", &[2, 0]);
    put(0x0028, 0x0011, b"US", &[2, 0]);
    put(0x0028, 0x0100, b"US", &[8, 0]);
    put(0x0028, 0x0101, b"US", &[8, 0]);
    put(0x0028, 0x0103, b"US", &[0, 0]);
    put(0x7FE0, 0x0010, b"OB", &[0, 10, 20, 30, 30, 20, 10, 0]);
    file
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (at, (name, bytes)) in members.iter().enumerate() {
        let method = if at % 2 == 0 {
            zip::CompressionMethod::Deflated
        } else {
            zip::CompressionMethod::Stored
        };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options)
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn the_page_asks_for_the_key_once() {
    let bench = bench();
    let front = bench.browse("GET", "/", &[&bench.host()], "");
    let text = String::from_utf8(front.body.clone()).unwrap();
    assert!(front.status == 200 && text.contains("Key of this sandbox") && !text.contains("tree"));
    for path in [
        "/page/state",
        "/page/containers",
        "/page/containers/grp",
        "/page/files/x",
        "/page/files/x/1/header",
    ] {
        let cookie = format!("Cookie: fwupload-sandbox-{}=0", bench.addr().port());
        assert_eq!(bench.page(&cookie, path).status, 401, "{path}");
        // The key itself opens the API and not the page.
        assert_eq!(
            bench
                .page(&bench.auth(), path)
                .status,
            401,
            "{path}"
        );
    }
    let wrong = bench.log_in("not-the-key");
    assert_eq!(wrong.status, 401);
    assert!(
        String::from_utf8(wrong.body)
            .unwrap()
            .contains("role=\"alert\"")
    );
    assert!(!wrong.head.contains("set-cookie"));
    for key in [
        bench.key().to_owned(),
        bench
            .sandbox
            .as_ref()
            .unwrap()
            .site_key()
            .to_string(),
    ] {
        let right = bench.log_in(&key);
        assert_eq!(right.status, 303);
        let cookie = right
            .head
            .lines()
            .find(|line| line.starts_with("set-cookie: "))
            .unwrap();
        assert!(
            cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
            "{cookie}"
        );
        assert!(!cookie.contains(bench.key()));
    }
    let cookie = bench.cookie();
    let front = bench.page(&cookie, "/");
    assert!(
        String::from_utf8(front.body)
            .unwrap()
            .contains("role=\"tree\"")
    );
    assert_eq!(
        bench
            .page(&cookie, "/page/state")
            .status,
        200
    );
    let headers = [&bench.host()[..], &bench.own_origin(), &cookie];
    assert_eq!(
        bench
            .browse("POST", "/page/logout", &headers, "")
            .status,
        303
    );
    assert_eq!(
        bench
            .page(&cookie, "/page/state")
            .status,
        401
    );
}

#[test]
fn no_other_site_is_answered() {
    let bench = bench();
    let cookie = bench.cookie();
    let (host, origin) = (bench.host(), bench.own_origin());
    let port = bench.addr().port();
    let rebound = format!("Host: evil.example:{port}");
    let foreign = "Origin: http://evil.example";
    for path in ["/", "/page/state", "/page/page.js", "/page/containers"] {
        assert_eq!(bench.page(&cookie, path).status, 200, "{path}");
        let asked = |headers: &[&str]| {
            let headers = [headers, &[&cookie[..]]].concat();
            bench
                .browse("GET", path, &headers, "")
                .status
        };
        assert_eq!(asked(&[&rebound]), 403, "{path}");
        assert_eq!(asked(&[&host, foreign]), 403, "{path}");
        assert_eq!(asked(&[&host, "Sec-Fetch-Site: cross-site"]), 403, "{path}");
        assert_eq!(asked(&[&host, "Sec-Fetch-Site: same-site"]), 403, "{path}");
        assert_eq!(asked(&[&host, "Sec-Fetch-Site: none"]), 200, "{path}");
        let named = format!("Host: localhost:{port}");
        assert_eq!(asked(&[&named]), 200, "{path}");
    }
    for path in ["/page/reset", "/page/logout"] {
        for headers in [
            vec![&host[..], &cookie, foreign],
            vec![&host, &cookie],
            vec![&rebound, &cookie, &origin],
        ] {
            assert_eq!(
                bench
                    .browse("POST", path, &headers, "")
                    .status,
                403,
                "{path}"
            );
        }
    }
    assert_eq!(
        bench
            .page(&cookie, "/page/state")
            .status,
        200
    );
}

#[test]
fn browsers_are_told_to_load_and_keep_nothing_else() {
    let bench = bench();
    let cookie = bench.cookie();
    for path in ["/", "/page/state", "/page/page.js", "/page/files/none"] {
        let head = bench
            .page(&cookie, path)
            .head
            .to_lowercase();
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self';",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.contains(header), "{path} lacks {header}: {head}");
        }
    }
}

#[test]
fn without_the_page_nothing_else_changes() {
    let bench = Bench::with(|options| {
        options.page = false;
        with_viewer(options);
    });
    for path in ["/", "/page/state", "/page/page.js"] {
        let answer = bench.browse("GET", path, &[&bench.host()], "");
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["status_code"], 404);
        assert!(
            !answer
                .head
                .contains("content-security-policy")
        );
    }
    assert_eq!(bench.log_in(bench.key()).status, 404);
    bench.branch();
    assert_eq!(bench.get("/api/version").status, 200);
    let with = self::bench();
    // The API does not ask for a host, as before, and knows no cookie.
    let api = with.send("GET", "/api/config", &["Origin: http://evil.example"], b"");
    assert_eq!(api.status, 200);
    assert!(
        !api.head
            .contains("content-security-policy")
    );
    assert_eq!(
        with.page(&with.cookie(), "/api/projects")
            .status,
        403
    );
    assert_eq!(with.get("/page/unknown").status, 404);
}

#[test]
fn the_tree_leads_from_groups_to_versions() {
    let bench = bench();
    let [group, project, subject, session, acquisition] = bench.branch();
    for content in [&b"one"[..], b"two!"] {
        let at = format!("acquisitions/{acquisition}");
        bench.upload(&at, None, "filename=\"a.txt\"", content);
    }
    let cookie = bench.cookie();
    let groups = bench.page_json(&cookie, "/page/containers");
    assert_eq!(
        groups["entries"],
        json!([{"id": group, "kind": "group", "label": "grp", "below": 1}])
    );
    let mut below = group.clone();
    for id in [&project, &subject, &session, &acquisition] {
        let shown = bench.page_json(&cookie, &format!("/page/containers/{below}"));
        assert_eq!(shown["below"]["entries"][0]["id"], json!(id));
        below.clone_from(id);
    }
    let shown = bench.page_json(&cookie, &format!("/page/containers/{acquisition}"));
    assert_eq!(shown["path"], json!(["grp", "Proj", "S1", "ses", "acq"]));
    assert_eq!(
        shown["ids"],
        json!([group, project, subject, session, acquisition])
    );
    let file = &shown["below"]["entries"][0];
    assert_eq!(
        (&file["label"], &file["versions"]),
        (&json!("a.txt"), &json!(2))
    );
    let id = file["id"].as_str().unwrap();
    let file = bench.page_json(&cookie, &format!("/page/files/{id}"));
    let numbers: Vec<_> = file["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| (version["number"].clone(), version["size"].clone()))
        .collect();
    assert_eq!(numbers, [(json!(2), json!(4)), (json!(1), json!(3))]);
    let none = bench.page(&cookie, &format!("/page/files/{id}/2/header"));
    assert_eq!(none.status, 422);
    assert_eq!(none.json()["message"], "the file is not DICOM");
    for path in [
        "/page/files/none",
        "/page/containers/none",
        "/page/containers/..%2F..",
    ] {
        assert_eq!(bench.page(&cookie, path).status, 404, "{path}");
    }
    let rest = bench.page_json(&cookie, &format!("/page/containers/{acquisition}?from=1"));
    assert_eq!(rest["below"], json!({"entries": [], "next": 1, "more": 0}));
}

#[test]
fn it_says_which_profile_governs() {
    let bench = bench();
    let [group, project, subject, ..] = bench.branch();
    let cookie = bench.cookie();
    let governing = || {
        let at = format!("/page/containers/{subject}");
        bench.page_json(&cookie, &at)["governing"].clone()
    };
    let put = |path: &str, profile: &Value| {
        let body = json!({"deid_profile": profile}).to_string();
        let kind = "Content-Type: application/json";
        let path = format!("/api/{path}/settings");
        let answer = bench.send("PUT", &path, &[&bench.auth(), kind], body.as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    assert_eq!(governing(), Value::Null);
    for (level, path) in [
        ("site", "site".to_owned()),
        ("group", format!("groups/{group}")),
        ("project", format!("projects/{project}")),
    ] {
        let profile = json!({"name": format!("of the {level}")});
        put(&path, &profile);
        assert_eq!(governing(), json!({"level": level, "profile": profile}));
    }
    put(&format!("projects/{project}"), &Value::Null);
    assert_eq!(governing()["level"], "group");
}

#[test]
fn files_and_members_have_headers_and_pictures() {
    let bench = bench();
    let [.., acquisition] = bench.branch();
    let at = format!("acquisitions/{acquisition}");
    let file = dicom(HOSTILE);
    let zip = zipped(&[
        ("a.dcm", &file),
        ("../../b.dcm", &dicom("B")),
        ("c.txt", b"text"),
    ]);
    let upload = |name: &str, bytes: &[u8]| {
        let answer = bench.upload(&at, None, &format!("filename=\"{name}\""), bytes);
        let id = answer.json()[0]["file_id"]
            .as_str()
            .unwrap()
            .to_owned();
        format!("/page/files/{id}/1")
    };
    let (single, zipped) = (upload("s.dcm", &file), upload("z.zip", &zip));
    let cookie = bench.cookie();
    let header = bench.page_json(&cookie, &format!("{single}/header"));
    assert_eq!(
        (&header["frames"], &header["no_picture"]),
        (&json!(2), &Value::Null)
    );
    let value = |keyword: &str| {
        let lines = header["lines"].as_array().unwrap();
        let line = lines
            .iter()
            .find(|line| line["keyword"] == keyword)
            .unwrap();
        line["value"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        value("PatientName"),
        "<script>alert(1)</script>\\u{202e}\"'&"
    );
    assert!(value("PatientComments").ends_with("v... (65,536 characters)"));
    let kind = bench
        .page(&cookie, &format!("{single}/header"))
        .head;
    assert!(kind.contains("content-type: application/json"), "{kind}");
    let members = bench.page_json(&cookie, &format!("{zipped}/members"));
    let names: Vec<_> = members["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["name"].clone())
        .collect();
    assert_eq!(names, ["a.dcm", "../../b.dcm", "c.txt"]);
    let rest = bench.page_json(&cookie, &format!("{zipped}/members?from=2"));
    assert_eq!((&rest["next"], &rest["more"]), (&json!(3), &json!(0)));
    for path in [
        format!("{single}/picture?frame=1"),
        format!("{zipped}/picture?member=0&frame=1"),
        format!("{zipped}/picture?member=1&side=1"),
    ] {
        let answer = bench.page(&cookie, &path);
        assert!(
            answer
                .head
                .contains("content-type: image/png"),
            "{path}: {answer:?}"
        );
        assert!(answer.body.starts_with(b"\x89PNG"));
        let side = if path.ends_with("side=1") { 1 } else { 2 };
        assert_eq!(answer.body[19], side, "{path}");
    }
    for (path, message) in [
        (
            format!("{single}/picture?frame=2"),
            "there is no frame of this number",
        ),
        (format!("{zipped}/header?member=2"), "the file is not DICOM"),
        (
            format!("{zipped}/header?member=3"),
            "the archive has no such member",
        ),
        (format!("{single}/members"), "the archive is damaged"),
    ] {
        let answer = bench.page(&cookie, &path);
        assert_eq!(
            (answer.status, &answer.json()["message"]),
            (422, &json!(message)),
            "{path}"
        );
    }
    assert_eq!(
        bench
            .page(&cookie, &format!("{single}/header?member=x"))
            .status,
        400
    );
}

#[test]
fn damaged_archives_are_said_to_be_damaged() {
    let bench = bench();
    let [.., acquisition] = bench.branch();
    let at = format!("acquisitions/{acquisition}");
    let whole = zipped(&[("a.dcm", &dicom("A")), ("b.dcm", &dicom("B"))]);
    let end = whole.len();
    let mut random = (1..u64::MAX).step_by(7_919_771);
    let cookie = bench.cookie();
    for turn in 0..60 {
        let mut zip = whole.clone();
        // The directory and its end are where the numbers stand.
        let place = end - 1 - usize::try_from(random.next().unwrap() % 160).unwrap();
        zip[place] = if turn % 2 == 0 {
            0xFF
        } else {
            zip[place].wrapping_add(1)
        };
        let answer = bench.upload(&at, None, "filename=\"z.zip\"", &zip);
        let id = answer.json()[0]["file_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let version = turn + 1;
        for path in ["members", "header?member=0", "picture?member=1"] {
            let path = format!("/page/files/{id}/{version}/{path}");
            let status = bench.page(&cookie, &path).status;
            assert!([200, 422].contains(&status), "{path}: {status}");
        }
    }
}

#[test]
fn hostile_labels_and_names_are_only_ever_json() {
    let bench = bench();
    bench.make("groups", &json!({"_id": "grp", "label": HOSTILE}));
    bench.make("projects", &json!({"group": "grp", "label": HOSTILE}));
    let cookie = bench.cookie();
    for path in ["/page/containers", "/page/containers/grp"] {
        let answer = bench.page(&cookie, path);
        assert!(
            answer
                .head
                .contains("content-type: application/json")
        );
        assert!(answer.head.contains("nosniff"));
        assert!(
            answer
                .json()
                .to_string()
                .contains("<script>")
        );
    }
    let script = String::from_utf8(
        bench
            .page(&cookie, "/page/page.js")
            .body,
    )
    .unwrap();
    for word in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
    ] {
        assert!(!script.contains(word), "{word}");
    }
    let front = String::from_utf8(bench.page(&cookie, "/").body).unwrap();
    assert!(!front.contains("grp") && !front.contains(" style=") && !front.contains(" onclick"));
}

#[test]
fn the_log_is_shown_where_there_is_an_entry() {
    let bench = Bench::with(|options| {
        options.deid_log = true;
        with_viewer(options);
    });
    let [.., acquisition] = bench.branch();
    let record = json!({"indexed_fields": {"StudyInstanceUID": "1.2.3"}});
    let auth = format!("Authorization: Bearer {}", bench.key());
    let kind = "Content-Type: application/json";
    let logged = bench.send(
        "POST",
        "/deid-log/logs",
        &[&auth, kind],
        record.to_string().as_bytes(),
    );
    let id = logged.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let metadata = json!({"name": "a.dcm", "deid_log_id": id}).to_string();
    let at = format!("acquisitions/{acquisition}");
    let answer = bench.upload(&at, Some(&metadata), "filename=\"a.dcm\"", &dicom("A"));
    let file = answer.json()[0]["file_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = bench.page_json(&bench.cookie(), &format!("/page/files/{file}"));
    assert_eq!(
        shown["versions"][0]["log"]["indexed_fields"],
        record["indexed_fields"]
    );
}

#[test]
fn a_sandbox_that_discards_says_so() {
    let bench = Bench::with(|options| {
        options.discard = true;
        with_viewer(options);
    });
    let [.., acquisition] = bench.branch();
    let at = format!("acquisitions/{acquisition}");
    let answer = bench.upload(&at, None, "filename=\"a.dcm\"", &dicom("A"));
    let id = answer.json()[0]["file_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let cookie = bench.cookie();
    assert_eq!(bench.page_json(&cookie, "/page/state")["discards"], true);
    let file = bench.page_json(&cookie, &format!("/page/files/{id}"));
    assert_eq!(file["versions"][0]["is_kept"], false);
    let header = bench.page(&cookie, &format!("/page/files/{id}/1/header"));
    assert_eq!(header.status, 404);
}

#[test]
fn a_reset_empties_the_sandbox_and_keeps_the_key() {
    let options = |options: &mut Options| {
        options.project = Some(("demo".to_owned(), "phantom".to_owned()));
        options.profile = Some(json!({"name": "kept"}));
        options.deid_log = true;
        with_viewer(options);
    };
    let mut bench = Bench::with(options);
    let key = bench.key().to_owned();
    let [.., acquisition] = bench.branch();
    let at = format!("acquisitions/{acquisition}");
    for _ in 0..2 {
        bench.upload(&at, None, "filename=\"a.txt\"", b"bytes");
    }
    std::fs::write(bench.root().join("of-a-person"), "stays").unwrap();
    let cookie = bench.cookie();
    let headers = [bench.host(), bench.own_origin(), cookie.clone()];
    let headers: Vec<&str> = headers
        .iter()
        .map(String::as_str)
        .collect();
    let answer = bench.browse("POST", "/page/reset", &headers, "");
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"emptied": true}))
    );
    for restarted in [false, true] {
        if restarted {
            bench.restart(|given| {
                options(given);
                given.profile = None;
            });
        }
        assert_eq!(bench.key(), key);
        assert_eq!(bench.stored(), ["of-a-person"]);
        assert_eq!(bench.arriving(), 0);
        let versions = bench
            .root()
            .join(crate::store::HOME)
            .join("versions");
        assert_eq!(
            std::fs::read_dir(versions)
                .unwrap()
                .count(),
            0
        );
        let cookie = bench.cookie();
        let groups = bench.page_json(&cookie, "/page/containers");
        assert_eq!(
            groups["entries"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        let projects = bench.page_json(&cookie, "/page/containers/demo");
        let project = projects["below"]["entries"][0]["id"]
            .as_str()
            .unwrap();
        let project = bench.page_json(&cookie, &format!("/page/containers/{project}"));
        assert_eq!(project["governing"]["profile"]["name"], "kept");
        assert_eq!(project["below"]["entries"], json!([]));
    }
    // An upload under way when it happened has no place left.
    let lost = bench.upload(&at, None, "filename=\"a.txt\"", b"bytes");
    assert_eq!(lost.status, 404);
    bench.branch();
}
