//! The codes and hints of what the libraries refuse.
//!
//! Owns the way from their errors to the published codes. The libraries know neither codes nor
//! flags.

use dicom_deid::{DeidError, DeidErrorKind, MissingKey, ProfileError, ProfileErrorKind};
use dicom_lossless::{FileError, FileErrorKind};

use super::{Error, FileCode, FileFailure, RunCode};

impl From<FileErrorKind> for FileCode {
    fn from(kind: FileErrorKind) -> Self {
        use FileErrorKind as K;
        match kind {
            K::NotFound => Self::DiscoverNotFound,
            K::PermissionDenied => Self::DiscoverUnreadable,
            K::NotAFile => Self::DiscoverSpecial,
            K::Io => Self::ReadIo,
            K::Changed => Self::ReadChanged,
            K::DamagedMember => Self::ReadDamagedMember,
            K::NotDicom => Self::ReadNotDicom,
            K::Truncated => Self::ReadTruncated,
            K::Overrun => Self::ReadOverrun,
            K::TooDeep => Self::ReadTooDeep,
            K::HeaderTooLarge => Self::ReadHeaderTooLarge,
            K::UnsupportedSyntax => Self::ReadSyntax,
            K::Malformed => Self::ReadMalformed,
            K::DuplicateElement => Self::ReadDuplicateElement,
            K::TrailingData => Self::ReadTrailing,
            K::Mislabelled => Self::ReadMislabelled,
            K::Deflate => Self::ReadDeflate,
            K::UnclearFrames => Self::DeidPixels,
            K::TooCostly => Self::DeidTooCostly,
            K::ValueTooLong => Self::DeidText,
            K::UidTooLong => Self::DeidLongUid,
            K::Verification => Self::DeidVerify,
        }
    }
}

impl From<DeidErrorKind> for FileCode {
    fn from(kind: DeidErrorKind) -> Self {
        use DeidErrorKind as K;
        match kind {
            K::File(kind) => kind.into(),
            K::Rule => Self::DeidRule,
            K::Date => Self::DeidDate,
            K::Text => Self::DeidText,
            K::Target => Self::DeidTarget,
            K::Value => Self::DeidValue,
            K::CharacterSet => Self::DeidCharacterSet,
            K::Document => Self::DeidDocument,
            K::Pixels => Self::DeidPixels,
            K::BurnedIn => Self::DeidBurnedIn,
            K::TextFound => Self::DeidTextFound,
            K::Face => Self::DeidFace,
            K::Envelope => Self::DeidEnvelope,
            K::Filename => Self::DeidFilename,
            K::IdentifierLeft => Self::ResidualLeft,
            K::TooCostly => Self::DeidTooCostly,
            K::MissingUid => Self::RouteMissingUid,
        }
    }
}

impl From<FileError> for FileFailure {
    fn from(error: FileError) -> Self {
        Self::new(error.kind.into(), error.detail())
    }
}

impl From<DeidError> for FileFailure {
    fn from(error: DeidError) -> Self {
        let failure = Self {
            look: error.look,
            ..Self::new(error.kind.into(), error.detail)
        };
        match (error.kind, error.remedy) {
            (DeidErrorKind::IdentifierLeft, Some(remedy)) => failure.with_hint(format!(
                "{remedy}, or send it all the same with `--residual warn`"
            )),
            (_, Some(remedy)) => failure.with_hint(remedy),
            (_, None) => failure,
        }
    }
}

impl From<ProfileError> for Error {
    fn from(error: ProfileError) -> Self {
        let code = match error.kind {
            ProfileErrorKind::Invalid => RunCode::ProfileInvalid,
            ProfileErrorKind::Defect => RunCode::Internal,
        };
        Self {
            code,
            what: error.what,
            why: error.why,
            specific_hint: error.remedy,
        }
    }
}

impl From<MissingKey> for Error {
    fn from(_: MissingKey) -> Self {
        RunCode::PseudonymKeyMissing.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_deid::{LookVerdict, PixelLook};

    #[test]
    fn what_was_seen_in_the_image_goes_along_with_the_failure() {
        let look = PixelLook {
            verdict: LookVerdict::Refused,
            ..PixelLook::default()
        };
        let error = DeidError {
            kind: DeidErrorKind::TextFound,
            detail: "in 3 frames".to_owned(),
            remedy: None,
            look: Some(Box::new(look.clone())),
        };
        let failure = FileFailure::from(error);
        assert_eq!(failure.code, FileCode::DeidTextFound);
        assert_eq!(failure.look.as_deref(), Some(&look));
    }
}
