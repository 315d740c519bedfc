//! Whether what clients saw of a thing at the same time can be told as one after the other (Wing and Gong's search, with
//! Lowe's memory of what was already tried).

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// How a thing behaves when it is asked one by one.
pub trait Model {
    /// What it is like.
    type State: Clone + Eq + Hash + Debug;
    /// What was asked, and what the answer was.
    type Op: Debug;

    /// The states that it may be in afterwards; none if such an answer is impossible in `state`.
    fn after(&self, state: &Self::State, op: &Self::Op) -> Vec<Self::State>;
}

/// One question and its answer, with the moments between which it took place.
#[derive(Debug, Clone)]
pub struct Event<Op> {
    pub op: Op,
    pub asked: u64,
    /// `None` where the answer is not known: it may take effect at any time, or never.
    pub answered: Option<u64>,
}

/// Where the search stands: what has been put in order, how far it is complete, and the state after it.
struct Node<State> {
    done: Vec<u64>,
    /// All events before this one are in order.
    first: usize,
    /// Events with an answer that are not in order yet.
    left: usize,
    state: State,
}

/// Looks for an order of all events that the model allows and in which nothing comes before what had ended when it was
/// asked.
pub fn is_linearizable<M: Model>(model: &M, begin: M::State, history: &[Event<M::Op>]) -> bool {
    let mut events: Vec<&Event<M::Op>> = history.iter().collect();
    events.sort_by_key(|event| event.asked);
    let left = events.iter().filter(|event| event.answered.is_some()).count();
    let mut seen = HashSet::new();
    let mut open = vec![Node { done: vec![0; events.len().div_ceil(64)], first: 0, left, state: begin }];
    while let Some(node) = open.pop() {
        if node.left == 0 {
            return true;
        }
        for next in candidates(&events, &node) {
            for state in model.after(&node.state, &events[next].op) {
                let step = take(&events, &node, next, state);
                if seen.insert((step.done.clone(), step.state.clone())) {
                    open.push(step);
                }
            }
        }
    }
    false
}

fn is_done(done: &[u64], index: usize) -> bool {
    done[index / 64] >> (index % 64) & 1 == 1
}

/// The events that may come next: asked before any of those that are left had ended.
fn candidates<Op>(events: &[&Event<Op>], node: &Node<impl Clone>) -> Vec<usize> {
    let mut ends = u64::MAX;
    let mut found = Vec::new();
    for (index, event) in events.iter().enumerate().skip(node.first) {
        if event.asked > ends {
            break;
        }
        if !is_done(&node.done, index) {
            ends = ends.min(event.answered.unwrap_or(u64::MAX));
            found.push(index);
        }
    }
    found.retain(|&index| events[index].asked <= ends);
    found
}

fn take<Op, State: Clone>(
    events: &[&Event<Op>],
    node: &Node<State>,
    next: usize,
    state: State,
) -> Node<State> {
    let mut done = node.done.clone();
    done[next / 64] |= 1 << (next % 64);
    let mut first = node.first;
    while first < events.len() && is_done(&done, first) {
        first += 1;
    }
    Node { done, first, left: node.left - usize::from(events[next].answered.is_some()), state }
}

mod tests {
    use super::*;

    /// A register that can be set where it holds what one expects.
    struct Register;

    #[derive(Debug, Clone, Copy)]
    enum Op {
        Set(u8),
        Get(u8),
        Swap { from: u8, to: u8, done: bool },
    }

    impl Model for Register {
        type State = u8;
        type Op = Op;

        fn after(&self, state: &u8, op: &Op) -> Vec<u8> {
            match *op {
                Op::Set(value) => vec![value],
                Op::Get(value) => Vec::from_iter((value == *state).then_some(value)),
                Op::Swap { from, to, done: true } => Vec::from_iter((from == *state).then_some(to)),
                Op::Swap { from, done: false, .. } => Vec::from_iter((from != *state).then_some(*state)),
            }
        }
    }

