//! LIST with its extensions (RFC 5258, 5819, 6154), and STATUS.

use anyhow::{Context as _, Result, bail};
use imap_codec::ResponseCodec;
use imap_codec::encode::Encoder as _;
use imap_types::core::{Atom, QuotedChar};
use imap_types::flag::FlagNameAttribute;
use imap_types::mailbox::Mailbox;
use imap_types::response::{Data, Response};
use imap_types::status::{StatusDataItem, StatusDataItemName};

use super::fetch::non_zero;
use super::folder::{Folder, Mailboxes};
use super::folder_name;
use super::profile::Profile;

/// A LIST command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListCommand {
    /// The reference and the patterns, as wire names.
    pub(super) reference: String,
    pub(super) patterns: Vec<String>,
    /// Only folders with a special use.
    pub(super) special_use_only: bool,
    /// RETURN STATUS (RFC 5819).
    pub(super) status: Vec<StatusDataItemName>,
}

impl ListCommand {
    /// Reads the arguments of a LIST-EXTENDED command, which imap-codec does not.
    ///
    /// # Errors
    /// When they aren't ones.
    pub(super) fn parse(arguments: &str) -> Result<Self> {
        let mut tokens = tokens(arguments)?.into_iter().peekable();
        let mut command = Self::default();
        if let Some(options) = tokens.next_if(|token| matches!(token, Token::List(_))) {
            command.special_use_only = options.words().any(|word| word.eq_ignore_ascii_case("SPECIAL-USE"));
        }
        command.reference = tokens.next().and_then(Token::word).context("LIST without a reference")?;
        command.patterns = match tokens.next().context("LIST without a pattern")? {
            Token::Word(pattern) => vec![pattern],
            Token::List(patterns) => patterns.into_iter().filter_map(Token::word).collect(),
        };
        match (tokens.next(), tokens.next()) {
            (None, _) => {}
            (Some(Token::Word(word)), Some(Token::List(options))) if word.eq_ignore_ascii_case("RETURN") => {
                let mut options = options.into_iter();
                while let Some(option) = options.next() {
                    if option == Token::Word("STATUS".to_owned()) {
                        let items = options.next().context("RETURN STATUS without items")?;
                        command.status = items.words().map(status_item).collect::<Result<_>>()?;
                    }
                }
            }
            _ => bail!("LIST with something else"),
        }
        Ok(command)
    }

    /// The untagged answers.
    ///
    /// # Errors
    /// When a name can't be written.
    pub(super) fn answer(&self, mailboxes: &Mailboxes, profile: &Profile) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for (name, folder) in &mailboxes.folders {
            let wire = folder_name::encode(name);
            let full = |pattern: &String| format!("{}{pattern}", self.reference);
            if !self.patterns.iter().any(|pattern| matches(full(pattern).as_bytes(), wire.as_bytes()))
                || self.special_use_only && folder.special_use.is_none()
            {
                continue;
            }
            let has_children = mailboxes.folders.keys().any(|other| is_child(other, name));
            let items = attributes(folder, has_children, profile)?;
            let mailbox = Mailbox::try_from(wire).context("A folder's name")?;
            let list = Data::List { items, delimiter: Some(QuotedChar::try_from('/')?), mailbox };
            out.extend(ResponseCodec::new().encode(&Response::Data(list)).dump());
            if !self.status.is_empty() && folder.selectable {
                out.extend(status(name, folder, &self.status, profile)?);
            }
        }
        Ok(out)
    }
}

fn is_child(name: &str, parent: &str) -> bool {
    name.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/'))
}

fn attributes(
    folder: &Folder,
    has_children: bool,
    profile: &Profile,
) -> Result<Vec<FlagNameAttribute<'static>>> {
    let children = if has_children { "HasChildren" } else { "HasNoChildren" };
    let special_use = folder.special_use.as_deref().filter(|_| profile.special_use);
    let names = [(!folder.selectable && !folder.phantom).then_some("Noselect"), Some(children), special_use];
    let attribute =
        |name: &str| Atom::try_from(name.trim_start_matches('\\').to_owned()).map(FlagNameAttribute::from);
    Ok(names.into_iter().flatten().map(attribute).collect::<Result<_, _>>()?)
}

