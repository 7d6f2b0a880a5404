//! Cleaning one instance by a profile: the steps and their order.

use std::sync::Arc;

use dicom_dictionary_std::tags::{BURNED_IN_ANNOTATION, PIXEL_DATA_PROVIDER_URL, SOP_CLASS_UID};
use dicom_lossless::{
    DataSet, Element, Encoding, Instance, Limits, PixelElement, Tag, VR, Value, Written,
    own_character_set,
};

use super::encrypted_attributes::{EnvelopeSettings, FileEnvelopes, NewEnvelope};
use super::final_checks;
use super::instance::{CleanInstance, LookedAt};
use super::originals::Originals;
use crate::basic::{BasicProfile, BasicProfileOutcome};
use crate::change_log::{Change, Counts, Record};
use crate::elements::element_value::without_padding;
use crate::elements::private_elements::{self, PrivateName};
use crate::error::{DeidError, DeidErrorKind, MissingKey};
use crate::pixel_look::{FrameSink, PixelLook};
use crate::pixels::{PixelCleaning, PixelWork, Shown, refused};
use crate::profile::{AgeUnit, DateFormat, Profile};
use crate::pseudonym::PseudonymKey;
use crate::residual::ResidualCheck;
use crate::rules::Rules;
use crate::rules::output_name::OutputNames;
use crate::rules::patient_age::set_age;
use crate::standard::{self, AttributeType, burned_in};

/// A profile made ready, once per run. Holds no state of a file: the same instance always gives the
/// same bytes, random shifts and envelopes excepted.
pub struct Cleaner {
    rules: Rules,
    /// What files are called; none where their UID names them.
    names: Option<OutputNames>,
    limits: Limits,
    remove_private: bool,
    remove_undefined: bool,
    basic_profile: Option<BasicProfile>,
    age: Option<(DateFormat, Option<AgeUnit>)>,
    pixels: PixelCleaning,
    envelope: Option<EnvelopeSettings>,
    residual: ResidualCheck,
    /// What instances keep beside what is sent.
    beside: Beside,
    /// Who is shown frames in which text was found.
    shown_to: Option<Arc<dyn FrameSink>>,
}

/// What instances keep beside what is sent.
#[derive(Debug, Clone, Copy, Default)]
struct Beside {
    /// The original identifiers.
    originals: bool,
    /// The header as it is sent.
    header: bool,
}

/// What is known while one instance is cleaned.
#[derive(Default)]
pub struct CleaningRun {
    /// What was done to it.
    pub record: Record,
    /// What was done to the image beforehand.
    pub pixels: PixelWork,
}

impl Cleaner {
    /// The same, for a site that keeps a log of original identifiers.
    #[must_use]
    pub fn logged(self) -> Self {
        Self {
            beside: Beside {
                originals: true,
                ..self.beside
            },
            ..self
        }
    }

    /// The same, keeping the header of each instance as it is sent for [`Sendable::take_header`].
    ///
    /// [`Sendable::take_header`]: crate::Sendable::take_header
    #[must_use]
    pub fn keeping_headers(self) -> Self {
        Self {
            beside: Beside {
                header: true,
                ..self.beside
            },
            ..self
        }
    }

    /// The same, for a person who wants to see frames in which text was found.
    #[must_use]
    pub fn showing(self, sink: Arc<dyn FrameSink>) -> Self {
        Self {
            shown_to: Some(sink),
            ..self
        }
    }

    fn shown<'a>(&'a self, path: &'a str) -> Shown<'a> {
        Shown {
            to: self.shown_to.as_deref(),
            path,
        }
    }

    /// Makes a profile ready. Pseudonyms, new UIDs and shifts of dates come from `key`.
    ///
    /// # Errors
    /// There is no key, and the profile makes pseudonyms ([`Profile::needs_key`]).
    pub fn new(
        profile: &Profile,
        key: Option<PseudonymKey>,
        limits: Limits,
    ) -> Result<Self, MissingKey> {
        let dicom = &profile.dicom;
        let envelope = EnvelopeSettings::of(dicom);
        let opens = envelope
            .as_ref()
            .is_some_and(|envelope| envelope.opens);
        let basic_profile = match (&dicom.confidentiality, key) {
            (Some(settings), Some(key)) => Some(BasicProfile::new(settings, opens, key)),
            (Some(_), None) => return Err(MissingKey),
            (None, _) => None,
        };
        Ok(Self {
            rules: Rules::new(dicom),
            names: OutputNames::new(dicom),
            limits,
            remove_private: dicom.remove_private_tags,
            remove_undefined: dicom.remove_undefined,
            envelope,
            residual: ResidualCheck::new(dicom),
            basic_profile,
            age: dicom
                .patient_age_from_birthdate
                .then(|| (dicom.date_format.clone(), dicom.patient_age_units)),
            pixels: PixelCleaning::of(dicom),
            beside: Beside::default(),
            shown_to: None,
        })
    }

