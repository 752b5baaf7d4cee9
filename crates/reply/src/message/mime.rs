//! A bounded walk over MIME parts: no recursion deeper than [`MAX_DEPTH`], no more than [`MAX_PARTS`] parts, each
//! byte looked at once a level, and nothing decoded that nobody asked for.

use memchr::memmem;

use super::{content_type::ContentType, field::Field, header};

/// Deeper parts are left unread.
const MAX_DEPTH: usize = 10;
/// Further parts are left unread.
const MAX_PARTS: usize = 200;

/// How a part's bytes are encoded for transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    #[default]
    Identity,
    QuotedPrintable,
    Base64,
}

impl Encoding {
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let name = raw.trim_ascii();
        if name.eq_ignore_ascii_case(b"base64") {
            Self::Base64
        } else if name.eq_ignore_ascii_case(b"quoted-printable") {
            Self::QuotedPrintable
        } else {
            Self::Identity
        }
    }
}

/// A leaf of the tree of parts.
pub(crate) struct Part<'x> {
    pub content_type: &'x ContentType,
    pub encoding: Encoding,
    pub body: &'x [u8],
    /// Its place among the parts of a multipart/report, if it is in one.
    pub in_report: bool,
}

/// What the walk left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walked {
    pub parts: usize,
    pub skipped: bool,
}

/// Calls `visit` with each leaf, in order.
pub(crate) fn walk(
    content_type: &ContentType,
    encoding: Encoding,
    body: &[u8],
    visit: &mut impl FnMut(&Part<'_>),
) -> Walked {
    let mut walked = Walked::default();
    walk_part(content_type, encoding, body, Place::default(), &mut walked, visit);
    walked
}

#[derive(Clone, Copy, Default)]
struct Place {
    depth: usize,
    in_report: bool,
}

fn walk_part(
    content_type: &ContentType,
    encoding: Encoding,
    body: &[u8],
    place: Place,
    walked: &mut Walked,
    visit: &mut impl FnMut(&Part<'_>),
) {
    walked.parts += 1;
    if walked.parts > MAX_PARTS || place.depth > MAX_DEPTH {
        walked.skipped = true;
        return;
    }
    let multipart = content_type.boundary.as_deref().filter(|_| content_type.is_multipart());
    let Some(boundary) = multipart else {
        visit(&Part { content_type, encoding, body, in_report: place.in_report });
        return;
    };
    let inner = Place { depth: place.depth + 1, in_report: place.in_report || content_type.is_report() };
    let mut found = false;
    for part in Parts::new(body, boundary.as_bytes()) {
        found = true;
        if walked.parts >= MAX_PARTS {
            walked.skipped = true;
            return;
        }
        let (part_type, part_encoding, part_body) = read_head(part);
        walk_part(&part_type, part_encoding, part_body, inner, walked, visit);
    }
    if !found {
        // The boundary never comes: what is there is read as text.
        let text = ContentType::default();
        visit(&Part { content_type: &text, encoding, body, in_report: inner.in_report });
    }
}

fn read_head(part: &[u8]) -> (ContentType, Encoding, &[u8]) {
    let mut content_type = None;
    let mut encoding = Encoding::Identity;
    let start = header::scan(part, |field, value| match field {
        Field::ContentType if content_type.is_none() => content_type = Some(ContentType::parse(value)),
        Field::ContentTransferEncoding => encoding = Encoding::parse(value),
        _ => {}
    });
    (content_type.unwrap_or_default(), encoding, part.get(start..).unwrap_or_default())
}

/// The parts between a multipart's delimiters (RFC 2046 §5.1.1); preamble and epilogue are left out, and a part
/// that the end of the bytes cut off is the last.
struct Parts<'x> {
    body: &'x [u8],
    delimiter: Vec<u8>,
    /// Where the next part's content begins.
    at: Option<usize>,
}

impl<'x> Parts<'x> {
    fn new(body: &'x [u8], boundary: &[u8]) -> Self {
        let mut delimiter = Vec::with_capacity(boundary.len() + 2);
        delimiter.extend_from_slice(b"--");
        delimiter.extend_from_slice(boundary);
        let mut parts = Self { body, delimiter, at: None };
        parts.at = parts.next_delimiter(0).and_then(|delimiter| delimiter.next);
        parts
    }

    fn next_delimiter(&self, from: usize) -> Option<Delimiter> {
        let finder = memmem::Finder::new(&self.delimiter);
        let mut from = from;
        loop {
            let at = from + finder.find(self.body.get(from..)?)?;
            let after = at + self.delimiter.len();
            from = after;
            if at > 0 && self.body.get(at - 1) != Some(&b'\n') {
                continue;
            }
            let rest = self.body.get(after..)?;
            let line = rest.get(..memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1))?;
            let closing = line.starts_with(b"--");
            let tail = if closing { line.get(2..)? } else { line };
            // Another boundary may begin with this one: only blanks may follow.
            if tail.trim_ascii().is_empty() {
                return Some(Delimiter { at, next: (!closing).then_some(after + line.len()) });
            }
        }
    }
}

