//! Cleaning one instance by a profile: the steps and their order.

use std::sync::Arc;

use super::act::Scope;
use super::afterwards;
use super::age::age;
use super::apply::{Rules, Run};
use super::compile;
use super::confidentiality::{Engine, Outcome};
use super::enveloped::Handling;
use super::hash::Hasher;
use super::instance::CleanInstance;
use super::originals::Originals;
use super::output_name::Names;
use super::pixels::{PixelWork, Pixels};
use super::private::{self, PrivateName};
use super::record::{Change, Counts};
use super::residual::Residual;
use super::text::{Reading, read};
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{AgeUnit, DateFormat, Profile};
use crate::pseudonym::PseudonymKey;
use dicom_lossless::Phi;
use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Instance, Limits, PixelElement, Tag, VR, Value,
    Written,
};

const BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
const STUDY_DATE: Tag = Tag(0x0008, 0x0020);
const PATIENT_AGE: Tag = Tag(0x0010, 0x1010);
/// Pixel Data Provider URL (PS3.5 section A.6).
const PIXEL_PROVIDER: Tag = Tag(0x0028, 0x7FE0);

/// A profile made ready, once per run. Holds no state of a file: the same instance always gives the
/// same bytes, random shifts and envelopes excepted.
pub struct Cleaner {
    rules: Rules,
    /// What files are called; none where their UID names them.
    names: Option<Names>,
    limits: Limits,
    /// Private elements that `remove-private-tags` leaves; none where it is off.
    remove_private: Option<Vec<PrivateName>>,
    remove_undefined: bool,
    /// Whether every sequence must be open for the rules.
    reaches_everywhere: bool,
    confidentiality: Option<Engine>,
    age: Option<(DateFormat, Option<AgeUnit>)>,
    pixels: Pixels,
    envelope: Option<Handling>,
    residual: Residual,
    /// Without it, files fail under a profile that makes pseudonyms.
    key: Option<PseudonymKey>,
    /// Whether instances keep, beside what is sent, who they were about.
    logged: bool,
}

impl Cleaner {
    /// The same, with the key of pseudonyms.
    #[must_use]
    pub fn keyed(self, key: PseudonymKey) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// The same, for a site that keeps a log of who was de-identified.
    #[must_use]
    pub fn logged(self) -> Self {
        Self {
            logged: true,
            ..self
        }
    }

    /// Makes a profile ready.
    pub fn new(profile: &Profile, limits: Limits) -> Self {
        let dicom = &profile.dicom;
        let hasher = Hasher {
            salt: dicom
                .salt
                .as_ref()
                .map(Phi::expose)
                .cloned()
                .unwrap_or_default(),
            digits: dicom.hash_digits,
            numeric_name: dicom.uid_numeric_name.clone(),
            prefix: dicom.uid_prefix_fields,
            suffix: dicom.uid_suffix_fields,
        };
        let protected = || {
            dicom
                .fields
                .iter()
                .filter_map(|rule| PrivateName::of(&rule.selector))
                .collect()
        };
        let envelope = Handling::of(dicom);
        let opens = envelope.as_ref().is_some_and(Handling::opens);
        let rules = Rules::new(compile::rules(dicom), dicom.recurse_sequence, hasher);
        Self {
            reaches_everywhere: rules.reach_everywhere()
                || dicom.remove_private_tags
                || dicom.remove_undefined
                || dicom.confidentiality.is_some(),
            rules,
            names: compile::names(dicom),
            limits,
            remove_private: dicom.remove_private_tags.then(protected),
            remove_undefined: dicom.remove_undefined,
            envelope,
            residual: Residual::new(dicom),
            confidentiality: dicom
                .confidentiality
                .as_ref()
                .map(|asked| Engine::new(asked, opens)),
            age: dicom
                .patient_age_from_birthdate
                .then(|| (dicom.date_format.clone(), dicom.patient_age_units)),
            pixels: Pixels::of(dicom),
            key: None,
            logged: false,
        }
    }

    /// The rules of `fields` that found no element in any instance until now, as messages name
    /// them, and how many rules there are.
    pub fn idle_rules(&self) -> (Vec<&str>, usize) {
        self.rules.idle()
    }

    /// Cleans an instance and writes it. It fails rather than leave a rule undone. `path` is where
    /// the file lies below the folder that was named, with `/` between its parts; only the
    /// profile's `filenames` look at it.
    pub fn deidentify(
        &self,
        mut instance: Instance,
        path: &str,
    ) -> Result<CleanInstance, DeidError> {
        let originals = self.logged.then(|| Arc::new(Originals::of(&instance)));
        let scrubbed = self.scrub(&mut instance)?;
        let data = joined(&mut instance);
        let mut run = Run {
            changed: scrubbed.changes(),
            pixels: scrubbed,
            ..Run::default()
        };
        self.carry_out(instance, data, path, &mut run)
            .map(|(clean, _)| clean.about(originals))
    }

