//! Which studies stay together, and which shard gets them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The number of a group: that of a study, or of what is joined to one.
pub type GroupNumber = u32;

/// Groups of files that must not be divided, by the bytes that they hold.
#[derive(Debug, Default)]
pub struct Groups {
    /// The group that each one was joined to; its own number where it was not.
    joined: Vec<GroupNumber>,
    bytes: Vec<u64>,
}

impl Groups {
    /// A group more; none where there are 2^32 already.
    pub fn add(&mut self) -> Option<GroupNumber> {
        let number = GroupNumber::try_from(self.joined.len()).ok()?;
        self.joined.push(number);
        self.bytes.push(0);
        Some(number)
    }

    /// Adds to the bytes of a group.
    pub fn weigh(&mut self, group: GroupNumber, bytes: u64) {
        if let Some(all) = self.bytes.get_mut(group as usize) {
            *all = all.saturating_add(bytes);
        }
    }

    /// Keeps two groups together.
    pub fn join(&mut self, one: GroupNumber, other: GroupNumber) {
        let (one, other) = (self.root(one), self.root(other));
        // The first found stays, so that nothing depends on the order of joining.
        let (first, later) = (one.min(other), one.max(other));
        if let Some(joined) = self.joined.get_mut(later as usize) {
            *joined = first;
        }
    }

    fn root(&mut self, mut group: GroupNumber) -> GroupNumber {
        while let Some(above) = self
            .joined
            .get(group as usize)
            .copied()
            .filter(|above| *above != group)
        {
            let next = self
                .joined
                .get(above as usize)
                .copied()
                .unwrap_or(above);
            if let Some(joined) = self.joined.get_mut(group as usize) {
                *joined = next;
            }
            group = above;
        }
        group
    }

    /// The shard of each group, from 0: the largest first, each to the shard that has least.
    pub fn shards(mut self, count: u64) -> Vec<u64> {
        let numbers = 0..GroupNumber::try_from(self.joined.len()).unwrap_or(GroupNumber::MAX);
        let roots: Vec<_> = numbers
            .map(|group| self.root(group))
            .collect();
        let mut bytes = vec![0_u64; roots.len()];
        for (root, own) in roots.iter().zip(&self.bytes) {
            if let Some(all) = bytes.get_mut(*root as usize) {
                *all = all.saturating_add(*own);
            }
        }
        let mut largest: Vec<_> = roots
            .iter()
            .enumerate()
            .filter(|(at, root)| *at == **root as usize)
            .map(|(at, _)| at)
            .collect();
        largest.sort_by_key(|at| (Reverse(bytes.get(*at).copied()), *at));
        let mut least: BinaryHeap<_> = (0..count)
            .map(|shard| Reverse((0_u64, shard)))
            .collect();
        let mut shards = vec![0; roots.len()];
        for at in largest {
            let Some(Reverse((has, shard))) = least.pop() else {
                continue;
            };
            let own = bytes
                .get(at)
                .copied()
                .unwrap_or_default();
            if let Some(of) = shards.get_mut(at) {
                *of = shard;
            }
            least.push(Reverse((has.saturating_add(own), shard)));
        }
        roots
            .iter()
            .map(|root| {
                shards
                    .get(*root as usize)
                    .copied()
                    .unwrap_or_default()
            })
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn groups(bytes: &[u64]) -> Groups {
        let mut groups = Groups::default();
        for bytes in bytes {
            let group = groups.add().unwrap();
            groups.weigh(group, *bytes);
        }
        groups
    }

    #[test]
    fn shards_get_as_many_bytes() {
        let sizes: Vec<u64> = (1..=100).map(|n| n * n).collect();
        let shards = groups(&sizes).shards(8);
        let mut bytes = [0; 8];
        for (shard, size) in shards.iter().zip(&sizes) {
            bytes[usize::try_from(*shard).unwrap()] += size;
        }
        let (least, most) = (bytes.iter().min().unwrap(), bytes.iter().max().unwrap());
        assert!(most - least <= 2_500, "{bytes:?}");
        assert_eq!(groups(&[]).shards(3), Vec::<u64>::new());
        assert_eq!(groups(&[5, 5, 5]).shards(5), [0, 1, 2]);
    }

    #[test]
    fn what_is_joined_stays_together() {
        let mut of = groups(&[1, 1, 1, 1, 1]);
        of.join(3, 1);
        of.join(4, 3);
        of.join(1, 1);
        let shards = of.shards(5);
        assert_eq!((shards[1], shards[1]), (shards[3], shards[4]));
        assert!(shards[0] != shards[1] && shards[2] != shards[1] && shards[0] != shards[2]);
    }
}
