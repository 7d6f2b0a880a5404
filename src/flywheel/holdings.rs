//! What the server holds already: asked for by whoever wants to know whether something has to be sent.

use super::answer::{ContainerAnswer, ContainerKind, ContainerRef, RemoteFile};
use super::client::Client;
use super::error::{ApiError, UploadError};

impl ContainerKind {
    /// Reads the word for one back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Project, Self::Subject, Self::Session, Self::Acquisition].into_iter().find(|kind| kind.as_str() == word)
    }
}

impl RemoteFile {
    /// Its database id: that of the file across its versions where there is one, else that of its content.
    pub fn database_id(&self) -> Option<&str> {
        self.file_id.as_deref().or(self.id.as_deref())
    }

    /// SHA-384 of its bytes in hexadecimal digits, where the server states it: it does not for what went straight to the
    /// storage.
    pub fn sha384(&self) -> Option<&str> {
        self.hash.as_deref().and_then(|hash| hash.strip_prefix("v0-sha384-")).filter(|hex| !hex.is_empty())
    }
}

impl Client {
    /// The files of a container as they are now; `None` when there is no such container.
    ///
    /// # Errors
    /// Whatever keeps the server from saying so.
    pub async fn files_of(&self, container: &ContainerRef) -> Result<Option<Vec<RemoteFile>>, UploadError> {
        let answer: Result<Option<ContainerAnswer>, ApiError> = self.get_optional(&container.path()).await;
        answer.map(|answer| answer.map(|container| container.files)).map_err(ApiError::into_upload)
    }
}
