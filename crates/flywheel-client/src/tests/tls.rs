//! A site whose certificate comes from an authority of its own.

use std::io::Write as _;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::failed;
use crate::scripted::{key as api_key, quick};
use crate::{Client, ConnectFault, Settings};

const ECDSA_WITH_SHA256: &[u8] = &[0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
const P256_KEY: &[u8] = &[
    0x30, 19, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7,
];
/// Critical, and it may sign others.
const AUTHORITY: &[u8] = &[
    0x30, 15, 6, 3, 0x55, 0x1D, 0x13, 1, 1, 0xFF, 4, 5, 0x30, 3, 1, 1, 0xFF,
];
/// It is that of 127.0.0.1.
const THIS_MACHINE: &[u8] = &[
    0x30, 15, 6, 3, 0x55, 0x1D, 0x11, 4, 8, 0x30, 6, 0x87, 4, 127, 0, 0, 1,
];

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut all = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => all.push(short),
        Ok(short) => all.extend([0x81, short]),
        Err(_) => all.extend([
            0x82,
            u8::try_from(length >> 8).unwrap(),
            u8::try_from(length & 0xFF).unwrap(),
        ]),
    }
    all.extend(content);
    all
}

/// A certificate (RFC 5280 section 4.1) for a key, with one extension, signed by an issuer.
fn certificate(
    subject: &str,
    key: &EcdsaKeyPair,
    extension: &[u8],
    issuer: (&str, &EcdsaKeyPair),
) -> Vec<u8> {
    let name = |text: &str| {
        let attribute = der(0x30, &[&[6, 3, 0x55, 4, 3], &der(0x0C, &[text.as_bytes()])]);
        der(0x30, &[&der(0x31, &[&attribute])])
    };
    let signature = der(0x30, &[ECDSA_WITH_SHA256]);
    let valid = der(
        0x30,
        &[
            &der(0x18, &[b"20200101000000Z"]),
            &der(0x18, &[b"21200101000000Z"]),
        ],
    );
    let public = der(
        0x30,
        &[P256_KEY, &der(3, &[&[0], key.public_key().as_ref()])],
    );
    let extensions = der(0xA3, &[&der(0x30, &[extension])]);
    let version_and_number: &[u8] = &[0xA0, 3, 2, 1, 2, 2, 1, 1];
    let to_sign = der(
        0x30,
        &[
            version_and_number,
            &signature,
            &name(issuer.0),
            &valid,
            &name(subject),
            &public,
            &extensions,
        ],
    );
    let signed = issuer
        .1
        .sign(&SystemRandom::new(), &to_sign)
        .unwrap();
    der(
        0x30,
        &[&to_sign, &signature, &der(3, &[&[0], signed.as_ref()])],
    )
}

fn key() -> (EcdsaKeyPair, Vec<u8>) {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
        .unwrap();
    (
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap(),
        pkcs8.as_ref().to_vec(),
    )
}

/// An encrypted site that answers everything with `{}`; gives its port.
async fn serve(leaf: Vec<u8>, key: Vec<u8>) -> u16 {
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let (chain, key) = (
        vec![CertificateDer::from(leaf)],
        PrivatePkcs8KeyDer::from(key).into(),
    );
    let acceptor = TlsAcceptor::from(Arc::new(
        config
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap(),
    ));
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap();
    let port = listener
        .local_addr()
        .unwrap()
        .port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.ok()?;
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                stream
                    .write_all(
                        b"HTTP/1.1 200 X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
                    )
                    .await
                    .ok()?;
                stream.shutdown().await.ok()
            });
        }
    });
    port
}

#[tokio::test]
async fn an_authority_of_the_sites_own_is_trusted_where_it_is_named_and_for_its_host_only() {
    let ((authority, _), (leaf, leaf_key)) = (key(), key());
    let root = certificate(
        "authority of the tests",
        &authority,
        AUTHORITY,
        ("authority of the tests", &authority),
    );
    let port = serve(
        certificate(
            "site of the tests",
            &leaf,
            THIS_MACHINE,
            ("authority of the tests", &authority),
        ),
        leaf_key,
    )
    .await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let lines = base64::engine::general_purpose::STANDARD.encode(root);
    writeln!(
        file,
        "-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----"
    )
    .unwrap();
    let client = |host: &str, ca_cert| {
        let key = api_key(&format!("{host}:{port}:topsecretkey"));
        Client::new(&key, Settings { ca_cert, ..quick() }).unwrap()
    };
    let named = Some(file.path().to_owned());
    assert!(
        client("127.0.0.1", named.clone())
            .site_config()
            .await
            .is_ok()
    );
    for (host, ca_cert, fault) in [
        ("127.0.0.1", None, ConnectFault::Untrusted),
        ("localhost", named, ConnectFault::OtherHost),
    ] {
        let error = failed(
            client(host, ca_cert)
                .site_config()
                .await,
        );
        assert_eq!(
            (error.connect_fault(), error.attempts),
            (Some(fault), 1),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_port_that_speaks_the_other_protocol_is_told_at_once() {
    let (leaf, leaf_key) = key();
    let encrypted = serve(
        certificate("site", &leaf, THIS_MACHINE, ("site", &leaf)),
        leaf_key,
    )
    .await;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap();
    let plain = listener
        .local_addr()
        .unwrap()
        .port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                .await;
        }
    });
    for (key, fault) in [
        (
            format!("127.0.0.1:{encrypted}:__force_insecure:topsecretkey"),
            ConnectFault::EncryptedPort,
        ),
        (
            format!("127.0.0.1:{plain}:topsecretkey"),
            ConnectFault::PlainPort,
        ),
    ] {
        let client = Client::new(&api_key(&key), quick()).unwrap();
        let error = failed(client.site_config().await);
        assert_eq!(
            (error.connect_fault(), error.attempts),
            (Some(fault), 1),
            "{error}"
        );
    }
}
