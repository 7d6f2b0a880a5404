//! The types that may leave the machine. Their fields are private and their makers few: a file that
//! was not cleaned cannot be taken for one that was.

use std::fmt;
use std::sync::Arc;

use super::attributes::RoutingAttributes;
use super::originals::Originals;
use super::residual::{Finding, Searched};
use crate::error::{DeidError, DeidErrorKind};
use dicom_lossless::{Body, Instance, Limits, Tag, Written, check_label, write_and_inspect};

/// What an instance looks like once it is written.
#[derive(Debug, Clone)]
struct Outgoing {
    sop_class: String,
    sop_instance: String,
    body: Body,
    routing: RoutingAttributes,
    native: bool,
}

impl Outgoing {
    fn write<T>(
        instance: &Instance,
        limits: &Limits,
        look: impl FnOnce(&Written) -> Result<T, DeidError>,
    ) -> Result<(Self, T), DeidError> {
        let routing = RoutingAttributes::of(&instance.header, instance.syntax.encoding);
        let Some(sop_instance) = routing
            .sop_instance
            .as_ref()
            .map(|uid| uid.expose().clone())
        else {
            return Err(DeidError::new(
                DeidErrorKind::MissingUid,
                "there is no SOP Instance UID",
            ));
        };
        let class = instance
            .header
            .get(Tag(0x0008, 0x0016))
            .and_then(|element| element.bytes());
        let class = class.map(|bytes| {
            String::from_utf8_lossy(bytes)
                .trim_end_matches(['\0', ' '])
                .to_owned()
        });
        let (body, seen) = write_and_inspect(instance, limits, look)?;
        check_label(instance)?;
        let native = instance.syntax.is_native();
        Ok((
            Self {
                sop_class: class.unwrap_or_default(),
                sop_instance,
                body,
                routing,
                native,
            },
            seen,
        ))
    }
}

/// An instance that a profile was applied to, written and read back. Only
/// [`super::Cleaner::deidentify`] makes one.
#[derive(Clone)]
pub struct CleanInstance {
    outgoing: Outgoing,
    changed: u32,
    name: Option<String>,
    searched: Searched,
    findings: Vec<Finding>,
    without_patient_id: bool,
    unreadable: Vec<Tag>,
    originals: Option<Arc<Originals>>,
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
        check: impl FnOnce(&Written) -> Result<(Searched, Vec<Finding>), DeidError>,
    ) -> Result<Self, DeidError> {
        let (outgoing, (searched, mut findings)) = Outgoing::write(instance, limits, check)?;
        findings.extend(
            searched.check_texts(
                name.iter()
                    .map(|name| ("the file name that the profile gives", name.as_str())),
            )?,
        );
        Ok(Self {
            outgoing,
            changed,
            name,
            searched,
            findings,
            without_patient_id: false,
            unreadable: Vec::new(),
            originals: None,
        })
    }

    /// Values that were removed or changed and still stand in what is sent, where the profile lets
    /// it be sent all the same.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Remembers who it was about, for a site that keeps a log of that.
    pub(super) fn about(self, originals: Option<Arc<Originals>>) -> Self {
        Self { originals, ..self }
    }

    /// Remembers that the study had to stand for the patient.
    pub(super) fn by_study(self, without_patient_id: bool) -> Self {
        Self {
            without_patient_id,
            ..self
        }
    }

    /// Remembers which dates, times and ages could not be read.
    pub(super) fn without(self, unreadable: Vec<Tag>) -> Self {
        Self { unreadable, ..self }
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
}

/// Proof that a person agreed that data goes out as it is.
#[derive(Debug, Clone, Copy)]
pub struct IdentifiedConsent(());

impl IdentifiedConsent {
    /// To be called once in a program, where a person was told that nothing will be de-identified
    /// and agreed.
    pub fn a_person_agrees_that_nothing_is_deidentified() -> Self {
        Self(())
    }
}

/// An instance as it is, which the user agreed to send so. Preamble and file meta are fresh all the
/// same.
#[derive(Debug, Clone)]
pub struct UncleanedInstance {
    outgoing: Outgoing,
}

