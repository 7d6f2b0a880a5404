//! The keys of profiles that encrypt or decrypt: which there are, whether they can serve, and what
//! they are needed for.
//!
//! Reads key and certificate files once, when the profile is loaded. No message says anything of a
//! key but what is wrong with it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use dicom_lossless::display_path;
use zeroize::Zeroizing;

use super::super::model::Profile;
use super::super::tree::{Entry, Node, NodeKind, Problem, SourcePosition, find, option};
use crate::envelope::{Certificate, EnvelopeKeys, KeyError, PrivateKey, SharedKey};

/// No key and no chain of certificates is as long as this.
const LONGEST: u64 = 1 << 20;

/// Whether keys can seal, or can open.
type Ability = fn(&EnvelopeKeys) -> bool;

/// The keys that a document states.
struct KeySettings<'a> {
    secret: Option<&'a Node>,
    public: Vec<&'a Node>,
    private: Option<&'a Node>,
    asymmetric: bool,
    retain: Option<SourcePosition>,
}

/// Reads the keys into the profile, whose fields are known already. A key that nothing needs is not
/// looked at, as it may be meant for other kinds of file.
pub fn read(root: &Node, profile: &mut Profile) -> Result<(), Problem> {
    let top = root.entries("a profile")?;
    let section: &[Entry] = match find(top, "dicom") {
        Some(entry) if !entry.value.is_null() => entry.value.entries("`dicom`")?,
        _ => &[],
    };
    let stated = stated(top, section)?;
    profile
        .notes
        .extend(nonce_note(section)?);
    profile.dicom.retain = stated.retain.is_some();
    let sealing = stated
        .retain
        .map(|position| ("retain", position))
        .or_else(|| position_of(section, "encrypt"));
    let opening = position_of(section, "decrypt");
    if sealing.is_none() && opening.is_none() {
        let idle = stated.secret.is_some() || stated.private.is_some() || !stated.public.is_empty();
        profile.notes.extend(
            idle.then(|| {
                "the profile's keys have no effect: no rule encrypts or decrypts".to_owned()
            }),
        );
        return Ok(());
    }
    let keys = if stated.asymmetric {
        certificates(&stated)?
    } else {
        shared(&stated)?
    };
    let needs: [(_, Ability); 2] = [
        (sealing, EnvelopeKeys::can_seal),
        (opening, EnvelopeKeys::can_open),
    ];
    for (need, able) in needs {
        if let Some((what, position)) = need.filter(|_| !keys.as_ref().is_some_and(able)) {
            return Err(missing(what, position, &stated));
        }
    }
    profile.dicom.envelope = keys;
    Ok(())
}

fn stated<'a>(top: &'a [Entry], section: &'a [Entry]) -> Result<KeySettings<'a>, Problem> {
    let given = |entries: &'a [Entry], key| {
        find(entries, key)
            .map(|entry| &entry.value)
            .filter(|value| !value.is_falsy())
    };
    let public = match given(section, "public-key") {
        Some(Node {
            kind: NodeKind::List(items),
            ..
        }) => items.iter().collect(),
        Some(other) => return Err(no_list(other)),
        None => Vec::new(),
    };
    Ok(KeySettings {
        secret: given(section, "secret-key").or_else(|| given(top, "secret-key")),
        public,
        private: given(section, "private-key"),
        asymmetric: option(section, "asymmetric-encryption", Node::flag)?.unwrap_or(false),
        retain: option(section, "retain", Node::flag)?
            .filter(|retain| *retain)
            .and(find(section, "retain").map(|entry| entry.position)),
    })
}

fn no_list(value: &Node) -> Problem {
    let problem = value.problem(format!(
        "`public-key` must be a list of certificate files, not {}",
        value.describe()
    ));
    problem.with_hint(
        "put the path in brackets: Flywheel's engine takes plain text for a list of letters",
    )
}

/// Where the first field with this action stands.
fn position_of<'a>(section: &[Entry], action: &'a str) -> Option<(&'a str, SourcePosition)> {
    let NodeKind::List(fields) = &find(section, "fields")?.value.kind else {
        return None;
    };
    fields
        .iter()
        .find_map(|field| match &field.kind {
            NodeKind::Map(entries) => find(entries, action).map(|entry| (action, entry.position)),
            _ => None,
        })
}

fn shared(stated: &KeySettings<'_>) -> Result<Option<EnvelopeKeys>, Problem> {
    let Some(node) = stated.secret else {
        return Ok(None);
    };
    let key = SharedKey::from_hex(node.text("secret-key")?)
        .map_err(|why| unusable(node, "`secret-key`", why))?;
    Ok(Some(EnvelopeKeys::Shared(key)))
}