    /// The same, counting what is done to which attribute.
    ///
    /// # Errors
    /// As for [`Self::deidentify`].
    pub fn deidentify_counting(
        &self,
        mut instance: Instance,
        path: &str,
    ) -> Result<(CleanInstance, Counts), DeidError> {
        let scrubbed = self.scrub(&mut instance)?;
        let data = joined(&mut instance);
        let mut run = Run {
            changed: scrubbed.changes(),
            pixels: scrubbed,
            ..Run::counting()
        };
        let (clean, _) = self.carry_out(instance, data, path, &mut run)?;
        Ok((clean, run.counts.unwrap_or_default()))
    }

    /// The same, with a list of what became of each data element; with their values only where
    /// these are asked for.
    pub fn deidentify_recording(
        &self,
        mut instance: Instance,
        path: &str,
        values: bool,
    ) -> Result<(CleanInstance, Vec<Change>), DeidError> {
        let (mut data, encoding) = (joined(&mut instance.clone()), instance.syntax.encoding);
        let mut run = Run::recording(&data);
        let scrubbed = self.scrub(&mut instance)?;
        run.step(scrubbed.by, &mut data, |data| {
            *data = joined(&mut instance);
            scrubbed.changes()
        });
        run.pixels = scrubbed;
        let pixels = instance
            .pixels
            .as_ref()
            .filter(|pixels| pixels.scrubbed.is_some())
            .map(|pixels| pixels.tag);
        let (clean, after) = self.carry_out(instance, data, path, &mut run)?;
        let mut changes = run.changes(&after, encoding, values);
        // Only a place stands for the pixels in the data set, so comparing shows little of what
        // became of them.
        let unseen = |tag: &Tag| {
            after.get(*tag).is_some() && changes.iter().all(|change| change.tag != *tag)
        };
        let pixels = pixels
            .filter(unseen)
            .map(|tag| Change::of_pixels(tag, scrubbed.by));
        changes.extend(pixels);
        Ok((clean, changes))
    }

    /// Does to the image what the profile wants done. Conditions see the data set as it was read.
    fn scrub(&self, instance: &mut Instance) -> Result<PixelWork, DeidError> {
        self.pixels.scrub(instance)
    }

    /// Gives the data set that was written as well.
    fn carry_out(
        &self,
        mut instance: Instance,
        mut data: DataSet,
        path: &str,
        run: &mut Run,
    ) -> Result<(CleanInstance, DataSet), DeidError> {
        let encoding = instance.syntax.encoding;
        self.settle(&mut data, encoding, run);
        let before = data.clone();
        self.steps(&mut data, encoding, run)?;
        run.count(&before, &data);
        if instance.pixels.is_none() && has_provider(&before) && !has_provider(&data) {
            return Err(without_image());
        }
        let wanted = self.residual.wanted(&before, &data)?;
        let name = self
            .names
            .as_ref()
            .map(|names| names.name(path, &data, encoding, self.rules.hasher()))
            .transpose()?;
        let written = if run.log.is_some() {
            data.clone()
        } else {
            DataSet::new()
        };
        part(&mut instance, data);
        let by_study = run
            .outcome
            .as_ref()
            .is_some_and(|outcome| outcome.without_patient_id);
        let unreadable = run
            .outcome
            .as_mut()
            .map(|outcome| std::mem::take(&mut outcome.unreadable))
            .unwrap_or_default();
        let check = |bytes: &Written| {
            self.residual
                .check(wanted, bytes, &before, &instance, &self.limits)
        };
        let clean = CleanInstance::write(&instance, &self.limits, run.changed, name, check)?;
        Ok((clean.by_study(by_study).without(unreadable), written))
    }

    /// All steps on the data set, in the order of Flywheel's engine. Gives the number of elements
    /// changed.
    #[cfg(test)]
    pub(super) fn clean(&self, data: &mut DataSet, encoding: Encoding) -> Result<u32, DeidError> {
        let mut run = Run::default();
        self.settle(data, encoding, &mut run);
        self.steps(data, encoding, &mut run)?;
        Ok(run.changed)
    }

    /// All steps on the data set, in the order of Flywheel's engine.
    pub(super) fn steps(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        run: &mut Run,
    ) -> Result<(), DeidError> {
        let default = CharacterSet::default();
        let scope = Scope {
            encoding,
            inherited: &default,
            others: &[],
        };
        let former = afterwards::character_set(data);
        let mut retained = match &self.envelope {
            Some(envelope) => envelope.begin(data, run, &self.limits)?,
            None => None,
        };
        let outcome = self.by_the_table(data, encoding, run)?;
        if let Some(protected) = &self.remove_private {
            run.step("remove-private-tags", data, |data| {
                private::remove_all(data, protected)
            });
        }
        if let Some((format, units)) = &self.age {
            run.step("patient-age-from-birthdate", data, |data| {
                u32::from(set_age(data, encoding, format, *units))
            });
        }
        if self.remove_undefined {
            let defined = self.rules.defined(data)?;
            run.step("remove-undefined", data, |data| {
                self.rules.remove_undefined(data, &defined)
            });
        }
        if let Some(before) = &mut retained {
            run.retain_removed(before, data, encoding)?;
        }
        self.rules.apply(data, scope, run)?;
        if let Some(before) = &retained {
            run.retain_changed(before, data, encoding)?;
        }
        if let (Some(engine), Some(outcome)) = (&self.confidentiality, &outcome) {
            let pixels_cleaned = run.pixels.settled;
            run.step("confidentiality", data, |data| {
                engine.mark(data, encoding, outcome, pixels_cleaned);
                0
            });
        }
        run.outcome = outcome;
        if self.reaches_everywhere {
            afterwards::all_sequences_open(data)?;
        }
        if run.character_set_changed || former != afterwards::character_set(data) {
            afterwards::text_is_readable(data)?;
        }
        match &self.envelope {
            Some(envelope) => envelope.end(
                data,
                encoding,
                run,
                &self.limits,
                self.rules.list.is_empty(),
            ),
            None => Ok(()),
        }
    }
}

