//! Whose files they are, before cleaning: to tell whether one subject label would be given to
//! several patients.
//!
//! Owns what makes two patients. It must never give a value away: it counts.

use std::collections::{HashMap, HashSet};

use dicom_lossless::{Identity, Phi};

/// The patients that files name by Patient ID (0010,0020) and Issuer of Patient ID (0010,0021).
#[derive(Debug, Default)]
pub struct Patients(HashMap<Phi<String>, HashSet<Phi<String>>>);

/// A patient as one file names it.
#[derive(Debug, Clone)]
pub struct Patient {
    id: Phi<String>,
    issuer: Option<Phi<String>>,
}

impl Patient {
    /// The patient of an ID and its issuer.
    pub fn new(id: String, issuer: Option<String>) -> Self {
        Self {
            id: Phi::new(id),
            issuer: issuer.map(Phi::new),
        }
    }

    /// The patient that a file names; none where it names none.
    pub fn of(identity: &Identity) -> Option<Self> {
        Some(Self {
            id: identity.patient.clone()?,
            issuer: identity.issuer.clone(),
        })
    }
}

impl Patients {
    /// Takes note of a file's patient. One without an ID is no other patient.
    pub fn add(&mut self, identity: &Identity) {
        if let Some(patient) = Patient::of(identity) {
            self.add_patient(patient);
        }
    }

    /// Takes note of a patient.
    pub fn add_patient(&mut self, patient: Patient) {
        self.0
            .entry(patient.id)
            .or_default()
            .extend(patient.issuer);
    }

    /// Takes note of all of these.
    pub fn add_all(&mut self, others: &Self) {
        for (id, issuers) in &others.0 {
            self.0
                .entry(id.clone())
                .or_default()
                .extend(issuers.iter().cloned());
        }
    }

    /// How many there are. The same ID of two issuers is that of two patients; one without an
    /// issuer may be of any.
    pub fn count(&self) -> usize {
        self.0
            .values()
            .map(|issuers| issuers.len().max(1))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(named: &[(&str, &str)]) -> usize {
        let mut patients = Patients::default();
        let phi = |text: &str| Some(Phi::new(text.to_owned())).filter(|_| !text.is_empty());
        for (patient, issuer) in named {
            patients.add(&Identity {
                patient: phi(patient),
                issuer: phi(issuer),
                ..Identity::default()
            });
        }
        patients.count()
    }

    #[test]
    fn patients_are_told_apart_by_id_and_issuer() {
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[("1", ""), ("", ""), ("1", "A"), ("", "B")]), 1);
        assert_eq!(count(&[("1", ""), ("2", "")]), 2);
        assert_eq!(count(&[("1", "A"), ("1", "B"), ("1", "")]), 2);
    }
}