/// Writes an instance without applying a profile.
pub fn as_it_is(
    instance: &Instance,
    limits: &Limits,
    _consent: &IdentifiedConsent,
) -> Result<UncleanedInstance, DeidError> {
    Outgoing::write(instance, limits, |_| Ok(()))
        .map(|(outgoing, ())| UncleanedInstance { outgoing })
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
    fn outgoing(&self) -> &Outgoing {
        match self {
            Self::Clean(clean) => &clean.outgoing,
            Self::Uncleaned(uncleaned) => &uncleaned.outgoing,
        }
    }

    /// SOP Class UID; empty where the data set has none.
    pub fn sop_class(&self) -> &str {
        &self.outgoing().sop_class
    }

    /// SOP Instance UID, as sent.
    pub fn sop_instance(&self) -> &str {
        &self.outgoing().sop_instance
    }

    /// The bytes to send.
    pub fn body(&self) -> &Body {
        &self.outgoing().body
    }

    /// Whether nothing in it is compressed: its transfer syntax is one of the three native ones
    /// (PS3.5 section 10, A.4).
    pub fn is_native(&self) -> bool {
        self.outgoing().native
    }

    /// What says where it belongs.
    pub fn routing(&self) -> &RoutingAttributes {
        &self.outgoing().routing
    }

    /// The file name that the profile gives it, where it names files.
    pub fn file_name(&self) -> Option<&str> {
        match self {
            Self::Clean(clean) => clean.file_name(),
            Self::Uncleaned(_) => None,
        }
    }

    /// Whether a pseudonym was made and there was no usable Patient ID for it, so that the study
    /// stands for the patient.
    pub fn is_without_patient_id(&self) -> bool {
        matches!(self, Self::Clean(clean) if clean.without_patient_id)
    }

    /// Dates, times and ages that could not be read and so did not stay, one for each element.
    pub fn unreadable(&self) -> &[Tag] {
        match self {
            Self::Clean(clean) => clean.unreadable(),
            Self::Uncleaned(_) => &[],
        }
    }

    /// Who it was about before it was cleaned, where the site keeps a log of that.
    pub fn originals(&self) -> Option<&Arc<Originals>> {
        match self {
            Self::Clean(clean) => clean.originals.as_ref(),
            Self::Uncleaned(_) => None,
        }
    }

    /// How many elements the profile changed, made or removed.
    pub fn changed(&self) -> u32 {
        match self {
            Self::Clean(clean) => clean.changed,
            Self::Uncleaned(_) => 0,
        }
    }
}

impl Sendable {
    /// What the check of the written bytes found and the profile lets pass.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Clean(clean) => clean.findings(),
            Self::Uncleaned(_) => &[],
        }
    }

    /// Looks for values that were removed or changed in texts that are sent beside the instance,
    /// each with what it is: labels, names, metadata. `residual.identifier-left` where one is
    /// found, or the finds where the profile lets them pass. Of an instance that goes as it is
    /// nothing was removed.
    pub fn check_texts<'a, 'b>(
        &self,
        texts: impl IntoIterator<Item = (&'a str, &'b str)>,
    ) -> Result<Vec<Finding>, DeidError> {
        match self {
            Self::Clean(clean) => clean.searched.check_texts(texts),
            Self::Uncleaned(_) => Ok(Vec::new()),
        }
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

/// Getters that all three share.
macro_rules! getters {
    ($($name:ident),*) => {$(
        impl $name {
            /// SOP Class UID; empty where the data set has none.
            pub fn sop_class(&self) -> &str {
                &self.outgoing.sop_class
            }

            /// SOP Instance UID, as sent.
            pub fn sop_instance(&self) -> &str {
                &self.outgoing.sop_instance
            }

            /// The bytes to send.
            pub fn body(&self) -> &Body {
                &self.outgoing.body
            }

            /// What says where it belongs.
            pub fn routing(&self) -> &RoutingAttributes {
                &self.outgoing.routing
            }
        }
    )*};
}

getters!(CleanInstance, UncleanedInstance);
