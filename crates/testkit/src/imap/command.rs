//! Commands and their answers.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use imap_codec::CommandCodec;
use imap_codec::decode::Decoder as _;
use imap_types::command::{Command, CommandBody, FetchModifier, SelectParameter};
use imap_types::extensions::binary::LiteralOrLiteral8;
use imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName};
use imap_types::flag::{Flag, StoreResponse, StoreType};
use imap_types::mailbox::{ListMailbox, Mailbox};
use imap_types::search::SearchKey;
use imap_types::sequence::SequenceSet;
use jiff::Timestamp;

use super::fetch::{IdItem, Wanted, flags_changed};
use super::folder_name;
use super::list::{self, ListCommand};
use super::script::Reply;
use super::search::{self, Candidate};
use super::selected::Selected;
use super::sequence::Ranges;
use super::session::Session;

/// Untagged data, and whether the connection ends with it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) bytes: Vec<u8>,
    pub(super) close: bool,
}

/// A tagged `OK`: an optional response code in brackets, then text.
type Done = String;

/// The tag, the command's name in upper case (with its UID), and the whole line without the tag.
pub(super) fn outline(bytes: &[u8]) -> (String, String, String) {
    let text = String::from_utf8_lossy(bytes.trim_ascii_end());
    let (tag, line) = text.split_once(' ').unwrap_or((&text, ""));
    let mut words = line.split_ascii_whitespace().map(str::to_ascii_uppercase);
    let mut name = words.next().unwrap_or_default();
    if name == "UID" {
        name = format!("UID {}", words.next().unwrap_or_default());
    }
    (tag.to_owned(), name, line.to_owned())
}

/// Nothing but a tagged line.
pub(super) fn tagged(tag: &str, status: &str) -> Reply {
    Reply { tagged: format!("{tag} {status}\r\n").into_bytes(), ..Reply::default() }
}

/// LOGIN or AUTHENTICATE with what it gave.
pub(super) fn sign_in(session: &mut Session, tag: &str, user: &str, password: &str) -> Reply {
    if session.user.is_some() {
        return tagged(tag, "BAD already signed in");
    }
    if !session.shared.accepts(user, password) {
        return tagged(tag, "NO [AUTHENTICATIONFAILED] Invalid credentials");
    }
    session.user = Some(user.to_owned());
    session.identified = false;
    tag.clone_into(&mut session.signed_in_by);
    #[cfg(unix)]
    if session.shared.hand_over.is_some() {
        // Whoever takes over answers it.
        return Reply::default();
    }
    if session.shared.profile.capability_in_login {
        tagged(tag, &format!("OK [CAPABILITY {}] signed in", session.capabilities()))
    } else {
        tagged(tag, "OK signed in")
    }
}

/// Carries a command out and answers it.
pub(super) fn reply(session: &mut Session, tag: &str, name: &str, bytes: &[u8]) -> Reply {
    let (bytes, ids) = without_id_items(session, name, bytes);
    let body = match CommandCodec::new().decode(&bytes) {
        Err(_) if name == "LIST" && session.shared.profile.offers("LIST-EXTENDED") => {
            return extended_list(session, tag, &bytes);
        }
        Ok((_, Command { body: CommandBody::Idle | CommandBody::StartTLS, .. })) | Err(_) => {
            return tagged(tag, "BAD that is not a command here");
        }
        Ok((_, Command { body, .. })) => body,
    };
    if let CommandBody::Login { username, password } = &body {
        let user = String::from_utf8_lossy(username.as_ref()).into_owned();
        let password = String::from_utf8_lossy(password.declassify().as_ref()).into_owned();
        return sign_in(session, tag, &user, &password);
    }
    if matches!(body, CommandBody::Logout) {
        let untagged = b"* BYE good-bye\r\n".to_vec();
        return Reply { untagged, close: true, ..tagged(tag, "OK done") };
    }
    // EXPUNGE must not be told while sequence numbers are in use (RFC 3501 §7.4.1).
    let numbers_in_use = matches!(name, "FETCH" | "STORE" | "SEARCH");
    let mut untagged = Vec::new();
    let outcome = carry_out(session, body, ids, &mut untagged);
    let progress = match session.sync(!numbers_in_use) {
        Ok(progress) => progress,
        Err(error) => return tagged(tag, &format!("NO [SERVERBUG] {error:#}")),
    };
    untagged.extend(progress.bytes);
    let mut reply = match outcome {
        Ok(done) => tagged(tag, &format!("OK {done}")),
        Err(error) => tagged(tag, &format!("NO {error:#}")),
    };
    if progress.close {
        reply.tagged.clear();
    }
    Reply { untagged, close: progress.close, ..reply }
}

