//! Who is at work: blobs that lost their last reference stay until those who may read them are done, and
//! shards that no row names until those who may be about to name them are.

use std::sync::{Arc, Mutex, PoisonError};

/// Held by everyone at work. Cloned for each, so the count of owners says how many are.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadGuard(Arc<()>);

/// Generations of workers. One belongs to the generation in which it began; a blob released before a
/// generation began cannot be read by it or later ones.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<ReadGuard>);

/// A generation that has ended; some of its workers may go on.
#[derive(Debug)]
pub struct EndedGeneration(ReadGuard);

impl Readers {
    /// Joins the present generation. Call before the metadata is read.
    pub(crate) fn enter(&self) -> ReadGuard {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the present generation.
    pub(crate) fn end_generation(&self) -> EndedGeneration {
        EndedGeneration(std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl EndedGeneration {
    /// Whether all its workers are done.
    pub fn is_done(&self) -> bool {
        Arc::strong_count(&self.0.0) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_generation_is_done_when_its_last_reader_is() {
        let readers = Readers::default();
        let reader = readers.enter();
        let ended = readers.end_generation();
        let later = readers.enter();
        assert!(!ended.is_done());
        drop(reader);
        assert!(ended.is_done(), "a later reader does not count");
        drop(later);
    }
}
