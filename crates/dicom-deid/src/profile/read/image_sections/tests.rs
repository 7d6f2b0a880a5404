//! Regions and conditions that are read, that count in the digest, and that are refused.

mod alter_pixels {
    use serde_json::json;

    use crate::error::ProfileError;
    use crate::profile::{Profile, from_server_json};

    fn load(alter_pixels: &str) -> Result<Profile, ProfileError> {
        let text = format!("name: p\ndicom:\n  alter_pixels: {alter_pixels}\n");
        from_server_json(&json!(text), "site").map(Option::unwrap)
    }

    fn when(when: &str) -> Result<Profile, ProfileError> {
        load(&json!({"pixels": [{"when": when, "remove": [0, 0, 9, 9]}]}).to_string())
    }

    /// What is said about a wrong option, without what all problems share.
    fn complaint(result: Result<Profile, ProfileError>) -> String {
        let error = result.unwrap_err();
        format!(
            "{} | {}",
            error
                .what
                .trim_start_matches("profile of the site"),
            error
                .remedy
                .as_deref()
                .unwrap_or_default()
        )
    }

    #[test]
    fn regions_are_read_in_order() {
        let profile = load(
            "{pixels: [{when: present Rows, remove: [0, -10, 640, -1]}, {keep: [1, 2, 3, 4], when: missing Rows}]}",
        );
        let profile = profile.unwrap();
        let regions = &profile
            .dicom
            .alter_pixels
            .as_ref()
            .unwrap()
            .regions;
        assert_eq!(
            (regions[0].keep, regions[0].corners),
            (false, [0, -10, 640, -1])
        );
        assert_eq!((regions[1].keep, regions[1].corners), (true, [1, 2, 3, 4]));
        assert!(!profile.is_empty());
        for nothing in ["{}", "{pixels: []}", "{pixels: null, detect: []}"] {
            let profile = load(nothing).unwrap();
            assert!(
                profile.dicom.alter_pixels.is_none() && profile.is_empty(),
                "{nothing}"
            );
        }
    }

    #[test]
    fn every_part_counts_in_the_digest() {
        let digest = |text: &str| {
            load(&format!("{{pixels: [{text}]}}"))
                .unwrap()
                .digest()
        };
        let one = digest("{when: equals Modality US, remove: [0, 0, 9, 9]}");
        assert_eq!(
            one,
            digest("{remove: [0, 0, 9, 9], when: equals Modality us}")
        );
        for other in [
            "{when: equals Modality CT, remove: [0, 0, 9, 9]}",
            "{when: notequals Modality US, remove: [0, 0, 9, 9]}",
            "{when: contains Modality US, remove: [0, 0, 9, 9]}",
            "{when: equals Modality US, keep: [0, 0, 9, 9]}",
            "{when: equals Modality US, remove: [0, 0, 9, 8]}",
        ] {
            assert_ne!(one, digest(other), "{other}");
        }
    }

    #[test]
    fn options_that_cannot_be_carried_out_are_refused_with_their_position() {
        let said = complaint(load("{pixels: [{when: present Rows, remove: [0, 0, 9]}]}"));
        assert!(said.starts_with(":3:56: `remove` has 3 numbers"), "{said}");
        for (text, part) in [
            ("{detect: [dicom]}", "`detect` names recipe files"),
            ("{detect: dicom}", "`detect` names recipe files"),
            ("{pixel: []}", "unknown key `pixel`"),
            ("{pixels: {when: x}}", "must be a list"),
            ("{pixels: [{remove: [0, 0, 9, 9]}]}", "needs `when`"),
            (
                "{pixels: [{when: present Rows}]}",
                "needs `remove` or `keep`",
            ),
            (
                "{pixels: [{when: present Rows, remove: [0, 0, 9, 9], keep: [0, 0, 9, 9]}]}",
                "not both",
            ),
            (
                "{pixels: [{when: present Rows, delete: [0, 0, 9, 9]}]}",
                "unknown key `delete`",
            ),
            (
                "{pixels: [{when: present Rows, remove: [0, 0, 9, 9.5]}]}",
                "whole numbers, not a number",
            ),
            (
                "{pixels: [{when: present Rows, remove: [10, 0, 5, 9]}]}",
                "covers nothing",
            ),
            (
                "{pixels: [{when: present Rows, remove: [0, -5, 9, -5]}]}",
                "covers nothing",
            ),
            (
                "{pixels: [{when: [present Rows], remove: [0, 0, 9, 9]}]}",
                "must be text",
            ),
        ] {
            let said = complaint(load(text));
            assert!(said.contains(part), "{text}: {said}");
        }
    }

