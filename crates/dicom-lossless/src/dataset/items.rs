//! The items of a sequence, shared until they are changed.
//!
//! A data set is kept as it was while its copy is cleaned; what no rule touches is then one and the
//! same in both.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::Item;

/// Items in file order. A clone shares them; changing one of the two leaves the other as it was.
#[derive(Debug, Clone, Default)]
pub struct Items(Arc<Vec<Item>>);

impl PartialEq for Items {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.0 == other.0
    }
}

impl Items {
    /// Whether both are the same in memory: nothing was changed in either since one was cloned from
    /// the other.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl From<Vec<Item>> for Items {
    fn from(items: Vec<Item>) -> Self {
        Self(Arc::new(items))
    }
}

impl FromIterator<Item> for Items {
    fn from_iter<I: IntoIterator<Item = Item>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl Deref for Items {
    type Target = Vec<Item>;

    fn deref(&self) -> &Vec<Item> {
        &self.0
    }
}

impl DerefMut for Items {
    fn deref_mut(&mut self) -> &mut Vec<Item> {
        Arc::make_mut(&mut self.0)
    }
}

impl IntoIterator for Items {
    type Item = Item;
    type IntoIter = std::vec::IntoIter<Item>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<'a> IntoIterator for &'a Items {
    type Item = &'a Item;
    type IntoIter = std::slice::Iter<'a, Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a mut Items {
    type Item = &'a mut Item;
    type IntoIter = std::slice::IterMut<'a, Item>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::make_mut(&mut self.0).iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataSet, LengthForm};

    #[test]
    fn a_change_in_one_is_none_in_the_other() {
        let item = || Item {
            data: DataSet::new(),
            length: LengthForm::Defined,
        };
        let before: Items = vec![item()].into();
        let mut after = before.clone();
        assert!(after.is_same(&before));
        after.push(item());
        assert_eq!(
            (before.len(), after.len(), after.is_same(&before)),
            (1, 2, false)
        );
        assert_eq!(before, std::iter::once(item()).collect());
    }
}
