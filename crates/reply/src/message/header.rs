//! One pass over a header block that hands out the fields detection looks at and skips the others unread.

use memchr::{memchr, memrchr};

use super::field::Field;

/// What is read of one header block; mail with a longer one is read as if it ended here.
const MAX_BLOCK: usize = 256 * 1024;
/// What is read of one field: more than any sane In-Reply-To, Subject or recipient list needs.
const MAX_FIELD: usize = 32 * 1024;

/// Calls `on_field` with each known field and its raw, possibly folded value; returns where the body begins.
///
/// Lenient as mailbox contents demand: LF and CRLF, an mbox `From ` line or other lines without a colon in between
/// are skipped (RFC 5322 §4 asks receivers to accept what they can).
pub(crate) fn scan<'x>(raw: &'x [u8], mut on_field: impl FnMut(Field, &'x [u8])) -> usize {
    let end = raw.len().min(MAX_BLOCK);
    let mut at = leading_blanks(raw.get(..end).unwrap_or(raw));
    while let Some(rest) = raw.get(at..end).filter(|rest| !rest.is_empty()) {
        let line_end = line_length(rest);
        if is_blank(rest.get(..line_end).unwrap_or_default()) {
            return at + line_end;
        }
        // A continuation that belongs to nothing (the block's first line) is skipped with its own continuations.
        let mut field_end = line_end;
        while let Some(&[b' ' | b'\t', ..]) = rest.get(field_end..) {
            let continuation = rest.get(field_end..).unwrap_or_default();
            let length = line_length(continuation);
            if is_blank(continuation.get(..length).unwrap_or_default()) && length < continuation.len() {
                // A line of blanks only: some mail filters leave one inside the block, others mean the end of it.
                // What follows decides: another field or continuation, or the body.
                if !looks_like_header(continuation.get(length..).unwrap_or_default()) {
                    break;
                }
            }
            field_end += length;
        }
        if let Some((field, value)) = split_field(rest.get(..field_end).unwrap_or_default()) {
            on_field(field, value);
        }
        at += field_end;
    }
    at
}

/// Blank lines before the first field, which exports leave there; none where no field follows.
fn leading_blanks(raw: &[u8]) -> usize {
    let blanks = raw.len() - raw.trim_ascii_start().len();
    if blanks == 0 {
        return 0;
    }
    let start = raw.get(..blanks).and_then(|blanks| memrchr(b'\n', blanks)).map_or(0, |at| at + 1);
    if start > 0 && looks_like_header(raw.get(start..).unwrap_or_default()) { start } else { 0 }
}

/// The field and its value, if it is one that detection looks at.
fn split_field(line: &[u8]) -> Option<(Field, &[u8])> {
    let colon = memchr(b':', line.get(..line.len().min(64))?)?;
    let (name, value) = line.split_at_checked(colon)?;
    let field = Field::from_name(name.trim_ascii_end())?;
    let value = value.get(1..)?;
    Some((field, value.get(..MAX_FIELD).unwrap_or(value).trim_ascii()))
}

/// Up to and including the line feed.
fn line_length(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

/// Whether the line begins with a field name and a colon, or continues a field.
fn looks_like_header(bytes: &[u8]) -> bool {
    let line = bytes.get(..line_length(bytes)).unwrap_or_default();
    match line.first() {
        Some(b' ' | b'\t') => !is_blank(line),
        Some(_) => line
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
            .is_some_and(|at| at > 0 && line.get(at) == Some(&b':')),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(raw: &str) -> (Vec<(&'static str, String)>, usize) {
        let mut found = Vec::new();
        let body = scan(raw.as_bytes(), |field, value| {
            found.push((field.name(), String::from_utf8_lossy(value).into_owned()));
        });
        (found, body)
    }

    #[test]
    fn known_fields_are_found_folded_in_any_case_and_with_either_line_end() {
        for newline in ["\n", "\r\n"] {
            let raw = format!(
                "From rep Thu Nov 19 2026{newline}X-Other: <a@b>{newline} c{newline}SUBJECT : Hello{newline}\tworld{newline}to:x@y.example{newline}{newline}Subject: body"
            );
            let (found, body) = fields(&raw);
            assert_eq!(found, [("Subject", format!("Hello{newline}\tworld")), ("To", "x@y.example".into())]);
            assert_eq!(raw.get(body..), Some("Subject: body"));
        }
    }

    #[test]
    fn a_line_of_blanks_inside_the_block_does_not_end_it_but_one_before_the_body_does() {
        let (found, body) = fields("Subject: a\n \nFrom: b@c.example\n \nHello: there is a body\n");
        assert_eq!(found.len(), 2);
        assert!(body > 0);
        let (found, body) = fields("Subject: a\n \nHello there.\nFrom: x\n");
        assert_eq!(found.len(), 1);
        assert_eq!(body, "Subject: a\n \n".len());
    }

    #[test]
    fn a_block_without_an_end_or_a_colon_is_read_to_its_end() {
        assert_eq!(fields("no header at all").1, 16);
        assert_eq!(fields("").1, 0);
    }

    #[test]
    fn blank_lines_before_the_first_field_are_skipped() {
        assert_eq!(fields("\r\n    \r\nSubject: a\r\n\r\nbody").0.len(), 1);
        assert_eq!(fields("\n\nHello there.\nSubject: a\n").0.len(), 0);
    }
}
