//! Reading a plan: the list of one shard, whole and as it was written, or not at all.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::line::{Line, PlannedEntry};
use super::{INDEX, PlanError, PlanIndex, StudyDigester, VERSION, list_name};

/// The list of one shard.
#[derive(Debug)]
pub struct PlannedList {
    /// The plan that it is of.
    pub plan: PlanIndex,
    /// Files and folders that were named.
    pub inputs: Vec<PathBuf>,
    /// Makes the digests of its studies.
    pub digester: StudyDigester,
    path: PathBuf,
}

impl PlannedList {
    /// The list of a shard, from 1, of the plan in a folder. It is read once, to see that it is
    /// whole.
    ///
    /// # Errors
    /// The plan is not complete, or was changed, or has no such shard.
    pub fn open(folder: &Path, (shard, of): (u64, u64)) -> Result<Self, PlanError> {
        let index = folder.join(INDEX);
        let text = std::fs::read(&index).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => PlanError::new(
                &index,
                "it is not there: this is no plan, or `fwupload plan` did not come to its end",
            ),
            _ => PlanError::new(&index, error.to_string()),
        })?;
        let damaged = || PlanError::new(&index, "it is not as `fwupload plan` wrote it");
        let plan: PlanIndex = serde_json::from_slice(&text).map_err(|_| damaged())?;
        if plan.kind != "plan" || plan.v != VERSION {
            return Err(PlanError::new(
                &index,
                "it is of a form that this version does not know",
            ));
        }
        if plan.own_digest().ok().as_ref() != Some(&plan.digest) {
            return Err(damaged());
        }
        let shards = plan.lists.len() as u64;
        if of != shards {
            return Err(PlanError::new(
                &index,
                format!("it is a plan of {shards} shards, and `--shard` says {of}"),
            ));
        }
        let inputs = plan
            .inputs
            .iter()
            .map(super::WrittenPath::read)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(damaged)?;
        let path = folder.join(list_name(shard));
        let digest = digest_of(&path).map_err(|error| PlanError::new(&path, error.to_string()))?;
        let expected = shard.checked_sub(1).and_then(|at| {
            plan.lists
                .get(usize::try_from(at).ok()?)
        });
        if expected.is_none_or(|list| list.digest != digest) {
            return Err(PlanError::new(
                &path,
                "it is not as `fwupload plan` wrote it",
            ));
        }
        Ok(Self {
            digester: StudyDigester::new(&plan.salt),
            plan,
            inputs,
            path,
        })
    }

    /// Where the list lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says, line by line.
    ///
    /// # Errors
    /// It cannot be read, or was changed since it was opened.
    pub fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<PlannedEntry>>> {
        let lines = BufReader::with_capacity(1 << 20, File::open(&self.path)?).split(b'\n');
        Ok(lines.map(|line| {
            serde_json::from_slice::<Line>(&line?)
                .ok()
                .and_then(Line::read)
                .ok_or_else(|| io::Error::other("it is not as `fwupload plan` wrote it"))
        }))
    }
}

fn digest_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = HashedRead(Sha256::new());
    io::copy(&mut file, &mut hasher)?;
    Ok(format!("sha256:{}", hex::encode(hasher.0.finalize())))
}

/// Hashes what is written to it.
struct HashedRead(Sha256);

impl io::Write for HashedRead {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
