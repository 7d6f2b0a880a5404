//! Envelopes against OpenSSL, both ways, and against hostile bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;

use super::*;

const PLAIN: &[u8] = b"What stood in the file.";
const DIGITS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const CERTIFICATE: &[u8] = include_bytes!("../../tests/envelope/certificate.pem");
const PRIVATE_KEY: &[u8] = include_bytes!("../../tests/envelope/private-key.pem");
const PKCS1_KEY: &[u8] = include_bytes!("../../tests/envelope/private-key-pkcs1.pem");
const SEALED_SHARED: &[u8] = include_bytes!("../../tests/envelope/shared-128-3des.pem");
const SEALED_CERTIFICATE: &[u8] = include_bytes!("../../tests/envelope/certificate-3des.pem");
const SEALED_OAEP: &[u8] = include_bytes!("../../tests/envelope/certificate-oaep-aes256.pem");

fn shared(digits: usize) -> EnvelopeKeys {
    EnvelopeKeys::Shared(SharedKey::from_hex(&DIGITS[..digits]).unwrap())
}

fn certified() -> EnvelopeKeys {
    EnvelopeKeys::certificates(
        vec![Certificate::read(CERTIFICATE).unwrap()],
        Some(PrivateKey::read(PRIVATE_KEY).unwrap()),
    )
}

#[test]
fn opens_what_openssl_sealed() {
    let with_192 = include_bytes!("../../tests/envelope/shared-192-aes192.pem");
    let with_256 = include_bytes!("../../tests/envelope/shared-256-aes128.pem");
    assert_eq!(
        *shared(32)
            .open(SEALED_SHARED)
            .unwrap(),
        PLAIN
    );
    assert_eq!(*shared(48).open(with_192).unwrap(), PLAIN);
    assert_eq!(*shared(64).open(with_256).unwrap(), PLAIN);
    for key in [PRIVATE_KEY, PKCS1_KEY] {
        let keys = EnvelopeKeys::certificates(Vec::new(), Some(PrivateKey::read(key).unwrap()));
        assert_eq!(
            *keys
                .open(SEALED_CERTIFICATE)
                .unwrap(),
            PLAIN
        );
        assert_eq!(*keys.open(SEALED_OAEP).unwrap(), PLAIN);
        assert!(!keys.can_seal());
    }
}

#[test]
fn opens_what_it_sealed_and_never_seals_alike_twice() {
    for keys in [shared(32), shared(48), shared(64), certified()] {
        for plain in [&b""[..], PLAIN, &vec![7; 100_000]] {
            let sealed = keys.seal(plain).unwrap();
            assert_ne!(sealed, keys.seal(plain).unwrap());
            assert_eq!(*keys.open(&sealed).unwrap(), plain);
            assert!(
                sealed.starts_with(b"-----BEGIN CMS-----\n")
                    && sealed.ends_with(b"\n-----END CMS-----\n")
            );
        }
        let mut padded = keys.seal(PLAIN).unwrap();
        padded.extend_from_slice(&[0, 0]);
        assert_eq!(*keys.open(&padded).unwrap(), PLAIN);
    }
}

#[test]
fn another_key_does_not_open() {
    let other =
        EnvelopeKeys::Shared(SharedKey::from_hex("ffffffffffffffffffffffffffffffff").unwrap());
    assert_eq!(
        other
            .open(SEALED_SHARED)
            .unwrap_err(),
        EnvelopeError::WrongKey
    );
    assert_eq!(
        shared(64)
            .open(SEALED_SHARED)
            .unwrap_err(),
        EnvelopeError::WrongKey
    );
    assert_eq!(
        certified()
            .open(SEALED_SHARED)
            .unwrap_err(),
        EnvelopeError::OtherKind
    );
    assert_eq!(
        shared(32)
            .open(SEALED_CERTIFICATE)
            .unwrap_err(),
        EnvelopeError::OtherKind
    );
    let public = EnvelopeKeys::certificates(vec![Certificate::read(CERTIFICATE).unwrap()], None);
    assert_eq!(
        public
            .open(SEALED_CERTIFICATE)
            .unwrap_err(),
        EnvelopeError::NoKey
    );
    assert!(!public.can_open() && public.can_seal());
    assert_eq!(
        EnvelopeKeys::certificates(Vec::new(), None)
            .seal(PLAIN)
            .unwrap_err(),
        EnvelopeError::NoKey
    );
}

