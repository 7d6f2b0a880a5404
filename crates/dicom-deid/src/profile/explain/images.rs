//! What is said of images: what is looked at, what becomes of it, and what cannot be promised.

use dicom_dictionary_std::tags;

use crate::profile::effect::NestingLevel::Top;
use crate::profile::image_rules::{BurnedIn, Faces, Markers, OtherImages};
use crate::profile::model::DicomRules;

/// What holds for images, a sentence or a few each.
pub fn sentences(rules: &DicomRules) -> Vec<&'static str> {
    if rules
        .effect_on(tags::PIXEL_DATA, Top)
        .effect
        .is_gone()
    {
        return vec!["Pixel data is removed."];
    }
    let mut said = Vec::new();
    if rules.alter_pixels.is_some() {
        said.push(
            "Regions of the image are blanked by `alter_pixels` where their condition holds.",
        );
    }
    if !rules.regions.is_empty() {
        said.push("Images that `regions` name are blanked as they say.");
    }
    match (rules.pixels.burned_in, rules.pixels.other_images) {
        (BurnedIn::Refuse, OtherImages::Keep) if said.is_empty() => said.push(
            "Images that may show text, as far as their attributes tell, are refused; the pixels \
                themselves are not read.",
        ),
        (BurnedIn::Refuse, OtherImages::Keep) => said.push(
            "Others that may show text, as far as their attributes tell, are refused; the pixels \
                themselves are not read.",
        ),
        (BurnedIn::Keep, OtherImages::Keep) if said.is_empty() => said.push(
            "Pixel data goes out as it came in: text burned into the image is not looked for.",
        ),
        (BurnedIn::Keep, OtherImages::Keep) => {
            said.push("Other text burned into the image is not looked for.");
        }
        _ => said.extend(looks(rules)),
    }
    if rules.pixels.faces == Faces::Refuse {
        said.push(REFUSED_FACES);
    }
    said
}

/// What is said where text is looked for in any images.
pub fn looks(rules: &DicomRules) -> Vec<&'static str> {
    let mut said = risky(rules);
    said.push(others(rules));
    said.push(match rules.pixels.markers {
        Markers::Keep => {
            "Up to three letters or digits by themselves, such as marks of orientation and \
                scales, do not count as text."
        }
        Markers::Blank => {
            "Up to three letters or digits by themselves, such as marks of orientation and \
                scales, count as text like any other."
        }
    });
    said.push(
        "That all text is found cannot be promised: faint or small text, handwriting, and text \
            in frames that are not looked at may stay.",
    );
    said
}

/// What becomes of images whose header says that they may show text.
fn risky(rules: &DicomRules) -> Vec<&'static str> {
    match rules.pixels.burned_in {
        BurnedIn::Keep => {
            vec!["An image whose attributes say that it may show text goes as it came."]
        }
        BurnedIn::Refuse => vec![
            "An image whose attributes say that it may show text (Burned In Annotation, secondary \
                captures, ultrasound, dose screens, scanned documents) is refused, unless the \
                profile has regions for it.",
        ],
        BurnedIn::Detect => {
            let mut said = vec![
                "An image whose attributes say that it may show text (Burned In Annotation, \
                    secondary captures, ultrasound, dose screens, scanned documents, endoscopy, \
                    fluoroscopy) is looked at in every frame. What is likely text is blanked with \
                    a margin, and the result looked at again.",
                "Such an image is refused where text remains, where more than half of a picture \
                    would go, and where it cannot be decoded. Nothing found is no proof: an image flagged YES, a scan, a printed or \
                    digitized film, a screen, a report or the label of a slide is refused where \
                    nothing is found. Others are sent, and counted in a notice.",
            ];
            if !rules.regions.is_empty() {
                said.push(
                    "Where regions of the profile apply, these are blanked and nothing else; text \
                        that is found beside them refuses the file.",
                );
            }
            said
        }
    }
}

/// What becomes of all other images.
fn others(rules: &DicomRules) -> &'static str {
    match (rules.pixels.other_images, rules.pixels.blank_finds) {
        (OtherImages::Keep, _) => {
            "All other images go as they came: text in them is not looked for."
        }
        (OtherImages::Detect, false) => {
            "Of all other images the first, middle and last frame or instance of the series are \
                looked at, and the minimum and maximum of 8 spread over it; all of them as soon \
                as one shows text. Text at the same place in several, or very plain, refuses the \
                file; what is less certain is told, and the file sent. Nothing is blanked in \
                them: it may be anatomy."
        }
        (OtherImages::Detect, true) => {
            "Of all other images the first, middle and last frame or instance of the series are \
                looked at, and the minimum and maximum of 8 spread over it; all of them as soon \
                as one shows text. What is likely text is blanked in them too, though it may be \
                anatomy."
        }
    }
}

