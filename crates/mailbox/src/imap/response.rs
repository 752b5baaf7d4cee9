//! The server's responses (RFC 9051 §7), as far as watching needs them.
//!
//! Each response is read on its own, so one that makes no sense costs that response and not the connection.

use std::borrow::Cow;

use super::fetch::FetchRow;
use super::syntax::{Reader, ascii};

/// One response of the server.
#[derive(Debug)]
pub(crate) enum Response<'a> {
    /// The server waits for more: the rest of a literal, a SASL answer, or IDLE's end. Holds the text.
    Continue(&'a [u8]),
    /// A command's end.
    Tagged { tag: &'a str, status: Condition<'a> },
    /// Anything else that was understood.
    Untagged(Untagged<'a>),
    /// Not IMAP, or of no interest.
    Other,
}

/// An untagged response.
#[derive(Debug)]
pub(crate) enum Untagged<'a> {
    /// `* OK`, `* NO`, `* BAD`, `* PREAUTH`, `* BYE`.
    Condition(Condition<'a>),
    /// What the server can do, one word each.
    Capability(Vec<&'a str>),
    /// A folder.
    List(ListRow<'a>),
    /// A folder's figures.
    Status { folder: Cow<'a, [u8]>, figures: Figures },
    /// UIDs (the client only ever sends UID SEARCH).
    Search(Vec<u32>),
    /// How many messages the selected folder holds now.
    Exists(u32),
    /// A message left the selected folder.
    Expunge,
    /// Facts of a message.
    Fetch(FetchRow<'a>),
    /// A FETCH response that couldn't be read.
    BadFetch,
    /// The prefixes of folders that belong to others or to all (RFC 2342).
    Namespace { foreign: Vec<Vec<u8>> },
    /// Names and versions of the server's software, as one text.
    Id(&'a [u8]),
}

/// The three outcomes of a command, and the two of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    No,
    Bad,
    Bye,
    Preauth,
}

/// A status response: outcome, code and text.
#[derive(Debug)]
pub(crate) struct Condition<'a> {
    pub(crate) outcome: Outcome,
    /// What stands in square brackets, without them.
    pub(crate) code: Option<&'a [u8]>,
    /// For people; never shown, as it may hold anything.
    pub(crate) text: &'a [u8],
}

impl<'a> Condition<'a> {
    /// The code's name and what follows it.
    pub(crate) fn code_parts(&self) -> Option<(&'a str, Reader<'a>)> {
        let mut reader = Reader::new(self.code?);
        let name = ascii(reader.atom());
        reader.blanks();
        Some((name, reader))
    }

    /// The number of a code such as UIDNEXT.
    pub(crate) fn code_number(&self, name: &str) -> Option<u64> {
        let (found, mut reader) = self.code_parts()?;
        if found.eq_ignore_ascii_case(name) { reader.number() } else { None }
    }

    /// The list in `[CAPABILITY …]`.
    pub(crate) fn code_capabilities(&self) -> Option<Vec<&'a str>> {
        let (name, reader) = self.code_parts()?;
        name.eq_ignore_ascii_case("CAPABILITY").then(|| words(reader.rest()))
    }
}

/// A LIST response.
#[derive(Debug)]
pub(crate) struct ListRow<'a> {
    /// `\Sent`, `\Noselect`, …
    pub(crate) attributes: Vec<&'a str>,
    /// Between the levels of a name.
    pub(crate) delimiter: Option<u8>,
    /// As on the wire.
    pub(crate) name: Cow<'a, [u8]>,
}

/// What STATUS says about a folder; each figure may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) messages: Option<u32>,
    pub(crate) uid_next: Option<u32>,
    pub(crate) uid_validity: Option<u32>,
}

/// Reads one response, with its line end.
pub(crate) fn parse(bytes: &[u8]) -> Response<'_> {
    let mut reader = Reader::new(bytes);
    if reader.eat(b'+') {
        reader.blanks();
        return Response::Continue(reader.rest().trim_ascii_end());
    }
    let tag = reader.atom();
    reader.blanks();
    if tag == b"*" {
        return untagged(reader).map_or(Response::Other, Response::Untagged);
    }
    match condition(&mut reader) {
        Some(status) => Response::Tagged { tag: ascii(tag), status },
        None => Response::Other,
    }
}

