//! Content-Type (RFC 2045 §5.1, parameters also by RFC 2231).

use super::encoded_word::decode_charset;

/// A media type in lower case and the parameters that detection needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// `type/subtype`; `text/plain` where the field is absent or unreadable (RFC 2045 §5.2).
    pub media: String,
    /// What separates a multipart's parts.
    pub boundary: Option<String>,
    /// The charset of text.
    pub charset: Option<String>,
    /// What a multipart/report reports (RFC 6522), in lower case.
    pub report_type: Option<String>,
    /// The iTIP method of a calendar part (RFC 6047 §2.4), in upper case.
    pub method: Option<String>,
    /// `format=flowed` (RFC 3676).
    pub flowed: bool,
    /// `delsp=yes` (RFC 3676).
    pub delsp: bool,
    /// The file name of an attachment.
    pub name: Option<String>,
}

impl Default for ContentType {
    fn default() -> Self {
        Self {
            media: "text/plain".into(),
            boundary: None,
            charset: None,
            report_type: None,
            method: None,
            flowed: false,
            delsp: false,
            name: None,
        }
    }
}

impl ContentType {
    /// Reads a field's value.
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let mut parsed = Self::default();
        let mut segments = Segments { rest: raw };
        if let Some(media) = segments.next() {
            let media = String::from_utf8_lossy(media.trim_ascii()).to_ascii_lowercase();
            // "text" alone is an old way to say text/plain; anything else without a slash is unreadable.
            if media.contains('/') {
                parsed.media = media.chars().filter(|c| !c.is_whitespace()).collect();
            }
        }
        for segment in segments.take(32) {
            let Some(equals) = memchr::memchr(b'=', segment) else { continue };
            let (name, value) = segment.split_at_checked(equals).unwrap_or_default();
            let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
            // RFC 2231: `name*=charset'language'value`, or numbered pieces of which the first is enough here.
            let base = name.split('*').next().unwrap_or_default();
            let value = unquote(value.get(1..).unwrap_or_default());
            match base {
                "boundary" => parsed.boundary = Some(value).filter(|boundary| !boundary.is_empty()),
                "charset" => parsed.charset = Some(value.rsplit('\'').next().unwrap_or_default().to_owned()),
                "report-type" => parsed.report_type = Some(value.to_ascii_lowercase()),
                "method" => parsed.method = Some(value.to_ascii_uppercase()),
                "format" => parsed.flowed = value.eq_ignore_ascii_case("flowed"),
                "delsp" => parsed.delsp = value.eq_ignore_ascii_case("yes"),
                "name" => parsed.name = Some(value),
                _ => {}
            }
        }
        parsed
    }

    /// Whether it is any `multipart/…`.
    pub fn is_multipart(&self) -> bool {
        self.media.starts_with("multipart/")
    }

    /// Whether it is a multipart/report, or another multipart that names a report type.
    pub fn is_report(&self) -> bool {
        self.media == "multipart/report" || (self.is_multipart() && self.report_type.is_some())
    }
}

/// The value split at semicolons outside quotes.
struct Segments<'x> {
    rest: &'x [u8],
}

impl<'x> Iterator for Segments<'x> {
    type Item = &'x [u8];

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let mut quoted = false;
        let mut escaped = false;
        let end = self.rest.iter().position(|&byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b';' => return !quoted,
                _ => {}
            }
            false
        });
        let (segment, rest) = match end {
            Some(at) => (self.rest.get(..at), self.rest.get(at + 1..)),
            None => (Some(self.rest), None),
        };
        self.rest = rest.unwrap_or_default();
        segment
    }
}

fn unquote(raw: &[u8]) -> String {
    let raw = raw.trim_ascii();
    let text = decode_charset(raw, None);
    let Some(quoted) = text.strip_prefix('"') else {
        // A comment may follow a token (RFC 2045 §5.1); a boundary holds no blank.
        return text.split([' ', '\t', '\r', '\n']).next().unwrap_or_default().to_owned();
    };
    let mut value = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => value.extend(chars.next()),
            '"' => break,
            '\r' | '\n' => {}
            _ => value.push(c),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_quoted_or_not_and_unreadable_types_are_plain_text() {
        let report =
            ContentType::parse(b"Multipart/Report; report-type=\"Delivery-Status\";\r\n\tboundary=\"a;b=c\"");
        assert_eq!(report.media, "multipart/report");
        assert_eq!(report.report_type.as_deref(), Some("delivery-status"));
        assert_eq!(report.boundary.as_deref(), Some("a;b=c"));
        assert!(report.is_report());

        let calendar = ContentType::parse(b"text/calendar; charset=UTF-8; method=reply (an answer)");
        assert_eq!(calendar.method.as_deref(), Some("REPLY"));
        assert_eq!(calendar.charset.as_deref(), Some("UTF-8"));

        let flowed = ContentType::parse(b"text/plain; format=flowed; delsp=yes");
        assert!(flowed.flowed && flowed.delsp);

        for unreadable in ["", "text", ";;;", "=", "\"", "multipart; boundary=x"] {
            assert_eq!(ContentType::parse(unreadable.as_bytes()).media, "text/plain", "{unreadable:?}");
        }
    }
}
