//! PEM text (RFC 7468), read leniently: any line length, anything before and after the block, as
//! OpenSSL takes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use zeroize::Zeroizing;

use super::SecretBytes;

/// Characters per line that are written.
const WIDTH: usize = 64;

/// A block of text between its boundary lines.
pub struct Block<'t, 'l> {
    pub label: &'l str,
    body: &'t [u8],
}

/// The first block with one of these labels, tried in their order.
pub fn find<'t, 'l>(text: &'t [u8], labels: &[&'l str]) -> Option<Block<'t, 'l>> {
    labels.iter().find_map(|label| {
        let begin = format!("-----BEGIN {label}-----");
        let from = memmem::find(text, begin.as_bytes())? + begin.len();
        let rest = text.get(from..)?;
        let to = memmem::find(rest, format!("-----END {label}-----").as_bytes())?;
        Some(Block {
            label,
            body: rest.get(..to)?,
        })
    })
}

impl Block<'_, '_> {
    /// Whether it is a private key of OpenSSL's old kind under a passphrase: that says so in a line
    /// of its own.
    pub fn is_locked(&self) -> bool {
        memmem::find(self.body, b"ENCRYPTED").is_some()
    }

    /// The bytes that it encodes.
    pub fn decode(&self) -> Option<SecretBytes> {
        let mut digits = Zeroizing::new(Vec::with_capacity(self.body.len()));
        digits.extend(
            self.body
                .iter()
                .filter(|byte| !byte.is_ascii_whitespace()),
        );
        STANDARD
            .decode(&*digits)
            .ok()
            .map(Zeroizing::new)
    }
}

/// Bytes as PEM text.
pub fn encode(label: &str, bytes: &[u8]) -> String {
    let digits = STANDARD.encode(bytes);
    let mut text = String::with_capacity(digits.len() + digits.len() / WIDTH + 64);
    text.extend(["-----BEGIN ", label, "-----\n"]);
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(WIDTH.min(rest.len()));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.extend(["-----END ", label, "-----\n"]);
    text
}
