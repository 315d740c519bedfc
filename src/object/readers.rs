//! Who is at work: blobs that lost their last reference stay until those who may read them are done, and
//! shards that no row names until those who may be about to name them are.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Held by everyone at work. Cloned for each, so the count of owners says whether there are any.
#[derive(Debug, Clone)]
pub(crate) struct ReadGuard {
    _counted: Arc<()>,
}

/// Generations of workers. One belongs to the generation in which it began; a blob released before a
/// generation began cannot be read by it or later ones.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    present: Arc<()>,
    /// Those that have ended and have workers yet.
    earlier: Vec<Weak<()>>,
}

/// Generations that have ended; some of their workers may go on.
#[derive(Debug)]
pub struct EndedGeneration(Vec<Weak<()>>);

impl Readers {
    fn generations(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the present generation. Call before the metadata is read.
    pub(crate) fn enter(&self) -> ReadGuard {
        ReadGuard { _counted: self.generations().present.clone() }
    }

    /// Ends the present generation. What is answered is done when everyone is who is at work now: those too whose
    /// generation was ended before, for another reason.
    pub(crate) fn end_generation(&self) -> EndedGeneration {
        let mut generations = self.generations();
        let ended = Arc::downgrade(&std::mem::take(&mut generations.present));
        generations.earlier.push(ended);
        generations.earlier.retain(has_workers);
        EndedGeneration(generations.earlier.clone())
    }
}

impl EndedGeneration {
    /// Whether all their workers are done.
    pub fn is_done(&self) -> bool {
        !self.0.iter().any(has_workers)
    }
}

fn has_workers(generation: &Weak<()>) -> bool {
    generation.strong_count() > 0
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

    #[test]
    fn who_ends_a_generation_waits_for_those_of_generations_that_others_ended() {
        let readers = Readers::default();
        let reader = readers.enter();
        let ended_for_orphans = readers.end_generation();
        let ended_for_garbage = readers.end_generation();
        assert!(!ended_for_orphans.is_done() && !ended_for_garbage.is_done());
        drop(reader);
        assert!(ended_for_orphans.is_done() && ended_for_garbage.is_done());
    }
}