struct Delimiter {
    at: usize,
    next: Option<usize>,
}

impl<'x> Iterator for Parts<'x> {
    type Item = &'x [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at?;
        match self.next_delimiter(start) {
            Some(delimiter) => {
                self.at = delimiter.next;
                let part = self.body.get(start..delimiter.at)?;
                // The line break before a delimiter belongs to it.
                let part = part.strip_suffix(b"\n").unwrap_or(part);
                Some(part.strip_suffix(b"\r").unwrap_or(part))
            }
            None => {
                self.at = None;
                self.body.get(start..).filter(|part| !part.is_empty())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(raw: &str) -> (Vec<(String, String)>, Walked) {
        let (content_type, encoding, body) = read_head(raw.as_bytes());
        let mut leaves = Vec::new();
        let walked = walk(&content_type, encoding, body, &mut |part| {
            leaves.push((part.content_type.media.clone(), String::from_utf8_lossy(part.body).into_owned()));
        });
        (leaves, walked)
    }

    #[test]
    fn parts_are_found_also_nested_and_where_one_boundary_begins_with_another() {
        let raw = "Content-Type: multipart/mixed; boundary=a\n\npreamble\n--a\nContent-Type: multipart/alternative; boundary=ab\n\n--ab\n\nplain\n--ab\nContent-Type: text/html\n\n<p>html\n--ab--\n--a\nContent-Type: image/png\n\n--abc not a delimiter\n--a--\nepilogue";
        let (leaves, _) = leaves(raw);
        let expected =
            [("text/plain", "plain"), ("text/html", "<p>html"), ("image/png", "--abc not a delimiter")];
        assert_eq!(leaves.len(), 3);
        for ((media, body), (want_media, want_body)) in leaves.iter().zip(expected) {
            assert_eq!((media.as_str(), body.as_str()), (want_media, want_body));
        }
    }

    #[test]
    fn a_message_cut_off_in_a_part_keeps_what_is_there() {
        let (leaves, _) =
            leaves("Content-Type: multipart/mixed; boundary=a\n\n--a\n\nfirst\n--a\n\nsecond, cut");
        assert_eq!(leaves[1].1, "second, cut");
    }

    #[test]
    fn a_multipart_whose_boundary_never_comes_is_text() {
        let (leaves, _) = leaves("Content-Type: multipart/mixed; boundary=nowhere\n\nhello");
        assert_eq!(leaves, [("text/plain".to_owned(), "hello".to_owned())]);
    }

    #[test]
    fn deep_nesting_and_many_parts_are_bounded() {
        let mut deep = String::new();
        for level in 0..10_000 {
            deep.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"));
        }
        assert!(leaves(&deep).1.skipped);
        let many = format!("Content-Type: multipart/mixed; boundary=a\n\n{}", "--a\n\nx\n".repeat(100_000));
        let (found, walked) = leaves(&many);
        assert!(walked.skipped && found.len() <= MAX_PARTS);
    }
}
