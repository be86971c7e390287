//! Where scans ended lately, so that the next page of each begins there.

use crate::segment::End;
use std::collections::BTreeMap;

/// Most points of the log that are remembered.
const MARKS_MAX: usize = 256;

/// Points of the log by position, each with how many were put before it.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    by_position: BTreeMap<u64, (u64, End)>,
    put: u64,
}

impl Marks {
    /// The nearest point at which at most `position` entries lie before.
    pub(crate) fn before(&self, position: u64) -> Option<End> {
        self.by_position.range(..=position).next_back().map(|(_, (_, mark))| *mark)
    }

    /// Remembers a point; forgets the one that was put longest ago beyond [`MARKS_MAX`], wherever it lies: a scan from
    /// the front needs its own behind one that has come to the end.
    pub(crate) fn put(&mut self, mark: End) {
        self.put = self.put.saturating_add(1);
        self.by_position.insert(mark.position, (self.put, mark));
        if MARKS_MAX < self.by_position.len() {
            let oldest = self.by_position.iter().min_by_key(|(_, (put, _))| *put);
            if let Some(oldest) = oldest.map(|(position, _)| *position) {
                self.by_position.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::hash::Digest;

    fn mark(position: u64) -> End {
        End { position, head: Digest::ZERO, segment: 1, offset: position }
    }

    #[test]
    fn a_scan_from_the_front_finds_its_marks_behind_one_that_came_to_the_end() {
        let mut marks = Marks::default();
        (1..=1_000).for_each(|page| marks.put(mark(page * 256)));
        assert_eq!(marks.before(256), None, "that was long ago");
        for page in 1..=300 {
            marks.put(mark(page * 256));
            assert_eq!(marks.before(page * 256).map(|found| found.position), Some(page * 256));
        }
        assert_eq!(marks.by_position.len(), MARKS_MAX);
    }
}