    /// The rules of `fields` that found no element in any instance until now, as messages name
    /// them, and how many rules there are.
    pub fn idle_rules(&self) -> (Vec<&str>, usize) {
        self.rules.idle()
    }

    /// Cleans an instance and writes it. `path` is where the file lies below the folder that was
    /// named, with `/` between its parts; only the profile's `filenames` look at it.
    ///
    /// # Errors
    /// What cannot be cleaned, or of which a removed value still stands in what was written.
    pub fn deidentify(&self, instance: Instance, path: &str) -> Result<CleanInstance, DeidError> {
        let originals = self.originals_of(&instance);
        let mut clean = self.clean_instance(instance, path, &mut CleaningRun::default())?;
        clean.originals = originals;
        Ok(clean)
    }

    /// Who an instance is about, where the site keeps a log of that.
    fn originals_of(&self, instance: &Instance) -> Option<Arc<Originals>> {
        self.beside
            .originals
            .then(|| Arc::new(Originals::of(instance)))
    }

    /// The same, counting what is done to which attribute.
    ///
    /// # Errors
    /// As for [`Self::deidentify`].
    pub fn deidentify_counting(
        &self,
        instance: Instance,
        path: &str,
    ) -> Result<(CleanInstance, Counts), DeidError> {
        let mut run = CleaningRun {
            record: Record::counting(),
            ..CleaningRun::default()
        };
        let clean = self.clean_instance(instance, path, &mut run)?;
        Ok((clean, run.record.into_counts()))
    }

    fn clean_instance(
        &self,
        mut instance: Instance,
        path: &str,
        run: &mut CleaningRun,
    ) -> Result<CleanInstance, DeidError> {
        run.pixels = self
            .pixels
            .clean(&mut instance, self.shown(path))?;
        run.record.changed = run.pixels.changes();
        let data = with_pixel_placeholder(&mut instance);
        self.clean_and_write(instance, data, path, run)
            .map(|(clean, _)| clean)
    }

    /// The same, with a list of what became of each data element; with their values only where
    /// these are asked for.
    ///
    /// # Errors
    /// As for [`Self::deidentify`].
    pub fn deidentify_recording(
        &self,
        instance: Instance,
        path: &str,
        values: bool,
    ) -> Result<(CleanInstance, Vec<Change>), DeidError> {
        let (clean, changes, _) = self.recorded(instance, path, values)?;
        Ok((clean, changes))
    }

    /// [`Self::deidentify_counting`] with a list of what became of each data element, without values.
    ///
    /// # Errors
    /// As for [`Self::deidentify`].
    pub fn deidentify_listing(
        &self,
        instance: Instance,
        path: &str,
    ) -> Result<(CleanInstance, Vec<Change>, Counts), DeidError> {
        let originals = self.originals_of(&instance);
        let (mut clean, changes, counts) = self.recorded(instance, path, false)?;
        clean.originals = originals;
        Ok((clean, changes, counts))
    }

    fn recorded(
        &self,
        mut instance: Instance,
        path: &str,
        values: bool,
    ) -> Result<(CleanInstance, Vec<Change>, Counts), DeidError> {
        let (mut data, encoding) = (
            with_pixel_placeholder(&mut instance.clone()),
            instance.syntax.encoding,
        );
        let mut run = CleaningRun {
            record: Record::listing(&data),
            ..CleaningRun::default()
        };
        let work = self
            .pixels
            .clean(&mut instance, self.shown(path))?;
        let (by, pixel_changes) = (work.by, work.changes());
        run.record
            .step(by, &mut data, |data| {
                *data = with_pixel_placeholder(&mut instance);
                pixel_changes
            });
        run.pixels = work;
        let pixels = instance
            .pixels
            .as_ref()
            .filter(|pixels| pixels.scrubbed.is_some())
            .map(|pixels| pixels.tag);
        let (clean, after) = self.clean_and_write(instance, data, path, &mut run)?;
        let mut changes = run
            .record
            .changes(&after, encoding, values);
        // Only a place stands for the pixels in the data set, so comparing shows little of what
        // became of them.
        let unseen = |tag: &Tag| {
            after.get(*tag).is_some()
                && changes
                    .iter()
                    .all(|change| change.tag != *tag)
        };
        let pixels = pixels
            .filter(unseen)
            .map(|tag| Change::of_pixels(tag, by));
        changes.extend(pixels);
        Ok((clean, changes, run.record.into_counts()))
    }

