//! Which messages hang on an answer by their ids, wherever in the mailbox they stand.
//!
//! The `chain` rung asks whether a message answers one that was attributed. In an exported mailbox the parent may
//! come later in the file, so a first pass collects who answers whom, and what it finds is taught to the index before
//! anything is judged for good. Ids are kept as 64-bit digests, and those that no answer is known for yet only up to a
//! limit: memory stays bounded whatever the size of the mailbox.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use answerback_reply::{Message, MessageId, OwnCopy};

use crate::input::Position;

/// At most so many "answers to" pairs wait for their parent to turn out an answer: 64 MiB. Pairs whose parent came
/// earlier never wait.
const MAX_WAITING: usize = 4 * 1024 * 1024;

/// What the first pass learned of a message.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Where it is.
    pub at: Position,
    /// Its own id.
    pub id: Option<MessageId>,
    /// Digests of the ids that it answers and of the provider threads that it is in.
    pub parents: Vec<u64>,
    /// The send that it was attributed to by itself.
    pub send_id: Option<String>,
    /// Only the rep can say whether it is that send's: answers to it are not taken for answers to the send.
    pub is_asked: bool,
    /// It is the rep's own copy of a send, and this is what that teaches.
    pub copy: Option<OwnCopy>,
}

impl Seen {
    /// What `message` says of its place in a thread.
    pub fn new(at: Position, message: &Message, send_id: Option<String>, copy: Option<OwnCopy>) -> Self {
        let ids = message.in_reply_to.iter().chain(&message.references).map(id_digest);
        let parents = ids.chain(message.threads().map(thread_digest)).collect();
        Self { at, id: message.message_id.clone(), parents, send_id, is_asked: false, copy }
    }
}

/// What the index is to be taught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// A message that was attributed to this send.
    Chain(String, MessageId),
    /// The rep's own copy of a send.
    Copy(OwnCopy),
}

/// Collects, in the order of the input, who answers whom.
#[derive(Debug, Default)]
pub struct Threads {
    sends: Vec<String>,
    send_numbers: HashMap<String, u32>,
    /// Attributed messages by the digest of their id.
    belongs: HashMap<u64, u32>,
    /// The same in the order in which they were found.
    found: Vec<(u64, u32)>,
    lessons: Vec<Lesson>,
    answers: Vec<Position>,
    /// Parent's digest and the index of the message that answers it.
    waiting: Vec<(u64, u32)>,
    /// Messages that wait, with the digest of their own id.
    waiters: Vec<(Position, Option<u64>)>,
}

/// What hangs together.
#[derive(Debug, Default)]
pub struct Threaded {
    /// Every message that is attributed or answers one that is, in the order of the input.
    pub answers: Vec<Position>,
    /// What answers and own copies teach.
    pub lessons: Vec<Lesson>,
    /// Messages whose parent came after them, with their send; their ids are to be read again.
    pub late: Vec<(Position, String)>,
}

impl Threads {
    /// Notes one message.
    pub fn note(&mut self, seen: Seen) {
        let own = seen.id.as_ref().map(id_digest);
        let is_copy = seen.copy.is_some();
        if let Some(copy) = seen.copy {
            let send = self.send_number(&copy.send_id);
            let ids = copy.ids.iter().map(id_digest);
            for digest in ids.chain(copy.threads.iter().map(|thread| thread_digest(thread))) {
                self.belongs_to(digest, send);
            }
            self.lessons.push(Lesson::Copy(copy));
        }
        let send = match &seen.send_id {
            Some(id) => Some(self.send_number(id)),
            None => seen.parents.iter().find_map(|parent| self.belongs.get(parent).copied()),
        };
        if let Some(send) = send {
            self.answers.push(seen.at);
            if seen.is_asked {
                return;
            }
            if let (Some(own), Some(id), false) = (own, seen.id, is_copy) {
                self.belongs_to(own, send);
                self.lessons.push(Lesson::Chain(self.send_name(send), id));
            }
        } else if !seen.parents.is_empty() && self.waiting.len() < MAX_WAITING {
            let waiter = u32::try_from(self.waiters.len()).unwrap_or(u32::MAX);
            self.waiters.push((seen.at, own));
            self.waiting.extend(seen.parents.iter().map(|parent| (*parent, waiter)));
        }
    }

    fn belongs_to(&mut self, digest: u64, send: u32) {
        self.belongs.entry(digest).or_insert_with(|| {
            self.found.push((digest, send));
            send
        });
    }

    /// Follows the threads to their ends.
    pub fn finish(mut self) -> Threaded {
        self.waiting.sort_unstable();
        let mut is_late = vec![false; self.waiters.len()];
        let mut late = Vec::new();
        let mut next = 0;
        while let Some((parent, send)) = self.found.get(next).copied() {
            next += 1;
            let first = self.waiting.partition_point(|(digest, _)| *digest < parent);
            let children = self.waiting.iter().skip(first).take_while(|(digest, _)| *digest == parent);
            for (_, child) in children {
                let child = *child as usize;
                let (Some(is_late), Some((at, own))) = (is_late.get_mut(child), self.waiters.get(child))
                else {
                    continue;
                };
                if !std::mem::replace(is_late, true) {
                    late.push((*at, send));
                    self.found.extend(own.map(|own| (own, send)));
                }
            }
        }
        self.answers.extend(late.iter().map(|(at, _)| *at));
        self.answers.sort_unstable_by_key(|at| (at.file, at.offset));
        late.sort_unstable_by_key(|(at, _)| (at.file, at.offset));
        let late = late.into_iter().map(|(at, send)| (at, self.send_name(send))).collect();
        Threaded { answers: self.answers, lessons: self.lessons, late }
    }