#[test]
fn keys_that_cannot_serve_are_refused() {
    for digits in [
        "",
        "0011",
        &DIGITS[..31],
        &DIGITS[..40],
        "gg0102030405060708090a0b0c0d0e0f",
        "ä00102030405060708090a0b0c0d0e0",
    ] {
        assert_eq!(
            SharedKey::from_hex(digits).err(),
            Some(KeyError::NotHex),
            "{digits}"
        );
    }
    let locked = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA \
        PRIVATE KEY-----\n";
    assert_eq!(PrivateKey::read(locked).err(), Some(KeyError::Locked));
    let locked =
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert_eq!(PrivateKey::read(locked).err(), Some(KeyError::Locked));
    let elliptic = include_bytes!("../../tests/envelope/private-key-elliptic.pem");
    assert_eq!(
        PrivateKey::read(elliptic).err(),
        Some(KeyError::PrivateKeyKind)
    );
    let elliptic = include_bytes!("../../tests/envelope/certificate-elliptic.pem");
    assert_eq!(
        Certificate::read(elliptic).err(),
        Some(KeyError::CertificateKind)
    );
    assert_eq!(
        PrivateKey::read(CERTIFICATE).err(),
        Some(KeyError::NotAPrivateKey)
    );
    assert_eq!(
        Certificate::read(PRIVATE_KEY).err(),
        Some(KeyError::NotACertificate)
    );
    assert_eq!(
        Certificate::read(b"").err(),
        Some(KeyError::NotACertificate)
    );
}

#[test]
fn der_serves_as_well_as_pem() {
    let certificate = pem::find(CERTIFICATE, &["CERTIFICATE"])
        .unwrap()
        .decode()
        .unwrap();
    let key = pem::find(PKCS1_KEY, &["RSA PRIVATE KEY"])
        .unwrap()
        .decode()
        .unwrap();
    let keys = EnvelopeKeys::certificates(
        vec![Certificate::read(&certificate).unwrap()],
        Some(PrivateKey::read(&key).unwrap()),
    );
    assert_eq!(
        *keys
            .open(&keys.seal(PLAIN).unwrap())
            .unwrap(),
        PLAIN
    );
    assert_eq!(
        keys.fingerprint(),
        certified().fingerprint(),
        "the same key in another dress"
    );
}

#[test]
fn a_fingerprint_tells_keys_apart_and_gives_none_away() {
    let all = [
        shared(32),
        shared(48),
        shared(64),
        certified(),
        EnvelopeKeys::certificates(Vec::new(), None),
    ];
    let prints: std::collections::BTreeSet<String> = all
        .iter()
        .map(EnvelopeKeys::fingerprint)
        .collect();
    assert_eq!(prints.len(), all.len());
    assert!(
        prints
            .iter()
            .all(|print| !print.contains("00010203"))
    );
    assert_eq!(
        format!("{:?} {:?}", shared(32), certified()),
        "EnvelopeKeys(shared) EnvelopeKeys(certificates)"
    );
}

#[test]
fn several_certificates_each_open() {
    let one = Certificate::read(CERTIFICATE).unwrap();
    let keys = EnvelopeKeys::certificates(
        vec![one.clone(), one],
        Some(PrivateKey::read(PRIVATE_KEY).unwrap()),
    );
    assert_eq!(
        *keys
            .open(&keys.seal(PLAIN).unwrap())
            .unwrap(),
        PLAIN
    );
}

