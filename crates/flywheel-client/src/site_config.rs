//! What a site can do, as it announces it.

use serde_json::Value;

/// What a site can do, as it announces it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools)] // one per announced feature
pub struct SiteConfig {
    /// Files may go straight to the storage behind it.
    pub signed_url: bool,
    /// Large ones in several parts.
    pub multipart_signed_url: bool,
    /// It knows de-identification profiles. Not to be relied on: a profile counts wherever one is
    /// found.
    pub deid_profile: bool,
    /// It wants a record of what was de-identified.
    pub deid_log: bool,
    /// Where that record goes.
    pub deid_log_url: Option<String>,
}

impl SiteConfig {
    pub(crate) fn read(answer: &Value) -> Self {
        let feature = |name: &str| {
            answer
                .pointer(&format!("/features/{name}"))
                .and_then(Value::as_bool)
                .unwrap_or(false)
        };
        let legacy = answer
            .get("signed_url")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        Self {
            signed_url: legacy || feature("signed_url"),
            multipart_signed_url: feature("multipart_signed_url"),
            deid_profile: feature("deid_profile"),
            deid_log: feature("deid_log"),
            deid_log_url: answer
                .pointer("/site/deid_log_url")
                .and_then(Value::as_str)
                .filter(|url| !url.is_empty())
                .map(str::to_owned),
        }
    }
}