    fn send_name(&self, number: u32) -> String {
        self.sends.get(number as usize).cloned().unwrap_or_default()
    }

    fn send_number(&mut self, id: &str) -> u32 {
        if let Some(number) = self.send_numbers.get(id) {
            return *number;
        }
        let number = u32::try_from(self.sends.len()).unwrap_or(u32::MAX);
        self.sends.push(id.to_owned());
        self.send_numbers.insert(id.to_owned(), number);
        number
    }
}

fn id_digest(id: &MessageId) -> u64 {
    digest(&("id", id.as_str()))
}

fn thread_digest(thread: &str) -> u64 {
    digest(&("thread", thread))
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(number: u64, id: &str, parents: &[&str], send: Option<&str>) -> Seen {
        let parents = parents.iter().map(|id| id_digest(&MessageId::new(id).unwrap())).collect();
        let at = Position { file: 0, length: 1, offset: number };
        let send_id = send.map(ToOwned::to_owned);
        Seen { at, id: MessageId::new(id), parents, send_id, is_asked: false, copy: None }
    }

    #[test]
    fn a_thread_is_found_whatever_the_order_of_its_messages() {
        let thread = [
            seen(0, "r1@x", &["s1@x"], Some("snd_1")),
            seen(1, "r2@x", &["r1@x"], None),
            seen(2, "r3@x", &["unknown@x", "r2@x"], None),
            seen(3, "", &["r3@x"], None),
            seen(4, "u1@x", &["elsewhere@x"], None),
            seen(5, "u2@x", &[], None),
        ];
        // Every order of the six.
        for shuffle in 0..720 {
            let (mut rest, mut order, mut code) = (thread.to_vec(), Vec::new(), shuffle);
            while !rest.is_empty() {
                order.push(rest.remove(code % rest.len()));
                code /= rest.len() + 1;
            }
            let mut threads = Threads::default();
            order.into_iter().for_each(|seen| threads.note(seen));
            let threaded = threads.finish();
            let answers: Vec<u64> = threaded.answers.iter().map(|at| at.offset).collect();
            assert_eq!(answers, [0, 1, 2, 3]);
            let known_in_time = threaded.lessons.iter().all(
                |lesson| matches!(lesson, Lesson::Chain(send, id) if send == "snd_1" && id.as_str().starts_with('r')),
            );
            assert!(known_in_time && threaded.late.iter().all(|(_, send)| send == "snd_1"));
        }
    }

    #[test]
    fn an_answer_that_comes_before_the_reps_own_copy_is_found() {
        let id = |id: &str| MessageId::new(id).unwrap();
        let copy = OwnCopy {
            send_id: "snd_1".into(),
            ids: vec![id("relay@x"), id("s1@x")],
            threads: vec!["gm:17".into()],
            text: None,
        };
        let mut threads = Threads::default();
        threads.note(seen(0, "r1@x", &["relay@x"], None));
        threads.note(Seen { parents: vec![thread_digest("gm:17")], ..seen(1, "r2@x", &[], None) });
        threads.note(seen(2, "u@x", &["gm:17"], None));
        threads.note(Seen { copy: Some(copy.clone()), ..seen(3, "relay@x", &[], None) });
        threads.note(seen(4, "r3@x", &["s1@x"], None));
        let threaded = threads.finish();
        assert_eq!(threaded.answers.iter().map(|at| at.offset).collect::<Vec<_>>(), [0, 1, 4]);
        assert_eq!(threaded.lessons, [Lesson::Copy(copy), Lesson::Chain("snd_1".into(), id("r3@x"))]);
    }

    #[test]
    fn what_only_the_rep_can_attribute_draws_nothing_after_it() {
        let mut threads = Threads::default();
        threads.note(Seen { is_asked: true, ..seen(0, "r1@x", &[], Some("snd_1")) });
        threads.note(seen(1, "r2@x", &["r1@x"], None));
        let threaded = threads.finish();
        assert_eq!(threaded.answers.iter().map(|at| at.offset).collect::<Vec<_>>(), [0]);
        assert_eq!(threaded.lessons, []);
    }

    #[test]
    fn messages_that_answer_each_other_in_a_circle_come_to_an_end() {
        let mut threads = Threads::default();
        threads.note(seen(0, "a@x", &["b@x"], None));
        threads.note(seen(1, "b@x", &["a@x", "c@x"], None));
        threads.note(seen(2, "c@x", &["c@x", "s@x"], Some("snd_1")));
        assert_eq!(threads.finish().answers.len(), 3);
    }
}