fn carry_out(
    session: &mut Session,
    body: CommandBody<'_>,
    ids: Vec<IdItem>,
    out: &mut Vec<u8>,
) -> Result<Done> {
    match body {
        CommandBody::Capability => {
            line(out, &format!("CAPABILITY {}", session.capabilities()));
            return done("those");
        }
        CommandBody::Noop | CommandBody::Check => return done("here"),
        CommandBody::Id { .. } => {
            session.identified = session.user.is_some();
            line(out, "ID (\"name\" \"answerback-testkit\")");
            return done("pleased to meet you");
        }
        _ => {}
    }
    let user = session.user.clone().context("Sign in first")?;
    let shared = session.shared.clone();
    match body {
        CommandBody::Select { mailbox, parameters } => open(session, &mailbox, &parameters, false, out),
        CommandBody::Examine { mailbox, parameters } => open(session, &mailbox, &parameters, true, out),
        CommandBody::Close => {
            let selected = session.selected.take().context("No folder is open")?;
            if !selected.read_only {
                shared.change(&user, |mailboxes| {
                    if let Some(folder) = mailboxes.folders.get_mut(&selected.name) {
                        folder.messages.retain(|_, message| !message.flags.contains("\\Deleted"));
                    }
                });
            }
            done("closed")
        }
        CommandBody::Unselect => {
            session.selected.take().context("No folder is open")?;
            done("closed")
        }
        CommandBody::Namespace => {
            line(out, "NAMESPACE ((\"\" \"/\")) NIL NIL");
            done("those")
        }
        CommandBody::Enable { capabilities } => {
            let known = shared.profile.offers("CONDSTORE")
                && capabilities.as_ref().iter().any(|name| name.to_string() == "CONDSTORE");
            session.condstore |= known;
            line(out, if known { "ENABLED CONDSTORE" } else { "ENABLED" });
            done("enabled")
        }
        CommandBody::List { reference, mailbox_wildcard } => {
            let pattern = match &mailbox_wildcard {
                ListMailbox::Token(token) => String::from_utf8_lossy(token.as_ref()).into_owned(),
                ListMailbox::String(string) => String::from_utf8_lossy(string.as_ref()).into_owned(),
            };
            if pattern.is_empty() {
                line(out, "LIST (\\Noselect) \"/\" \"\"");
                return done("that");
            }
            let reference = wire_name(&reference);
            let command = ListCommand { reference, patterns: vec![pattern], ..ListCommand::default() };
            out.extend(
                shared.read(&user, Ok(Vec::new()), |mailboxes| command.answer(mailboxes, &shared.profile))?,
            );
            done("those")
        }
        CommandBody::Status { mailbox, item_names } => {
            let name = name(&mailbox)?;
            let status = shared.read(&user, Ok(None), |mailboxes| {
                let folder = mailboxes.folders.get(&name).filter(|folder| folder.selectable);
                folder.map(|folder| list::status(&name, folder, &item_names, &shared.profile)).transpose()
            })?;
            out.extend(status.context("[NONEXISTENT] No such folder")?);
            done("that")
        }
        CommandBody::Create { mailbox } => {
            let name = name(&mailbox)?;
            shared.change(&user, |mailboxes| {
                mailboxes.create(name.trim_end_matches('/'), None);
            });
            done("created")
        }
        CommandBody::Delete { mailbox } => {
            let name = name(&mailbox)?;
            let gone = shared.change(&user, |mailboxes| mailboxes.folders.remove(&name));
            gone.context("[NONEXISTENT] No such folder")?;
            done("deleted")
        }
        CommandBody::Copy { sequence_set, mailbox, uid } => {
            let to = name(&mailbox)?;
            let selected = session.selected.as_ref().context("No folder is open")?;
            let chosen = chosen(selected, &sequence_set, uid).collect::<Vec<_>>();
            shared.change(&user, |mailboxes| {
                let from = mailboxes.folders.get(&selected.name).context("The folder has gone")?;
                let copies = chosen.iter().filter_map(|(_, uid)| from.messages.get(uid).cloned());
                let copies = copies.collect::<Vec<_>>();
                let to = mailboxes.folders.get_mut(&to).context("[TRYCREATE] No such folder")?;
                for copy in copies {
                    to.append(copy);
                }
                done("copied")
            })
        }
        CommandBody::Append { mailbox, flags, date, message } => {
            let name = name(&mailbox)?;
            let raw = match &message {
                LiteralOrLiteral8::Literal(literal) => literal.as_ref(),
                LiteralOrLiteral8::Literal8(literal) => literal.data.as_ref(),
            };
            let flags = flags.iter().map(ToString::to_string).collect::<Vec<_>>();
            let flags = flags.iter().map(String::as_str).collect::<Vec<_>>();
            let received_at = match date {
                Some(date) => Timestamp::from_second(date.as_ref().timestamp())?,
                None => Timestamp::now(),
            };
            let appended = shared.change(&user, |mailboxes| {
                let message = mailboxes.message(raw, &flags, received_at);
                let folder = mailboxes.folders.get_mut(&name)?;
                Some((folder.uid_validity, folder.append(message)))
            });
            let (uid_validity, uid) = appended.context("[TRYCREATE] No such folder")?;
            Ok(format!("[APPENDUID {uid_validity} {uid}] appended"))
        }
        CommandBody::Search { criteria, uid, .. } => {
            let key = SearchKey::And(criteria);
            let found = on_selected(session, &user, |selected, folder| {
                let mut found = Vec::new();
                for (seq, number) in selected.numbered() {
                    let Some(message) = folder.messages.get(&number) else { continue };
                    let (last_seq, last_uid) = (selected.last_seq(), selected.last_uid());
                    if search::matches(&key, &Candidate { seq, uid: number, last_seq, last_uid, message })? {
                        found.push(if uid { number } else { seq });
                    }
                }
                Ok(found)
            })?;
            let numbers = found.iter().map(|number| format!(" {number}")).collect::<String>();
            let blank = if shared.profile.trailing_blanks { " " } else { "" };
            line(out, &format!("SEARCH{numbers}{blank}"));
            done("those")
        }
        CommandBody::Fetch { sequence_set, macro_or_item_names, uid, modifiers } => {
            fetch(session, &user, &sequence_set, macro_or_item_names, ids, uid, &modifiers, out)
        }
        CommandBody::Store { sequence_set, kind, response, flags, uid, .. } => {
            let silent = response == StoreResponse::Silent;
            store(session, &user, &sequence_set, &kind, &flags, uid, silent, out)
        }
        CommandBody::Expunge => expunge(session, &user, None),
        CommandBody::ExpungeUid { sequence_set } => expunge(session, &user, Some(&sequence_set)),
        other => bail!("[CANNOT] This server has no {}", other.name()),
    }
}