/// A STATUS line.
///
/// # Errors
/// For items that this server doesn't have.
pub(super) fn status(
    name: &str,
    folder: &Folder,
    items: &[StatusDataItemName],
    profile: &Profile,
) -> Result<Vec<u8>> {
    let item = |item: &StatusDataItemName| -> Result<Option<StatusDataItem>> {
        Ok(Some(match item {
            StatusDataItemName::Messages => StatusDataItem::Messages(u32::try_from(folder.messages.len())?),
            StatusDataItemName::Recent => StatusDataItem::Recent(0),
            StatusDataItemName::UidNext if !profile.uid_next => return Ok(None),
            StatusDataItemName::UidNext => StatusDataItem::UidNext(non_zero(folder.uid_next)?),
            StatusDataItemName::UidValidity => StatusDataItem::UidValidity(non_zero(folder.uid_validity)?),
            StatusDataItemName::Unseen => StatusDataItem::Unseen(u32::try_from(folder.unseen())?),
            StatusDataItemName::HighestModSeq => StatusDataItem::HighestModSeq(folder.highest_modseq),
            other => bail!("This server has no STATUS {other:?}"),
        }))
    };
    let items = items.iter().filter_map(|name| item(name).transpose()).collect::<Result<Vec<_>>>()?;
    let mailbox = Mailbox::try_from(folder_name::encode(name)).context("A folder's name")?;
    let mut line =
        ResponseCodec::new().encode(&Response::Data(Data::Status { mailbox, items: items.into() })).dump();
    if profile.trailing_blanks {
        let end = line.len().saturating_sub(b"\r\n".len());
        line.insert(end, b' ');
    }
    Ok(line)
}

fn status_item(name: &str) -> Result<StatusDataItemName> {
    Ok(match name.to_ascii_uppercase().as_str() {
        "MESSAGES" => StatusDataItemName::Messages,
        "RECENT" => StatusDataItemName::Recent,
        "UIDNEXT" => StatusDataItemName::UidNext,
        "UIDVALIDITY" => StatusDataItemName::UidValidity,
        "UNSEEN" => StatusDataItemName::Unseen,
        "HIGHESTMODSEQ" => StatusDataItemName::HighestModSeq,
        other => bail!("This server has no STATUS {other}"),
    })
}

/// LIST's wildcards: `*` is anything, `%` anything within one level. INBOX is the same in any case.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name == b"INBOX" && pattern.eq_ignore_ascii_case(name) {
        return true;
    }
    match pattern.split_first() {
        None => name.is_empty(),
        Some((wildcard @ (b'*' | b'%'), rest)) => {
            let reach = if *wildcard == b'*' {
                name.len()
            } else {
                name.iter().position(|byte| *byte == b'/').unwrap_or(name.len())
            };
            (0..=reach).any(|skip| matches(rest, name.get(skip..).unwrap_or_default()))
        }
        Some((byte, rest)) => {
            name.split_first().is_some_and(|(first, name)| first == byte && matches(rest, name))
        }
    }
}

/// The arguments of a command, as far as LIST needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    List(Vec<Token>),
}

impl Token {
    fn word(self) -> Option<String> {
        match self {
            Self::Word(word) => Some(word),
            Self::List(_) => None,
        }
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let tokens = match self {
            Self::Word(_) => std::slice::from_ref(self),
            Self::List(tokens) => tokens,
        };
        tokens.iter().filter_map(|token| match token {
            Self::Word(word) => Some(word.as_str()),
            Self::List(_) => None,
        })
    }
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut stack = vec![Vec::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let token = match c {
            ' ' => continue,
            '(' => {
                stack.push(Vec::new());
                continue;
            }
            ')' => Token::List(stack.pop().context("Too many closing parentheses")?),
            '"' => {
                let mut word = String::new();
                loop {
                    match chars.next().context("An open quoted string")? {
                        '"' => break,
                        '\\' => word.push(chars.next().context("An open quoted string")?),
                        c => word.push(c),
                    }
                }
                Token::Word(word)
            }
            c => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| !matches!(c, ' ' | '(' | ')')) {
                    word.push(c);
                }
                Token::Word(word)
            }
        };
        stack.last_mut().context("Too many closing parentheses")?.push(token);
    }
    let top = stack.pop().context("No arguments")?;
    if stack.is_empty() { Ok(top) } else { bail!("An open parenthesis") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_rfc_3501() {
        for (pattern, name, expected) in [
            ("*", "INBOX", true),
            ("%", "INBOX", true),
            ("inbox", "INBOX", true),
            ("*", "a/b", true),
            ("%", "a/b", false),
            ("a/%", "a/b", true),
            ("a/%", "a/b/c", false),
            ("a*c", "a/b/c", true),
            ("Sent", "sent", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn list_extended_is_read() {
        let command = ListCommand::parse(
            r#"(SPECIAL-USE) "" (INBOX "Sent*") RETURN (CHILDREN STATUS (MESSAGES UIDNEXT))"#,
        )
        .unwrap();
        assert_eq!(
            command,
            ListCommand {
                reference: String::new(),
                patterns: vec!["INBOX".into(), "Sent*".into()],
                special_use_only: true,
                status: vec![StatusDataItemName::Messages, StatusDataItemName::UidNext],
            }
        );
        for broken in ["", "\"\"", "\"\" * RETURN", "\"\" * (", "\"\" \"*", "\"\" * )"] {
            assert!(ListCommand::parse(broken).is_err(), "{broken}");
        }
    }
}
