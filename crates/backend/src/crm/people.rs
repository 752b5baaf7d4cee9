//! Who has to do with an email.

use std::collections::HashSet;

use answerback_reply::{Kind, Relation, TrackedSend};

use crate::event::Log;

/// Somebody in a CRM.
pub trait Known {
    /// Their record's id.
    fn id(&self) -> &str;
    /// Their address, in lower case.
    fn address(&self) -> &str;
}

/// What somebody has to do with an email.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its author.
    From,
    /// A recipient.
    To,
    /// Copied.
    Cc,
}

/// Somebody who is to be related to an email.
#[derive(Clone, Debug, PartialEq)]
pub struct Party<'a, P> {
    /// As what.
    pub role: Role,
    /// The address in the email.
    pub address: String,
    /// Who.
    pub person: &'a P,
}

/// Who is to be related to a logged email. Its author's record; where there is none, the prospect's: an answer from another address is
/// theirs, and anybody else's belongs to their conversation. Then whoever else in To and CC is known.
pub fn parties<'a, P: Known>(
    of_address: impl Fn(&str) -> Option<&'a P>,
    prospect: Option<&'a P>,
    log: &Log,
) -> Vec<Party<'a, P>> {
    let author = log.reply.from.clone().unwrap_or_default();
    let about_prospect = matches!(log.kind, Kind::Bounce | Kind::Delay)
        || matches!(log.relation, Some(Relation::Prospect | Relation::SamePersonOtherAddress));
    let mut parties: Vec<Party<'a, P>> = Vec::new();
    let mut add = |role, address: &str, person: &'a P| {
        if parties.iter().all(|party| party.person.id() != person.id()) {
            parties.push(Party { role, address: address.to_owned(), person });
        }
    };
    match (of_address(&author), prospect) {
        (Some(person), _) => add(Role::From, &author, person),
        (None, Some(person)) if about_prospect || log.relation.is_none() => add(Role::From, &author, person),
        _ => {}
    }
    for (role, addresses) in [(Role::To, &log.reply.to), (Role::Cc, &log.reply.cc)] {
        for address in addresses {
            if let Some(person) = of_address(address) {
                add(role, address, person);
            }
        }
    }
    if let (true, Some(person)) = (parties.is_empty(), prospect) {
        parties.push(Party { role: Role::Cc, address: person.address().to_owned(), person });
    }
    parties
}

/// The addresses to look for, in lower case: the prospect's first, then these others, and never the rep's own.
pub fn addresses<'a>(send: Option<&TrackedSend>, others: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut addresses: Vec<String> = prospect_address(send).into_iter().collect();
    let rep = send.and_then(|send| send.from.as_deref()).map(str::to_lowercase);
    addresses.extend(others.into_iter().map(str::to_lowercase));
    addresses.retain(|address| address.contains('@') && Some(address) != rep.as_ref());
    let mut seen = HashSet::new();
    addresses.retain(|address| seen.insert(address.clone()));
    // A query is limited in length, and nobody reads a hundred relations.
    addresses.truncate(50);
    addresses
}

/// Everybody in an email.
pub fn in_email(log: &Log) -> impl Iterator<Item = &str> {
    let reply = &log.reply;
    reply.from.iter().chain(&reply.to).chain(&reply.cc).map(String::as_str)
}

/// The address that a send went to.
pub fn prospect_address(send: Option<&TrackedSend>) -> Option<String> {
    let send = send?;
    let known = send.prospect.as_ref().and_then(|prospect| prospect.email.as_ref());
    known.or(send.to.first()).map(|address| address.trim().to_lowercase())
}

/// First and last name of a message's author, for a record of somebody who has none.
pub fn name(log: &Log, send: Option<&TrackedSend>) -> Option<(Option<String>, String)> {
    let (local, _) = log.reply.from.as_deref()?.rsplit_once('@')?;
    let known = send.and_then(|send| send.prospect.as_ref()).and_then(|prospect| prospect.name.as_deref());
    let name = log.reply.from_name.as_deref().or(known).unwrap_or(local).trim();
    let (first, last) = name.rsplit_once(' ').map_or((None, name), |(first, last)| (Some(first), last));
    let last = if last.is_empty() { local } else { last };
    Some((first.map(|first| first.trim().to_owned()), last.to_owned()))
}