fn certificates(stated: &KeySettings<'_>) -> Result<Option<EnvelopeKeys>, Problem> {
    let mut recipients = Vec::new();
    for node in &stated.public {
        let (path, bytes) = file(node, "public-key")?;
        recipients.push(Certificate::read(&bytes).map_err(|why| unusable(node, &path, why))?);
    }
    let mut private = None;
    if let Some(node) = stated.private {
        let (path, bytes) = file(node, "private-key")?;
        private = Some(PrivateKey::read(&bytes).map_err(|why| unusable(node, &path, why))?);
    }
    Ok(Some(EnvelopeKeys::certificates(recipients, private)))
}

/// The file that a value names, and how messages name it. Relative paths begin in the working
/// directory, as with Flywheel's engine.
fn file(node: &Node, key: &str) -> Result<(String, Zeroizing<Vec<u8>>), Problem> {
    let path = Path::new(node.text(key)?);
    let shown = display_path(path);
    let unreadable = |why: &str| {
        node.problem(format!("`{key}`: {shown} cannot be read: {why}"))
            .with_hint(
                "name a file on this computer; a relative path begins in the folder that \
                you are in",
            )
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let open = || -> std::io::Result<bool> {
        if !std::fs::metadata(path)?.is_file() {
            return Ok(false);
        }
        File::open(path)?
            .take(LONGEST)
            .read_to_end(&mut bytes)?;
        Ok(true)
    };
    match { open }() {
        Ok(true) => Ok((format!("`{key}`: {shown}"), bytes)),
        Ok(false) => Err(unreadable("it is no regular file")),
        Err(error) => Err(unreadable(&error.to_string())),
    }
}

fn unusable(node: &Node, what: &str, why: KeyError) -> Problem {
    node.problem(format!("{what} {why}"))
        .with_hint(why.hint())
}

fn missing(what: &str, position: SourcePosition, stated: &KeySettings<'_>) -> Problem {
    let hint = match (stated.asymmetric, what) {
        (true, "decrypt") => "set `private-key` to the file of the private key",
        (true, _) => "set `public-key` to a list of certificate files",
        (false, _) if !stated.public.is_empty() || stated.private.is_some() => {
            "set `asymmetric-encryption: true` to use certificates"
        }
        (false, _) => {
            "set `secret-key`, or `asymmetric-encryption: true` with `public-key` and `private-key`"
        }
    };
    Problem::new(format!(
        "`{what}` needs a key, and the profile has none for it"
    ))
    .at(position)
    .with_hint(hint)
}

/// What to say of a nonce that is stated here. It is one for other kinds of file.
pub fn nonce_note(entries: &[Entry]) -> Result<Option<String>, Problem> {
    let Some(entry) = find(entries, "force-nonce").filter(|entry| !entry.value.is_falsy()) else {
        return Ok(None);
    };
    let nonce = entry.value.text("force-nonce")?;
    if nonce.chars().count() != 12 {
        return Err(entry
            .value
            .problem("`force-nonce` must be 12 characters"));
    }
    let note =
        "`force-nonce` has no effect: an envelope is made with fresh random numbers each time";
    Ok(Some(note.to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::profile::{Profile, load};

    const KEY: &str = "000102030405060708090a0b0c0d0e0f";

    fn read(text: &str) -> Result<Profile, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.yaml");
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/envelope");
        std::fs::write(
            &path,
            text.replace("KEY", KEY)
                .replace("FIXTURES", fixtures),
        )
        .unwrap();
        let shown = |what: String| {
            what.replace(path.to_str().unwrap(), "p.yaml")
                .replace(fixtures, "FIXTURES")
        };
        load(path.to_str().unwrap()).map_err(|error| {
            format!(
                "{} | {}",
                shown(error.what.clone()),
                error
                    .remedy
                    .as_deref()
                    .unwrap_or_default()
            )
        })
    }

    fn dicom(keys: &str, action: &str) -> Result<Profile, String> {
        read(&format!(
            "name: p\ndicom:\n  {keys}\n  fields:\n    - {{name: PatientID, {action}: true}}\n"
        ))
    }

    #[test]
    fn keys_are_read_from_where_they_may_stand() {
        let own = dicom("secret-key: 'KEY'", "encrypt").unwrap();
        let keys = own.dicom.envelope.as_ref().unwrap();
        assert!(keys.can_seal() && keys.can_open() && own.notes.is_empty());
        let top = "name: p\nsecret-key: 'KEY'\ndicom:\n  fields:\n    - \
            {name: PatientID, encrypt: true}\n";
        assert_eq!(read(top).unwrap().identity(), own.identity());
        let both = "asymmetric-encryption: true\n  public-key: [FIXTURES/certificate.pem]\n  \
            private-key: FIXTURES/private-key.pem";
        let both = dicom(both, "decrypt").unwrap();
        assert!(
            both.dicom
                .envelope
                .as_ref()
                .is_some_and(|keys| keys.can_seal() && keys.can_open())
        );
        let retaining = dicom("secret-key: 'KEY'\n  retain: true", "keep").unwrap();
        assert!(
            retaining.dicom.retain && retaining.dicom.envelope.is_some() && !retaining.is_empty()
        );
        let digests = [
            &own,
            &both,
            &retaining,
            &dicom("secret-key: 'KEY00000000KEY'", "encrypt").unwrap_or(own.clone()),
        ];
        assert!(!format!("{digests:?}").contains(KEY));
        let other = dicom(&format!("secret-key: '{KEY}{KEY}'"), "encrypt").unwrap();
        assert_eq!(
            own.digest(),
            other.digest(),
            "what is shown covers no secret"
        );
        assert_ne!(own.identity(), other.identity());
        assert!(!format!("{:?}", own.identity()).contains(own.identity().of_secrets().unwrap()));
        assert_ne!(
            retaining.digest(),
            dicom("secret-key: 'KEY'", "keep")
                .unwrap()
                .digest()
        );
    }

    #[test]
    fn a_missing_or_unusable_key_is_reported_with_its_position() {
        for (keys, action, said) in [
            (
                "date-increment: 1",
                "encrypt",
                "p.yaml:5:25: `encrypt` needs a key",
            ),
            ("date-increment: 1", "encrypt", "| set `secret-key`"),
            ("date-increment: 1", "decrypt", "`decrypt` needs a key"),
            ("retain: true", "hash", "p.yaml:3:3: `retain` needs a key"),
            (
                "public-key: [FIXTURES/certificate.pem]",
                "encrypt",
                "`asymmetric-encryption: true`",
            ),
            (
                "asymmetric-encryption: true\n  secret-key: 'KEY'",
                "encrypt",
                "set `public-key`",
            ),
            (
                "asymmetric-encryption: true\n  public-key: [FIXTURES/certificate.pem]",
                "decrypt",
                "set `private-key`",
            ),
            (
                "asymmetric-encryption: true\n  public-key: FIXTURES/certificate.pem",
                "encrypt",
                "`public-key` must be a list",
            ),
            (
                "secret-key: 12345678901234567890123456789012",
                "encrypt",
                "put it in quotes",
            ),
            (
                "secret-key: '0011'",
                "encrypt",
                "p.yaml:3:15: `secret-key` is not 32, 48 or 64 hex digits",
            ),
            (
                "asymmetric-encryption: true\n  public-key: [FIXTURES/none.pem]",
                "encrypt",
                "FIXTURES/none.pem cannot be read",
            ),
            (
                "asymmetric-encryption: true\n  public-key: [FIXTURES]",
                "encrypt",
                "no regular file",
            ),
            (
                "asymmetric-encryption: true\n  public-key: [FIXTURES/private-key.pem]",
                "encrypt",
                "holds no X.509 certificate",
            ),
            (
                "asymmetric-encryption: true\n  private-key: FIXTURES/private-key-elliptic.pem",
                "decrypt",
                "cannot open an envelope",
            ),
            (
                "secret-key: 'KEY'\n  force-nonce: short",
                "encrypt",
                "12 characters",
            ),
            (
                "asymmetric-encryption: 1",
                "encrypt",
                "`asymmetric-encryption` must be true or false",
            ),
        ] {
            let complaint = dicom(keys, action).unwrap_err();
            assert!(complaint.contains(said), "{keys}: {complaint}");
            assert!(!complaint.contains(KEY), "{complaint}");
        }
    }

    #[test]
    fn keys_that_no_rule_needs_are_noted_as_having_no_effect() {
        for keys in [
            "secret-key: no-hex",
            "public-key: [none.pem]",
            "asymmetric-encryption: true\n  private-key: none.pem",
        ] {
            let profile = dicom(keys, "hash").unwrap();
            assert!(
                profile
                    .notes
                    .iter()
                    .any(|note| note.contains("keys have no effect")),
                "{keys}: {:?}",
                profile.notes
            );
            assert!(profile.dicom.envelope.is_none());
        }
        let profile = dicom("secret-key: 'KEY'\n  force-nonce: abcdefghijkl", "encrypt").unwrap();
        assert!(
            profile
                .notes
                .iter()
                .any(|note| note.contains("force-nonce"))
        );
        let field = "name: p\nsecret-key: 'KEY'\ndicom:\n  fields:\n    - \
            {name: PatientID, encrypt: true, force-nonce: abcdefghijkl}\n";
        assert!(
            read(field)
                .unwrap()
                .notes
                .iter()
                .any(|note| note.contains("force-nonce"))
        );
        assert!(
            dicom(
                "secret-key: null\n  public-key: null\n  retain: false",
                "hash"
            )
            .unwrap()
            .notes
            .is_empty()
        );
    }
}
