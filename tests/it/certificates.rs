//! A machine without certificates of authorities, as images made for containers are.

use std::net::TcpListener;

use crate::fixture::{Dicom, Person};
use crate::run::{Place, Run};
use crate::server::Site;

/// An authority that no site has.
pub const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBmDCCAT+gAwIBAgIUJcNoGbXYLzCIMcnmAekCLego8xEwCgYIKoZIzj0EAwIw
ITEfMB0GA1UEAwwWYXV0aG9yaXR5IG9mIHRoZSB0ZXN0czAgFw0yNjExMzAxNjQ5
MThaGA8yMTI2MTEwNjE2NDkxOFowITEfMB0GA1UEAwwWYXV0aG9yaXR5IG9mIHRo
ZSB0ZXN0czBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABI56Ish9wF5vX5PZLmUx
UlkgnatghVcZIvoFVDCgc9qSuzUJAtbW0VM+DvxMufYLIxOVMWYratsIHcRJjMsk
9o6jUzBRMB0GA1UdDgQWBBTI+QINyndZoBQTlTd++k0ZnX/i5DAfBgNVHSMEGDAW
gBTI+QINyndZoBQTlTd++k0ZnX/i5DAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49
BAMCA0cAMEQCICW09Zrvswpnj4aO+phgZCYA2oBDkj+ngl5ioBLpPhg1AiBf5f1w
JVs93gHX2Gh6lmudLTNZVb2xT5eRITMVtOtbBA==
-----END CERTIFICATE-----
";

/// A run on a machine that has none.
fn without_certificates<'p>(place: &'p Place, line: &str) -> Run<'p> {
    place
        .run(line)
        .env("SSL_CERT_FILE", place.path("none.pem"))
        .env("SSL_CERT_DIR", place.path("none"))
}

fn place() -> Place {
    let place = Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())]);
    place.file("none.pem", "");
    std::fs::create_dir(place.path("none")).unwrap();
    place
}

/// The key of a site with encryption that is not there.
fn absent() -> String {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    format!("127.0.0.1:{}:abcdefgh12345678", closed.port())
}

#[test]
fn what_travels_unencrypted_needs_none() {
    let (place, site) = (place(), Site::start());
    without_certificates(&place, "in.dcm -p demo/phantom --profile basic")
        .env("FWUPLOAD_API_KEY", site.key())
        .exits(0);
    assert_eq!(site.uploaded().len(), 1);
    without_certificates(
        &place,
        "in.dcm -p demo/phantom --profile basic --sandbox box",
    )
    .exits(0);
}

#[test]
fn a_certificate_that_is_named_is_enough() {
    let place = place();
    place.file("authority.pem", AUTHORITY);
    without_certificates(&place, "status --ca-cert authority.pem")
        .env("FWUPLOAD_API_KEY", absent())
        .exits(7)
        .says("error[network.unavailable]");
}

/// Windows and macOS have certificates of authorities wherever they run.
#[cfg(not(any(windows, target_vendor = "apple")))]
#[test]
fn a_site_with_encryption_gets_a_word_on_what_is_missing() {
    let place = place();
    without_certificates(&place, "status")
        .env("FWUPLOAD_API_KEY", absent())
        .exits(5)
        .says("certificates of authorities")
        .says("ca-certificates");
}
