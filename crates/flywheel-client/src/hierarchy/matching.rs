//! Which of several containers is meant.
//!
//! Owns the choice. Servers match labels loosely and pick among equals as they like, so the
//! comparison is made here, on the list of all children.

use crate::listing::ContainerAnswer;

/// A session or acquisition to find among its siblings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    pub label: String,
    pub uid: Option<String>,
    /// The user chose the label: UIDs do not count.
    pub label_alone: bool,
}

/// What is known of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    pub id: String,
    pub label: String,
    pub uid: Option<String>,
    /// When it was made, as the server writes it; orders twins.
    pub created: String,
    /// It is not on the server.
    pub rehearsed: bool,
}

impl From<ContainerAnswer> for Child {
    fn from(answer: ContainerAnswer) -> Self {
        Self {
            id: answer.id,
            label: answer.label.unwrap_or_default(),
            uid: answer
                .uid
                .filter(|uid| !uid.is_empty()),
            created: answer.created.unwrap_or_default(),
            rehearsed: false,
        }
    }
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice<'c> {
    /// This one is meant.
    Take(&'c Child),
    /// None is: make one with this label.
    Make(String),
}

/// The child of the same UID; else the one of the same label that has none. Where only others bear
/// the label, a new one gets it with a number. Among twins the oldest counts, so that every run
/// takes the same one.
pub fn choose<'c>(children: &'c [Child], wanted: &Wanted) -> Choice<'c> {
    let same_label = |child: &&Child| child.label == wanted.label;
    let Some(uid) = wanted
        .uid
        .as_ref()
        .filter(|_| !wanted.label_alone)
    else {
        return oldest(children.iter().filter(same_label))
            .map_or_else(|| Choice::Make(wanted.label.clone()), Choice::Take);
    };
    let same_uid = oldest(
        children
            .iter()
            .filter(|child| child.uid.as_ref() == Some(uid)),
    );
    match same_uid.or_else(|| {
        oldest(
            children
                .iter()
                .filter(same_label)
                .filter(|child| child.uid.is_none()),
        )
    }) {
        Some(child) => Choice::Take(child),
        None => Choice::Make(free_label(children, &wanted.label)),
    }
}

/// The others that are as good as the one that was taken: the same UID, or where that counts for
/// nothing the same label.
pub fn twins<'c>(
    taken: &'c Child,
    children: &'c [Child],
    wanted: &Wanted,
) -> impl Iterator<Item = &'c Child> {
    let by_label = wanted.uid.is_none() || wanted.label_alone;
    let same = move |child: &&Child| {
        if by_label {
            child.label == taken.label
        } else {
            child.uid.is_some() && child.uid == taken.uid
        }
    };
    children
        .iter()
        .filter(move |child| child.id != taken.id)
        .filter(same)
}

fn oldest<'c>(children: impl Iterator<Item = &'c Child>) -> Option<&'c Child> {
    children.min_by(|a, b| (&a.created, &a.id).cmp(&(&b.created, &b.id)))
}

fn free_label(children: &[Child], label: &str) -> String {
    let taken = |candidate: &str| {
        children
            .iter()
            .any(|child| child.label == candidate)
    };
    let numbered = (2_usize..).map(|number| format!("{label} ({number})"));
    std::iter::once(label.to_owned())
        .chain(numbered)
        .find(|candidate| !taken(candidate))
        .unwrap_or_else(|| label.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn child(id: &str, label: &str, uid: Option<&str>) -> Child {
        Child {
            id: id.into(),
            label: label.into(),
            uid: uid.map(str::to_owned),
            created: format!("2020-01-0{}", id.len()),
            rehearsed: false,
        }
    }

    fn wanted(label: &str, uid: Option<&str>, label_alone: bool) -> Wanted {
        Wanted {
            label: label.into(),
            uid: uid.map(str::to_owned),
            label_alone,
        }
    }

    fn taken<'c>(children: &'c [Child], wanted: &Wanted) -> Result<&'c str, String> {
        match choose(children, wanted) {
            Choice::Take(child) => Ok(&child.id),
            Choice::Make(label) => Err(label),
        }
    }

    #[test]
    fn the_uid_decides_then_a_label_without_uid() {
        let children = [
            child("a", "scan", Some("1.2")),
            child("bb", "scan", None),
            child("ccc", "other", Some("1.3")),
        ];
        assert_eq!(
            taken(&children, &wanted("scan", Some("1.3"), false)),
            Ok("ccc")
        );
        assert_eq!(
            taken(&children, &wanted("scan", Some("1.9"), false)),
            Ok("bb")
        );
        assert_eq!(
            taken(&children, &wanted("Scan", Some("1.9"), false)),
            Err("Scan".into())
        );
        assert_eq!(taken(&children, &wanted("scan", None, false)), Ok("a"));
    }

    #[test]
    fn a_label_that_others_bear_gets_a_number() {
        let children = [
            child("a", "scan", Some("1.2")),
            child("b", "scan (2)", Some("1.3")),
        ];
        assert_eq!(
            taken(&children, &wanted("scan", Some("1.9"), false)),
            Err("scan (3)".into())
        );
        assert_eq!(
            taken(&children, &wanted("scan", Some("1.9"), true)),
            Ok("a")
        );
    }

    #[test]
    fn among_twins_the_oldest_counts() {
        let children = [child("bb", "scan", None), child("a", "scan", None)];
        assert_eq!(
            taken(&children, &wanted("scan", Some("1.2"), false)),
            Ok("a")
        );
        let twins = |label, uid, children: &[Child]| -> Vec<String> {
            let wanted = wanted(label, uid, false);
            twins(children.first().unwrap(), children, &wanted)
                .map(|twin| twin.id.clone())
                .collect()
        };
        assert_eq!(twins("scan", None, &children), ["a"]);
        let children = [
            child("a", "scan", Some("1.2")),
            child("b", "scan (2)", Some("1.2")),
            child("c", "scan", Some("1.3")),
        ];
        assert_eq!(twins("scan", Some("1.2"), &children), ["b"]);
        assert_eq!(
            twins("scan", Some("1.2"), &[child("a", "scan", Some("1.2"))]),
            [""; 0]
        );
    }
}