impl Cleaner {
    /// Reads what is called something else as what it is. That comes before all else, so that the
    /// check of what was removed sees it as well.
    fn settle(&self, data: &mut DataSet, encoding: Encoding, run: &mut Run) {
        if let Some(engine) = &self.confidentiality {
            run.step("confidentiality", data, |data| {
                engine.settle(data, encoding, &self.limits)
            });
        }
    }

    /// The Basic Profile and its options, where the profile asks for them.
    fn by_the_table(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        run: &mut Run,
    ) -> Result<Option<Outcome>, DeidError> {
        let Some(engine) = &self.confidentiality else {
            return Ok(None);
        };
        let Some(key) = &self.key else {
            return Err(DeidError::new(
                DeidErrorKind::Rule,
                "the profile makes pseudonyms, and there is no key for them",
            ));
        };
        let mut done = Ok(Outcome::default());
        run.step("confidentiality", data, |data| {
            done = engine.apply(data, encoding, &self.rules, key);
            done.as_ref().map_or(0, |outcome| outcome.changed)
        });
        done.map(Some)
    }
}

/// Header and tail as the one data set that they are, with a place held for the pixel data between
/// them.
fn joined(instance: &mut Instance) -> DataSet {
    let mut elements = std::mem::take(&mut instance.header).into_elements();
    if let Some(pixels) = &instance.pixels {
        elements.push(placeholder(pixels));
    }
    elements.extend(std::mem::take(&mut instance.tail).into_elements());
    DataSet::from_elements(elements)
}

/// Fragments can be kept or removed and nothing else, which is what rules can do to pixel data.
/// They are never written; that they differ tells a record that the pixels do.
fn placeholder(pixels: &PixelElement) -> Element {
    let mark: &[u8] = if pixels.scrubbed.is_some() {
        b"scrubbed"
    } else {
        b""
    };
    Element {
        tag: pixels.tag,
        vr: pixels.vr,
        odd_vr: None,
        value: Value::Fragments(bytes::Bytes::from_static(mark)),
    }
}

/// Puts header and tail back; pixel data whose place is gone is dropped.
fn part(instance: &mut Instance, data: DataSet) {
    let mut elements = data.into_elements();
    let place = instance.pixels.as_ref().and_then(|pixels| {
        elements
            .iter()
            .position(|element| element.tag == pixels.tag)
    });
    if let Some(at) = place {
        let tail = elements.split_off(at);
        instance.tail = DataSet::from_elements(tail.into_iter().skip(1).collect());
    } else {
        instance.pixels = None;
    }
    instance.header = DataSet::from_elements(elements);
}

/// Whether a data set says where its pixels are to be had.
fn has_provider(data: &DataSet) -> bool {
    data.get(PIXEL_PROVIDER)
        .and_then(Element::bytes)
        .is_some_and(|url| url.iter().any(|byte| !matches!(byte, 0 | b' ')))
}

fn without_image() -> DeidError {
    let why = "there is no pixel data in the file, only a URL to have it from (JPIP, \
        (0028,7fe0)), which the profile removes";
    DeidError::new(DeidErrorKind::Pixels, why).with_remedy(
        "export the file with its pixels, or have the profile keep \
            PixelDataProviderURL if it identifies no person",
    )
}

/// Sets the patient's age where both dates can be read; else nothing happens, as with Flywheel.
fn set_age(
    data: &mut DataSet,
    encoding: Encoding,
    format: &DateFormat,
    units: Option<AgeUnit>,
) -> bool {
    let day_of = |tag| {
        let element: &Element = data.get(tag)?;
        match read(element, VR::DA, encoding, CharacterSet::default) {
            Reading::Text(text) => format.parse(&text).map(|date| date.date()),
            _ => None,
        }
    };
    let (Some(birth), Some(study)) = (day_of(BIRTH_DATE), day_of(STUDY_DATE)) else {
        return false;
    };
    let value = age(birth, study, units).into_bytes();
    data.put(Element::new(PATIENT_AGE, VR::AS, value));
    true
}
