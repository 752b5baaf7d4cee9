//! Whether a mail system, not a person, sent a message.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::{
    kind::classify::Reason,
    message::{Field, Message},
};

/// Local parts that mail systems write from.
const DAEMONS: &[&str] = &[
    "mailer-daemon",
    "mailerdaemon",
    "mailer_daemon",
    "mail-daemon",
    "maildaemon",
    "mail_daemon",
    "mdaemon",
    "postmaster",
    "post_master",
    "mailer",
    "mail-delivery-subsystem",
    "mail-system",
    "mailsystem",
    "no-reply-mailer-daemon",
    "bounce",
    "bounces",
    "dsn",
    "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e",
];

/// Display names that mail systems write under, in lower case.
const NAMES: &[&str] = &[
    "mail delivery system",
    "mail delivery subsystem",
    "mail delivery service",
    "mailer-daemon",
    "mail administrator",
    "system administrator",
    "internet mail delivery",
    "mail system",
    "delivery subsystem",
    "microsoft exchange",
    "microsoft outlook",
    "amazonses.com",
    "postmaster",
    "mail deliver system",
    "mail transfer system",
    "interscan",
];

static NAME_FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(NAMES).ok());

/// How sure it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The address, the name or a field that only mail systems write says so.
    MailSystem(Reason),
    /// Only the null return path or an automatic sign says so.
    Automatic,
    /// Nothing says so.
    Unknown,
}

/// Who sent it, from the header.
pub(super) fn of(message: &Message) -> Origin {
    for field in [Field::FailedRecipients, Field::ExchangeIsNdr] {
        if let Some(value) = message.sign(field) {
            return Origin::MailSystem(Reason::header(field, value));
        }
    }
    if message
        .sign(Field::ContentClass)
        .is_some_and(|class| class.to_ascii_lowercase().contains("content-classes:dsn"))
    {
        return Origin::MailSystem(Reason::header(Field::ContentClass, "dsn"));
    }
    let from = message.from.as_deref().unwrap_or_default();
    let local = from.rsplit_once('@').map_or(from, |(local, _)| local);
    let local = local.split('+').next().unwrap_or_default();
    let name = message.from_name.as_deref().unwrap_or_default();
    let is_name = || NAME_FINDER.as_ref().is_some_and(|finder| finder.is_match(name));
    if DAEMONS.contains(&local) || is_name() {
        return Origin::MailSystem(Reason::sender(message));
    }
    if message.return_path.as_deref() == Some("")
        || message.sign(Field::AutoSubmitted).is_some_and(|value| value.trim() != "no")
    {
        return Origin::Automatic;
    }
    // A report that lost its author on the way, and mail systems that write from nobody.
    if from.is_empty() && name.is_empty() {
        return Origin::Automatic;
    }
    Origin::Unknown
}
