//! What a client reads first: the site's configuration, its version, and the user of the key.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Shared;
use crate::app::App;
use crate::documents::members;
use crate::model::{USER, stamp};
use crate::options::{Era, Options};

/// `GET /api/config`; needs no key.
pub async fn config(State(app): Shared) -> Json<Value> {
    let signed = app.options.signed_urls || app.options.unsigned_storage;
    let mut config = members(json!({
        "site": site(&app),
        "auth": {},
        "created": stamp(app.started),
        "modified": stamp(app.started),
    }));
    if app.options.era > Era::Old {
        let features = features(&app.options, signed);
        config.extend(members(json!({"features": features, "signed_url": signed})));
    }
    Json(config.into())
}

fn site(app: &App) -> Value {
    let mut site = members(json!({
        "name": "fwupload sandbox",
        "api_url": format!("{}/api", app.url),
        "registered": true,
    }));
    if app.options.era > Era::Old {
        site.insert("upload_maximum_bytes".into(), json!("10737418240"));
    }
    if app.options.era == Era::Current {
        site.extend(members(json!({"id": "sandbox", "inactivity_timeout": 900})));
    }
    if app.options.deid_log {
        let url = format!("{}/deid-log", app.url);
        site.insert("deid_log_url".into(), json!(url));
    }
    site.into()
}

fn features(options: &Options, signed: bool) -> Value {
    if options.era < Era::Current {
        return json!({"job_tickets": true, "job_ask": true, "multiproject": false, "virus_scan": false, "signed_url": signed});
    }
    json!({
        "signed_url": signed,
        "multipart_signed_url": options.signed_urls && options.multipart_threshold.is_some(),
        "deid_profile": true,
        "deid_log": options.deid_log,
        "multiproject": false,
        "malware_scanning": false,
        "case_uploader": false,
        "legacy_dicom_uploader": false,
        "bulk_import_deid": false,
    })
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

/// `GET /api/users/self`. Older servers answer the key too, which no client may show.
pub async fn user(State(app): Shared) -> Json<Value> {
    let mut user = json!({
        "_id": USER,
        "email": USER,
        "firstname": "Sandbox",
        "lastname": "User",
        "root": true,
        "roles": ["site_admin"],
        "created": stamp(app.started),
        "modified": stamp(app.started),
    });
    if let (Era::Mid, Value::Object(user)) = (app.options.era, &mut user) {
        user.insert(
            "api_key".into(),
            json!({"key": app.key.as_str(), "created": stamp(app.started)}),
        );
    }
    Json(user)
}