#[test]
fn cut_or_changed_envelopes_fail_and_do_no_more() {
    for (keys, sealed) in [
        (shared(32), SEALED_SHARED),
        (certified(), SEALED_CERTIFICATE),
        (certified(), SEALED_OAEP),
    ] {
        for length in 0..sealed.len() - 24 {
            assert!(
                keys.open(&sealed[..length])
                    .is_err(),
                "{length}"
            );
        }
        let der = pem::find(sealed, &["CMS"])
            .unwrap()
            .decode()
            .unwrap();
        for at in 0..der.len() {
            let mut changed = der.to_vec();
            changed[at] ^= 0x41;
            // The vector and the content are not protected by CBC; everything before them must be
            // refused or mean the same.
            let _ = keys.open(pem::encode("CMS", &changed).as_bytes());
        }
        for length in 0..der.len() {
            assert!(
                keys.open(pem::encode("CMS", &der[..length]).as_bytes())
                    .is_err(),
                "{length}"
            );
        }
    }
}

#[test]
fn too_many_recipients_are_refused() {
    let one = Certificate::read(CERTIFICATE).unwrap();
    let keys =
        EnvelopeKeys::certificates(vec![one; 65], Some(PrivateKey::read(PRIVATE_KEY).unwrap()));
    assert_eq!(
        keys.open(&keys.seal(PLAIN).unwrap())
            .unwrap_err(),
        EnvelopeError::TooLarge
    );
}

proptest! {
    #[test]
    fn random_bytes_open_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400), framed in any::<bool>()) {
        let text = if framed { pem::encode("CMS", &bytes).into_bytes() } else { bytes };
        prop_assert!(shared(32).open(&text).is_err());
        prop_assert!(certified().open(&text).is_err());
        prop_assert!(PrivateKey::read(&text).is_err());
        prop_assert!(Certificate::read(&text).is_err());
    }
}

/// Runs `openssl cms` in a folder; none where there is no `openssl`.
fn openssl(folder: &Path, arguments: &[&str]) -> Option<()> {
    let done = Command::new("openssl")
        .arg("cms")
        .args(arguments)
        .current_dir(folder)
        .output();
    let Ok(done) = done else {
        eprintln!("NOT RUN: there is no openssl on the PATH; the fixed envelopes alone were tried");
        return None;
    };
    assert!(
        done.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Some(())
}

fn folder_with(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    std::fs::write(path.join(name), content).unwrap();
    std::fs::write(path.join("key.pem"), PRIVATE_KEY).unwrap();
    std::fs::write(path.join("certificate.pem"), CERTIFICATE).unwrap();
    (folder, path)
}

#[test]
fn openssl_opens_what_was_sealed_here() {
    let open = [
        "-decrypt", "-binary", "-inform", "PEM", "-in", "sealed", "-out", "opened",
    ];
    for (digits, keys) in [
        (32, shared(32)),
        (48, shared(48)),
        (64, shared(64)),
        (0, certified()),
    ] {
        let (_keep, folder) = folder_with("sealed", &keys.seal(PLAIN).unwrap());
        let with = match digits {
            0 => vec!["-inkey", "key.pem"],
            _ => vec!["-secretkey", &DIGITS[..digits], "-secretkeyid", "00"],
        };
        if openssl(&folder, &[&open[..], &with[..]].concat()).is_none() {
            return;
        }
        assert_eq!(std::fs::read(folder.join("opened")).unwrap(), PLAIN);
    }
}

#[test]
fn what_openssl_seals_opens_here() {
    let seal = [
        "-encrypt", "-binary", "-outform", "PEM", "-in", "plain", "-out", "sealed",
    ];
    for cipher in ["-des3", "-aes128", "-aes192", "-aes256"] {
        for (digits, keys) in [(32, shared(32)), (64, shared(64)), (0, certified())] {
            let (_keep, folder) = folder_with("plain", PLAIN);
            let with = match digits {
                0 => vec!["-recip", "certificate.pem"],
                _ => vec!["-secretkey", &DIGITS[..digits], "-secretkeyid", "00"],
            };
            if openssl(&folder, &[&seal[..], &[cipher], &with[..]].concat()).is_none() {
                return;
            }
            assert_eq!(
                *keys
                    .open(&std::fs::read(folder.join("sealed")).unwrap())
                    .unwrap(),
                PLAIN
            );
        }
    }
}