    #[test]
    fn conditions_that_flywheel_reads_otherwise_are_refused() {
        for (text, part) in [
            ("", "no condition"),
            ("# only a remark", "no condition"),
            ("contains", "not complete"),
            ("contains Modality", "not complete"),
            ("contains  Modality CT", "names no attribute"),
            ("contain Modality CT", "`contain` is no test"),
            ("containsX Modality CT", "`containsX` is no test"),
            ("Modality == CT", "`Modality` is no test"),
            ("label x", "`label` is no test"),
            ("present modality", "did you mean `Modality`?"),
            ("present OverlayData", "names no attribute"),
            ("present 0x0010", "is no tag"),
            ("present TransferSyntaxUID", "file meta information"),
            ("present 0x00020010", "file meta information"),
            ("equals 0x00080060 CT", "by number"),
            ("contains PixelData x", "no text or number"),
            ("contains RequestAttributesSequence x", "no text or number"),
            (
                "equals Rows 1\n|| equals Rows 2",
                "`when`, line 2: a line that begins with `||`",
            ),
            ("missing Modality + equals Rows 2", "mixes up values"),
            ("equals Rows 2 + CONTAINS Modality CT", "lower case"),
            ("contains Modality a+ + contains Rows 1", "not complete"),
            ("contains Modality \\S+", "what `\\S` means"),
            ("contains Modality (?P<a>x)", "what `(?P` means"),
            ("contains Modality [", "the expression"),
            ("coordinates 0,0,9,9", "coordinates cannot be given"),
        ] {
            let said = complaint(when(text));
            assert!(said.contains(part), "{text}: {said}");
        }
        for text in [
            "contains ImageComments a+b",
            "|| equals Rows 1",
            "equals Rows 1\r\n+ PRESENT Columns",
            "equals ImageComments a || b",
        ] {
            when(text).unwrap();
        }
    }
}

mod device_regions {
    use super::super::*;
    use crate::profile::{Document, Faces, Language, Profile};

    fn load(pixels: &str) -> Result<Profile, String> {
        let text = format!("name = \"p\"\n[dicom]\nremove-private-tags = true\n{pixels}");
        let document = Document::parse(&text, Language::Toml, "p.toml", "p").unwrap();
        document.profile().map_err(|error| {
            format!(
                "{} | {}",
                error.what,
                error
                    .remedy
                    .as_deref()
                    .unwrap_or_default()
            )
        })
    }

    fn entry(entry: &str) -> Result<Profile, String> {
        load(&format!("[[dicom.pixels.regions]]\n{entry}\n"))
    }

    const BASIC: &str = "[dicom.confidentiality]\nprofile = \"basic\"\n";

    #[test]
    fn regions_are_read_as_written() {
        let profile = entry(
            "when = { Rows = 600, Modality = \"US\", Columns = 800, ImageType = [\"ORIGINAL\", \"PRIMARY\"] }\nblank = [[0, 0, 800, 56]]",
        );
        let region = &profile.unwrap().dicom.regions[0];
        assert_eq!(
            region.blank,
            BlankedArea::Rectangles(vec![Rectangle {
                x: 0,
                y: 0,
                width: 800,
                height: 56
            }])
        );
        let tags: Vec<u16> = region
            .when
            .iter()
            .map(|one| one.tag.element())
            .collect();
        assert_eq!(tags, [0x0008, 0x0060, 0x0010, 0x0011]);
        assert_eq!(region.when[0].values.len(), 2);
        assert_eq!(
            region.when[1].values,
            [RequiredValue::Text("us".to_owned())]
        );
        assert_eq!(region.when[2].values, [RequiredValue::Number(600.0)]);
        let outside =
            entry("when = { Modality = \"US\" }\nblank = \"outside-ultrasound-regions\"").unwrap();
        assert_eq!(
            outside.dicom.regions[0].blank,
            BlankedArea::OutsideUltrasoundRegions
        );
        let nothing = entry("when = { Modality = \"US\" }\nblank = []").unwrap();
        assert!(!nothing.dicom.regions[0].blanks() && outside.dicom.regions[0].blanks());
    }