    /// Gives the data set that was written as well.
    fn clean_and_write(
        &self,
        mut instance: Instance,
        mut data: DataSet,
        path: &str,
        run: &mut CleaningRun,
    ) -> Result<(CleanInstance, DataSet), DeidError> {
        let encoding = instance.syntax.encoding;
        self.settle(&mut data, encoding, run);
        let before = data.clone();
        let outcome = self.steps(&mut data, encoding, run)?;
        run.record.count(&before, &data);
        if instance.pixels.is_none() && has_provider(&before) && !has_provider(&data) {
            return Err(without_image());
        }
        let removed = self
            .residual
            .removed_values(&before, &data)?;
        let name = self
            .names
            .as_ref()
            .map(|names| names.name(path, &data, encoding, &self.rules.hasher))
            .transpose()?;
        let written = if run.record.lists() {
            data.clone()
        } else {
            DataSet::new()
        };
        split_at_pixels(&mut instance, data);
        let check = |bytes: &Written| {
            self.residual
                .check(removed, bytes, &before, &instance, &self.limits)
        };
        let outcome = outcome.unwrap_or_default();
        let mut clean = CleanInstance::write(
            &instance,
            &self.limits,
            run.record.changed,
            name,
            outcome,
            check,
        )?;
        clean.image = LookedAt::of(std::mem::take(&mut run.pixels), &self.pixels);
        if self.beside.header {
            clean.keep_header(&instance);
        }
        Ok((clean, written))
    }

    /// All steps on the data set, in the order of Flywheel's engine. Gives the number of elements
    /// changed.
    #[cfg(test)]
    pub(crate) fn clean(&self, data: &mut DataSet, encoding: Encoding) -> Result<u32, DeidError> {
        let mut run = CleaningRun::default();
        self.settle(data, encoding, &mut run);
        self.steps(data, encoding, &mut run)?;
        Ok(run.record.changed)
    }

    /// All steps on the data set, in the order of Flywheel's engine.
    pub(crate) fn steps(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        run: &mut CleaningRun,
    ) -> Result<Option<BasicProfileOutcome>, DeidError> {
        // Its spelling may change.
        let former = own_character_set(data);
        let mut envelopes = FileEnvelopes::default();
        let mut retained = None;
        if let Some(envelope) = &self.envelope {
            envelopes.new = envelope.new_envelope(data);
            envelopes.opened = envelope.opened_envelope(data, &self.limits)?;
            retained = envelope
                .retains
                .then(|| data.clone());
        }
        let outcome = self.apply_basic_profile(data, encoding, run)?;
        if self.remove_private {
            let rules = self.rules.list.iter();
            let protected: Vec<_> = rules
                .filter_map(|rule| PrivateName::of(&rule.selector))
                .collect();
            run.record
                .step("remove-private-tags", data, |data| {
                    private_elements::remove_all(data, &protected)
                });
        }
        if let Some((format, units)) = &self.age {
            run.record
                .step("patient-age-from-birthdate", data, |data| {
                    u32::from(set_age(data, encoding, format, *units))
                });
        }
        if self.remove_undefined {
            let matches = self.rules.regex_matches(data)?;
            run.record
                .step("remove-undefined", data, |data| {
                    self.rules
                        .remove_undefined(data, &matches, &mut Vec::new())
                });
        }
        if let (Some(before), Some(envelope)) = (&mut retained, &mut envelopes.new) {
            envelope.add_differences(before, data, encoding, false)?;
            before.clone_from(data);
        }
        let character_set_changed =
            self.rules
                .apply(data, encoding, &mut envelopes, &mut run.record)?;
        if let (Some(before), Some(envelope)) = (&retained, &mut envelopes.new) {
            envelope.add_differences(before, data, encoding, true)?;
        }
        if let (Some(basic_profile), Some(outcome)) = (&self.basic_profile, &outcome) {
            let pixels_cleaned = run.pixels.is_verified()
                || (run.pixels.settled && basic_profile.claims_clean_pixels());
            run.record
                .step("confidentiality", data, |data| {
                    basic_profile.mark(data, encoding, outcome, pixels_cleaned);
                    0
                });
        }
        if run.pixels.is_doubtful() {
            let stays = withdraw_burned_in_no(data, &run.pixels.look)?;
            run.record
                .step("pixels", data, |_| stays);
        }
        if self.remove_private
            || self.remove_undefined
            || self.basic_profile.is_some()
            || self.rules.reach_everywhere()
        {
            final_checks::all_sequences_open(data)?;
        }
        if character_set_changed || former != own_character_set(data) {
            final_checks::text_is_readable(data)?;
        }
        self.put_envelope(envelopes.new, data, encoding, &mut run.record)?;
        Ok(outcome)
    }

