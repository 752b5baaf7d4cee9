//! What is shown of the backend connection, from what feed and delivery meet.

use jiff::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::event::AgentEvent;
use crate::view::{BackendState, Problem};

/// The backend has answered, and its clock is so far ahead of this computer's.
pub fn answered(context: &Context, clock_offset: Option<SignedDuration>, url: &str) {
    let mut first = false;
    context.update_backend(|live| {
        first = live.state != BackendState::Connected;
        live.state = BackendState::Connected;
        live.last_contact = Some(Timestamp::now());
        // An answer without a Date says nothing against this clock.
        live.clock_offset = Some(clock_offset.unwrap_or(SignedDuration::ZERO));
        live.problem = None;
    });
    if first {
        context.tell(AgentEvent::Connected { account: url.to_owned(), folders: None, security: None });
    }
}

/// It has not. Whether trying again by itself is of no use.
pub fn failed(context: &Context, url: &str, problem: Problem) -> bool {
    let give_up = problem.needs_somebody();
    let mut before = None;
    context.update_backend(|live| {
        live.state = if give_up { BackendState::NeedsAttention } else { BackendState::Offline };
        before = live.problem.replace(problem.clone());
    });
    context.tell_problem(url, before.as_ref(), &problem);
    give_up
}
