//! The API key and the key of pseudonyms: what they look like and where they may come from.
//!
//! Owns parsing of all forms of the API key, the order of sources of both, the file that `fwupload
//! login` writes, and the files that keep keys of pseudonyms. It must never take a key from the
//! command line's arguments, print one, or write one to a file that others can read. Nothing in
//! here reads the environment: callers hand over what they found, so that tests are sealed off from
//! the machine they run on.

mod keyring;
mod login;
mod pseudonym_key;
mod secret;
mod sources;

pub use login::{
    Logins, config_folder, flywheel_user_json, home_folder, login_file, make_private_folder,
    remove_login, written_beside,
};
pub use pseudonym_key::{
    FirstUse, KeptFor, PSEUDONYM_KEYS, PseudonymKeyOrigin, PseudonymKeySources, state_folder,
};
pub use sources::{KeyOrigin, KeySources};
