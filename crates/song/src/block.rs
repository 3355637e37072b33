//! How a file is cut into blocks, and what a block list says about an upload.

use base64::{Engine, engine::general_purpose::STANDARD};
use segue_ports::blob::BlockList;
use std::collections::BTreeSet;

/// Azure's limit of blocks in one blob.
const MOST_BLOCKS: u64 = 50_000;
/// Ranges of missing blocks that an error names.
const MOST_RANGES: usize = 20;

/// The blocks of one file: all of `block_size` bytes but the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockPlan {
    pub size: u64,
    pub block_size: u64,
}

/// Which of our blocks are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Blocks of ours with the right size.
    pub received: BTreeSet<u32>,
    pub received_bytes: u64,
    /// Bytes of all uncommitted blocks, whoever named them.
    pub stored_bytes: u64,
}

impl BlockPlan {
    /// The block size for a new upload: `wanted`, or what keeps the count within Azure's limit.
    pub(crate) fn new(size: u64, wanted: u64) -> Self {
        let least = size.div_ceil(MOST_BLOCKS);
        let block_size = if least <= wanted { wanted } else { least.next_multiple_of(1 << 20) };
        Self { size, block_size }
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.size.div_ceil(self.block_size)).unwrap_or(u32::MAX)
    }

    /// Bytes of block `i`; `None` behind the end.
    pub(crate) fn len(&self, i: u32) -> Option<u64> {
        let start = u64::from(i).checked_mul(self.block_size).filter(|start| *start < self.size)?;
        Some(self.block_size.min(self.size - start))
    }

    /// Ids of all blocks, in order.
    pub(crate) fn ids(&self) -> Vec<String> {
        (0..self.count()).map(id).collect()
    }

    /// Reads a block list. A block of ours with another size counts as missing.
    pub(crate) fn progress(&self, list: &BlockList) -> Progress {
        let ours = |b: &segue_ports::blob::Block| number(&b.id).filter(|i| self.len(*i) == Some(b.size));
        let received: BTreeSet<u32> = list.uncommitted.iter().filter_map(ours).collect();
        Progress {
            received_bytes: received.iter().filter_map(|i| self.len(*i)).sum(),
            stored_bytes: list.uncommitted.iter().fold(0, |sum, b| sum.saturating_add(b.size)),
            received,
        }
    }
}

impl Progress {
    /// The missing block numbers of `plan` as text ("3-7,9", cut after some ranges), and how many they are.
    pub(crate) fn missing(&self, plan: &BlockPlan) -> (String, u32) {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut cut = false;
        let mut next = 0;
        for received in self.received.iter().copied().chain([plan.count()]) {
            if next < received {
                match ranges.len() < MOST_RANGES {
                    true => ranges.push((next, received - 1)),
                    false => cut = true,
                }
            }
            next = received.saturating_add(1);
        }
        let range = |(a, b): &(u32, u32)| if a == b { a.to_string() } else { format!("{a}-{b}") };
        let mut text = ranges.iter().map(range).collect::<Vec<_>>().join(",");
        if cut {
            text.push_str(",…");
        }
        let received = u32::try_from(self.received.len()).unwrap_or(u32::MAX);
        (text, plan.count().saturating_sub(received))
    }
}

/// The id of block `i`: base64 of eight decimal digits, since all ids of a blob must have one length.
pub(crate) fn id(i: u32) -> String {
    STANDARD.encode(format!("{i:08}"))
}

fn number(id: &str) -> Option<u32> {
    let digits: [u8; 8] = STANDARD.decode(id).ok()?.try_into().ok()?;
    let good = digits.iter().all(u8::is_ascii_digit);
    good.then(|| digits.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_ports::blob::Block;

    fn list(blocks: &[(u32, u64)]) -> BlockList {
        let uncommitted = blocks.iter().map(|(i, size)| Block { id: id(*i), size: *size }).collect();
        BlockList { uncommitted, committed: None }
    }

    #[test]
    fn no_file_has_more_than_50_000_blocks() {
        let plan = BlockPlan::new(5 << 40, 8 << 20);
        assert!(plan.count() <= 50_000 && plan.block_size > 8 << 20, "{plan:?}");
        assert_eq!(BlockPlan::new(1, 8 << 20).count(), 1);
        assert_eq!(BlockPlan::new(8 << 20, 8 << 20).count(), 1);
        assert_eq!(BlockPlan::new((8 << 20) + 1, 8 << 20).count(), 2);
        assert_eq!(BlockPlan::new(4 << 30, 8 << 20).count(), 512);
    }

    #[test]
    fn only_blocks_of_ours_with_the_right_size_count() {
        let plan = BlockPlan { size: 25, block_size: 10 };
        let mut stored = list(&[(2, 5), (0, 10), (1, 9), (3, 10)]);
        stored.uncommitted.push(Block { id: "Zm9yZWlnbg==".into(), size: 10 });
        stored.uncommitted.push(Block { id: "not base64".into(), size: 1 });
        let progress = plan.progress(&stored);
        assert_eq!(progress.received, BTreeSet::from([0, 2]));
        assert_eq!((progress.received_bytes, progress.stored_bytes), (15, 45));
        assert_eq!(progress.missing(&plan), ("1".into(), 1));
    }

    #[test]
    fn missing_blocks_are_named_as_ranges_and_the_text_is_bounded() {
        let plan = BlockPlan { size: 100, block_size: 10 };
        assert_eq!(plan.progress(&list(&[])).missing(&plan), ("0-9".into(), 10));
        assert_eq!(plan.progress(&list(&[(0, 10), (8, 10)])).missing(&plan), ("1-7,9".into(), 8));
        let plan = BlockPlan { size: 100_000, block_size: 1 };
        let every_other: Vec<_> = (0..100_000).step_by(2).map(|i| (i, 1)).collect();
        let (text, count) = plan.progress(&list(&every_other)).missing(&plan);
        assert!(text.len() < 200 && text.ends_with(",…"), "{text}");
        assert_eq!(count, 50_000);
    }
}