fn condition<'a>(reader: &mut Reader<'a>) -> Option<Condition<'a>> {
    let outcome = match ascii(reader.atom()).to_ascii_uppercase().as_str() {
        "OK" => Outcome::Ok,
        "NO" => Outcome::No,
        "BAD" => Outcome::Bad,
        "BYE" => Outcome::Bye,
        "PREAUTH" => Outcome::Preauth,
        _ => return None,
    };
    reader.blanks();
    let line = reader.rest().trim_ascii_end();
    // The text is often missing where the grammar demands one (Gmail's HIGHESTMODSEQ).
    let (code, text) = match line.strip_prefix(b"[") {
        Some(inner) => match inner.iter().position(|b| *b == b']') {
            Some(end) => (inner.get(..end), inner.get(end + 1..).unwrap_or_default()),
            None => (None, line),
        },
        None => (None, line),
    };
    Some(Condition { outcome, code, text: text.trim_ascii() })
}

fn untagged<'a>(mut reader: Reader<'a>) -> Option<Untagged<'a>> {
    let start = reader.clone();
    if let Some(number) = reader.number() {
        reader.blanks();
        let number = u32::try_from(number).ok()?;
        return match ascii(reader.atom()).to_ascii_uppercase().as_str() {
            "EXISTS" => Some(Untagged::Exists(number)),
            "EXPUNGE" => Some(Untagged::Expunge),
            "FETCH" => Some(FetchRow::parse(reader).map_or(Untagged::BadFetch, Untagged::Fetch)),
            _ => None,
        };
    }
    let keyword = ascii(reader.atom()).to_ascii_uppercase();
    reader.blanks();
    match keyword.as_str() {
        "OK" | "NO" | "BAD" | "BYE" | "PREAUTH" => condition(&mut start.clone()).map(Untagged::Condition),
        "CAPABILITY" => Some(Untagged::Capability(words(reader.rest()))),
        "LIST" | "XLIST" | "LSUB" => list(reader).map(Untagged::List),
        "STATUS" => status(reader),
        "SEARCH" => {
            let uids = words(reader.rest()).into_iter();
            // Ends at `(MODSEQ n)`.
            Some(Untagged::Search(uids.map_while(|word| word.parse().ok()).collect()))
        }
        "NAMESPACE" => namespace(reader),
        "ID" => Some(Untagged::Id(reader.rest().trim_ascii())),
        "VANISHED" => Some(Untagged::Expunge),
        _ => None,
    }
}

fn words(text: &[u8]) -> Vec<&str> {
    text.split(|b| b.is_ascii_whitespace()).map(ascii).filter(|word| !word.is_empty()).collect()
}