fn open(
    session: &mut Session,
    mailbox: &Mailbox<'_>,
    parameters: &[SelectParameter],
    read_only: bool,
    out: &mut Vec<u8>,
) -> Result<Done> {
    let shared = session.shared.clone();
    session.selected = None;
    if shared.profile.id_before_select && !session.identified {
        bail!("SELECT Unsafe Login. Please contact kefu@188.com for help");
    }
    let name = name(mailbox)?;
    let user = session.user.clone().context("Sign in first")?;
    session.condstore |= parameters.iter().any(|parameter| matches!(parameter, SelectParameter::CondStore));
    let selected = shared.read(&user, None, |mailboxes| {
        let folder = mailboxes.folders.get(&name).filter(|folder| folder.selectable)?;
        line(out, "FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)");
        let permanent = if read_only { "()" } else { "(\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)" };
        line(out, &format!("OK [PERMANENTFLAGS {permanent}] may change"));
        line(out, &format!("{} EXISTS", folder.messages.len()));
        line(out, "0 RECENT");
        line(out, &format!("OK [UIDVALIDITY {}] UIDs are valid", folder.uid_validity));
        if shared.profile.uid_next {
            line(out, &format!("OK [UIDNEXT {}] the next UID", folder.uid_next));
        }
        if shared.profile.offers("CONDSTORE") {
            line(out, &format!("OK [HIGHESTMODSEQ {}] the newest change", folder.highest_modseq));
        }
        Some(Selected::new(&name, folder, read_only))
    });
    session.selected = Some(selected.context("[NONEXISTENT] No such folder")?);
    Ok(if read_only { "[READ-ONLY] examined".to_owned() } else { "[READ-WRITE] selected".to_owned() })
}