    #[test]
    fn images_that_may_show_text_are_refused_where_confidentiality_is_asked_for() {
        let said = |text: &str| {
            load(text)
                .unwrap()
                .dicom
                .pixels
                .burned_in
        };
        assert_eq!(said(""), BurnedIn::Keep);
        assert_eq!(
            said("[dicom.pixels]\nburned-in = \"refuse\"\n"),
            BurnedIn::Refuse
        );
        assert_eq!(said(BASIC), BurnedIn::Refuse);
        assert_eq!(
            said(&format!("[dicom.pixels]\nburned-in = \"keep\"\n{BASIC}")),
            BurnedIn::Keep
        );
        assert_eq!(
            said(&format!("{BASIC}[dicom.pixels]\nregions = []\n")),
            BurnedIn::Refuse
        );
    }

    #[test]
    fn what_is_looked_at_is_read_and_follows_from_burned_in() {
        let rules = |keys: &str| {
            load(&format!("[dicom.pixels]\n{keys}\n"))
                .unwrap()
                .dicom
                .pixels
        };
        let detect = PixelRules {
            burned_in: BurnedIn::Detect,
            other_images: OtherImages::Detect,
            blank_finds: false,
            markers: Markers::Keep,
            faces: Faces::Keep,
        };
        assert_eq!(rules("burned-in = \"detect\""), detect);
        assert_eq!(
            rules("other-images = \"keep\"\nburned-in = \"detect\""),
            PixelRules {
                other_images: OtherImages::Keep,
                ..detect
            }
        );
        assert_eq!(
            rules(
                "burned-in = \"refuse\"\nother-images = \"detect\"\nblank-finds = true\n\
                    markers = \"blank\"\nfaces = \"refuse\""
            ),
            PixelRules {
                burned_in: BurnedIn::Refuse,
                other_images: OtherImages::Detect,
                blank_finds: true,
                markers: Markers::Blank,
                faces: Faces::Refuse,
            }
        );
        for burned_in in ["refuse", "keep"] {
            let others = rules(&format!("burned-in = \"{burned_in}\"")).other_images;
            assert_eq!(others, OtherImages::Keep);
        }
        assert_eq!(
            load(&format!(
                "{BASIC}[dicom.pixels]\nother-images = \"detect\"\n"
            ))
            .unwrap()
            .dicom
            .pixels
            .burned_in,
            BurnedIn::Refuse
        );
    }

    #[test]
    fn what_would_blank_nothing_is_refused_with_its_position() {
        let refused = |keys: &str| load(&format!("[dicom.pixels]\n{keys}\n")).unwrap_err();
        for (keys, position, parts) in [
            (
                "burned-in = \"refuse\"\nblank-finds = true",
                ":6:1",
                ["`blank-finds` is about", "add `other-images"],
            ),
            (
                "burned-in = \"detect\"\nother-images = \"keep\"\nblank-finds = true",
                ":7:1",
                ["`blank-finds` is about", "add `other-images"],
            ),
            (
                "markers = \"blank\"",
                ":5:1",
                ["blanks nothing", "add `burned-in = \"detect\"`"],
            ),
            (
                "burned-in = \"detect\"\nmarkers = \"remove\"",
                ":6:11",
                ["`markers` must be", "`keep` or `blank`"],
            ),
            (
                "burned-in = \"detect\"\nblank-finds = \"yes\"",
                ":6:15",
                ["`blank-finds` must be", "true or false"],
            ),
            (
                "other-images = \"refuse\"",
                ":5:16",
                ["`other-images` must be", "`detect` or `keep`"],
            ),
            (
                "faces = \"blur\"",
                ":5:9",
                ["`faces` must be", "`keep` or `refuse`"],
            ),
        ] {
            let said = refused(keys);
            assert!(said.contains(position), "{keys}: {said}");
            for part in parts {
                assert!(said.contains(part), "{keys}: {said}");
            }
        }
        for keys in [
            "blank-finds = false\nmarkers = \"keep\"",
            "faces = \"refuse\"",
            "other-images = \"detect\"\nblank-finds = true\nmarkers = \"blank\"",
            "burned-in = \"detect\"\nother-images = \"keep\"\nmarkers = \"blank\"",
        ] {
            load(&format!("[dicom.pixels]\n{keys}\n")).unwrap();
        }
    }