fn list(mut reader: Reader<'_>) -> Option<ListRow<'_>> {
    let mut attributes = Vec::new();
    if !reader.eat(b'(') {
        return None;
    }
    loop {
        reader.blanks();
        if reader.eat(b')') {
            break;
        }
        match reader.atom() {
            b"" => return None,
            atom => attributes.push(ascii(atom)),
        }
    }
    reader.blanks();
    let delimiter = reader.string()?.and_then(|text| text.first().copied());
    reader.blanks();
    let name = match reader.peek()? {
        b'"' | b'{' => reader.string()??,
        // A name with blanks and no quotes has been seen; it ends with the line.
        _ => Cow::Borrowed(reader.rest().trim_ascii_end()),
    };
    Some(ListRow { attributes, delimiter, name })
}

/// Personal, other users', shared: each NIL or a list of prefix and delimiter.
fn namespace(mut reader: Reader<'_>) -> Option<Untagged<'_>> {
    reader.skip_value()?;
    let mut foreign = Vec::new();
    for _ in 0..2 {
        reader.blanks();
        if !reader.eat(b'(') {
            reader.skip_value()?;
            continue;
        }
        loop {
            reader.blanks();
            if reader.eat(b')') {
                break;
            }
            if !reader.eat(b'(') {
                return None;
            }
            foreign.extend(reader.string()?.map(Cow::into_owned).filter(|prefix| !prefix.is_empty()));
            loop {
                reader.blanks();
                if reader.eat(b')') {
                    break;
                }
                reader.skip_value()?;
            }
        }
    }
    Some(Untagged::Namespace { foreign })
}

fn status(mut reader: Reader<'_>) -> Option<Untagged<'_>> {
    let folder = match reader.peek()? {
        b'"' | b'{' => reader.string()??,
        // Exchange has sent names with blanks unquoted; the figures' parenthesis ends them.
        _ => {
            let rest = reader.rest();
            let end = rest.iter().rposition(|b| *b == b'(')?;
            let (name, figures) = rest.split_at(end);
            reader = Reader::new(figures);
            Cow::Borrowed(name.trim_ascii_end())
        }
    };
    reader.blanks();
    if !reader.eat(b'(') {
        return None;
    }
    let mut figures = Figures::default();
    loop {
        reader.blanks();
        let name = match reader.atom() {
            b"" => break,
            name => ascii(name).to_ascii_uppercase(),
        };
        reader.blanks();
        let Some(number) = reader.number() else {
            reader.skip_value()?;
            continue;
        };
        let number = u32::try_from(number).ok();
        match name.as_str() {
            "MESSAGES" => figures.messages = number,
            "UIDNEXT" => figures.uid_next = number.filter(|n| *n > 0),
            "UIDVALIDITY" => figures.uid_validity = number.filter(|n| *n > 0),
            _ => {}
        }
    }
    Some(Untagged::Status { folder, figures })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untagged_of(line: &str) -> Untagged<'_> {
        match parse(line.as_bytes()) {
            Response::Untagged(untagged) => untagged,
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    #[test]
    fn trailing_spaces_do_no_harm() {
        // Exchange's STATUS, Yahoo's SEARCH, QQ's CAPABILITY.
        let Untagged::Status { folder, figures } =
            untagged_of("* STATUS \"INBOX\" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 1 ) \r\n")
        else {
            panic!()
        };
        assert_eq!(&*folder, b"INBOX");
        assert_eq!(figures, Figures { messages: Some(3), uid_next: Some(9), uid_validity: Some(1) });
        let Untagged::Search(uids) = untagged_of("* SEARCH 1 2 7 \r\n") else { panic!() };
        assert_eq!(uids, [1, 2, 7]);
        let Untagged::Capability(words) = untagged_of("* CAPABILITY IMAP4rev1  IDLE \r\n") else { panic!() };
        assert_eq!(words, ["IMAP4rev1", "IDLE"]);
    }

    #[test]
    fn a_folder_with_an_unquoted_blank_is_read() {
        let Untagged::Status { folder, figures } = untagged_of("* STATUS Sent Items (UIDNEXT 4)\r\n") else {
            panic!()
        };
        assert_eq!((&*folder, figures.uid_next), (&b"Sent Items"[..], Some(4)));
        let Untagged::List(row) = untagged_of("* LIST (\\HasNoChildren) \"/\" Sent Items\r\n") else {
            panic!()
        };
        assert_eq!(&*row.name, b"Sent Items");
    }

    #[test]
    fn lists_are_read_with_attributes_and_delimiter() {
        let Untagged::List(row) =
            untagged_of("* LIST (\\HasNoChildren \\Sent) NIL {4}\r\nS\"nt (\"CHILDINFO\" (\"X\"))\r\n")
        else {
            panic!()
        };
        assert_eq!(
            (row.attributes, row.delimiter, &*row.name),
            (vec!["\\HasNoChildren", "\\Sent"], None, &b"S\"nt"[..])
        );
    }

    #[test]
    fn a_code_needs_no_text() {
        let Untagged::Condition(c) = untagged_of("* OK [HIGHESTMODSEQ 12]\r\n") else { panic!() };
        assert_eq!(c.code_number("highestmodseq"), Some(12));
        let Untagged::Condition(c) = untagged_of("* OK\r\n") else { panic!() };
        assert_eq!((c.outcome, c.code), (Outcome::Ok, None));
    }

    #[test]
    fn a_search_with_modseq_ends_before_it() {
        let Untagged::Search(uids) = untagged_of("* SEARCH 1 2 (MODSEQ 9)\r\n") else { panic!() };
        assert_eq!(uids, [1, 2]);
    }

    #[test]
    fn foreign_namespaces_are_found() {
        for (line, expected) in [
            (
                r##"* NAMESPACE (("" "/")) (("~" "/")) (("#shared/" "/")("#public/" "/" "X" ("y")))"##,
                &["~", "#shared/", "#public/"][..],
            ),
            (r#"* NAMESPACE (("INBOX." ".")) NIL NIL"#, &[]),
            (r#"* NAMESPACE NIL (("" "/")) NIL"#, &[]),
        ] {
            let Untagged::Namespace { foreign } = untagged_of(line) else { panic!("{line}") };
            assert_eq!(foreign, expected.iter().map(|p| p.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nonsense_is_other() {
        for line in
            ["* Goodbye\r\n", "* XFOO bar\r\n", "\r\n", "hello\r\n", "* 99999999999 EXISTS\r\n", "*\r\n"]
        {
            assert!(matches!(parse(line.as_bytes()), Response::Other), "{line:?}");
        }
    }

    #[test]
    fn tagged_and_continuation_lines_are_told_apart() {
        assert!(matches!(parse(b"+\r\n"), Response::Continue(b"")));
        assert!(matches!(parse(b"+ idling\r\n"), Response::Continue(b"idling")));
        let Response::Tagged { tag, status } = parse(b"A7 NO [LIMIT] slow down\r\n") else { panic!() };
        assert_eq!((tag, status.outcome, status.code), ("A7", Outcome::No, Some(&b"LIMIT"[..])));
    }
}
