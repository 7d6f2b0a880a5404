//! Walking made-up trees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::fs;
use std::io;

use super::*;

const DICM: &[u8] = &{
    let mut bytes = [0; 140];
    (bytes[128], bytes[129], bytes[130], bytes[131]) = (b'D', b'I', b'C', b'M');
    bytes
};

/// A folder with these files: `name` is DICOM, `name=text` holds text.
fn tree(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let (name, content) = file
            .split_once('=')
            .map_or((*file, DICM), |(name, text)| (name, text.as_bytes()));
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// What a find is, its path below the folder, why.
fn line(folder: &Path, found: &Found) -> String {
    let path = found
        .path()
        .strip_prefix(folder)
        .unwrap_or(found.path())
        .to_string_lossy()
        .into_owned();
    match found {
        Found::Dicom(file) => format!("dicom {path}{}", if file.named { " named" } else { "" }),
        Found::Other(_) => format!("other {path}"),
        Found::Skipped { reason, .. } => format!("skip {path} {}", reason.as_str()),
        Found::Failed { failure, .. } => format!("fail {path} {}", failure.code),
    }
}

/// One line per find.
fn lines(folder: &Path, inputs: Inputs) -> Vec<String> {
    let mut lines = Vec::new();
    let discovery = Discovery::prepare(inputs, &mut io::empty()).unwrap();
    let end = discovery.run(&mut |found| {
        lines.push(line(folder, &found));
        ControlFlow::Continue(())
    });
    assert!(end.is_continue());
    lines
}

fn walk(folder: &Path, paths: &[&str]) -> Vec<String> {
    lines(
        folder,
        Inputs {
            paths: paths
                .iter()
                .map(|path| folder.join(path))
                .collect(),
            ..Inputs::default()
        },
    )
}

#[test]
fn content_decides_and_the_order_is_fixed() {
    let folder = tree(&[
        "b/2.dcm",
        "b/1",
        "a/notes.txt=hello",
        "a/empty.dcm=",
        "z.txt",
    ]);
    let found = walk(folder.path(), &["."]);
    assert_eq!(
        found,
        [
            "skip a/empty.dcm empty",
            "skip a/notes.txt not-dicom",
            "dicom b/1",
            "dicom b/2.dcm",
            "dicom z.txt"
        ]
    );
}

#[test]
fn naming_is_a_promise() {
    let folder = tree(&["a.dcm", "notes.txt=hello", "empty="]);
    let found = walk(
        folder.path(),
        &["a.dcm", "notes.txt", "empty", "missing", "a.dcm/below"],
    );
    assert_eq!(
        found,
        [
            "dicom a.dcm named",
            "fail notes.txt read.not-dicom",
            "fail empty read.not-dicom",
            "fail missing discover.not-found",
            "fail a.dcm/below discover.not-found"
        ]
    );
}

#[test]
fn overlapping_roots_give_each_file_once() {
    let folder = tree(&["a/1.dcm", "a/b/2.dcm", "a/b/x=text"]);
    assert_eq!(
        walk(
            folder.path(),
            &["a", "a/b", "a/./b", "a", "a/b/2.dcm", "gone", "gone"]
        ),
        [
            "dicom a/1.dcm",
            "skip a/b/x not-dicom",
            "dicom a/b/2.dcm named",
            "fail gone discover.not-found",
        ]
    );
}

#[test]
fn what_a_shell_would_have_expanded_is_told_so() {
    let folder = tree(&["a/1.dcm"]);
    let hint = |path: &str| {
        let discovery = Discovery::prepare(
            Inputs {
                paths: vec![path.into()],
                ..Inputs::default()
            },
            &mut std::io::empty(),
        )
        .unwrap();
        let mut hints = Vec::new();
        let _ = discovery.run(&mut |found| {
            if let Found::Failed { failure, .. } = found {
                hints.push(failure.hint().to_owned());
            }
            ControlFlow::Continue(())
        });
        hints.concat()
    };
    assert!(hint("~/study").contains("home folder"));
    assert!(
        hint(
            &folder
                .path()
                .join("*.dcm")
                .to_string_lossy()
        )
        .contains("--include")
    );
    assert!(hint("upload").contains("command only") || hint("status").contains("command only"));
    assert!(!hint("sutdy").contains("shell"));
}

#[test]
fn a_folder_in_an_input_or_around_one_is_noticed_before_it_exists() {
    let folder = tree(&["a/1.dcm", "ab/2.dcm"]);
    let beside = |inputs: &[&str], other: &str| {
        let paths = inputs
            .iter()
            .map(|input| folder.path().join(input))
            .collect();
        let discovery = Discovery::prepare(
            Inputs {
                paths,
                ..Inputs::default()
            },
            &mut std::io::empty(),
        )
        .unwrap();
        discovery
            .input_beside(&folder.path().join(other))
            .is_some()
    };
    for other in ["a", "a/out", "a/out/deeper", "ab/../a/new", ""] {
        assert!(beside(&["ab/2.dcm", "a"], other), "{other}");
    }
    for other in ["out", "a-out", "ab2"] {
        assert!(!beside(&["ab/2.dcm", "a"], other), "{other}");
    }
    assert!(beside(&["ab/2.dcm"], "ab") && !beside(&["ab/2.dcm"], "ab/out"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path().join("a"), folder.path().join("link")).unwrap();
        assert!(beside(&["a"], "link/out") && beside(&["link"], "a/out"));
    }
}

#[test]
fn filters_hold_for_what_is_found_not_for_what_is_named() {
    let folder = tree(&["a/1.dcm", "a/scout/2.dcm", "b.dcm"]);
    let filters = vec![
        Filter {
            include: false,
            glob: "*.dcm".into(),
        },
        Filter {
            include: true,
            glob: "/1.dcm".into(),
        },
    ];
    let paths = vec![folder.path().join("a"), folder.path().join("b.dcm")];
    let found = lines(
        folder.path(),
        Inputs {
            paths,
            filters,
            ..Inputs::default()
        },
    );
    assert_eq!(
        found,
        [
            "dicom a/1.dcm",
            "skip a/scout/2.dcm excluded",
            "dicom b.dcm named"
        ]
    );
}

#[test]
fn other_files_go_where_they_are_wanted() {
    let folder = tree(&["a.dcm", "notes.txt=hello"]);
    let with = |other_files| {
        lines(
            folder.path(),
            Inputs {
                paths: vec![folder.path().into()],
                other_files,
                ..Inputs::default()
            },
        )
    };
    assert_eq!(with(OtherFiles::Upload), ["dicom a.dcm", "other notes.txt"]);
    assert_eq!(
        with(OtherFiles::Fail),
        ["dicom a.dcm", "fail notes.txt discover.other-file"]
    );
}

#[test]
fn a_missing_path_that_is_a_command_word_is_explained() {
    let discovery = Discovery::prepare(
        Inputs {
            paths: vec!["logout".into()],
            ..Inputs::default()
        },
        &mut io::empty(),
    )
    .unwrap();
    let _ = discovery.run(&mut |found| {
        let Found::Failed { failure, .. } = found else {
            panic!("{found:?}")
        };
        assert!(failure.hint().contains("./logout"), "{}", failure.hint());
        ControlFlow::Continue(())
    });
}

#[test]
fn the_sink_can_stop_the_walk() {
    let folder = tree(&["1.dcm", "2.dcm", "3.dcm"]);
    let discovery = Discovery::prepare(
        Inputs {
            paths: vec![folder.path().into()],
            ..Inputs::default()
        },
        &mut io::empty(),
    )
    .unwrap();
    let mut count = 0;
    let end = discovery.run(&mut |_| {
        count += 1;
        if count == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(end.is_break() && count == 2);
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn followed(folder: &Path) -> Vec<String> {
        lines(
            folder,
            Inputs {
                paths: vec![folder.into()],
                follow: true,
                ..Inputs::default()
            },
        )
    }

    #[test]
    fn links_are_skipped_unless_followed_and_lead_to_each_file_once() {
        let folder = tree(&["real/1.dcm"]);
        symlink(folder.path().join("real"), folder.path().join("alias")).unwrap();
        symlink(folder.path().join("gone"), folder.path().join("broken")).unwrap();
        assert_eq!(
            walk(folder.path(), &["."]),
            [
                "skip alias symlink",
                "skip broken symlink",
                "dicom real/1.dcm"
            ]
        );
        assert_eq!(
            followed(folder.path()),
            [
                "dicom alias/1.dcm",
                "fail broken discover.not-found",
                "skip real/1.dcm same-file"
            ]
        );
        assert_eq!(walk(folder.path(), &["alias"]), ["dicom alias/1.dcm"]);
    }

    #[test]
    fn loops_end() {
        let folder = tree(&["a/1.dcm"]);
        symlink(folder.path(), folder.path().join("a/up")).unwrap();
        assert_eq!(
            followed(folder.path()),
            ["dicom a/1.dcm", "fail a/up discover.symlink-loop"]
        );
    }

    #[test]
    fn pipes_and_sockets_are_not_opened() {
        let folder = tree(&["a.dcm"]);
        let socket = folder.path().join("socket");
        let _keep = UnixListener::bind(&socket).unwrap();
        assert_eq!(
            walk(folder.path(), &["."]),
            ["dicom a.dcm", "skip socket special-file"]
        );
        assert_eq!(
            walk(folder.path(), &["socket"]),
            ["fail socket discover.special-file"]
        );
    }

    #[test]
    fn names_that_are_not_utf8_are_found() {
        let folder = tree(&[]);
        fs::write(
            folder
                .path()
                .join(OsStr::from_bytes(b"\xff\n.dcm")),
            DICM,
        )
        .unwrap();
        assert_eq!(walk(folder.path(), &["."]), ["dicom \u{fffd}\n.dcm"]);
    }

    #[test]
    fn a_folder_that_cannot_be_read_fails_and_the_walk_goes_on() {
        let folder = tree(&["a/1.dcm", "b/2.dcm"]);
        let closed = folder.path().join("a");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let may_read_all = fs::read_dir(&closed).is_ok();
        let found = walk(folder.path(), &["."]);
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        if may_read_all {
            assert_eq!(
                found,
                ["dicom a/1.dcm", "dicom b/2.dcm"],
                "the superuser reads all"
            );
        } else {
            assert_eq!(found, ["fail a discover.unreadable", "dicom b/2.dcm"]);
        }
    }
}

#[test]
fn threads_change_neither_what_is_found_nor_its_order() {
    let mut names = Vec::new();
    for at in 0..300 {
        let kind = match at % 7 {
            0 => "notes=text",
            1 => "empty=",
            2 => "zip=PK\x03\x04 and no more",
            _ => "image",
        };
        let (name, content) = kind
            .split_once('=')
            .map_or((kind, None), |(name, content)| (name, Some(content)));
        let name = format!("{}/{:03}-{name}", at % 5, at * 7 % 300);
        names.push(content.map_or(name.clone(), |content| format!("{name}={content}")));
    }
    let names: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .collect();
    let folder = tree(&names);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut packed, DICM).unwrap();
    fs::write(
        folder
            .path()
            .join("2/100-packed.gz"),
        packed.finish().unwrap(),
    )
    .unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("001-image", folder.path().join("3/link")).unwrap();
    let again = folder.path().join("3/291-image");
    let inputs = Inputs {
        paths: vec![folder.path().to_path_buf(), again, "missing".into()],
        ..Inputs::default()
    };
    let discovery = Discovery::prepare(inputs, &mut io::empty()).unwrap();
    let found = |quick, waiting| {
        let mut lines = Vec::new();
        let walked = discovery.look(
            LookThreads { quick, waiting },
            &|file, opened| {
                assert_eq!(file.len, opened.source.len());
                file.path.clone()
            },
            &mut |found, seen| {
                let is_on_disk = matches!(&found, Found::Dicom(file) if file.inside.is_none());
                assert_eq!(seen.as_deref(), is_on_disk.then(|| found.path()));
                lines.push(line(folder.path(), &found));
                ControlFlow::Continue(())
            },
        );
        assert!(walked.flow.is_continue());
        lines
    };
    let alone = found(0, 0);
    assert!(alone.len() > 300, "{}", alone.len());
    for line in [
        "dicom 2/100-packed.gz::100-packed",
        "dicom 3/291-image named",
        "fail missing discover.not-found",
    ] {
        assert!(
            alone
                .iter()
                .any(|found| found == line),
            "{line}"
        );
    }
    for (quick, waiting) in [(1, 1), (2, 2), (1, 16), (4, 64)] {
        assert_eq!(found(quick, waiting), alone, "{quick}, {waiting}");
    }
}
