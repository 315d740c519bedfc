//! Who is reading: blobs that lost their last reference stay until those who may read them are done.

use std::sync::{Arc, Mutex, PoisonError};

/// Held by every open object. Cloned for each, so the count of owners says how many read.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadGuard(Arc<()>);

/// Generations of readers. A reader belongs to the generation in which it opened its object; a blob
/// released before a generation began cannot be read by it or later ones.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    generation: Mutex<ReadGuard>,
    /// Generations that ended while some of their readers went on.
    ended: Mutex<Vec<ReadGuard>>,
}

impl Readers {
    /// Joins the present generation. Call before the metadata is read.
    pub(crate) fn enter(&self) -> ReadGuard {
        self.generation.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the present generation.
    pub(crate) fn end_generation(&self) {
        let ended = std::mem::take(&mut *self.generation.lock().unwrap_or_else(PoisonError::into_inner));
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(ended);
    }

    /// Whether all readers of ended generations are done.
    pub(crate) fn ended_are_done(&self) -> bool {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|guard| Arc::strong_count(&guard.0) > 1);
        ended.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_generation_is_done_when_its_last_reader_is() {
        let readers = Readers::default();
        let reader = readers.enter();
        readers.end_generation();
        let later = readers.enter();
        assert!(!readers.ended_are_done());
        drop(reader);
        assert!(readers.ended_are_done(), "a later reader does not count");
        drop(later);
    }
}