    fn judged(history: &[(Op, u64, u64)]) -> bool {
        let event = |&(op, asked, answered): &(Op, u64, u64)| Event { op, asked, answered: Some(answered) };
        is_linearizable(&Register, 0, &history.iter().map(event).collect::<Vec<_>>())
    }

    #[test]
    fn what_one_client_does_is_in_order() {
        assert!(judged(&[(Op::Get(0), 0, 1), (Op::Set(1), 2, 3), (Op::Get(1), 4, 5)]));
        assert!(!judged(&[(Op::Set(1), 0, 1), (Op::Get(0), 2, 3)]), "a stale read");
        assert!(!judged(&[(Op::Get(1), 0, 1), (Op::Set(1), 2, 3)]), "a read of the future");
    }

    #[test]
    fn what_overlaps_may_be_in_either_order_and_is_so_for_all() {
        let write = (Op::Set(1), 0, 9);
        assert!(judged(&[write, (Op::Get(0), 1, 2), (Op::Get(1), 3, 4)]));
        assert!(judged(&[write, (Op::Get(0), 1, 8), (Op::Get(1), 2, 3)]));
        assert!(!judged(&[write, (Op::Get(1), 1, 2), (Op::Get(0), 3, 4)]), "a value that goes back");
        let writes = [(Op::Set(1), 0, 9), (Op::Set(2), 0, 9)];
        let seen = |values: [u8; 4]| -> Vec<(Op, u64, u64)> {
            let reads = values.iter().zip([1, 3, 1, 3]).map(|(&value, at)| (Op::Get(value), at, at + 1));
            writes.into_iter().chain(reads).collect()
        };
        assert!(judged(&seen([1, 2, 1, 2])));
        assert!(!judged(&seen([1, 2, 2, 1])), "two readers see two orders");
    }

    #[test]
    fn of_two_swaps_from_one_value_one_is_done() {
        let swap = |to, done| (Op::Swap { from: 0, to, done }, 0, 9);
        assert!(judged(&[swap(1, true), swap(2, false), (Op::Get(1), 10, 11)]));
        assert!(!judged(&[swap(1, true), swap(2, true)]), "two winners");
        assert!(!judged(&[swap(1, false), swap(2, false)]), "no winner, and no reason");
        assert!(!judged(&[swap(1, true), swap(2, false), (Op::Get(0), 10, 11)]), "a lost update");
        assert!(!judged(&[swap(1, false), (Op::Get(1), 10, 11)]), "a refusal that took effect");
    }

    #[test]
    fn what_was_not_answered_may_have_happened_or_not() {
        let lost = Event { op: Op::Set(1), asked: 0, answered: None };
        let read = |value, asked| Event { op: Op::Get(value), asked, answered: Some(asked + 1) };
        assert!(is_linearizable(&Register, 0, &[lost.clone(), read(0, 5), read(0, 7)]));
        assert!(is_linearizable(&Register, 0, &[lost.clone(), read(0, 5), read(1, 7)]));
        assert!(!is_linearizable(&Register, 0, &[lost, read(1, 5), read(0, 7)]), "it happens once");
    }

    #[test]
    fn long_histories_of_many_clients_are_judged() {
        // Eight at a time, then eight who see the value of the same one of them.
        let round =
            |round: u64| (0..8).map(move |n| (Op::Set((round * 8 + n) as u8), round * 20, round * 20 + 9));
        let reads = |round: u64| {
            (0..8).map(move |_| (Op::Get((round * 8 + 3) as u8), round * 20 + 10, round * 20 + 11))
        };
        let good: Vec<(Op, u64, u64)> = (0..30).flat_map(|n| round(n).chain(reads(n))).collect();
        assert!(judged(&good));
        let mut bad = good;
        bad.push((Op::Get(29 * 8 + 4), 1000, 1001));
        assert!(!judged(&bad), "another value than all saw before");
    }
}