/// What is said where series that show a face are refused.
pub const REFUSED_FACES: &str =
    "CT and MR series of a head with enough slices to make a face of are refused.";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::profile::{Document, Language, explain};

    /// What is said of images under a profile with this section `pixels`: of the whole file, and in
    /// the statement, where there is one.
    fn said(pixels: &str, more: &str) -> (String, String) {
        let text = format!("name: p\ndicom: {{pixels: {{{pixels}}}, {more}}}\n");
        let profile = Document::parse(&text, Language::Yaml, "p.yaml", "p")
            .unwrap()
            .profile()
            .unwrap();
        let explained = explain(&profile);
        let stated = explained
            .statement
            .iter()
            .flat_map(|statement| &statement.sections)
            .filter(|section| ["pixels", "marks"].contains(&section.slug))
            .flat_map(|section| section.says.clone())
            .collect::<Vec<_>>();
        (explained.whole.join("\n"), stated.join("\n"))
    }

    const BASIC: &str = "confidentiality: {profile: basic}";
    const FIELDS: &str = "fields: [{name: PatientName, remove: true}]";
    const REGION: &str = "regions: [{when: {Modality: US}, blank: [[0, 0, 9, 9]]}]";

    #[test]
    fn each_mode_says_what_is_looked_at() {
        let every_frame = "is looked at in every frame";
        let some = "Of all other images the first, middle and last frame";
        let refused = "is refused, unless the profile has regions for it";
        let not_in_others = "All other images go as they came";
        let no_proof = "cannot be promised";
        for (pixels, holds, lacks) in [
            (
                "burned-in: detect",
                vec![
                    every_frame,
                    some,
                    no_proof,
                    "it may be anatomy",
                    "do not count as text",
                ],
                vec![refused, not_in_others, "regions of the profile"],
            ),
            (
                "burned-in: detect, other-images: keep",
                vec![every_frame, not_in_others, no_proof],
                vec![some],
            ),
            (
                "burned-in: refuse, other-images: detect, markers: blank",
                vec![refused, some, no_proof, "count as text like any other"],
                vec![every_frame],
            ),
            (
                "burned-in: keep, other-images: detect",
                vec!["may show text goes as it came", some, no_proof],
                vec![every_frame, refused],
            ),
            (
                "burned-in: detect, blank-finds: true, faces: refuse",
                vec![
                    every_frame,
                    "blanked in them too, though it may be anatomy",
                    "CT and MR series of a head with enough slices to make a face of are refused",
                ],
                vec!["Nothing is blanked in them"],
            ),
        ] {
            let (file, _) = said(pixels, FIELDS);
            let (_, stated) = said(pixels, BASIC);
            for text in [&file, &stated] {
                for part in &holds {
                    assert!(
                        text.contains(part),
                        "{pixels}: {part} is missing in\n{text}"
                    );
                }
                for part in lacks.iter().chain(&["not read"]) {
                    assert!(!text.contains(part), "{pixels}: {part} stands in\n{text}");
                }
            }
        }
        let (file, stated) = said("burned-in: refuse", BASIC);
        assert!(file.contains("not read") && stated.contains("Pixels are not read"));
        let (file, _) = said("burned-in: keep", FIELDS);
        assert!(file.contains("text burned into the image is not looked for"));
    }

    #[test]
    fn regions_are_told_with_what_becomes_of_other_images() {
        let of_file =
            |burned_in: &str| said(&format!("burned-in: {burned_in}, {REGION}"), FIELDS).0;
        let blanked = "Images that `regions` name are blanked as they say.";
        for (burned_in, then) in [
            (
                "keep",
                "Other text burned into the image is not looked for.",
            ),
            ("refuse", "Others that may show text, as far as"),
            ("detect", "text that is found beside them refuses the file"),
        ] {
            let said = of_file(burned_in);
            assert!(said.contains(blanked) && said.contains(then), "{said}");
        }
        let removed = "fields: [{name: PixelData, remove: true}]";
        let (file, _) = said("burned-in: detect", removed);
        assert!(file.contains("Pixel data is removed.") && !file.contains("looked at"));
    }

    #[test]
    fn a_clean_picture_is_claimed_only_behind_a_second_look() {
        let second = "only where text was blanked and a second look found nothing";
        let clean = "confidentiality: {profile: basic, options: [clean-pixel-data]}";
        for (pixels, section, is_claimed) in [
            ("burned-in: detect", BASIC, true),
            ("burned-in: detect", clean, true),
            ("other-images: detect, blank-finds: true", BASIC, true),
            ("burned-in: refuse", clean, false),
            ("other-images: detect", BASIC, false),
        ] {
            let (_, stated) = said(pixels, section);
            assert_eq!(stated.contains(second), is_claimed, "{pixels}: {stated}");
        }
        let (_, stated) = said("burned-in: refuse", clean);
        assert!(stated.contains("regions were blanked or known to need none"));
        for (pixels, is_told) in [("burned-in: detect", true), ("burned-in: refuse", false)] {
            let (_, stated) = said(pixels, BASIC);
            let told = stated.contains("no Burned In Annotation of NO stays");
            assert_eq!(told, is_told, "{stated}");
        }
    }
}