    /// Puts the envelope into the data set, in the place of one that was there. A file to which
    /// nothing was done, by a profile without rules, gets none.
    fn put_envelope(
        &self,
        envelope: Option<NewEnvelope>,
        data: &mut DataSet,
        encoding: Encoding,
        record: &mut Record,
    ) -> Result<(), DeidError> {
        if let Some(settings) = &self.envelope
            && let Some(envelope) = envelope
            && (!self.rules.list.is_empty() || record.changed > 0)
        {
            let sealed = envelope.seal(&settings.keys, encoding, &self.limits)?;
            record.step(settings.setting(), data, |data| {
                data.put(sealed);
                1
            });
        }
        Ok(())
    }

    /// Reads every element as what the dictionary says it is. That comes before all else, so that
    /// the check of what was removed sees it as well.
    fn settle(&self, data: &mut DataSet, encoding: Encoding, run: &mut CleaningRun) {
        if let Some(basic_profile) = &self.basic_profile {
            run.record
                .step("confidentiality", data, |data| {
                    basic_profile.correct_vrs(data, encoding, &self.limits)
                });
        }
    }

    /// The Basic Profile and its options, where the profile asks for them.
    fn apply_basic_profile(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        run: &mut CleaningRun,
    ) -> Result<Option<BasicProfileOutcome>, DeidError> {
        let Some(basic_profile) = &self.basic_profile else {
            return Ok(None);
        };
        let mut done = Ok(BasicProfileOutcome::default());
        run.record
            .step("confidentiality", data, |data| {
                done = basic_profile.apply(data, encoding, &self.rules);
                done.as_ref()
                    .map_or(0, |outcome| outcome.changed)
            });
        done.map(Some)
    }
}

/// Header and tail as the one data set that they are, with a place held for the pixel data between
/// them.
fn with_pixel_placeholder(instance: &mut Instance) -> DataSet {
    let mut elements = std::mem::take(&mut instance.header).into_elements();
    if let Some(pixels) = &instance.pixels {
        elements.push(placeholder(pixels));
    }
    elements.extend(std::mem::take(&mut instance.tail).into_elements());
    DataSet::from_elements(elements)
}

/// Fragments can be kept or removed and nothing else, which is what rules can do to pixel data.
/// They are never written; that they differ shows in a record that the pixels do.
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
fn split_at_pixels(instance: &mut Instance, data: DataSet) {
    let mut elements = data.into_elements();
    let place = instance
        .pixels
        .as_ref()
        .and_then(|pixels| {
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
    data.get(PIXEL_DATA_PROVIDER_URL)
        .and_then(Element::bytes)
        .is_some_and(|url| !without_padding(url).is_empty())
}

/// A statement that no text is burned in does not survive that something may be text. Where the IOD
/// asks for it, the opposite is stated.
///
/// # Errors
/// `TextFound` where the IOD knows no other statement.
fn withdraw_burned_in_no(data: &mut DataSet, look: &PixelLook) -> Result<u32, DeidError> {
    let tag = BURNED_IN_ANNOTATION;
    let text = |tag| {
        data.get(tag)
            .and_then(Element::bytes)
            .map(|bytes| without_padding(bytes).to_ascii_uppercase())
    };
    if text(tag).as_deref() != Some(b"NO") {
        return Ok(0);
    }
    let class = text(SOP_CLASS_UID).unwrap_or_default();
    let iod = standard::iod(&String::from_utf8_lossy(&class));
    if burned_in::knows_no_alone(iod) {
        let why = "something in it may be text, and an image of its class has to state that there \
            is none (BurnedInAnnotation)";
        return Err(refused(DeidErrorKind::TextFound, why, look.clone()));
    }
    if standard::attribute_type(Some(iod), None, tag) == Some(AttributeType::Type1) {
        data.put(Element::new(tag, VR::CS, "YES "));
    } else {
        data.retain(|element| element.tag != tag);
    }
    Ok(1)
}

fn without_image() -> DeidError {
    let why = "there is no pixel data in the file, only a URL to have it from (JPIP, \
        (0028,7fe0)), which the profile removes";
    DeidError::new(DeidErrorKind::Pixels, why).with_remedy(
        "export the file with its pixels, or have the profile keep \
            PixelDataProviderURL if it identifies no person",
    )
}
