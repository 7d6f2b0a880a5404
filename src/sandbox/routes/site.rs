//! What a client asks first: the site's configuration, its version, and who the key belongs to.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Shared;
use crate::sandbox::model::{USER, stamp};

/// `GET /api/config`; needs no key.
pub async fn config(State(app): Shared) -> Json<Value> {
    let signed = app.signed_urls;
    Json(json!({
        "site": {
            "id": "sandbox",
            "name": "fwupload sandbox",
            "api_url": format!("{}/api", app.url),
            "deid_log_url": format!("{}/deid-log", app.url),
            "upload_maximum_bytes": "10737418240",
            "inactivity_timeout": 900,
            "registered": true,
        },
        "features": {
            "signed_url": signed,
            "multipart_signed_url": signed,
            "deid_profile": true,
            "deid_log": app.deid_log,
            "multiproject": false,
            "malware_scanning": false,
            "case_uploader": false,
            "legacy_dicom_uploader": false,
            "bulk_import_deid": false,
        },
        "signed_url": signed,
        "auth": {},
        "created": stamp(app.started),
        "modified": stamp(app.started),
    }))
}

/// `GET /api/version`; needs no key.
pub async fn version() -> Json<Value> {
    Json(json!({
        "_id": "version",
        "database": 1,
        "release": "sandbox",
        "flywheel_release": format!("sandbox-{}", env!("CARGO_PKG_VERSION")),
        "cli_version": "",
    }))
}

/// `GET /api/auth/status`.
pub async fn auth_status() -> Json<Value> {
    Json(json!({
        "origin": {"type": "user", "id": USER},
        "user_id": USER,
        "user_is_admin": true,
        "is_device": false,
        "roles": ["public", "site_admin"],
    }))
}

/// `GET /api/users/self`; unlike older servers it does not repeat the key.
pub async fn user(State(app): Shared) -> Json<Value> {
    Json(json!({
        "_id": USER,
        "email": USER,
        "firstname": "Sandbox",
        "lastname": "User",
        "root": true,
        "roles": ["site_admin"],
        "created": stamp(app.started),
        "modified": stamp(app.started),
    }))
}