    #[test]
    fn what_is_looked_at_counts_in_the_digest_where_it_is_set() {
        let digest = |keys: &str| {
            load(&format!("[dicom.pixels]\n{keys}\n"))
                .unwrap()
                .digest()
        };
        // Known before there was anything but `burned-in`: what is kept in journals stays valid.
        assert_eq!(
            digest("burned-in = \"refuse\""),
            "sha256:dd55fb16f081e8d8b1a5e7ba1d694e1bb04cf96063782d3d5c4f402c06d68215"
        );
        assert_eq!(
            digest("burned-in = \"refuse\""),
            digest("burned-in = \"refuse\"\nother-images = \"keep\"\nmarkers = \"keep\"")
        );
        assert_eq!(
            digest("burned-in = \"detect\""),
            digest(
                "burned-in = \"detect\"\nother-images = \"detect\"\nblank-finds = false\n\
                    faces = \"keep\""
            )
        );
        let all = [
            "",
            "faces = \"refuse\"",
            "other-images = \"detect\"",
            "burned-in = \"refuse\"",
            "burned-in = \"refuse\"\nother-images = \"detect\"",
            "burned-in = \"detect\"",
            "burned-in = \"detect\"\nother-images = \"keep\"",
            "burned-in = \"detect\"\nblank-finds = true",
            "burned-in = \"detect\"\nmarkers = \"blank\"",
            "burned-in = \"detect\"\nfaces = \"refuse\"",
        ]
        .map(digest);
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn what_changes_the_meaning_changes_the_digest() {
        let digest = |text: &str| load(text).unwrap().digest();
        let plain = digest("");
        assert_eq!(plain, digest("[dicom.pixels]\nburned-in = \"keep\"\n"));
        assert_eq!(
            digest(BASIC),
            digest(&format!("{BASIC}[dicom.pixels]\nburned-in = \"refuse\"\n"))
        );
        let region = |text: &str| digest(&format!("[[dicom.pixels.regions]]\n{text}\n"));
        let one = region("when = { Modality = \"US\", Rows = 9 }\nblank = [[0, 0, 2, 1]]");
        assert_eq!(
            one,
            region("blank = [[0, 0, 2, 1]]\nwhen = { Rows = 9.0, Modality = \"us\" }")
        );
        let others = [
            plain,
            digest("[dicom.pixels]\nburned-in = \"refuse\"\n"),
            region("when = { Modality = \"US\", Rows = 8 }\nblank = [[0, 0, 2, 1]]"),
            region("when = { Modality = \"US\", Rows = 9 }\nblank = [[0, 0, 1, 2]]"),
            region("when = { Modality = \"US\", Rows = 9 }\nblank = []"),
            region(
                "when = { Modality = \"US\", Rows = 9 }\nblank = \"outside-ultrasound-regions\"",
            ),
            region("when = { Modality = \"US\" }\nblank = [[0, 0, 2, 1]]"),
        ];
        assert!(
            others
                .iter()
                .all(|other| *other != one),
            "{others:?}"
        );
    }

    #[test]
    fn the_section_stays_in_toml() {
        let text = "name = \"p\"\n[dicom]\nremove-private-tags = true\n[dicom.pixels]\nburned-in = \
            \"detect\"\nblank-finds = true\nmarkers = \"blank\"\nfaces = \"refuse\"\n\
            [[dicom.pixels.regions]]\nwhen = { Rows = 9 }\nblank = [[0, 0, 2, 1], [3, 3, 1, 1]]\n";
        let document = Document::parse(text, Language::Toml, "p.toml", "p").unwrap();
        let again = document
            .convert(Language::Toml)
            .unwrap();
        let profile = Document::parse(&again.text, Language::Toml, "p.toml", "p")
            .unwrap()
            .profile()
            .unwrap();
        let original = document.profile().unwrap();
        assert_eq!(profile.digest(), original.digest());
        assert_eq!(profile.dicom.pixels, original.dicom.pixels);
        let refused = document
            .convert(Language::Yaml)
            .unwrap_err();
        assert!(
            refused
                .what
                .contains("`dicom.pixels` can only be written in TOML"),
            "{}",
            refused.what
        );
    }

    #[test]
    fn invalid_sections_are_refused_with_a_hint() {
        for (text, part) in [
            ("blank = []", "needs `when`"),
            ("when = { Modality = \"US\" }", "`blank = []`"),
            ("when = {}\nblank = []", "would hold of every image"),
            (
                "when = { Modalty = \"US\" }\nblank = []",
                "did you mean `Modality`?",
            ),
            (
                "when = { modality = \"US\" }\nblank = []",
                "did you mean `Modality`?",
            ),
            (
                "when = { TransferSyntaxUID = \"1.2\" }\nblank = []",
                "file meta information",
            ),
            (
                "when = { PixelData = \"x\" }\nblank = []",
                "no text or number",
            ),
            (
                "when = { RequestAttributesSequence = \"x\" }\nblank = []",
                "no text or number",
            ),
            ("when = { Rows = \"600\" }\nblank = []", "without quotes"),
            ("when = { Modality = 7 }\nblank = []", "compared with text"),
            (
                "when = { Manufacturer = \" \" }\nblank = []",
                "compared with text",
            ),
            ("when = { ImageType = [] }\nblank = []", "not a list"),
            (
                "when = \"equals Modality US\"\nblank = []",
                "must be a section",
            ),
            (
                "when = { Rows = 9 }\nblank = \"all\"",
                "`outside-ultrasound-regions`",
            ),
            (
                "when = { Rows = 9 }\nblank = [0, 0, 2, 1]",
                "must be a list",
            ),
            (
                "when = { Rows = 9 }\nblank = [[0, 0, 2]]",
                "3 numbers instead of 4",
            ),
            (
                "when = { Rows = 9 }\nblank = [[0, 0, 2, -1]]",
                "from 0 to 65535",
            ),
            (
                "when = { Rows = 9 }\nblank = [[0, 0, 0, 4]]",
                "covers nothing",
            ),
            (
                "when = { Rows = 600, Columns = 800 }\nblank = [[0, 540, 800, 600]]",
                "beyond the rows that `when` states",
            ),
            (
                "when = { Columns = 800 }\nblank = [[700, 0, 800, 56]]",
                "[x, y, width, height]",
            ),
            (
                "when = { Rows = 9 }\nremove = []\nblank = []",
                "unknown key `remove`",
            ),
        ] {
            let said = entry(text).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        }
        assert!(
            load("[dicom.pixels]\nburned_in = \"keep\"\n")
                .unwrap_err()
                .contains("did you mean `burned-in`?")
        );
        assert!(
            load("[dicom.pixels]\nburned-in = \"remove\"\n")
                .unwrap_err()
                .contains("`refuse` or `keep`")
        );
        let clean = format!("{BASIC}options = [\"clean-pixel-data\"]\n");
        assert_eq!(
            load(&clean)
                .unwrap()
                .dicom
                .pixels
                .burned_in,
            BurnedIn::Refuse
        );
        assert!(
            load(&format!("{clean}[dicom.pixels]\nburned-in = \"keep\"\n"))
                .unwrap_err()
                .contains("exclude each other")
        );
    }

    #[test]
    fn a_profile_that_only_refuses_would_send_data_as_it_is() {
        let alone = |text: &str| {
            let document = Document::parse(
                &format!("name = \"p\"\n{text}"),
                Language::Toml,
                "p.toml",
                "p",
            )
            .unwrap();
            document
                .profile()
                .map_err(|error| error.what)
        };
        for looks in [
            "burned-in = \"refuse\"",
            "burned-in = \"detect\"",
            "other-images = \"detect\"",
            "faces = \"refuse\"",
        ] {
            assert!(
                alone(&format!("[dicom.pixels]\n{looks}\n"))
                    .unwrap_err()
                    .contains("cleans nothing"),
                "{looks}"
            );
        }
        let region = "[[dicom.pixels.regions]]\nwhen = { Modality = \"US\" }\nblank = ";
        assert!(
            alone(&format!("{region}[]\n"))
                .unwrap_err()
                .contains("cleans nothing")
        );
        assert!(
            !alone(&format!("{region}[[0, 0, 1, 1]]\n"))
                .unwrap()
                .is_empty()
        );
        assert!(
            alone("[dicom.pixels]\nburned-in = \"keep\"\n")
                .unwrap()
                .is_empty()
        );
    }
}