#[expect(clippy::too_many_arguments, reason = "they are FETCH's own")]
fn fetch(
    session: &mut Session,
    user: &str,
    set: &SequenceSet,
    items: MacroOrMessageDataItemNames<'_>,
    ids: Vec<IdItem>,
    uid: bool,
    modifiers: &[FetchModifier],
    out: &mut Vec<u8>,
) -> Result<Done> {
    let mut items = match &items {
        MacroOrMessageDataItemNames::Macro(fetch_macro) => fetch_macro.expand(),
        MacroOrMessageDataItemNames::MessageDataItemNames(items) => items.clone(),
    };
    if uid && !items.contains(&MessageDataItemName::Uid) {
        items.insert(0, MessageDataItemName::Uid);
    }
    let changed_since = modifiers.iter().find_map(|modifier| match modifier {
        FetchModifier::ChangedSince(modseq) => Some(modseq.get()),
        FetchModifier::Vanished => None,
    });
    if changed_since.is_some() && !items.contains(&MessageDataItemName::ModSeq) {
        items.push(MessageDataItemName::ModSeq);
    }
    session.condstore |= items.contains(&MessageDataItemName::ModSeq);
    let wanted = Wanted { items, ids };
    let limit = session.shared.profile.message_limit;
    let (read, limited) = on_selected(session, user, |selected, folder| {
        let mut read = Vec::new();
        let mut count = 0;
        for (seq, number) in chosen(selected, set, uid) {
            let Some(message) = folder.messages.get(&number) else { continue };
            if changed_since.is_some_and(|modseq| message.modseq <= modseq) {
                continue;
            }
            if limit.is_some_and(|limit| count >= limit) {
                return Ok((read, true));
            }
            count += 1;
            out.extend(wanted.response(seq, number, message)?);
            if wanted.marks_as_read() && !selected.read_only {
                read.push(number);
            }
        }
        Ok((read, false))
    })?;
    let name = session.selected.as_ref().map(|selected| selected.name.clone()).unwrap_or_default();
    if !read.is_empty() {
        session.shared.change(user, |mailboxes| {
            if let Some(folder) = mailboxes.folders.get_mut(&name) {
                for number in read {
                    folder.update_flags(number, |flags| {
                        flags.insert("\\Seen".to_owned());
                    });
                }
            }
        });
    }
    match limit {
        Some(limit) if limited => bail!("[MESSAGELIMIT {limit}] Too many messages at once"),
        _ => done("those"),
    }
}

