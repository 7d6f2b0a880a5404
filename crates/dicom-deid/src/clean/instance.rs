//! The types that may leave the machine. Their fields are private and their constructors few: a
//! file that was not cleaned cannot be taken for one that was.

use std::fmt;
use std::sync::Arc;

use dicom_lossless::{Body, Instance, Limits, Tag, Written, check_label, write_and_inspect};

use super::header_as_sent::HeaderAsSent;
use super::originals::Originals;
use super::routing_attributes::RoutingAttributes;
use crate::basic::BasicProfileOutcome;
use crate::error::{DeidError, DeidErrorKind};
use crate::pixel_look::PixelLook;
use crate::pixels::{HeadSlices, PixelCleaning, PixelWork, Slice};
use crate::profile::Markers;
use crate::residual::{Finding, TextCheck};

/// An instance as it was written.
#[derive(Debug, Clone)]
struct WrittenInstance {
    sop_instance: String,
    body: Body,
    routing: RoutingAttributes,
    native: bool,
    /// What rules read, until they have read it.
    header: Option<Box<HeaderAsSent>>,
}

impl WrittenInstance {
    fn write<T>(
        instance: &Instance,
        limits: &Limits,
        look: impl FnOnce(&Written) -> Result<T, DeidError>,
    ) -> Result<(Self, T), DeidError> {
        let routing = RoutingAttributes::of(&instance.header, instance.syntax.encoding);
        let missing = || DeidError::new(DeidErrorKind::MissingUid, "there is no SOP Instance UID");
        let sop_instance = routing
            .sop_instance
            .as_ref()
            .map(|uid| uid.expose().clone())
            .ok_or_else(missing)?;
        let (body, seen) = write_and_inspect(instance, limits, look)?;
        check_label(instance)?;
        let written = Self {
            sop_instance,
            body,
            routing,
            native: instance.syntax.is_native(),
            header: None,
        };
        Ok((written, seen))
    }
}

/// An instance that a profile was applied to, written and read back. Only
/// [`super::Cleaner::deidentify`] makes one.
#[derive(Clone)]
pub struct CleanInstance {
    written: WrittenInstance,
    changed: u32,
    name: Option<String>,
    texts: TextCheck,
    findings: Vec<Finding>,
    /// Whether the study had to stand for the patient.
    without_patient_id: bool,
    /// Dates, times and ages that could not be read.
    unreadable: Vec<Tag>,
    /// Its original identifiers, for a site that keeps a log of them.
    pub(super) originals: Option<Arc<Originals>>,
    /// What was seen in its image, and what is still to be looked at.
    pub(super) image: LookedAt,
}

/// What was seen in an image, and what its series is to be looked at for.
#[derive(Clone, Default)]
pub(super) struct LookedAt {
    pub look: PixelLook,
    /// The slice, where it is looked at with the others of its series.
    pub slice: Option<Box<Slice>>,
    /// The slices of a head that it has.
    pub head: Option<HeadSlices>,
    /// Whether series of which a face can be made are refused.
    pub refuses_faces: bool,
    /// Whether marks of orientation count as text.
    pub markers: Option<Markers>,
}

impl LookedAt {
    pub fn of(work: PixelWork, cleaning: &PixelCleaning) -> Self {
        Self {
            look: work.look,
            slice: work.slice,
            head: work.head,
            refuses_faces: cleaning.refuses_faces(),
            markers: Some(cleaning.markers()),
        }
    }
}

impl fmt::Debug for CleanInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanInstance")
            .field("changed", &self.changed)
            .finish_non_exhaustive()
    }
}

impl CleanInstance {
    /// Writes it; `check` looks for values that should be gone, in what was written and then in its
    /// name.
    pub(super) fn write(
        instance: &Instance,
        limits: &Limits,
        changed: u32,
        name: Option<String>,
        outcome: BasicProfileOutcome,
        check: impl FnOnce(&Written) -> Result<(TextCheck, Vec<Finding>), DeidError>,
    ) -> Result<Self, DeidError> {
        let (written, (texts, mut findings)) = WrittenInstance::write(instance, limits, check)?;
        findings.extend(
            texts.check_texts(
                name.iter()
                    .map(|name| ("the file name that the profile gives", name.as_str())),
            )?,
        );
        Ok(Self {
            written,
            changed,
            name,
            texts,
            findings,
            without_patient_id: outcome.without_patient_id,
            unreadable: outcome.unreadable,
            originals: None,
            image: LookedAt::default(),
        })
    }

    pub(super) fn keep_header(&mut self, instance: &Instance) {
        let header = HeaderAsSent::of(&instance.header, instance.syntax.encoding);
        self.written.header = Some(Box::new(header));
    }

    /// Values that were removed or changed and still stand in what is sent, where the profile lets
    /// it be sent all the same.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Dates, times and ages that could not be read and so did not stay, one for each element.
    pub fn unreadable(&self) -> &[Tag] {
        &self.unreadable
    }

    /// The file name that the profile gives it, where it names files.
    pub fn file_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How many elements were changed, made or removed.
    pub fn changed(&self) -> u32 {
        self.changed
    }

    /// What was seen in its image.
    pub fn look(&self) -> &PixelLook {
        &self.image.look
    }
}

/// Proof that a person agreed that data goes out as it is.
#[derive(Debug, Clone, Copy)]
pub struct IdentifiedConsent(());

