//! The operating system's keyring: the Keychain of macOS, the Credential Manager of Windows, the
//! Secret Service elsewhere. Only with the feature `keyring`; without it there is none.
//!
//! Never asked unless a key is kept, used or forgotten: it may ask the user to unlock it.

use zeroize::Zeroizing;

#[cfg(feature = "keyring")]
const SERVICE: &str = "fwupload";

/// Keeps the key for a site. `false` where there is no keyring that takes it.
#[cfg(feature = "keyring")]
pub fn keep(site: &str, key: &str) -> bool {
    keyring::Entry::new(SERVICE, site)
        .and_then(|entry| entry.set_password(key))
        .is_ok()
}

/// The key for a site.
///
/// # Errors
/// Why there is none.
#[cfg(feature = "keyring")]
pub fn key_for(site: &str) -> Result<Zeroizing<String>, String> {
    keyring::Entry::new(SERVICE, site)
        .and_then(|entry| entry.get_password())
        .map(Zeroizing::new)
        .map_err(|error| error.to_string())
}

/// Forgets the key for a site; one that is not there is forgotten already.
///
/// # Errors
/// Why it may still be there.
#[cfg(feature = "keyring")]
pub fn forget(site: &str) -> Result<(), String> {
    match keyring::Entry::new(SERVICE, site).and_then(|entry| entry.delete_credential()) {
        Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(not(feature = "keyring"))]
pub fn keep(_: &str, _: &str) -> bool {
    false
}

#[cfg(not(feature = "keyring"))]
pub fn key_for(_: &str) -> Result<Zeroizing<String>, String> {
    Err(NONE.to_owned())
}

#[cfg(not(feature = "keyring"))]
pub fn forget(_: &str) -> Result<(), String> {
    Err(NONE.to_owned())
}

#[cfg(not(feature = "keyring"))]
const NONE: &str = "this program was built without the feature `keyring`";