#[expect(clippy::too_many_arguments, reason = "they are STORE's own")]
fn store(
    session: &mut Session,
    user: &str,
    set: &SequenceSet,
    kind: &StoreType,
    flags: &[Flag<'_>],
    uid: bool,
    silent: bool,
    out: &mut Vec<u8>,
) -> Result<Done> {
    let selected = session.selected.as_ref().context("No folder is open")?;
    if selected.read_only {
        bail!("[READ-ONLY] The folder is open for reading only");
    }
    let named = flags.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let chosen = chosen(selected, set, uid).collect::<Vec<_>>();
    session.shared.change(user, |mailboxes| {
        let folder = mailboxes.folders.get_mut(&selected.name).context("The folder has gone")?;
        for (seq, number) in chosen {
            folder.update_flags(number, |flags| match kind {
                StoreType::Replace => flags.clone_from(&named),
                StoreType::Add => flags.extend(named.iter().cloned()),
                StoreType::Remove => flags.retain(|flag| !named.contains(flag)),
            });
            if let Some(message) = folder.messages.get(&number).filter(|_| !silent) {
                out.extend(flags_changed(seq, number, message, false)?);
            }
        }
        done("stored")
    })
}

fn expunge(session: &Session, user: &str, only: Option<&SequenceSet>) -> Result<Done> {
    let selected = session.selected.as_ref().context("No folder is open")?;
    if selected.read_only {
        bail!("[READ-ONLY] The folder is open for reading only");
    }
    let only = only.map(|set| Ranges::new(set, selected.last_uid()));
    session.shared.change(user, |mailboxes| {
        let folder = mailboxes.folders.get_mut(&selected.name).context("The folder has gone")?;
        let deleted = folder.messages.iter().filter(|(uid, message)| {
            message.flags.contains("\\Deleted") && only.as_ref().is_none_or(|only| only.contains(**uid))
        });
        for uid in deleted.map(|(uid, _)| *uid).collect::<Vec<_>>() {
            folder.expunge(uid);
        }
        done("expunged")
    })
}

/// The messages of a set that the client knows: sequence numbers and UIDs.
fn chosen(selected: &Selected, set: &SequenceSet, uid: bool) -> impl Iterator<Item = (u32, u32)> {
    let ranges = Ranges::new(set, if uid { selected.last_uid() } else { selected.last_seq() });
    selected.numbered().filter(move |(seq, number)| ranges.contains(if uid { *number } else { *seq }))
}

fn on_selected<T>(
    session: &Session,
    user: &str,
    look: impl FnOnce(&Selected, &super::folder::Folder) -> Result<T>,
) -> Result<T> {
    let selected = session.selected.as_ref().context("No folder is open")?;
    let found = session.shared.read(user, None, |mailboxes| {
        mailboxes.folders.get(&selected.name).map(|folder| look(selected, folder))
    });
    found.context("The folder has gone")?
}

fn extended_list(session: &Session, tag: &str, bytes: &[u8]) -> Reply {
    let Some(user) = &session.user else { return tagged(tag, "BAD sign in first") };
    let (_, _, line) = outline(bytes);
    let arguments = line.split_once(' ').map_or("", |(_, arguments)| arguments);
    let profile = &session.shared.profile;
    let answer = ListCommand::parse(arguments).and_then(|command| {
        session.shared.read(user, Ok(Vec::new()), |mailboxes| command.answer(mailboxes, profile))
    });
    match answer {
        Ok(untagged) => Reply { untagged, ..tagged(tag, "OK those") },
        Err(error) => tagged(tag, &format!("BAD {error:#}")),
    }
}

/// Takes the FETCH items out of a command that imap-codec doesn't know.
fn without_id_items(session: &Session, name: &str, bytes: &[u8]) -> (Vec<u8>, Vec<IdItem>) {
    if !name.ends_with("FETCH") {
        return (bytes.to_vec(), Vec::new());
    }
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    let offered = IdItem::ALL.into_iter().filter(|item| session.shared.profile.offers(item.capability()));
    let wanted = offered.filter(|item| {
        let before = text.len();
        for pattern in [format!(" {}", item.name()), format!("{} ", item.name())] {
            text = text.replace(&pattern, "");
        }
        text.len() < before
    });
    let wanted = wanted.collect();
    (text.into_bytes(), wanted)
}

fn done(text: &str) -> Result<Done> {
    Ok(text.to_owned())
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"* ");
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn wire_name(mailbox: &Mailbox<'_>) -> String {
    match mailbox {
        Mailbox::Inbox => "INBOX".to_owned(),
        Mailbox::Other(other) => String::from_utf8_lossy(other.inner().as_ref()).into_owned(),
    }
}

fn name(mailbox: &Mailbox<'_>) -> Result<String> {
    folder_name::decode(&wire_name(mailbox)).context("[CANNOT] That is not a folder's name")
}