impl IdentifiedConsent {
    /// To be called once in a program, where a person was informed that nothing will be de-identified
    /// and agreed.
    pub fn a_person_agrees_that_nothing_is_deidentified() -> Self {
        Self(())
    }
}

/// An instance as it is, which the user agreed to send so. Preamble and file meta are fresh all the
/// same.
#[derive(Debug, Clone)]
pub struct UncleanedInstance {
    written: WrittenInstance,
}

/// Writes an instance without applying a profile.
///
/// # Errors
/// It cannot be written, or has no SOP Instance UID.
pub fn as_it_is(
    instance: &Instance,
    limits: &Limits,
    _consent: &IdentifiedConsent,
) -> Result<UncleanedInstance, DeidError> {
    WrittenInstance::write(instance, limits, |_| Ok(()))
        .map(|(written, ())| UncleanedInstance { written })
}

impl UncleanedInstance {
    /// Keeps the header for [`Sendable::take_header`].
    #[must_use]
    pub fn with_header(mut self, instance: &Instance) -> Self {
        let header = HeaderAsSent::of(&instance.header, instance.syntax.encoding);
        self.written.header = Some(Box::new(header));
        self
    }
}

/// What may be packed and sent.
#[derive(Debug, Clone)]
pub enum Sendable {
    /// A profile was applied.
    Clean(CleanInstance),
    /// The user agreed to send it as it is.
    Uncleaned(UncleanedInstance),
}

impl Sendable {
    fn written(&self) -> &WrittenInstance {
        match self {
            Self::Clean(clean) => &clean.written,
            Self::Uncleaned(uncleaned) => &uncleaned.written,
        }
    }

    fn clean(&self) -> Option<&CleanInstance> {
        match self {
            Self::Clean(clean) => Some(clean),
            Self::Uncleaned(_) => None,
        }
    }

    /// The header as it is sent, once, where it was to be kept.
    pub fn take_header(&mut self) -> Option<Box<HeaderAsSent>> {
        match self {
            Self::Clean(clean) => clean.written.header.take(),
            Self::Uncleaned(uncleaned) => uncleaned.written.header.take(),
        }
    }

    /// The file name that the profile gives it, where it names files.
    pub fn file_name(&self) -> Option<&str> {
        self.clean()
            .and_then(CleanInstance::file_name)
    }

    /// Whether a pseudonym was made and there was no usable Patient ID for it, so that the study
    /// stands for the patient.
    pub fn is_without_patient_id(&self) -> bool {
        self.clean()
            .is_some_and(|clean| clean.without_patient_id)
    }

    /// Dates, times and ages that could not be read and so did not stay, one for each element.
    pub fn unreadable(&self) -> &[Tag] {
        self.clean()
            .map_or(&[], CleanInstance::unreadable)
    }

    /// Its original identifiers, where the site keeps a log of them.
    pub fn originals(&self) -> Option<&Arc<Originals>> {
        self.clean()
            .and_then(|clean| clean.originals.as_ref())
    }

    /// How many elements the profile changed, made or removed.
    pub fn changed(&self) -> u32 {
        self.clean()
            .map_or(0, CleanInstance::changed)
    }

    /// What the check of the written bytes found and the profile lets pass.
    pub fn findings(&self) -> &[Finding] {
        self.clean()
            .map_or(&[], CleanInstance::findings)
    }

    /// Looks for values that were removed or changed in texts that are sent beside the instance,
    /// each with what it is: labels, names, metadata. Gives those that the profile lets pass. Of an
    /// instance that goes as it is nothing was removed.
    ///
    /// # Errors
    /// [`DeidErrorKind::IdentifierLeft`] where one is found and the profile does not let it pass.
    pub fn check_texts<'a, 'b>(
        &self,
        texts: impl IntoIterator<Item = (&'a str, &'b str)>,
    ) -> Result<Vec<Finding>, DeidError> {
        self.clean()
            .map_or(Ok(Vec::new()), |clean| clean.texts.check_texts(texts))
    }
}

impl From<CleanInstance> for Sendable {
    fn from(clean: CleanInstance) -> Self {
        Self::Clean(clean)
    }
}

impl From<UncleanedInstance> for Sendable {
    fn from(uncleaned: UncleanedInstance) -> Self {
        Self::Uncleaned(uncleaned)
    }
}

impl CleanInstance {
    fn written(&self) -> &WrittenInstance {
        &self.written
    }
}

impl UncleanedInstance {
    fn written(&self) -> &WrittenInstance {
        &self.written
    }
}

/// Getters that all three share.
macro_rules! getters {
    ($($name:ident),*) => {$(
        impl $name {
            /// SOP Instance UID, as sent.
            pub fn sop_instance(&self) -> &str {
                &self.written().sop_instance
            }

            /// The bytes to send.
            pub fn body(&self) -> &Body {
                &self.written().body
            }

            /// Whether nothing in it is compressed: its transfer syntax is one of the three native
            /// ones (PS3.5 section 10, A.4).
            pub fn is_native(&self) -> bool {
                self.written().native
            }

            /// What says where it belongs.
            pub fn routing(&self) -> &RoutingAttributes {
                &self.written().routing
            }
        }
    )*};
}

getters!(CleanInstance, UncleanedInstance, Sendable);
