//! What is to go wrong, and what has been asked.

use std::sync::Mutex;

use super::lock;

/// Faults `F`, each for the requests whose text contains a part, and the requests `S` that were seen.
#[derive(Debug)]
pub(crate) struct Script<S, F> {
    once: Mutex<Vec<(String, F)>>,
    always: Mutex<Vec<(String, F)>>,
    seen: Mutex<Vec<S>>,
}

impl<S, F> Default for Script<S, F> {
    fn default() -> Self {
        Self { once: Mutex::default(), always: Mutex::default(), seen: Mutex::default() }
    }
}

impl<S: Clone, F: Clone> Script<S, F> {
    pub(crate) fn once(&self, part: &str, fault: F) {
        lock(&self.once).push((part.to_owned(), fault));
    }

    pub(crate) fn always(&self, part: &str, fault: F) {
        lock(&self.always).push((part.to_owned(), fault));
    }

    /// Nothing goes wrong any more. Gives the number of faults that were to come once and did not.
    pub(crate) fn clear(&self) -> usize {
        lock(&self.always).clear();
        std::mem::take(&mut *lock(&self.once)).len()
    }

    pub(crate) fn seen(&self) -> Vec<S> {
        lock(&self.seen).clone()
    }

    /// Notes a request and says what goes wrong with it.
    pub(crate) fn fault(&self, seen: S, text: &str) -> Option<F> {
        lock(&self.seen).push(seen);
        let mut once = lock(&self.once);
        if let Some(at) = once.iter().position(|(part, _)| text.contains(part.as_str())) {
            return Some(once.remove(at).1);
        }
        drop(once);
        let always = lock(&self.always);
        always.iter().find(|(part, _)| text.contains(part.as_str())).map(|(_, fault)| fault.clone())
    }
}
